#include "hub/oauth/codes.hpp"

#include "base/secrets.hpp"

namespace passerelle::hub {
namespace {

constexpr seconds kLasts{300};

}  // namespace

void OAuthCodes::forget_old() {
  const Instant now = clock_.now();
  while (!order_.empty()) {
    const auto oldest = entries_.find(order_.front());
    const bool over = oldest == entries_.end() || oldest->second.until <= now;
    if (!over && order_.size() < kMost) return;
    if (oldest != entries_.end()) entries_.erase(oldest);
    order_.pop_front();
  }
}

std::string OAuthCodes::add(Grant grant) {
  forget_old();
  std::string code = secrets::random_token();
  const std::string key = secrets::sha256_hex(code);
  entries_[key] = {clock_.now() + kLasts, std::move(grant)};
  order_.push_back(key);
  return code;
}

std::optional<OAuthCodes::Grant> OAuthCodes::take(const std::string& code) {
  const auto found = entries_.find(secrets::sha256_hex(code));
  if (found == entries_.end()) return std::nullopt;
  const bool good = clock_.now() < found->second.until;
  std::optional<Grant> grant;
  if (good) grant = std::move(found->second.grant);
  entries_.erase(found);
  return grant;
}

}  // namespace passerelle::hub
