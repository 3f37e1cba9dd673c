#include "auth/lti13/flow.hpp"

#include <vector>

#include "auth/json.hpp"
#include "auth/jwt.hpp"

namespace passerelle::auth::lti13 {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPrefix = "flow-";
constexpr std::size_t kMostUnderWay = 12;    // of one browser: heads have limits on the way
constexpr std::size_t kLongestState = 4000;  // it stands in an address twice

// Cookies' names sort by the time their flows began.
std::string new_id(Instant now) {
  const std::string digits = std::to_string(to_micros(now) / 1'000'000);
  return std::string(digits.size() < 12 ? 12 - digits.size() : 0, '0') + digits + "-" +
         secrets::random_hex(16);
}

std::string cookie_name(const std::string& id) {
  return std::string(kPrefix) + id;
}

std::string key_of(const std::string& id) {
  return "passerelle-" + id;
}

OwnCookie cookie(std::string value) {
  OwnCookie own{std::move(value), kFlowLasts};
  own.framed = true;
  return own;
}

}  // namespace

Result<Flows::Begun> Flows::begin(Initiation initiation,
                                  const std::map<std::string, std::string>& present) {
  const Instant now = clock_.now();
  const std::string id = new_id(now);
  const std::string secret = secrets::random_token();
  Begun begun;
  begun.nonce = secrets::random_token();
  const Json plain = {{"id", id},
                      {"nonce", begun.nonce},
                      {"binding", secrets::sha256_hex(secret)},
                      {"at", to_micros(now)},
                      {"iss", initiation.issuer},
                      {"client", initiation.client_id},
                      {"login", initiation.login_hint},
                      {"message", initiation.message_hint},
                      {"target", initiation.target},
                      {"storage", initiation.storage}};
  begun.state = secrets::to_base64url(
      sealer_.seal(plain.dump(-1, ' ', false, Json::error_handler_t::replace), purpose_));
  if (begun.state.size() > kLongestState)
    return Error(Errc::exhausted, "the platform's hints are too long");
  std::vector<std::string> under_way;
  for (const auto& [name, value] : present)
    if (name.starts_with(kPrefix)) under_way.push_back(name);
  for (std::size_t i = 0; i + kMostUnderWay <= under_way.size(); ++i)
    begun.cookies[under_way[i]] = cookie("");
  begun.cookies[cookie_name(id)] = cookie(secret);
  begun.key = key_of(id);
  begun.secret = secret;
  return begun;
}

std::optional<Flow> Flows::open(std::string_view state) const {
  if (state.size() > kLongestState) return std::nullopt;
  const auto sealed = jwt::decode_base64url(state);
  if (!sealed) return std::nullopt;
  const auto plain = sealer_.open(*sealed, purpose_);
  if (!plain) return std::nullopt;
  const auto json = parse_json(*plain, kLongestState);
  if (!json || !json->contains("at") || !(*json)["at"].is_number_integer()) return std::nullopt;
  Flow flow;
  flow.id = text_member(*json, "id");
  flow.key = key_of(flow.id);
  flow.nonce = text_member(*json, "nonce");
  flow.binding = text_member(*json, "binding");
  flow.began = {text_member(*json, "iss"),    text_member(*json, "client"),
                text_member(*json, "login"),  text_member(*json, "message"),
                text_member(*json, "target"), text_member(*json, "storage")};
  flow.started = from_micros((*json)["at"].get<std::int64_t>());
  const auto age = clock_.now() - flow.started;
  if (age >= kFlowLasts || age < -kFlowLasts) return std::nullopt;
  return flow;
}

bool Flows::bound(const Flow& flow, const std::map<std::string, std::string>& present) const {
  const auto found = present.find(cookie_name(flow.id));
  return found != present.end() && secrets::equal(secrets::sha256_hex(found->second), flow.binding);
}

bool Flows::proved(const Flow& flow, std::string_view secret) const {
  return !flow.began.storage.empty() && secrets::equal(secrets::sha256_hex(secret), flow.binding);
}

OwnCookies Flows::done(const Flow& flow) const {
  return {{cookie_name(flow.id), cookie("")}};
}

}  // namespace passerelle::auth::lti13
