#include "auth/origin_keys.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <tuple>
#include <vector>

#include "auth/jwt.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth {
namespace {

constexpr std::size_t kMarkBytes = 16;
constexpr std::size_t kDigest = std::tuple_size_v<secrets::Digest>;
constexpr std::size_t kLength = (kDigest + kMarkBytes) / 3 * 4;
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kSlots = 1024;

std::string_view bytes_of(const secrets::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// A key that was good for a label: what one thread remembers.
struct Slot {
  std::uint64_t keys = 0;
  std::array<char, kLength> key{};
  std::array<char, kLongestLabel> label{};
  std::size_t label_size = 0;
  SessionPointer session;

  bool holds(std::string_view asked, std::string_view at) const noexcept {
    return at == std::string_view(label.data(), label_size) &&
           secrets::equal(std::string_view(key.data(), key.size()), asked);
  }
  void keep(std::uint64_t of,
            std::string_view good,
            std::string_view at,
            const SessionPointer& found) noexcept {
    keys = of;
    std::memcpy(key.data(), good.data(), key.size());
    std::memcpy(label.data(), at.data(), at.size());
    label_size = at.size();
    session = found;
  }
};

/// A key begins with its session's digest, and ends with what depends on the label: mixing both
/// ends is enough.
Slot& slot_of(std::string_view key) {
  static thread_local std::vector<Slot> slots(kSlots);
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::memcpy(&start, key.data(), sizeof start);
  std::memcpy(&end, key.data() + key.size() - sizeof end, sizeof end);
  return slots[((start ^ end) * 0x9e3779b97f4a7c15U >> 32U) % kSlots];
}

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

OriginKeys::OriginKeys(const SessionTable& sessions, std::string secret)
    : sessions_(sessions), secret_(std::move(secret)), id_(next_id()) {}

// The session's key has one length, so that nothing of the label can be read as a part of it.
std::string OriginKeys::mark(std::string_view session_key, std::string_view label) const {
  const secrets::Digest whole =
      secrets::hmac_sha256(secret_, std::string(session_key).append(label));
  return std::string(bytes_of(whole).substr(0, kMarkBytes));
}

std::string OriginKeys::make(const SessionView& session, std::string_view label) const {
  const std::string_view key = bytes_of(session.key);
  return secrets::to_base64url(std::string(key) + mark(key, label));
}

SessionPointer OriginKeys::verify(std::string_view key, std::string_view label) const {
  if (key.size() != kLength || label.empty() || label.size() > kLongestLabel) return nullptr;
  Slot& slot = slot_of(key);
  if (slot.keys == id_ && slot.session->current() && slot.holds(key, label))
    return sessions_.verify_again(slot.session);
  SessionPointer session = look_up(key, label);
  if (session) slot.keep(id_, key, label, session);
  return session;
}

SessionPointer OriginKeys::look_up(std::string_view key, std::string_view label) const {
  const auto bytes = jwt::decode_base64url(key);
  if (!bytes || bytes->size() != kDigest + kMarkBytes) return nullptr;
  const std::string_view named = std::string_view(*bytes).substr(0, kDigest);
  if (!secrets::equal(mark(named, label), std::string_view(*bytes).substr(kDigest))) return nullptr;
  secrets::Digest digest{};
  std::memcpy(digest.data(), named.data(), digest.size());
  return sessions_.verify_key(digest);
}

}  // namespace passerelle::auth
