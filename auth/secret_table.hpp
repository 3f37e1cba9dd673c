// SecretTable: from a secret a client presents to what it stands for, asked by every proxy thread
// on every request. Keys are SHA-256 digests, so that lookup time says nothing about secrets. A
// thread that has seen a secret answers from its own small cache; a new one costs a digest and a
// search in one of 256 immutable shards.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secrets.hpp"

namespace passerelle::auth {

/// The table's key of a stored SHA-256 in hex; nothing if it is not one.
std::optional<secrets::Digest> key_from_hex(std::string_view hex) noexcept;

/// A view says `current` until the table drops or replaces it; caches look there before they
/// answer.
class TableView {
 public:
  TableView() = default;
  TableView(const TableView&) noexcept {}  ///< A copy is a new view, current itself.
  TableView& operator=(const TableView&) = delete;

  bool current() const noexcept { return current_.load(std::memory_order_acquire); }
  void supersede() const noexcept { current_.store(false, std::memory_order_release); }

 private:
  mutable std::atomic<bool> current_{true};
};

/// `View` derives from TableView and is immutable otherwise. All members: any thread.
template <class View>
class SecretTable {
 public:
  using Pointer = std::shared_ptr<const View>;

  Pointer find(std::string_view secret) const {
    if (secret.empty() || secret.size() > kLongestSecret) return nullptr;
    Slot& slot = slot_of(secret);
    if (slot.table == id_ && slot.holds(secret) && slot.view->current()) return slot.view;
    Pointer view = find_by_key(secrets::sha256(secret));
    // Only what was found is remembered: guesses cannot push real sessions out faster than they
    // arrive.
    if (view) slot.keep(id_, secret, view);
    return view;
  }

  Pointer find_by_key(const secrets::Digest& key) const {
    const Shard shard = shards_[key[0]].load();
    const auto at = position(*shard, key);
    return at != shard->end() && at->first == key ? at->second : nullptr;
  }

  /// Adds, or replaces what the key stood for.
  void put(const secrets::Digest& key, Pointer view) {
    change(key, [&](Entries& entries) {
      const auto at = entries.begin() + (position(entries, key) - entries.cbegin());
      if (at != entries.end() && at->first == key) {
        std::swap(at->second, view);
        return view;  // the old one
      }
      entries.emplace(at, key, std::move(view));
      return Pointer();
    });
  }

  void erase(const secrets::Digest& key) {
    change(key, [&](Entries& entries) {
      const auto at = entries.begin() + (position(entries, key) - entries.cbegin());
      if (at == entries.end() || at->first != key) return Pointer();
      Pointer old = std::move(at->second);
      entries.erase(at);
      return old;
    });
  }

  template <class Visit>
  void each(Visit visit) const {
    for (const ShardCell& cell : shards_) {
      const Shard shard = cell.load();
      for (const auto& [key, view] : *shard) visit(key, view);
    }
  }

  std::size_t size() const {
    std::size_t count = 0;
    for (const ShardCell& cell : shards_) count += cell.load()->size();
    return count;
  }

 private:
  static constexpr std::size_t kLongestSecret = 64;
  static constexpr std::size_t kSlots = 4096;

  using Entries = std::vector<std::pair<secrets::Digest, Pointer>>;  // sorted by key
  using Shard = std::shared_ptr<const Entries>;

  // The lock is held for the copy of one pointer, as std::atomic<std::shared_ptr> of g++ 12 does
  // inside (which ThreadSanitizer does not understand). Nobody computes or allocates under it.
  class ShardCell {
   public:
    Shard load() const {
      const std::lock_guard lock(mutex_);
      return entries_;
    }
    void store(Shard entries) {
      const std::lock_guard lock(mutex_);
      entries_.swap(entries);
    }

   private:
    mutable std::mutex mutex_;
    Shard entries_ = std::make_shared<const Entries>();
  };

  struct Slot {
    std::uint64_t table = 0;
    std::size_t size = 0;
    std::array<char, kLongestSecret> secret{};
    Pointer view;

    bool holds(std::string_view asked) const noexcept {
      return secrets::equal(std::string_view(secret.data(), size), asked);
    }
    void keep(std::uint64_t of, std::string_view what, const Pointer& found) noexcept {
      table = of;
      size = what.size();
      std::memcpy(secret.data(), what.data(), size);
      view = found;
    }
  };

  static Slot& slot_of(std::string_view secret) {
    static thread_local std::vector<Slot> slots(kSlots);
    // A real secret is random from its first character on: mixing those is enough.
    std::uint64_t start = 0;
    std::memcpy(&start, secret.data(), std::min(sizeof start, secret.size()));
    return slots[(start * 0x9e3779b97f4a7c15U >> 32U) % kSlots];
  }

  static typename Entries::const_iterator position(const Entries& entries,
                                                   const secrets::Digest& key) {
    return std::lower_bound(
        entries.begin(), entries.end(), key,
        [](const auto& entry, const secrets::Digest& k) { return entry.first < k; });
  }

  // Copies the shard (1/256 of the table), edits the copy, swaps it in; the entry that fell out is
  // marked.
  template <class Edit>
  void change(const secrets::Digest& key, Edit edit) {
    const std::lock_guard lock(writing_);
    ShardCell& cell = shards_[key[0]];
    auto entries = std::make_shared<Entries>(*cell.load());
    const Pointer old = edit(*entries);
    cell.store(std::move(entries));
    if (old) old->supersede();
  }

  static std::uint64_t next_id() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }

  // Tells this table's entries in a thread's cache from those of one that is gone.
  const std::uint64_t id_ = next_id();
  std::mutex writing_;
  std::array<ShardCell, 256> shards_;
};

}  // namespace passerelle::auth
