#include "hub/landing.hpp"

#include "base/secrets.hpp"

namespace passerelle::hub {
namespace {
constexpr seconds kLasts{300};
}

void Landings::forget_old() {
  const Instant now = clock_.now();
  while (!entries_.empty() && (entries_.size() > kMost || entries_.front().until < now)) {
    index_.erase(entries_.front().ticket);
    entries_.pop_front();
  }
}

std::string Landings::add(Landing landing) {
  std::string ticket = secrets::random_token();
  entries_.push_back({ticket, clock_.now() + kLasts, std::move(landing)});
  index_[ticket] = std::prev(entries_.end());
  forget_old();
  return ticket;
}

const Landings::Landing* Landings::find(const std::string& ticket) {
  forget_old();
  const auto at = index_.find(ticket);
  return at == index_.end() ? nullptr : &at->second->landing;
}

std::optional<Landings::Landing> Landings::take(const std::string& ticket) {
  if (find(ticket) == nullptr) return std::nullopt;
  const auto at = index_.find(ticket);
  Landing landing = std::move(at->second->landing);
  entries_.erase(at->second);
  index_.erase(at);
  return landing;
}

}  // namespace passerelle::hub
