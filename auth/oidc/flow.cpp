#include "auth/oidc/flow.hpp"

#include <algorithm>

#include "auth/json.hpp"
#include "auth/jwt.hpp"

namespace passerelle::auth::oidc {
namespace {

using Json = nlohmann::json;
using Present = std::map<std::string, std::string>;

constexpr std::string_view kPrefix = "flow-";
constexpr std::size_t kMostUnderWay = 5;
constexpr std::size_t kMostBytes = 4000;  // of all flows under way: heads have limits on the way
constexpr std::size_t kMostUsed = 100'000;
constexpr std::size_t kLongestCookie = 4000;  // browsers drop longer ones
constexpr std::size_t kLongestNext = 1500;

std::string cookie_name(const std::string& state) {
  return std::string(kPrefix) + state;
}

std::string view(const secrets::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// What stands in a cookie's name must be ours before it is looked up or set.
bool is_state(const std::string& text) {
  return text.size() == 43 && jwt::decode_base64url(text).has_value();
}

}  // namespace

std::string Flow::challenge() const {
  return secrets::to_base64url(view(secrets::sha256(verifier)));
}

Flow Flows::begin(std::string next) const {
  Flow flow;
  flow.state = secrets::random_token();
  flow.nonce = secrets::random_token();
  flow.verifier = secrets::random_token();
  if (next.size() <= kLongestNext) flow.next = std::move(next);
  flow.started = clock_.now();
  return flow;
}

std::optional<Flow> Flows::open(const std::string& encoded) const {
  if (encoded.size() > kLongestCookie) return std::nullopt;
  const auto sealed = jwt::decode_base64url(encoded);
  if (!sealed) return std::nullopt;
  const auto plain = sealer_.open(*sealed, purpose_);
  if (!plain) return std::nullopt;
  const auto json = parse_json(*plain, kLongestCookie);
  if (!json || !json->contains("at") || !(*json)["at"].is_number_integer()) return std::nullopt;
  Flow flow;
  flow.state = text_member(*json, "state");
  flow.nonce = text_member(*json, "nonce");
  flow.verifier = text_member(*json, "verifier");
  flow.next = text_member(*json, "next");
  flow.started = from_micros((*json)["at"].get<std::int64_t>());
  const auto age = clock_.now() - flow.started;
  if (age >= kFlowLasts || age < -kFlowLasts) return std::nullopt;
  return flow;
}

OwnCookies Flows::cookies_for(const Flow& flow, const Present& present) const {
  OwnCookies cookies;
  std::vector<std::pair<Instant, std::string>> under_way;
  for (const auto& [name, value] : present) {
    if (!name.starts_with(kPrefix)) continue;
    const auto other = open(value);
    if (other && name == cookie_name(other->state) && !used_.contains(other->state))
      under_way.emplace_back(other->started, name);
    else if (is_state(name.substr(kPrefix.size())))
      cookies[name] = {"", seconds(0)};
  }
  std::sort(under_way.rbegin(), under_way.rend());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < under_way.size(); ++i) {
    const std::string& name = under_way[i].second;
    bytes += name.size() + present.at(name).size();
    if (i + 1 >= kMostUnderWay || bytes > kMostBytes) cookies[name] = {"", seconds(0)};
  }
  const Json json = {{"state", flow.state},
                     {"nonce", flow.nonce},
                     {"verifier", flow.verifier},
                     {"next", flow.next},
                     {"at", to_micros(flow.started)}};
  const std::string sealed =
      sealer_.seal(json.dump(-1, ' ', false, Json::error_handler_t::replace), purpose_);
  cookies[cookie_name(flow.state)] = {secrets::to_base64url(sealed), kFlowLasts};
  return cookies;
}

Result<Flow> Flows::take(const std::string& state, const Present& present) {
  if (used_.contains(state)) return Error(Errc::conflict, "this sign-in came back before");
  const auto at = is_state(state) ? present.find(cookie_name(state)) : present.end();
  if (at == present.end()) return Error(Errc::not_found, "this browser has no such sign-in");
  auto flow = open(at->second);
  if (!flow || flow->state != state)
    return Error(Errc::not_found, "the sign-in is over, or not ours");
  forget_old();
  used_.emplace(state, clock_.now());
  return std::move(*flow);
}

// Only flows that we sealed get here, so this grows as sign-ins do; the bound is for a very bad
// day.
void Flows::forget_old() {
  const Instant before = clock_.now() - kFlowLasts;
  if (used_.size() % 1024 == 1023)
    std::erase_if(used_, [&](const auto& entry) { return entry.second < before; });
  while (used_.size() >= kMostUsed) used_.erase(used_.begin());
}

OwnCookies Flows::cleared(const std::string& state) {
  OwnCookies cookies;
  if (is_state(state)) cookies[cookie_name(state)] = {"", seconds(0)};
  return cookies;
}

}  // namespace passerelle::auth::oidc
