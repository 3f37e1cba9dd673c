#include "auth/tokens.hpp"

#include <algorithm>

#include "auth/jupyterhub_hash.hpp"
#include "base/log.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth {
namespace {

constexpr std::size_t kMostPerUser = 100;
constexpr std::size_t kMostOfClient = 8;
constexpr std::size_t kMostOwed = 100'000;
constexpr std::size_t kLongestNote = 200;

bool expired(const TokenView& token, Instant now) noexcept {
  return token.expires && now >= *token.expires;
}

}  // namespace

std::optional<Instant> TokenView::last_used() const noexcept {
  const Instant seen = life->last_seen();
  if (!used_before && seen == created) return std::nullopt;
  return seen;
}

TokenTable::TokenTable(store::TokenStore& store, const Clock& clock)
    : store_(store), clock_(clock) {}

// Null, with a line in the log, for a row that this version cannot read: it then opens nothing.
std::shared_ptr<TokenView> TokenTable::make_view(const store::ApiToken& row,
                                                 std::shared_ptr<const Account> owner) const {
  const auto key = key_of(row);
  auto principal = principal_of(std::move(owner), row.scopes);
  if (!key || !principal) {
    const std::string why = key ? principal.error().message() : "its hash is damaged";
    log::warn("auth", "a stored token is ignored", {{"token", row.id}, {"why", why}});
    return nullptr;
  }
  auto view = std::make_shared<TokenView>();
  view->id = row.id;
  view->key = *key;
  view->principal = std::move(*principal);
  view->scopes = row.scopes;
  view->note = row.note;
  view->session = row.session;
  view->client = row.client;
  view->created = row.created;
  view->expires = row.expires;
  view->used_before = row.last_used.has_value();
  view->life = std::make_shared<Life>(row.last_used.value_or(row.created));
  return view;
}

// A random key: the table finds it for who presents the token, and nobody else can.
void TokenTable::know_imported(const std::vector<store::ApiToken>& rows) {
  for (const store::ApiToken& row : rows) {
    const auto known = parse_jupyterhub_hash(row.hash);
    if (!known) continue;
    const secrets::Digest key = secrets::sha256(secrets::random_token());
    imported_keys_[row.id] = key;
    imported_.emplace(known->prefix, Imported{known->salt, known->digest, key});
  }
}

std::optional<secrets::Digest> TokenTable::key_of(const store::ApiToken& row) const {
  const auto imported = imported_keys_.find(row.id);
  return imported == imported_keys_.end() ? key_from_hex(row.hash) : imported->second;
}

TokenPointer TokenTable::find(std::string_view secret) const {
  if (TokenPointer view = table_.find(secret)) return view;
  if (imported_.empty() || secret.size() < kJupyterHubPrefix) return nullptr;
  const auto [first, last] =
      imported_.equal_range(std::string(secret.substr(0, kJupyterHubPrefix)));
  for (auto at = first; at != last; ++at)
    if (secrets::equal(jupyterhub_digest(at->second.salt, secret), at->second.digest))
      return table_.find_by_key(at->second.key);
  return nullptr;
}

void TokenTable::add(TokenPointer token) {
  table_.put(token->key, token);
  by_user_[token->owner().id].push_back(std::move(token));
}

void TokenTable::drop(const TokenView& token) {
  token.life->end();
  table_.erase(token.key);
  const auto at = by_user_.find(token.owner().id);
  if (at == by_user_.end()) return;
  std::erase_if(at->second, [&](const TokenPointer& other) { return other.get() == &token; });
  if (at->second.empty()) by_user_.erase(at);
}

Task<Result<std::size_t>> TokenTable::load(std::vector<store::User> users,
                                           const Policy& policy,
                                           std::function<bool(const std::string&)> session_open) {
  auto rows = co_await store_.all();
  if (!rows) co_return std::move(rows).error();
  std::unordered_map<store::UserId, std::shared_ptr<const Account>> accounts;
  for (const store::User& user : users) {
    Admission admission = policy.admit(user);
    if (auto* admitted = std::get_if<Admitted>(&admission))
      accounts[user.id] = make_account(user, std::move(*admitted));
  }
  know_imported(*rows);
  std::size_t count = 0;
  for (const store::ApiToken& row : *rows) {
    if (!row.session.empty() && session_open && !session_open(row.session)) {
      owed_.push_back(row.id);
      continue;
    }
    const auto account = accounts.find(row.user);
    if (account == accounts.end()) continue;
    auto view = make_view(row, account->second);
    if (!view || expired(*view, clock_.now())) continue;
    add(std::move(view));
    ++count;
  }
  co_return count;
}

Task<Result<void>> TokenTable::load_user(std::shared_ptr<const Account> owner) {
  auto rows = co_await store_.of_user(owner->id);
  if (!rows) co_return std::move(rows).error();
  const std::vector<TokenPointer> there = of_user(owner->id);
  for (const store::ApiToken& row : *rows) {
    const bool known = std::any_of(there.begin(), there.end(),
                                   [&](const TokenPointer& one) { return one->id == row.id; });
    const bool over = std::find(owed_.begin(), owed_.end(), row.id) != owed_.end();
    auto view = known || over ? nullptr : make_view(row, owner);
    if (view && !expired(*view, clock_.now())) add(std::move(view));
  }
  update(owner);  // what was lent works again, too
  co_return Result<void>();
}

Task<Result<TokenTable::Issued>> TokenTable::issue(Issue request) {
  const std::vector<TokenPointer> held = of_user(request.owner->id);
  const auto own = std::count_if(held.begin(), held.end(),
                                 [](const TokenPointer& token) { return token->client.empty(); });
  if (request.client.empty() && static_cast<std::size_t>(own) >= kMostPerUser)
    co_return Error(Errc::exhausted, "a user holds at most 100 tokens; revoke one first");
  if (!request.client.empty()) co_await make_room(request.owner->id, request.client);
  Issued issued;
  issued.secret = secrets::random_token();
  store::ApiToken row;
  row.id = secrets::random_hex(8);
  row.hash = secrets::sha256_hex(issued.secret);
  row.user = request.owner->id;
  row.scopes = std::move(request.scopes);
  row.note = request.note.substr(0, kLongestNote);
  row.created = clock_.now();
  row.expires = request.expires;
  row.session = std::move(request.session);
  row.client = std::move(request.client);
  auto checked = principal_of(request.owner, row.scopes);
  if (!checked) co_return std::move(checked).error();
  // Known before the store has it: whoever puts the person out, or ends the session or the client
  // meanwhile, ends it too. Nobody can show it yet.
  add(make_view(row, std::move(request.owner)));
  auto written = co_await store_.put(row);
  issued.token = find(row.user, row.id);  // update() may have replaced its view
  if (!written) {
    if (issued.token) drop(*issued.token);
    co_return std::move(written).error();
  }
  if (issued.token) co_return issued;
  std::erase(owed_, row.id);
  auto erased = co_await store_.erase(row.id);
  if (!erased && erased.error().code() != Errc::not_found) co_return std::move(erased).error();
  co_return Error(Errc::conflict, "what it rested on has ended while it was made");
}

TokenPointer TokenTable::verify(std::string_view secret) const {
  TokenPointer token = find(secret);
  if (!token) return nullptr;
  const Instant now = clock_.now();
  if (expired(*token, now)) return nullptr;
  token->life->see(now);
  return token;
}

Task<Result<void>> TokenTable::revoke(store::UserId owner, std::string id) {
  const std::vector<TokenPointer> held = of_user(owner);
  const auto at = std::find_if(held.begin(), held.end(),
                               [&](const TokenPointer& token) { return token->id == id; });
  if (at == held.end()) co_return Error(Errc::not_found, "there is no such token");
  drop(**at);
  auto erased = co_await store_.erase(std::move(id));
  co_return erased;
}

// With its oldest tokens gone, there is room for one more of this client.
Task<void> TokenTable::make_room(store::UserId owner, std::string client) {
  std::vector<TokenPointer> of_client;
  for (const TokenPointer& token : of_user(owner))  // newest first
    if (token->client == client) of_client.push_back(token);
  for (std::size_t i = kMostOfClient - 1; i < of_client.size(); ++i) {
    auto gone = co_await revoke(owner, of_client[i]->id);
    if (!gone) log::warn("auth", "an old token is still stored", {{"why", gone.error().message()}});
  }
}

Task<Result<void>> TokenTable::revoke_of_client(store::UserId owner, std::string client) {
  Result<void> outcome;
  for (const TokenPointer& token : of_user(owner)) {
    if (token->client != client) continue;
    auto gone = co_await revoke(owner, token->id);
    if (!gone) outcome = std::move(gone);
  }
  co_return outcome;
}

void TokenTable::end_of_session(store::UserId owner, const std::string& session) {
  for (const TokenPointer& token : of_user(owner)) {
    if (token->session != session) continue;
    drop(*token);
    if (owed_.size() < kMostOwed) owed_.push_back(token->id);
  }
}

void TokenTable::end_of_client(const std::string& client) {
  std::vector<TokenPointer> over;
  for (const auto& [user, held] : by_user_)
    for (const TokenPointer& token : held)
      if (token->client == client) over.push_back(token);
  for (const TokenPointer& token : over) {
    drop(*token);
    if (owed_.size() < kMostOwed) owed_.push_back(token->id);
  }
}

Result<TokenPointer> TokenTable::lend(std::string_view secret,
                                      std::shared_ptr<const Account> owner,
                                      std::vector<std::string> scopes,
                                      std::string note) {
  store::ApiToken row;
  row.hash = secrets::sha256_hex(secret);
  row.id = row.hash.substr(0, 16);
  row.user = owner->id;
  row.scopes = std::move(scopes);
  row.note = std::move(note);
  row.created = clock_.now();
  auto checked = principal_of(owner, row.scopes);
  if (!checked) return std::move(checked).error();
  const TokenPointer view = make_view(row, std::move(owner));
  lent_[view->key] = {view->owner().id, view};
  table_.put(view->key, view);
  return view;
}

bool TokenTable::withdraw(std::string_view secret) {
  const auto at = lent_.find(secrets::sha256(secret));
  if (at == lent_.end()) return false;
  at->second.view->life->end();
  table_.erase(at->first);
  lent_.erase(at);
  return true;
}

TokenPointer TokenTable::replaced(const TokenPointer& old,
                                  const std::shared_ptr<const Account>& owner) {
  if (old->owner() == *owner && old->life->alive()) return old;
  auto principal = principal_of(owner, old->scopes);
  if (!principal) return old;  // They parsed when it was made, and the username never changes.
  auto view = std::make_shared<TokenView>(*old);
  view->principal = std::move(*principal);
  if (!old->life->alive()) view->life = std::make_shared<Life>(clock_.now());
  if (lost_rights(old->owner(), *owner)) {  // as for sessions: what runs on it is cut
    view->life = std::make_shared<Life>(old->life->last_seen());
    old->life->end();
  }
  table_.put(view->key, view);
  return view;
}

void TokenTable::update(std::shared_ptr<const Account> owner) {
  if (const auto held = by_user_.find(owner->id); held != by_user_.end())
    for (TokenPointer& token : held->second) token = replaced(token, owner);
  for (auto& [key, lent] : lent_)
    if (lent.owner == owner->id && !lent.view->owner().service)
      lent.view = replaced(lent.view, owner);
}

void TokenTable::forget_user(store::UserId user) {
  for (const TokenPointer& token : of_user(user)) drop(*token);
  for (const auto& [key, lent] : lent_) {
    if (lent.owner != user) continue;
    lent.view->life->end();
    table_.erase(key);
  }
}

TokenPointer TokenTable::find(store::UserId owner, std::string_view id) const {
  if (const auto held = by_user_.find(owner); held != by_user_.end())
    for (const TokenPointer& token : held->second)
      if (token->id == id) return token;
  for (const auto& [key, lent] : lent_)
    if (lent.owner == owner && lent.view->id == id && lent.view->life->alive()) return lent.view;
  return nullptr;
}

std::vector<TokenPointer> TokenTable::of_user(store::UserId user) const {
  const auto at = by_user_.find(user);
  if (at == by_user_.end()) return {};
  return {at->second.rbegin(), at->second.rend()};
}

Task<Result<std::size_t>> TokenTable::sweep() {
  const Instant now = clock_.now();
  std::vector<TokenPointer> over;
  std::vector<std::pair<std::string, Instant>> used;
  for (const auto& [user, held] : by_user_)
    for (const TokenPointer& token : held) {
      if (expired(*token, now))
        over.push_back(token);
      else if (const auto at = token->life->unwritten())
        used.emplace_back(token->id, *at);
    }
  Result<void> outcome;
  for (std::size_t left = owed_.size(); left > 0; --left) {
    outcome = co_await store_.erase(owed_.front());
    if (!outcome && outcome.error().code() != Errc::not_found) co_return std::move(outcome).error();
    owed_.pop_front();
  }
  outcome = Result<void>();
  if (!used.empty()) outcome = co_await store_.touch(std::move(used));
  if (!outcome) co_return std::move(outcome).error();
  for (const TokenPointer& token : over) {
    drop(*token);
    outcome = co_await store_.erase(token->id);
    if (!outcome && outcome.error().code() != Errc::not_found) co_return std::move(outcome).error();
  }
  co_return over.size();
}

}  // namespace passerelle::auth
