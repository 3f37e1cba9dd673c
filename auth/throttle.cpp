#include "auth/throttle.hpp"

#include <algorithm>
#include <cmath>

#include <boost/asio/ip/address.hpp>

namespace passerelle::auth {
namespace {

constexpr int kFreeTries = 5;      // of one name from one address, at once
constexpr seconds kFirstDelay{2};  // then doubled with every failure
constexpr seconds kLongestDelay{300};
constexpr seconds kForgottenAfter = std::chrono::minutes(15);
constexpr double kAddressFailures = 100;
constexpr double kAddressLeak = 100.0 / 300.0;  // a second
constexpr double kAllFailures = 2'000;
constexpr double kAllLeak = 2'000.0 / 300.0;

seconds until(double failures, double most, double leak) {
  return seconds(static_cast<std::int64_t>(std::ceil((failures - most + 1) / leak)));
}

void leak_away(double& failures, Instant since, Instant now, double per_second) {
  const double passed = std::chrono::duration<double>(now - since).count();
  failures = std::max(0.0, failures - std::max(0.0, passed) * per_second);
}

std::string pair_key(const std::string& prefix, std::string_view name) {
  return prefix + '\n' + std::string(name);
}

seconds delay_after(int failures) {
  const int doublings = std::min(failures - kFreeTries, 10);
  return std::min(kLongestDelay, kFirstDelay * (1 << std::max(0, doublings)));
}

}  // namespace

std::string address_prefix(std::string_view address) {
  boost::system::error_code failed;
  auto parsed = boost::asio::ip::make_address(std::string(address.substr(0, 64)), failed);
  if (failed) return std::string(address.substr(0, 64));
  if (parsed.is_v6() && parsed.to_v6().is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, parsed.to_v6()).to_string();
  if (parsed.is_v4()) return parsed.to_string();
  auto bytes = parsed.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return boost::asio::ip::make_address_v6(bytes).to_string();
}

Throttle::Throttle(const Clock& clock, std::size_t most_entries)
    : clock_(clock), most_entries_(most_entries) {}

Throttle::Entry& Throttle::touch(std::string key, Instant now) {
  if (const auto at = index_.find(key); at != index_.end()) {
    entries_.splice(entries_.begin(), entries_, at->second);
    return entries_.front();
  }
  if (entries_.size() >= most_entries_) {
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
  Entry entry;
  entry.key = std::move(key);
  entry.last = now;
  entries_.push_front(std::move(entry));
  index_[entries_.front().key] = entries_.begin();
  return entries_.front();
}

Throttle::Entry* Throttle::find(const std::string& key) {
  const auto at = index_.find(key);
  return at == index_.end() ? nullptr : &*at->second;
}

void Throttle::leak(Entry& address, Instant now) const {
  leak_away(address.failures, address.last, now, kAddressLeak);
  address.last = now;
}

std::optional<seconds> Throttle::wait_of_address(const std::string& prefix, Instant now) {
  Entry* entry = find(prefix);
  if (entry == nullptr) return std::nullopt;
  leak(*entry, now);
  if (entry->failures > kAddressFailures - 1)
    return until(entry->failures, kAddressFailures, kAddressLeak);
  leak_away(everybody_.failures, everybody_.last, now, kAllLeak);
  everybody_.last = now;
  // An address without failures is let in whatever others do: else a few strangers could shut
  // everybody out.
  if (everybody_.failures > kAllFailures - 1 && entry->failures > 0)
    return until(everybody_.failures, kAllFailures, kAllLeak);
  return std::nullopt;
}

std::optional<seconds> Throttle::wait_of_pair(const std::string& pair, Instant now) {
  Entry* entry = find(pair);
  if (entry == nullptr) return std::nullopt;
  if (now - entry->last >= kForgottenAfter) entry->failures = 0;
  if (entry->failures < kFreeTries || now >= entry->not_before) return std::nullopt;
  return std::chrono::ceil<seconds>(entry->not_before - now);
}

std::optional<seconds> Throttle::begin(std::string_view address, std::string_view name) {
  const Instant now = clock_.now();
  const std::string prefix = address_prefix(address);
  if (const auto wait = wait_of_address(prefix, now)) return wait;
  if (name.empty()) return std::nullopt;
  const std::string pair = pair_key(prefix, name);
  if (const auto wait = wait_of_pair(pair, now)) return wait;
  Entry& entry = touch(pair, now);
  entry.failures += 1;
  entry.last = now;
  if (entry.failures >= kFreeTries)
    entry.not_before = now + delay_after(static_cast<int>(entry.failures));
  return std::nullopt;
}

void Throttle::failed(std::string_view address, std::string_view) {
  const Instant now = clock_.now();
  Entry& entry = touch(address_prefix(address), now);
  leak(entry, now);
  entry.failures += 1;
  leak_away(everybody_.failures, everybody_.last, now, kAllLeak);
  everybody_.last = now;
  everybody_.failures += 1;
}

void Throttle::succeeded(std::string_view address, std::string_view name) {
  const auto at = index_.find(pair_key(address_prefix(address), name));
  if (at == index_.end()) return;
  entries_.erase(at->second);
  index_.erase(at);
}

void Throttle::untold(std::string_view address, std::string_view name) {
  Entry* entry = find(pair_key(address_prefix(address), name));
  if (entry == nullptr) return;
  entry->failures = std::max(0.0, entry->failures - 1);
  entry->not_before = Instant{};
}

}  // namespace passerelle::auth
