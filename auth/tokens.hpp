// TokenTable: API tokens. Like SessionTable, with scopes instead of a browser: verify() is for
// proxy threads, the rest is called on the hub's loop.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "auth/account.hpp"
#include "auth/permissions.hpp"
#include "auth/policy.hpp"
#include "auth/secret_table.hpp"
#include "base/clock.hpp"
#include "base/task.hpp"
#include "store/store.hpp"

namespace passerelle::auth {

struct TokenView : TableView {
  std::string id;  ///< Public, to list and revoke.
  secrets::Digest key{};
  Principal principal;              ///< principal.account is the owner.
  std::vector<std::string> scopes;  ///< As they were asked for.
  std::string note;
  std::string session;  ///< It ends with that session; empty: it stands alone.
  std::string client;   ///< The OAuth client that it was given to; empty: none.
  Instant created{};
  std::optional<Instant> expires;
  std::shared_ptr<Life> life;  ///< Whether it was revoked, when it was last used.
  bool used_before = false;    ///< Used before this start of the gateway.

  const Account& owner() const noexcept { return *principal.account; }
  std::optional<Instant> last_used() const noexcept;
};

using TokenPointer = std::shared_ptr<const TokenView>;

class TokenTable {
 public:
  TokenTable(store::TokenStore& store, const Clock& clock);

  /// At start, after the sessions: `session_open` says which of them there still are; tokens of
  /// others are erased. Tokens of users whom `policy` refuses stay stored, unused: they work again
  /// once their owner may come in.
  Task<Result<std::size_t>> load(std::vector<store::User> users,
                                 const Policy& policy,
                                 std::function<bool(const std::string&)> session_open = {});

  /// The stored tokens of somebody whose tokens rested: they work again.
  Task<Result<void>> load_user(std::shared_ptr<const Account> owner);

  struct Issue {
    std::shared_ptr<const Account> owner;
    std::vector<std::string>
        scopes;  ///< {"inherit"}: all that the owner may. The caller has asked may_hand_out().
    std::string note;  ///< Cut to 200 bytes.
    std::optional<Instant> expires;
    std::string session = {};  ///< TokenView::session
    std::string client = {};   ///< Of one client a person holds 8 tokens; the oldest goes.
  };
  struct Issued {
    std::string secret;  ///< The token itself; nobody can read it again.
    TokenPointer token;
  };
  /// Errc::invalid: a scope that does not parse; Errc::exhausted: 100 tokens already.
  Task<Result<Issued>> issue(Issue request);

  /// The token's view, or null. Any thread; never waits, never asks the store. Counts as use.
  TokenPointer verify(std::string_view secret) const;

  /// Ends it at once on all threads, then in the store; Errc::not_found if there is none of that
  /// user with that id.
  Task<Result<void>> revoke(store::UserId owner, std::string id);
  /// All that this client has of this user.
  Task<Result<void>> revoke_of_client(store::UserId owner, std::string client);
  /// The session has ended: its tokens do at once; the store learns of it with the next sweep().
  void end_of_session(store::UserId owner, const std::string& session);

  /// The client is gone: what anybody gave it ends at once, in the store with the next sweep().
  void end_of_client(const std::string& client);

  /// A token that is not stored: a server's own, or a service's of the configuration. Works until
  /// withdraw(). Rests while its owner is kept out. Errc::invalid: a scope that does not parse.
  Result<TokenPointer> lend(std::string_view secret,
                            std::shared_ptr<const Account> owner,
                            std::vector<std::string> scopes,
                            std::string note);
  bool withdraw(std::string_view secret);  ///< False if it was not lent.

  /// The owner's groups or rights have changed.
  void update(std::shared_ptr<const Account> owner);
  /// The user was removed from the store, or refused: none of their tokens works any more.
  void forget_user(store::UserId user);

  std::vector<TokenPointer> of_user(
      store::UserId user) const;  ///< Newest first; without lent ones.
  /// By TokenView::id, lent ones too; null if there is none.
  TokenPointer find(store::UserId owner, std::string_view id) const;
  std::size_t size() const { return table_.size(); }

  /// Every minute or so: erases the expired ones, writes down when the others were last used. The
  /// number erased.
  Task<Result<std::size_t>> sweep();

 private:
  struct Lent {
    store::UserId owner = 0;
    TokenPointer view;
  };

  void add(TokenPointer token);
  void drop(const TokenView& token);
  TokenPointer replaced(const TokenPointer& old, const std::shared_ptr<const Account>& owner);
  Task<void> make_room(store::UserId owner, std::string client);

  /// A token that JupyterHub made: its salted hash, and what it is called here instead. Written by
  /// load() alone, before anybody else asks.
  struct Imported {
    std::string salt;
    std::string digest;
    secrets::Digest key{};
  };

  void know_imported(const std::vector<store::ApiToken>& rows);
  std::optional<secrets::Digest> key_of(const store::ApiToken& row) const;
  std::shared_ptr<TokenView> make_view(const store::ApiToken& row,
                                       std::shared_ptr<const Account> owner) const;
  TokenPointer find(std::string_view secret) const;

  store::TokenStore& store_;
  const Clock& clock_;
  SecretTable<TokenView> table_;
  std::unordered_multimap<std::string, Imported> imported_;  ///< By the token's first 4 characters.
  std::unordered_map<std::string, secrets::Digest> imported_keys_;  ///< By TokenView::id.
  std::unordered_map<store::UserId, std::vector<TokenPointer>> by_user_;
  std::map<secrets::Digest, Lent> lent_;
  std::deque<std::string> owed_;  ///< Ids that the store is still to erase.
};

}  // namespace passerelle::auth
