#include "auth/lti13/registrations.hpp"

#include "auth/json.hpp"
#include "auth/jwt.hpp"
#include "auth/lti13/description.hpp"
#include "auth/lti_services.hpp"
#include "base/log.hpp"
#include "config/values.hpp"

namespace passerelle::auth::lti13 {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPurpose = "lti13-invitation";
constexpr std::size_t kMostInvitation = 8U << 10U;
constexpr std::size_t kMostAnswer = 64U << 10U;
constexpr std::size_t kMostPlatforms = 200;
constexpr std::size_t kLongestId = 255;
constexpr std::size_t kMostInvitations = 10'000;  // used ones that are remembered
constexpr std::chrono::hours kLasts{24};
constexpr const char* kTool = "https://purl.imsglobal.org/spec/lti-tool-configuration";

Error refused(const std::string& why) {
  return Error(Errc::forbidden, "LTI-INVITATION: " + why);
}

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> all;
  if (list.is_array())
    for (const Json& one : list)
      if (one.is_string()) all.push_back(one.get<std::string>());
  return all;
}

Json record_of(const config::LtiPlatform& platform, Instant at) {
  return {{"issuer", platform.issuer},       {"client_id", platform.client_id},
          {"auth_url", platform.auth_url},   {"token_url", platform.token_url},
          {"jwks_url", platform.jwks_url},   {"deployments", platform.deployments},
          {"hosts", platform.service_hosts}, {"at", to_micros(at)}};
}

config::LtiPlatform platform_of(const Json& record) {
  config::LtiPlatform platform;
  platform.issuer = text_member(record, "issuer");
  platform.client_id = text_member(record, "client_id");
  platform.auth_url = text_member(record, "auth_url");
  platform.token_url = text_member(record, "token_url");
  platform.jwks_url = text_member(record, "jwks_url");
  platform.deployments = texts(record.value("deployments", Json()));
  platform.service_hosts = texts(record.value("hosts", Json()));
  platform.frame_origins = {config::origin_of(platform.auth_url)};
  return platform;
}

// What the platform says of itself, if all of it is where the administrator expects it.
Result<config::LtiPlatform> described(const Json& configuration,
                                      const std::string& url,
                                      const std::vector<std::string>& hosts) {
  config::LtiPlatform platform;
  platform.issuer = text_member(configuration, "issuer");
  platform.auth_url = text_member(configuration, "authorization_endpoint");
  platform.token_url = text_member(configuration, "token_endpoint");
  platform.jwks_url = text_member(configuration, "jwks_uri");
  platform.service_hosts = hosts;
  if (!lti::is_address(platform.issuer) || lti::host_of(platform.issuer) != lti::host_of(url))
    return refused("the issuer is not the host that describes it");
  for (const std::string& address : {platform.auth_url, platform.token_url, platform.jwks_url,
                                     text_member(configuration, "registration_endpoint")})
    if (!lti::may_call(address, hosts))
      return refused(
          "an address of the platform is missing, or at a host that the invitation does "
          "not name: " +
          lti::host_of(address));
  return platform;
}

// It stands in addresses, pages and the log.
bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kLongestId &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

// What we want to be registered as (Dynamic Registration 1.0, 3.5).
Json application(const std::string& title, const std::string& below) {
  const std::string launch = below + "oauth_callback";
  const std::string host = lti::host_of(below);
  std::string scopes;
  for (const char* scope : kServiceScopes) scopes.append(scopes.empty() ? "" : " ").append(scope);
  const Json messages = Json::array(
      {{{"type", "LtiResourceLinkRequest"}, {"target_link_uri", launch}},
       {{"type", "LtiDeepLinkingRequest"}, {"target_link_uri", launch}, {"label", title}}});
  return {{"application_type", "web"},
          {"response_types", Json::array({"id_token"})},
          {"grant_types", Json::array({"implicit", "client_credentials"})},
          {"initiate_login_uri", below + "oauth_login"},
          {"redirect_uris", Json::array({launch})},
          {"client_name", title},
          {"jwks_uri", below + "jwks.json"},
          {"token_endpoint_auth_method", "private_key_jwt"},
          {"scope", scopes},
          {kTool,
           {{"domain", host},
            {"target_link_uri", launch},
            {"description", title},
            {"claims", Json::array({"iss", "sub", "name", "given_name", "family_name", "email"})},
            {"messages", messages},
            {"custom_parameters", Json::object()}}}};
}

}  // namespace

Registrations::Registrations(const Surroundings& around,
                             std::string name,
                             std::string title,
                             std::string ca_file)
    : around_(around),
      owner_("lti13-platforms/" + std::move(name)),
      title_(std::move(title)),
      ca_file_(std::move(ca_file)) {}

Task<Result<void>> Registrations::open() {
  std::string owner = owner_;
  auto all = co_await around_.kept->all(std::move(owner));
  if (!all) co_return std::move(all).error();
  for (const auto& [name, text] : *all) {
    const auto record = parse_json(text, kMostAnswer);
    if (!record || !record->contains("at") || !(*record)["at"].is_number_integer()) continue;
    ours_[name] = {platform_of(*record), from_micros((*record)["at"].get<std::int64_t>())};
  }
  merged_.reset();
  co_return Result<void>();
}

PlatformsPointer Registrations::with(const PlatformsPointer& file) {
  if (merged_ && file_ == file) return merged_;
  file_ = file;
  merged_ = file;
  if (ours_.empty()) return merged_;
  auto all = std::make_shared<config::LtiPlatforms>(*file);
  for (const auto& [name, entry] : ours_) {
    const bool known = std::any_of(file->begin(), file->end(), [&](const auto& one) {
      return one.second.issuer == entry.platform.issuer &&
             one.second.client_id == entry.platform.client_id;
    });
    if (!known) all->try_emplace(name, entry.platform);
  }
  merged_ = std::move(all);
  return merged_;
}

std::string Registrations::invite(const std::vector<std::string>& hosts) const {
  const Json plain = {{"id", secrets::random_token()},
                      {"for", owner_},
                      {"hosts", hosts},
                      {"at", to_micros(around_.clock.now())}};
  return secrets::to_base64url(around_.sealer.seal(plain.dump(), kPurpose));
}

std::optional<Registrations::Invitation> Registrations::invitation_of(
    std::string_view sealed) const {
  if (sealed.size() > kMostInvitation) return std::nullopt;
  const auto raw = jwt::decode_base64url(sealed);
  const auto plain = around_.sealer.open(raw.value_or(""), kPurpose);
  if (!plain) return std::nullopt;
  const auto json = parse_json(*plain, kMostInvitation);
  if (!json || text_member(*json, "for") != owner_ || !json->contains("at")) return std::nullopt;
  Invitation invitation{text_member(*json, "id"), texts(json->value("hosts", Json())),
                        from_micros((*json)["at"].get<std::int64_t>())};
  if (around_.clock.now() - invitation.at > kLasts) return std::nullopt;
  return invitation;
}

// An object, with 200 or 201.
Task<Result<Json>> Registrations::ask(HttpRequest request, const char* what) {
  request.most_body = kMostAnswer;
  request.ca_file = ca_file_;
  auto response = co_await around_.http.fetch(std::move(request));
  if (!response)
    co_return Error(Errc::unavailable, std::string(what) + ": " + response.error().message());
  auto json = parse_json(response->body, kMostAnswer);
  if ((response->status != 200 && response->status != 201) || !json || !json->is_object())
    co_return Error(Errc::unavailable, std::string(what) + ": status " +
                                           std::to_string(response->status) +
                                           (json ? "" : ", and no JSON"));
  co_return std::move(*json);
}

Task<Result<std::string>> Registrations::enrol(text::Form query, std::string below) {
  const auto invitation = invitation_of(text::field(query, "invitation"));
  if (!invitation) co_return refused("none of ours, or older than a day");
  const std::string url(text::field(query, "openid_configuration"));
  if (url.empty()) co_return refused("the platform says not where it is described");
  if (!lti::may_call(url, invitation->hosts))
    co_return refused("the invitation does not name the host " + lti::host_of(url));
  if (ours_.size() >= kMostPlatforms) co_return refused("too many platforms registered themselves");
  std::string scope = owner_ + "/invitation";
  std::string id = invitation->id;
  const Instant now = around_.clock.now();
  auto fresh = co_await around_.nonces->use(std::move(scope), std::move(id), now,
                                            invitation->at + kLasts + seconds(1), kMostInvitations);
  if (!fresh) co_return std::move(fresh).error();
  if (!*fresh) co_return refused("it was used already");
  HttpRequest look;
  look.url = url;
  look.headers = {{"Accept", "application/json"}};
  auto configuration = co_await ask(std::move(look), "the platform's description");
  if (!configuration) co_return std::move(configuration).error();
  auto platform = described(*configuration, url, invitation->hosts);
  if (!platform) co_return std::move(platform).error();
  HttpRequest apply;
  apply.method = "POST";
  apply.url = text_member(*configuration, "registration_endpoint");
  apply.headers = {{"Accept", "application/json"}, {"Content-Type", "application/json"}};
  if (const std::string_view token = text::field(query, "registration_token"); !token.empty())
    apply.headers.emplace_back("Authorization", "Bearer " + std::string(token));
  apply.body = application(title_, below).dump();
  auto answer = co_await ask(std::move(apply), "the registration");
  if (!answer) co_return std::move(answer).error();
  platform->client_id = text_member(*answer, "client_id");
  if (!is_id(platform->client_id))
    co_return Error(Errc::unavailable,
                    "the registration: no client_id in the answer, or an odd one");
  // Without one the platform makes them later; all of them are its own.
  const std::string deployment = text_member(answer->value(kTool, Json()), "deployment_id");
  if (!deployment.empty() && !is_id(deployment))
    co_return Error(Errc::unavailable, "the registration: an odd deployment_id in the answer");
  platform->deployments = {deployment.empty() ? "*" : deployment};
  platform->frame_origins = {config::origin_of(platform->auth_url)};
  auto name = co_await keep(std::move(*platform));
  co_return name;
}

// "moodle.example.fr", then "moodle.example.fr-2".
std::string Registrations::free_name(const config::LtiPlatform& platform) const {
  const std::string first = lti::host_of(platform.issuer);
  std::string name = first;
  for (int number = 2;; ++number) {
    const auto ours = ours_.find(name);
    const bool same = ours != ours_.end() && ours->second.platform.issuer == platform.issuer &&
                      ours->second.platform.client_id == platform.client_id;
    if (same || (ours == ours_.end() && (!file_ || !file_->contains(name)))) return name;
    name = first + "-" + std::to_string(number);
  }
}

// It has its name before the store is asked to keep it: two that register at the same moment get
// two.
Task<Result<std::string>> Registrations::keep(config::LtiPlatform platform) {
  std::string name = free_name(platform);
  const Instant now = around_.clock.now();
  const auto before = ours_.find(name);
  std::optional<Entry> old;
  if (before != ours_.end()) old = before->second;
  ours_[name] = {platform, now};
  std::string owner = owner_;
  std::string record = record_of(platform, now).dump();
  auto put = co_await around_.kept->put(std::move(owner), name, std::move(record));
  merged_.reset();
  if (!put) {
    if (old)
      ours_[name] = std::move(*old);
    else
      ours_.erase(name);
    co_return std::move(put).error();
  }
  log::info("lti", "a platform registered itself",
            {{"platform", name}, {"issuer", platform.issuer}, {"client_id", platform.client_id}});
  co_return name;
}

std::vector<lti::Registered> Registrations::list() const {
  std::vector<lti::Registered> all;
  for (const auto& [name, entry] : ours_)
    all.push_back({name, entry.platform.issuer, entry.platform.client_id,
                   entry.platform.deployments, entry.at});
  return all;
}

Task<Result<void>> Registrations::erase(std::string platform) {
  std::string owner = owner_;
  auto erased = co_await around_.kept->erase(std::move(owner), platform);
  if (!erased) co_return erased;
  ours_.erase(platform);
  merged_.reset();
  co_return erased;
}

}  // namespace passerelle::auth::lti13
