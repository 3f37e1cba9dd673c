// The routes in 256 immutable shards by hash of the prefix. A change copies one shard and the list
// of shards, so it costs the same with ten routes and with ten thousand; a match hashes the path
// once and looks at each "/" it passes.
#include "proxy/route_table.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <random>

namespace passerelle::proxy {

namespace {

constexpr std::size_t kShards = 256;

/// FNV-1a with a start of our own per process, finished so that all bits count.
class Hash {
 public:
  explicit Hash(std::uint64_t seed) noexcept : state_(seed) {}
  void add(char c) noexcept { state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U; }
  std::uint64_t value() const noexcept {
    std::uint64_t mixed = state_ ^ state_ >> 32U;
    mixed *= 0x9e3779b97f4a7c15U;
    return mixed ^ mixed >> 29U;
  }

 private:
  std::uint64_t state_;
};

int hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Reads a path byte by byte, decoded.
class Decoder {
 public:
  Decoder(std::string_view path, EscapedSlash slash) noexcept : path_(path), slash_(slash) {}
  bool next(char& c) noexcept {
    if (at_ == path_.size()) return false;
    c = path_[at_++];
    if (c != '%') return true;
    if (path_.size() - at_ < 2) return false;
    c = static_cast<char>(hex(path_[at_]) * 16 + hex(path_[at_ + 1]));
    at_ += 2;
    return c != '/' || slash_ == EscapedSlash::separates;
  }
  bool at_end() const noexcept { return at_ == path_.size(); }

 private:
  std::string_view path_;
  EscapedSlash slash_;
  std::size_t at_ = 0;
};

/// Whether `prefix` ("/user/alice/") begins the path, or is the path but for the last slash.
bool begins(std::string_view path, std::string_view prefix, EscapedSlash slash) noexcept {
  if (path.starts_with(prefix)) return true;
  Decoder decoder(path, slash);
  char c = 0;
  for (const char expected : prefix.substr(0, prefix.size() - 1)) {
    if (!decoder.next(c) || c != expected) return false;
  }
  return decoder.at_end() || (decoder.next(c) && c == '/');
}

struct Entry {
  std::uint64_t hash = 0;
  std::shared_ptr<const Route> route;  ///< Null: a free place.
};

/// Open addressing in at most three quarters of a power of two; never changed once it is in a
/// snapshot.
class Shard {
 public:
  template <class Fits>
  const Entry* find(std::uint64_t hash, const Fits& fits) const noexcept {
    if (entries_.empty()) return nullptr;
    const std::size_t mask = entries_.size() - 1;
    for (std::size_t i = place(hash) & mask; entries_[i].route; i = (i + 1) & mask) {
      if (entries_[i].hash == hash && fits(*entries_[i].route)) return &entries_[i];
    }
    return nullptr;
  }
  /// Without the route of prefix `without`, with `with` unless it is null.
  std::shared_ptr<const Shard> changed(std::string_view without, const Entry& with) const {
    auto next = std::make_shared<Shard>();
    std::size_t size = 4;
    while (size * 3 < (count_ + 1) * 4) size *= 2;
    next->entries_.resize(size);
    for (const Entry& entry : entries_) {
      if (entry.route && entry.route->prefix != without) next->insert(entry);
    }
    if (with.route) next->insert(with);
    return next;
  }
  const std::vector<Entry>& entries() const noexcept { return entries_; }

 private:
  static std::size_t place(std::uint64_t hash) noexcept {
    return static_cast<std::size_t>(hash >> 8U);
  }
  void insert(const Entry& entry) {
    const std::size_t mask = entries_.size() - 1;
    std::size_t i = place(entry.hash) & mask;
    while (entries_[i].route) i = (i + 1) & mask;
    entries_[i] = entry;
    ++count_;
  }
  std::vector<Entry> entries_;
  std::size_t count_ = 0;
};

struct Snapshot {
  std::array<std::shared_ptr<const Shard>, kShards> shards;
  std::size_t deepest =
      1;  ///< Slashes in the longest prefix there has been; nothing deeper is looked for.
};

const Shard& shard_of(const Snapshot& snapshot, std::uint64_t hash) noexcept {
  static const Shard kNothing;
  const auto& shard = snapshot.shards[hash % kShards];
  return shard ? *shard : kNothing;
}

/// What the calling thread found last, and in which table. One thread rarely looks into two tables.
struct Cache {
  std::uint64_t table = 0;
  std::uint64_t epoch = 0;
  std::shared_ptr<const Snapshot> snapshot;
};
thread_local Cache t_cache;

const std::shared_ptr<const Route> kNoRoute;

std::uint64_t next_table() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::uint64_t random_seed() {
  std::random_device random;
  return static_cast<std::uint64_t>(random()) << 32U | random();
}

}  // namespace

struct RouteTable::Impl {
  const std::uint64_t id = next_table();
  const std::uint64_t seed = random_seed();
  std::atomic<std::uint64_t> epoch{1};
  mutable std::mutex mutex;
  std::shared_ptr<const Snapshot> current = std::make_shared<Snapshot>();

  std::uint64_t hash(std::string_view prefix) const noexcept {
    Hash hash(seed);
    for (const char c : prefix) hash.add(c);
    return hash.value();
  }
  /// Puts `route` in the place of the one that has this prefix, and returns that one. Under the
  /// mutex.
  std::shared_ptr<const Route> swap(std::string_view prefix, std::shared_ptr<const Route> route) {
    const Entry entry{hash(prefix), std::move(route)};
    const Shard& shard = shard_of(*current, entry.hash);
    const Entry* const before =
        shard.find(entry.hash, [prefix](const Route& other) { return other.prefix == prefix; });
    if (before == nullptr && !entry.route) return nullptr;
    std::shared_ptr<const Route> old = before == nullptr ? nullptr : before->route;
    auto next = std::make_shared<Snapshot>(*current);
    next->shards[entry.hash % kShards] = shard.changed(prefix, entry);
    const auto slashes = static_cast<std::size_t>(std::count(prefix.begin(), prefix.end(), '/'));
    next->deepest = std::max(next->deepest, slashes);
    current = std::move(next);
    epoch.fetch_add(1, std::memory_order_release);
    return old;
  }
  std::shared_ptr<const Snapshot> snapshot() const {
    const std::lock_guard lock(mutex);
    return current;
  }
  const Snapshot& refreshed() const {
    Cache& cache = t_cache;
    const std::uint64_t now = epoch.load(std::memory_order_acquire);
    if (cache.table != id || cache.epoch != now) {
      cache.snapshot = snapshot();
      cache.table = id;
      cache.epoch = now;
    }
    return *cache.snapshot;
  }
};

RouteTable::RouteTable() : impl_(std::make_unique<Impl>()) {}

RouteTable::~RouteTable() {
  for (const auto& route : all()) route->closed.store(true, std::memory_order_relaxed);
}

void RouteTable::add(std::shared_ptr<const Route> route) {
  const std::string& prefix = route->prefix;
  std::shared_ptr<const Route> old;
  {
    const std::lock_guard lock(impl_->mutex);
    old = impl_->swap(prefix, route);
  }
  if (old && old != route) old->closed.store(true, std::memory_order_relaxed);
}

bool RouteTable::remove(std::string_view prefix) {
  std::shared_ptr<const Route> old;
  {
    const std::lock_guard lock(impl_->mutex);
    old = impl_->swap(prefix, nullptr);
  }
  if (old) old->closed.store(true, std::memory_order_relaxed);
  return old != nullptr;
}

std::shared_ptr<const Route> RouteTable::exact(std::string_view prefix) const {
  const auto snapshot = impl_->snapshot();
  const std::uint64_t hash = impl_->hash(prefix);
  const Entry* const entry = shard_of(*snapshot, hash).find(hash, [prefix](const Route& route) {
    return route.prefix == prefix;
  });
  return entry == nullptr ? nullptr : entry->route;
}

std::vector<std::shared_ptr<const Route>> RouteTable::all() const {
  const auto snapshot = impl_->snapshot();
  std::vector<std::shared_ptr<const Route>> routes;
  for (const auto& shard : snapshot->shards) {
    if (!shard) continue;
    for (const Entry& entry : shard->entries()) {
      if (entry.route) routes.push_back(entry.route);
    }
  }
  return routes;
}

const std::shared_ptr<const Route>& RouteTable::match(std::string_view path,
                                                      EscapedSlash slash) const noexcept {
  const Snapshot& snapshot = impl_->refreshed();
  const std::shared_ptr<const Route>* found = &kNoRoute;
  const auto look = [&](std::uint64_t hash) {
    const Entry* const entry =
        shard_of(snapshot, hash).find(hash, [path, slash](const Route& route) {
          return begins(path, route.prefix, slash);
        });
    if (entry != nullptr) found = &entry->route;
  };
  Hash hash(impl_->seed);
  Decoder decoder(path, slash);
  std::size_t depth = 0;
  char c = 0;
  char last = 0;
  while (depth < snapshot.deepest && decoder.next(c)) {
    hash.add(c);
    last = c;
    if (c != '/') continue;
    ++depth;
    look(hash.value());
  }
  if (depth < snapshot.deepest && decoder.at_end() &&
      last != '/') {  // "/user/alice" is in "/user/alice/".
    hash.add('/');
    look(hash.value());
  }
  return *found;
}

}  // namespace passerelle::proxy
