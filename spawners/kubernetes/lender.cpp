#include "spawners/kubernetes/lender.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "spawners/container.hpp"
#include "spawners/kubernetes/said.hpp"
#include "spawners/kubernetes/sts.hpp"
#include "spawners/kubernetes/vault.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using chart::Json;

constexpr const char* kCover = "\u2022\u2022\u2022\u2022\u2022\u2022";

std::string with_user(std::string text, const std::string& username) {
  constexpr std::string_view kUser = "{user}";
  const std::string name = safe_name(username);
  for (std::size_t at = 0; (at = text.find(kUser, at)) != std::string::npos; at += name.size())
    text.replace(at, kUser.size(), name);
  return text;
}

struct Address {
  std::string host;
  int port = 443;
};

/// The configuration's check has let it in: scheme, host, perhaps a port.
Address address_of(const std::string& url) {
  const bool plain = url.starts_with("http://");
  const std::size_t begin = url.find("://") + 3;
  Address address{url.substr(begin, url.find('/', begin) - begin), plain ? 80 : 443};
  const std::size_t colon = address.host.rfind(':');
  if (colon == std::string::npos || address.host.ends_with(']')) return address;
  address.port = std::atoi(address.host.c_str() + colon + 1);
  address.host.resize(colon);
  return address;
}

/// In Onyxia's names.
Json s3_context(const config::S3Keys& settings,
                const std::string& username,
                const S3Credentials& keys) {
  const Address address = address_of(settings.endpoint.empty() ? settings.sts : settings.endpoint);
  const std::string bucket = with_user(settings.bucket, username);
  const std::string prefix = with_user(settings.prefix, username);
  const auto end = std::chrono::duration_cast<milliseconds>(keys.expires.time_since_epoch());
  return {{"isEnabled", true},
          {"isAnonymous", false},
          {"AWS_ACCESS_KEY_ID", keys.key_id},
          {"AWS_SECRET_ACCESS_KEY", keys.secret},
          {"AWS_SESSION_TOKEN", keys.session},
          {"AWS_DEFAULT_REGION", settings.region},
          {"AWS_S3_ENDPOINT", address.host},
          {"AWS_BUCKET_NAME", bucket},
          {"port", address.port},
          {"pathStyleAccess", settings.path_style},
          {"objectNamePrefix", prefix},
          {"workingDirectoryPath", prefix.empty() ? bucket : bucket + "/" + prefix},
          {"expirationTime", end.count()}};
}

Json vault_context(const config::VaultTokens& settings,
                   const std::string& username,
                   const std::string& token) {
  return {{"VAULT_ADDR", settings.url},
          {"VAULT_TOKEN", token},
          {"VAULT_MOUNT", settings.mount},
          {"VAULT_TOP_DIR", with_user(settings.directory, username)}};
}

/// AWS takes letters, digits and =,.@_- only, and 64 of them.
std::string session_name(const std::string& username) {
  constexpr std::size_t kLongest = 64;
  return safe_name(username).substr(0, kLongest);
}

/// What a service says may quote what it was sent.
Error without(const std::string& token, Error why) {
  constexpr std::size_t kTelling = 24;
  if (why.message().find(token.substr(0, kTelling)) == std::string::npos) return why;
  return {why.code(), "its words hold the token and are not repeated"};
}

Error not_given(const char* what, const Error& why) {
  const bool silent = why.code() == Errc::unavailable || why.code() == Errc::timeout;
  return Error(why.code(), silent ? Cause::spawner_down : Cause::profile_forbidden,
               std::string(what) + ": " + why.message());
}

/// No token, so nobody to ask.
Error no_sign_in() {
  return {Errc::forbidden,
          "they need a sign-in through an OpenID provider whose access token may be used "
          "(tokens_for_servers)"};
}

}  // namespace

Lender::Lender(asio::io_context& loop, config::S3Keys s3, config::VaultTokens vault)
    : s3_(std::move(s3)), vault_(std::move(vault)), http_(loop) {}

Task<Result<Json>> Lender::lend(Needs needs,
                                std::string username,
                                std::string token,
                                Progress& progress) {
  Json lent = Json::object();
  const auto skipped = [&progress](const char* what, const Error& why) {
    progress.log(std::string(what) + ": none: " + why.message() + "\n");
    log::warn("kubernetes", "a launch goes on without keys",
              {{"what", what}, {"why", why.message()}});
  };
  if (needs.s3 && s3_.on()) {
    Result<Json> keys = no_sign_in();
    if (!token.empty()) keys = co_await s3(username, token);
    if (keys)
      lent["s3"] = std::move(*keys);
    else if (s3_.required)
      co_return not_given("S3 keys", keys.error());
    else
      skipped("S3 keys", keys.error());
  }
  if (needs.vault && vault_.on()) {
    Result<Json> secret = no_sign_in();
    if (!token.empty()) secret = co_await vault(username, token);
    if (secret)
      lent["vault"] = std::move(*secret);
    else if (vault_.required)
      co_return not_given("Vault's token", secret.error());
    else
      skipped("Vault's token", secret.error());
  }
  co_return lent;
}

Json Lender::shown(Needs needs, const std::string& username, const std::string& token) const {
  Json shown = Json::object();
  if (token.empty()) return shown;
  if (needs.s3 && s3_.on()) shown["s3"] = s3_context(s3_, username, {kCover, kCover, kCover, {}});
  if (needs.vault && vault_.on()) shown["vault"] = vault_context(vault_, username, kCover);
  return shown;
}

std::vector<std::string> Lender::out_of_reach(Needs needs, const std::string& token) const {
  std::vector<std::string> found;
  if (!token.empty()) return found;
  if (needs.s3 && s3_.on()) found.emplace_back("s3");
  if (needs.vault && vault_.on()) found.emplace_back("vault");
  return found;
}

Task<Result<Json>> Lender::s3(std::string username, std::string token) {
  HttpRequest request = sts_request(s3_, session_name(username), token);
  auto answer = co_await ask(std::move(request));
  if (!answer) co_return std::move(answer.error());
  auto keys = sts_answer(*answer);
  if (!keys) co_return without(token, std::move(keys.error()));
  co_return s3_context(s3_, username, *keys);
}

Task<Result<Json>> Lender::vault(std::string username, std::string token) {
  HttpRequest request = vault_request(vault_, token);
  auto answer = co_await ask(std::move(request));
  if (!answer) co_return std::move(answer.error());
  auto given = vault_answer(*answer);
  if (!given) co_return without(token, std::move(given.error()));
  co_return vault_context(vault_, username, given->value);
}

/// A service that is away or busy for a moment costs no launch.
Task<Result<HttpResponse>> Lender::ask(HttpRequest request) {
  constexpr int kTries = 3;
  constexpr auto kPause = milliseconds(700);
  constexpr std::size_t kMostBody = 64U << 10U;
  request.timeout = std::chrono::seconds(10);
  request.most_body = kMostBody;
  for (int tried = 1;; ++tried) {
    auto answer = co_await http_.fetch(request);
    const bool again =
        answer ? may_come_back(answer->status) : answer.error().code() == Errc::unavailable;
    if (!again || tried == kTries) co_return answer;
    co_await sleep_for(kPause * tried);
  }
}

}  // namespace passerelle::spawners::kubernetes
