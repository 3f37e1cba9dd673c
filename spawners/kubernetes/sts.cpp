#include "spawners/kubernetes/sts.hpp"

#include <algorithm>
#include <ctime>

#include "base/text.hpp"
#include "base/xml.hpp"
#include "spawners/kubernetes/said.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

constexpr std::size_t kLongestKey = 256;
constexpr std::size_t kLongestSession = 16U << 10U;

/// "2026-11-23T01:00:00Z", with or without a fraction.
std::optional<Instant> instant_of(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  const std::string_view tail(rest);
  if (tail != "Z" && !(tail.starts_with('.') && tail.ends_with('Z'))) return std::nullopt;
  return Instant(std::chrono::seconds(::timegm(&parts)));
}

const XmlElement* below(const XmlElement& root, std::initializer_list<const char*> names) {
  const XmlElement* found = &root;
  for (const char* name : names)
    if (found != nullptr) found = found->only(root.space, name);
  return found;
}

std::string text_below(const XmlElement& root, std::initializer_list<const char*> names) {
  const XmlElement* found = below(root, names);
  return found == nullptr ? std::string() : std::string(text::trim(found->text));
}

Error refusal(const HttpResponse& response) {
  const auto root = read_xml(response.body);
  std::string words = "HTTP " + std::to_string(response.status);
  if (root && root->name == "ErrorResponse")
    words = said(text_below(*root, {"Error", "Code"})) + ": " +
            said(text_below(*root, {"Error", "Message"}));
  return {may_come_back(response.status) ? Errc::unavailable : Errc::forbidden, words};
}

}  // namespace

HttpRequest sts_request(const config::S3Keys& settings,
                        const std::string& session_name,
                        const std::string& token) {
  HttpRequest request;
  request.method = "POST";
  request.url = settings.sts;
  request.ca_file = settings.ca;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/xml"}};
  const auto add = [&request](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (!request.body.empty()) request.body += '&';
    request.body.append(name).append("=").append(text::percent_encode(value));
  };
  add("Action", "AssumeRoleWithWebIdentity");
  add("Version", "2011-06-15");
  add("WebIdentityToken", token);
  add("RoleArn", settings.role);
  add("RoleSessionName", session_name);
  add("Policy", settings.policy);
  if (settings.duration.count() > 0)
    add("DurationSeconds", std::to_string(settings.duration.count()));
  return request;
}

Result<S3Credentials> sts_answer(const HttpResponse& response) {
  constexpr int kOk = 200;
  if (response.status != kOk) return refusal(response);
  const auto root = read_xml(response.body);
  if (!root) return Error(Errc::invalid, "the answer is no XML: " + root.error().message());
  if (root->name != "AssumeRoleWithWebIdentityResponse")
    return Error(Errc::invalid, "the answer is <" + said(root->name) + ">");
  const auto field = [&root = *root](const char* name) {
    return text_below(root, {"AssumeRoleWithWebIdentityResult", "Credentials", name});
  };
  const auto expires = instant_of(field("Expiration"));
  S3Credentials keys{field("AccessKeyId"), field("SecretAccessKey"), field("SessionToken"),
                     expires.value_or(Instant())};
  if (!is_key(keys.key_id, kLongestKey) || !is_key(keys.secret, kLongestKey) ||
      !is_key(keys.session, kLongestSession) || !expires)
    return Error(Errc::invalid, "the answer lacks a key, the session's token or its end");
  return keys;
}

}  // namespace passerelle::spawners::kubernetes
