#include "auth/session.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth {
namespace {

constexpr std::size_t kMostPerUser = 32;
constexpr std::size_t kMostOwed = 10'000;
constexpr std::size_t kLongestUserAgent = 200;

}  // namespace

SessionTable::SessionTable(store::SessionStore& store,
                           const Csrf& csrf,
                           const Clock& clock,
                           config::Sessions times)
    : store_(store), csrf_(csrf), clock_(clock), times_(times) {}

bool SessionTable::expired(const SessionView& session, Instant now) const noexcept {
  return now >= session.expires || now - session.life->last_seen() >= times_.idle;
}

std::shared_ptr<SessionView> SessionTable::make_view(const store::Session& row,
                                                     const secrets::Digest& key,
                                                     std::shared_ptr<const Account> account) const {
  auto view = std::make_shared<SessionView>();
  view->id = row.id;
  view->key = key;
  view->principal = principal_of(std::move(account));
  view->csrf = csrf_.token(row.id);
  view->created = row.created;
  view->expires = row.expires;
  view->user_agent = row.user_agent;
  view->peer = row.peer;
  view->authenticator = row.authenticator;
  view->subject = row.subject;
  view->provider_session = row.provider_session;
  if (ask_frames_) view->framed_by = ask_frames_(*view);
  view->life = std::make_shared<Life>(row.last_seen);
  return view;
}

void SessionTable::add(SessionPointer session) {
  table_.put(session->key, session);
  by_user_[session->account().id].push_back(std::move(session));
}

void SessionTable::drop(const SessionView& session) {
  session.life->end();
  table_.erase(session.key);
  if (on_end) on_end(session);
  const auto at = by_user_.find(session.account().id);
  if (at == by_user_.end()) return;
  std::erase_if(at->second, [&](const SessionPointer& other) { return other.get() == &session; });
  if (at->second.empty()) by_user_.erase(at);
}

Task<Result<std::size_t>> SessionTable::load(std::vector<store::User> users, const Policy& policy) {
  auto rows = co_await store_.all();
  if (!rows) co_return std::move(rows).error();
  std::unordered_map<store::UserId, std::shared_ptr<const Account>> accounts;
  for (const store::User& user : users) {
    Admission admission = policy.admit(user);
    if (auto* admitted = std::get_if<Admitted>(&admission))
      accounts[user.id] = make_account(user, std::move(*admitted));
  }
  const Instant now = clock_.now();
  std::size_t count = 0;
  for (const store::Session& row : *rows) {
    const auto account = accounts.find(row.user);
    if (account == accounts.end()) {
      auto erased = co_await erase_stored(row.id);
      if (!erased)
        log::warn("auth", "a refused user's session is still stored",
                  {{"error", erased.error().message()}});
      continue;
    }
    const auto key = key_from_hex(row.id);
    if (!key) continue;
    auto view = make_view(row, *key, account->second);
    if (expired(*view, now)) continue;
    add(std::move(view));
    ++count;
  }
  co_return count;
}

Task<Result<SessionTable::Issued>> SessionTable::issue(Issue request) {
  const Instant now = clock_.now();
  Issued issued;
  issued.secret = secrets::random_token();
  store::Session row;
  row.id = secrets::sha256_hex(issued.secret);
  row.user = request.account->id;
  row.created = now;
  row.last_seen = now;
  row.expires = now + times_.absolute;
  if (request.until && *request.until < row.expires) row.expires = *request.until;
  row.user_agent = request.user_agent.substr(0, kLongestUserAgent);
  row.peer = request.peer;
  const bool linked = !request.authenticator.empty();
  row.authenticator = linked ? std::move(request.authenticator) : request.account->authenticator;
  row.subject = linked ? std::move(request.subject) : request.account->subject;
  row.provider_session = std::move(request.provider_session);
  row.sealed_hint = std::move(request.sealed_hint);

  // Somebody may revoke the person's sessions while the store writes: then this one must not come
  // to life.
  auto mark = std::make_shared<Issuing>(Issuing{row.user});
  issuing_.push_back(mark);
  auto written = co_await store_.put(row);
  std::erase(issuing_, mark);
  if (!written) co_return std::move(written).error();
  if (mark->cancelled) {
    auto erased = co_await erase_stored(row.id);
    if (!erased) co_return std::move(erased).error();
    co_return Error(Errc::conflict, "the sessions of this user were revoked during the sign-in");
  }
  auto view = make_view(row, secrets::sha256(issued.secret), std::move(request.account));
  view->before = std::move(request.before);
  issued.session = std::move(view);
  issued.lasts = std::chrono::ceil<seconds>(row.expires - now);
  add(issued.session);
  co_await make_room(row.user);
  co_return issued;
}

Task<void> SessionTable::make_room(store::UserId user) {
  const auto& open = by_user_[user];
  if (open.size() <= kMostPerUser) co_return;
  const auto oldest = std::min_element(
      open.begin(), open.end() - 1,
      [](const auto& a, const auto& b) { return a->life->last_seen() < b->life->last_seen(); });
  std::string id = (*oldest)->id;
  auto revoked = co_await revoke(std::move(id));
  if (!revoked)
    log::warn("auth", "an old session is still stored", {{"error", revoked.error().message()}});
}

bool SessionTable::open(const std::string& id) const {
  const auto key = key_from_hex(id);
  return key && table_.find_by_key(*key) != nullptr;
}

SessionPointer SessionTable::verify(std::string_view secret) const {
  return verify_again(table_.find(secret));
}

SessionPointer SessionTable::verify_key(const secrets::Digest& key) const {
  return verify_again(table_.find_by_key(key));
}

SessionPointer SessionTable::verify_again(SessionPointer session) const {
  if (!session) return nullptr;
  const Instant now = clock_.now();
  if (expired(*session, now)) return nullptr;
  session->life->see(now);
  return session;
}

Task<Result<void>> SessionTable::erase_stored(std::string id) {
  auto erased = co_await store_.erase(id);
  if (!erased && owed_.size() < kMostOwed) owed_.push_back(std::move(id));
  co_return erased;
}

Task<Result<void>> SessionTable::revoke(std::string id) {
  std::vector<std::string> ended;
  while (const auto key = key_from_hex(id)) {
    ended.push_back(std::move(id));
    const SessionPointer session = table_.find_by_key(*key);
    if (!session) break;
    id = session->before;
    drop(*session);
  }
  Result<void> outcome;
  for (std::string& one : ended) {
    auto erased = co_await erase_stored(std::move(one));
    if (!erased) outcome = std::move(erased);
  }
  co_return outcome;
}

Task<Result<void>> SessionTable::revoke_user(store::UserId user, std::string except_id) {
  for (const auto& mark : issuing_)
    if (mark->user == user) mark->cancelled = true;
  std::vector<std::string> ended;
  const std::vector<SessionPointer> open = of_user(user);
  for (const SessionPointer& session : open) {
    if (session->id == except_id) continue;
    ended.push_back(session->id);
    drop(*session);
  }
  auto erased = co_await store_.erase_of_user(user, except_id);
  if (!erased)
    for (std::string& id : ended)
      if (owed_.size() < kMostOwed) owed_.push_back(std::move(id));
  co_return erased;
}

Task<Result<std::size_t>> SessionTable::revoke_of_provider(std::string authenticator,
                                                           std::string subject,
                                                           std::string provider_session) {
  std::vector<SessionPointer> over;
  if (subject.empty() && provider_session.empty()) co_return over.size();
  const std::vector<SessionPointer> open = all();
  for (const SessionPointer& session : open)
    if (session->authenticator == authenticator &&
        (subject.empty() || session->subject == subject) &&
        (provider_session.empty() || session->provider_session == provider_session))
      over.push_back(session);
  // All end in memory before the first wait.
  for (const SessionPointer& session : over) drop(*session);
  Result<void> outcome;
  for (const SessionPointer& session : over) {
    auto erased = co_await erase_stored(session->id);
    if (!erased) outcome = std::move(erased);
  }
  if (!outcome) co_return std::move(outcome).error();
  co_return over.size();
}

Task<std::string> SessionTable::sealed_hint(SessionPointer session) {
  auto rows = co_await store_.of_user(session->account().id);
  if (rows)
    for (const store::Session& row : *rows)
      if (row.id == session->id) co_return row.sealed_hint;
  co_return std::string();
}

void SessionTable::update(std::shared_ptr<const Account> account) {
  for (const SessionPointer& old : of_user(account->id)) {
    if (old->account() == *account) continue;
    auto view = std::make_shared<SessionView>(*old);
    view->principal = principal_of(account);
    // Connections that may rest on it are cut; the session itself goes on.
    if (lost_rights(old->account(), *account)) {
      view->life = std::make_shared<Life>(old->life->last_seen());
      old->life->end();
    }
    auto& open = by_user_[account->id];
    std::replace(open.begin(), open.end(), old, SessionPointer(view));
    table_.put(view->key, view);
  }
}

std::vector<SessionPointer> SessionTable::of_user(store::UserId user) const {
  const auto at = by_user_.find(user);
  if (at == by_user_.end()) return {};
  return {at->second.rbegin(), at->second.rend()};
}

std::vector<SessionPointer> SessionTable::all() const {
  std::vector<SessionPointer> list;
  list.reserve(table_.size());
  for (const auto& [user, open] : by_user_) list.insert(list.end(), open.begin(), open.end());
  return list;
}

Task<Result<std::size_t>> SessionTable::sweep() {
  const Instant now = clock_.now();
  std::vector<SessionPointer> over;
  std::vector<std::pair<std::string, Instant>> seen;
  for (const auto& [user, open] : by_user_)
    for (const SessionPointer& session : open) {
      if (expired(*session, now))
        over.push_back(session);
      else if (const auto at = session->life->unwritten())
        seen.emplace_back(session->id, *at);
    }
  for (const SessionPointer& session : over) drop(*session);

  Result<void> outcome;
  if (!seen.empty()) outcome = co_await store_.touch(std::move(seen));
  if (!outcome) co_return std::move(outcome).error();
  auto erased = co_await store_.erase_expired(now, now - times_.idle);
  if (!erased) co_return std::move(erased).error();
  for (std::size_t left = owed_.size(); left > 0; --left) {
    std::string id = std::move(owed_.front());
    owed_.pop_front();
    outcome = co_await erase_stored(std::move(id));
    if (!outcome) co_return std::move(outcome).error();
  }
  co_return over.size();
}

}  // namespace passerelle::auth
