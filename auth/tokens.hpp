// TokenTable: API tokens. Like SessionTable, with scopes instead of a browser: verify() is for
// proxy threads, the rest is called on the hub's loop.
#pragma once

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

  /// At start. Tokens of users whom `policy` refuses stay stored, unused: they work again once
  /// their owner may come in.
  Task<Result<std::size_t>> load(std::vector<store::User> users, const Policy& policy);

  /// The stored tokens of somebody whose tokens rested: they work again.
  Task<Result<void>> load_user(std::shared_ptr<const Account> owner);

  struct Issue {
    std::shared_ptr<const Account> owner;
    std::vector<std::string>
        scopes;  ///< {"inherit"}: all that the owner may. The caller has asked may_hand_out().
    std::string note;  ///< Cut to 200 bytes.
    std::optional<Instant> expires;
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
  /// The owner's groups or rights have changed.
  void update(std::shared_ptr<const Account> owner);
  /// The user was removed from the store, or refused: none of their tokens works any more.
  void forget_user(store::UserId user);

  std::vector<TokenPointer> of_user(store::UserId user) const;  ///< Newest first.
  std::size_t size() const { return table_.size(); }

  /// Every minute or so: erases the expired ones, writes down when the others were last used. The
  /// number erased.
  Task<Result<std::size_t>> sweep();

 private:
  void add(TokenPointer token);
  void drop(const TokenView& token);

  store::TokenStore& store_;
  const Clock& clock_;
  SecretTable<TokenView> table_;
  std::unordered_map<store::UserId, std::vector<TokenPointer>> by_user_;
};

}  // namespace passerelle::auth
