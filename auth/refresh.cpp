#include "auth/refresh.hpp"

#include <set>

#include "base/log.hpp"

namespace passerelle::auth {
namespace {

constexpr std::size_t kAtOnce = 8;  // of refresh_old: a provider is not to be flooded by us

}  // namespace

/// One question under way, and those who wait for its answer.
struct Refresher::Flight {
  explicit Flight(const asio::any_io_executor& executor)
      : over(executor, asio::steady_timer::time_point::max()) {}
  asio::steady_timer over;
  std::optional<Result<store::User>> answer;
};

void Refresher::seen(const std::string& authenticator, const std::string& subject) {
  asked_[{authenticator, subject}] = parts_.clock.now();
}

Task<Result<store::User>> Refresher::refresh(std::string authenticator, std::string subject) {
  Key key(std::move(authenticator), std::move(subject));
  if (const auto known = under_way_.find(key); known != under_way_.end()) {
    const std::shared_ptr<Flight> flight = known->second;
    boost::system::error_code woken;
    co_await flight->over.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (flight->answer) co_return *flight->answer;
    co_return Error(Errc::unavailable, "the question was given up");
  }
  const auto executor = co_await asio::this_coro::executor;
  const auto flight = std::make_shared<Flight>(executor);
  under_way_[key] = flight;
  // Whoever asks may be cancelled (a page that was closed): those who wait must not wait for ever.
  struct Landing {
    Refresher& self;
    const Key& key;
    Flight& flight;
    ~Landing() {
      self.under_way_.erase(key);
      flight.over.cancel();
    }
  } landing{*this, key, *flight};
  auto answer = co_await ask(key);
  flight->answer = answer;
  co_return answer;
}

Task<Result<store::User>> Refresher::ask(Key key) {
  auto user = co_await parts_.users.find_by_identity(key.first, key.second);
  if (!user) co_return user;
  Authenticator* method = parts_.find(key.first);
  if (method == nullptr) {
    // Sessions of a method that was taken out of the configuration do not go on without it.
    co_await put_out(*user, "method-gone");
    co_return Error(Errc::forbidden, "the sign-in method " + key.first + " is gone");
  }
  auto state = co_await parts_.states.find(key.first, key.second);
  if (!state) co_return std::move(state).error();
  Known before;
  before.identity = {key.first, key.second, user->username, user->display_name, user->told_groups};
  before.state = std::move(*state);
  auto after = co_await method->refresh(before);
  if (!after && after.error().code() == Errc::forbidden) {
    log::info("auth", "the authenticator refuses somebody who was in",
              {{"user", user->username}, {"why", after.error().message()}});
    co_await put_out(*user, "refresh-refused");
    co_return std::move(after).error();
  }
  if (!after) {
    log::warn(
        "auth", "could not ask about somebody again; nothing changes for them",
        {{"user", user->username}, {"authenticator", key.first}, {"why", after.error().message()}});
    co_return std::move(after).error();
  }
  asked_[key] = parts_.clock.now();
  auto current = co_await take_over(std::move(*user), std::move(before), std::move(*after));
  co_return current;
}

Task<Result<store::User>> Refresher::take_over(store::User user, Known before, Known after) {
  const Identity& identity = after.identity;
  if (after.state && after.state != before.state) {
    auto kept = co_await parts_.states.put(before.identity.authenticator, before.identity.subject,
                                           *after.state);
    // A rotated refresh token that is not written down is lost with the next restart; the person
    // signs in again then.
    if (!kept)
      log::warn("auth", "an auth state could not be kept", {{"why", kept.error().message()}});
  }
  if (identity.groups != user.told_groups || identity.display_name != user.display_name) {
    store::NewUser update;
    update.authenticator = before.identity.authenticator;
    update.subject = before.identity.subject;
    update.wanted_username = user.username;
    update.display_name = identity.display_name;
    update.groups = identity.groups;
    auto entered = co_await parts_.users.enter(std::move(update), false);
    if (!entered) co_return std::move(entered).error();
    user = std::move(entered->user);
  }
  Admission admission = parts_.policy.admit(user);
  if (const auto* refusal = std::get_if<Refusal>(&admission)) {
    const std::string reason(to_string(*refusal));
    co_await put_out(user, reason);
    co_return Error(Errc::forbidden, "may no longer come in: " + reason);
  }
  const auto account = make_account(user, std::get<Admitted>(std::move(admission)));
  parts_.sessions.update(account);
  parts_.tokens.update(account);
  co_return user;
}

Task<void> Refresher::put_out(store::User user, std::string_view reason) {
  parts_.tokens.forget_user(user.id);
  auto ended = co_await parts_.sessions.revoke_user(user.id, "");
  if (!ended)
    log::warn("auth", "sessions of somebody who was put out are still stored",
              {{"user", user.username}, {"why", ended.error().message()}});
  record(user, "refused", std::string(reason));
  if (on_put_out) on_put_out(user, reason);
}

void Refresher::record(const store::User& user, std::string result, std::string cause) {
  store::AuditEvent event;
  event.at = parts_.clock.now();
  event.actor = "gateway";
  event.action = "refresh";
  event.target = "user/" + user.username + "/";
  event.result = std::move(result);
  event.cause = std::move(cause);
  parts_.audit.append(std::move(event));
}

Task<void> Refresher::refresh_old() {
  if (parts_.age.count() == 0) co_return;
  const Instant now = parts_.clock.now();
  std::set<Key> old;
  std::set<Key> open;
  for (const SessionPointer& session : parts_.sessions.all()) {
    Key key(session->authenticator, session->subject);
    open.insert(key);
    const auto asked = asked_.find(key);
    const Instant last = asked == asked_.end() ? session->created : asked->second;
    if (now - last >= parts_.age && session->life->last_seen() > last) old.insert(std::move(key));
  }
  std::erase_if(asked_, [&](const auto& entry) { return !open.contains(entry.first); });

  const auto executor = co_await asio::this_coro::executor;
  std::vector<Key> queue(old.begin(), old.end());
  std::size_t running = 0;
  asio::steady_timer changed(executor, asio::steady_timer::time_point::max());
  boost::system::error_code woken;
  while (!queue.empty() || running > 0) {
    while (running < kAtOnce && !queue.empty()) {
      ++running;
      Task<Result<store::User>> task = refresh(queue.back().first, queue.back().second);
      queue.pop_back();
      asio::co_spawn(executor, std::move(task),
                     [&running, &changed](const std::exception_ptr&, const Result<store::User>&) {
                       --running;
                       changed.cancel();
                     });
    }
    co_await changed.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
}

}  // namespace passerelle::auth
