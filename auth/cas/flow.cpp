#include "auth/cas/flow.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/secrets.hpp"
#include "base/text.hpp"

namespace passerelle::auth::cas {
namespace {

// A cookie is called "flow-<state>"; a state is the second it began in, then 128 random bits, in
// hex: names in their order are the oldest first. Its value is `next`, percent-encoded, or "-".
constexpr std::string_view kPrefix = "flow-";
constexpr std::size_t kSecondDigits = 10;
constexpr std::size_t kRandomBytes = 16;
constexpr std::size_t kLongestNext = 1500;
constexpr std::string_view kNoNext = "-";

std::int64_t second_of(Instant at) {
  return std::chrono::duration_cast<seconds>(at.time_since_epoch()).count();
}

std::string new_state(Instant now) {
  constexpr int kBitsOfDigit = 4;
  constexpr std::string_view kDigits = "0123456789abcdef";
  auto left = static_cast<std::uint64_t>(second_of(now));
  std::string digits(kSecondDigits, '0');
  for (std::size_t i = kSecondDigits; i-- > 0; left >>= kBitsOfDigit)
    digits[i] = kDigits[left % kDigits.size()];
  return digits + secrets::random_hex(kRandomBytes);
}

bool is_fresh(std::string_view state, Instant now) {
  if (state.size() != kSecondDigits + 2 * kRandomBytes) return false;
  constexpr int kHex = 16;
  std::int64_t began = 0;
  const char* const end = state.data() + kSecondDigits;
  const auto [last, error] = std::from_chars(state.data(), end, began, kHex);
  const std::int64_t age = second_of(now) - began;
  return error == std::errc() && last == end && age >= 0 && age <= kFlowLasts.count();
}

}  // namespace

BegunFlow begin_flow(std::string_view next, const AuthRequest& request, Instant now) {
  BegunFlow flow;
  flow.state = new_state(now);
  std::vector<std::string> others;
  for (const auto& [name, value] : request.cookies)
    if (name.starts_with(kPrefix)) others.push_back(name);
  for (std::size_t i = 0; i + kMostFlows <= others.size(); ++i) flow.set_cookies[others[i]] = {};
  OwnCookie cookie;
  cookie.lasts = kFlowLasts;
  cookie.value = kNoNext;
  if (!next.empty() && next.size() <= kLongestNext) cookie.value = text::percent_encode(next);
  flow.set_cookies[std::string(kPrefix) + flow.state] = std::move(cookie);
  return flow;
}

std::optional<FoundFlow> find_flow(std::string_view state,
                                   const AuthRequest& request,
                                   Instant now) {
  if (!is_fresh(state, now)) return std::nullopt;
  const std::string name = std::string(kPrefix) + std::string(state);
  const auto cookie = request.cookies.find(name);
  if (cookie == request.cookies.end() || cookie->second.empty()) return std::nullopt;
  FoundFlow flow;
  if (cookie->second != kNoNext) flow.next = text::percent_decode(cookie->second).value_or("");
  flow.set_cookies[name] = {};
  return flow;
}

}  // namespace passerelle::auth::cas
