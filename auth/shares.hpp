// Shares: rights to one server that somebody gave to a person or to a group, and codes by which
// whoever has one takes such a right. The policy adds them to what people have by roles. Kept in
// memory, written through to the store. The hub's loop only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "store/activities.hpp"

namespace passerelle::auth {

/// One server: usernames never change hands, so names are enough.
struct SharedServer {
  std::string owner;
  std::string server;  ///< Empty: the default server.
  std::string key() const { return owner + "/" + server; }
  auto operator<=>(const SharedServer&) const = default;
};

struct Grantee {
  bool group = false;
  std::string name;
  auto operator<=>(const Grantee&) const = default;
};

struct Share {
  SharedServer of;
  Grantee to;
  std::vector<std::string> scopes;  ///< Each with the filter "!server=<of.key()>"; sorted.
  Instant created{};
};

struct ShareCode {
  std::int64_t number = 0;  ///< Shown as "sc_<number>".
  std::string hash;         ///< SHA-256 (hex) of the code.
  SharedServer of;
  std::vector<std::string> scopes;
  Instant created{};
  Instant expires{};
  std::int64_t exchanges = 0;
  std::optional<Instant> last_exchange;
};

class Shares {
 public:
  Shares(store::KeptStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  Task<Result<void>> load();  ///< At start, before sessions and tokens.

  /// Adds what was shared with this person, or with a group of theirs.
  void give(std::string_view username,
            const std::vector<std::string>& groups,
            std::vector<std::string>& scopes) const;

  /// Adds to what they have. Errc::exhausted: 1000 shares of this server, or 20,000 in all.
  Task<Result<Share>> grant(SharedServer of, Grantee to, std::vector<std::string> scopes);
  /// Takes these scopes away, or all when none is named. What is left; nothing: no share any more.
  Task<Result<std::optional<Share>>> revoke(SharedServer of,
                                            Grantee to,
                                            std::vector<std::string> scopes);
  /// With the codes. Those who had one.
  Task<Result<std::vector<Grantee>>> revoke_all(SharedServer of);
  /// The user was removed: what they gave, and what they were given. Those who had something of
  /// theirs.
  Task<Result<std::vector<Grantee>>> forget_user(std::string username);

  std::vector<Share> of_owner(std::string_view owner) const;
  std::vector<Share> of_server(const SharedServer& of) const;
  std::vector<Share> with(const Grantee& to) const;
  std::optional<Share> find(const SharedServer& of, const Grantee& to) const;

  struct Made {
    std::string code;  ///< Nobody can read it again.
    ShareCode kept;
  };
  /// Errc::exhausted: 100 codes of this server.
  Task<Result<Made>> make_code(SharedServer of, std::vector<std::string> scopes, seconds lasts);
  /// By the code; nothing once it is over.
  std::optional<ShareCode> find_code(std::string_view code) const;
  std::vector<ShareCode> codes_of_owner(std::string_view owner) const;  ///< Without expired ones.
  Task<Result<void>> count_exchange(std::int64_t number);
  Task<Result<void>> erase_code(std::int64_t number);

 private:
  using Key = std::pair<SharedServer, Grantee>;

  Task<Result<void>> write(Share share);
  Task<Result<void>> erase(Key key);
  Task<Result<void>> write_code(ShareCode code);

  store::KeptStore& store_;
  const Clock& clock_;
  std::map<Key, Share> shares_;
  std::map<Grantee, std::set<SharedServer>> given_;
  std::map<std::int64_t, ShareCode> codes_;
  std::int64_t last_number_ = 0;
};

}  // namespace passerelle::auth
