#include "hub/launcher.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>

#include "base/log.hpp"
#include "config/domain.hpp"
#include "hub/origins.hpp"
#include "proxy/tls.hpp"
#include "spawners/host_name.hpp"

namespace passerelle::hub {

using store::Phase;

// Joins the spawner's Progress to the launch's: what it tells is shown, what it must remember is
// stored.
class Launcher::Telling final : public spawners::Progress {
 public:
  Telling(Launcher& launcher, ServerPtr server, LaunchQueue::Place& place)
      : launcher_(launcher), server_(std::move(server)), place_(place) {}
  void step(std::string_view name) override { server_->progress->step(name); }
  void log(std::string_view lines) override { server_->progress->log(lines); }
  void waiting(const spawners::Waiting& how) override {
    LaunchQueue::Place free;
    std::swap(free, place_);
    server_->progress->waiting(how);
  }
  Task<Result<void>> remember(spawners::State state) override {
    server_->record.state = std::move(state);
    auto stored = co_await launcher_.parts_.store.servers().put(server_->record);
    co_return stored;
  }

 private:
  Launcher& launcher_;
  ServerPtr server_;
  LaunchQueue::Place& place_;
};

Launcher::Launcher(LauncherParts parts)
    : parts_(parts),
      queue_(parts.settings.limits.launches_in_flight, parts.settings.limits.queue) {}

Task<Result<std::string>> Launcher::launch(LaunchRequest request) {
  auto fresh = co_await ask_again(request);
  if (!fresh) co_return std::move(fresh).error();
  request.user = std::move(*fresh);
  const auto profile = admit(request);
  if (!profile) {
    audit_refusal(request, profile.error());
    co_return profile.error();
  }
  auto values = values_for(request, **profile);
  if (!values) {
    audit_refusal(request, values.error());
    co_return std::move(values).error();
  }
  request.values = std::move(*values);
  // From here to put() nothing is awaited: a second request for the same server finds it pending.
  const ServerPtr server = prepare(request, **profile);
  const store::ServerRecord before = server->record;
  auto stored = co_await parts_.store.servers().put(server->record);
  if (!stored) {
    const Error failed(Errc::unavailable, Cause::internal,
                       "the gateway cannot write its database: " + stored.error().message());
    co_await close(server, "launch", failed);
    co_return failed;
  }
  asio::co_spawn(parts_.loop, run(server, false), asio::detached);
  audit(*server, "launch", request.actor, request.peer, nullptr);
  co_return before.launch_id;
}

void Launcher::audit_refusal(const LaunchRequest& request, const Error& why) const {
  if (why.cause() == Cause::queue_full) parts_.tally.refused("throttled");
  if (why.cause() == Cause::limit_global) parts_.tally.refused("too-many-users");
  if (why.code() == Errc::conflict) parts_.tally.refused("already-pending");
  store::AuditEvent refused{
      .at = parts_.clock.now(), .actor = request.actor, .action = "launch", .result = "refused"};
  refused.target = request.user.username + "/" + request.server_name;
  refused.cause = why.cause() ? std::string(to_string(*why.cause())) : "conflict";
  refused.detail = why.message();
  refused.peer = request.peer;
  parts_.store.audit().append(std::move(refused));
}

// The person as their authenticator sees them now; as they were when it cannot tell: a provider
// that is down does not stop work.
Task<Result<store::User>> Launcher::ask_again(LaunchRequest request) {
  const bool own = request.authenticator.empty();
  auto fresh =
      co_await parts_.refresher.refresh(own ? request.user.authenticator : request.authenticator,
                                        own ? request.user.subject : request.subject);
  if (fresh || fresh.error().code() == Errc::forbidden) co_return fresh;
  co_return request.user;
}

ServerPtr Launcher::prepare(const LaunchRequest& request, const config::Profile& profile) {
  const ServerKey key{request.user.id, request.server_name};
  ServerPtr& server = servers_[key];
  if (!server) server = std::make_shared<Server>(parts_.loop);
  server->username = request.user.username;
  server->groups = request.user.groups;
  server->stop_asked = false;
  server->stops_at.reset();
  server->kept_until.reset();
  server->secret = secrets::random_token();
  store::ServerRecord record;
  record.user = key.user;
  record.name = key.name;
  record.launch_id = secrets::random_hex(8);
  record.profile = profile.name;
  record.values = request.values;
  record.spawner = profile.spawner;
  record.sealed_secret = parts_.sealer.seal(server->secret, "server-secret");
  record.last_activity = parts_.clock.now();
  server->record = std::move(record);
  server->progress = std::make_shared<LaunchProgress>(server->record.launch_id);
  fill_paths(*server);
  enter_phase(*server, Phase::pending);
  return server;
}

// One launch to its end. Failure undoes in reverse order: route, what the spawner started, the
// record.
Task<void> Launcher::run(ServerPtr server, bool resumed) {
  const auto began = Tally::Clock::now();
  auto done = co_await attempt_guarded(server, resumed);
  if (!server->stop_asked) {
    const Cause cause = done ? Cause::internal : done.error().cause().value_or(Cause::internal);
    parts_.tally.launch(done ? std::string_view() : to_string(cause), began);
  }
  if (done) {
    server->progress->ready(server->open_url);
    log::info("launcher", "server is up",
              {{"server", server->base_path}, {"launch", server->record.launch_id}});
    co_await watch(server);
    co_return;
  }
  remove_route(*server);
  co_await end_spawned(server, spawners::StopMode::gentle);
  if (server->stop_asked) {
    const Error given_up(Errc::cancelled, Cause::cancelled, "given up before it was up");
    co_await close(server, server->stop_by, given_up);
  } else {
    const Error failed = std::move(done).error();
    co_await close(server, "launch", failed);
  }
}

// attempt() under the server's cancellation signal; whatever is thrown below (only cancellation
// should be) is a value.
Task<Result<void>> Launcher::attempt_guarded(ServerPtr server, bool resumed) {
  auto token = asio::bind_cancellation_slot(server->attempt.slot(), asio::use_awaitable);
  std::string thrown;
  try {
    auto work = attempt(server, resumed);
    auto done = co_await asio::co_spawn(parts_.loop, std::move(work), token);
    co_return done;
  } catch (const std::exception& error) {
    thrown = error.what();
  }
  if (!server->stop_asked)
    log::error("launcher", "a launch was broken off",
               {{"why", thrown}, {"server", server->base_path}});
  co_return Error(Errc::internal, Cause::internal, thrown);
}

Task<Result<void>> Launcher::attempt(ServerPtr server, bool resumed) {
  // Asked to stop before this began: there was nobody yet whom the signal could reach.
  if (server->stop_asked)
    co_return Error(Errc::cancelled, Cause::cancelled, "given up before it began");
  spawners::Spawner* spawner = spawner_of(*server);
  const config::Profile* profile = profile_of(*server);
  if (profile == nullptr || spawner == nullptr)
    co_return Error(Errc::not_found, Cause::profile_gone,
                    "the profile " + server->record.profile + " is gone");

  const std::shared_ptr<LaunchProgress> progress = server->progress;
  std::function<void(std::size_t, std::size_t)> told = [progress](std::size_t position,
                                                                  std::size_t of) {
    if (progress->steps().empty()) progress->step("queued");
    progress->queued(position, of);
  };
  LaunchQueue::Place place = co_await queue_.enter(std::move(told));
  if (!resumed || (server->record.upstream.empty() && spawner->resumes())) {
    auto started = co_await start(server, *spawner, *profile, resumed, place);
    if (!started) co_return started;
  }
  if (server->record.upstream.empty())
    co_return Error(Errc::timeout, Cause::start_timeout, "it did not listen in time");
  auto answered = co_await until_answers(server, *spawner, *profile);
  if (!answered) co_return answered;
  add_route(*server);
  server->record.started = parts_.clock.now();
  enter_phase(*server, Phase::running);
  // Not written is not fatal: the durable record is "pending" with its state, from which restore()
  // adopts it.
  co_await save(server);
  co_return Result<void>();
}

Task<Result<void>> Launcher::start(ServerPtr server,
                                   spawners::Spawner& spawner,
                                   const config::Profile& profile,
                                   bool resumed,
                                   LaunchQueue::Place& place) {
  Telling telling(*this, server, place);
  auto spec = spec_for(*server, profile);
  co_await add_claims(server->record.user, spec);
  if (Contract::applies(&profile)) {
    auto entered = co_await enter_contract(server, profile, spec);
    if (!entered) co_return entered;
  }
  auto starting = resumed ? spawner.resume(std::move(spec), server->record.state, telling)
                          : spawner.start(std::move(spec), telling);
  auto started = co_await std::move(starting);
  if (!started) co_return std::move(started).error();
  server->record.state = started->state;
  server->record.upstream = to_string(started->upstream);
  co_return Result<void>();
}

// Up is what answers HTTP; a server that ends meanwhile is known at once, with its exit code.
Task<Result<void>> Launcher::until_answers(ServerPtr server,
                                           spawners::Spawner& spawner,
                                           const config::Profile& profile) {
  using namespace asio::experimental::awaitable_operators;
  server->progress->step("answer");
  auto asking =
      with_timeout(ask_until_answered(server, profile), profile.start_timeout, "the first answer");
  auto ending = spawner.wait_for_end(server->record.state);
  auto first = co_await (std::move(asking) || std::move(ending));
  if (first.index() == 0) {
    auto answered = std::get<0>(std::move(first));
    if (answered) co_return answered;
    co_return Error(Errc::timeout, Cause::not_answering,
                    "nothing answered at " + server->record.upstream + " within " +
                        std::to_string(profile.start_timeout.count()) + " s");
  }
  const auto end = std::get<1>(std::move(first));
  if (!end) co_return Error(Errc::unavailable, Cause::spawner_down, end.error().message());
  co_return Error(Errc::unavailable, end->cause.value_or(Cause::crashed),
                  end->detail.empty() ? "it ended before it answered" : end->detail)
      .with_log(end->log_tail)
      .with_exit_code(end->exit_code.value_or(-1));
}

Task<Result<void>> Launcher::ask_until_answered(ServerPtr server, const config::Profile& profile) {
  auto upstream = upstream_from_string(server->record.upstream);
  if (!upstream) co_return std::move(upstream).error();
  const spawners::Spawner* spawner = spawner_of(*server);
  const spawners::Security secure =
      spawner == nullptr ? spawners::Security() : spawner->security(server->record.state);
  auto pause = std::chrono::milliseconds(20);
  constexpr auto kLongestPause = std::chrono::milliseconds(500);
  constexpr int kServerError = 500;
  for (;;) {
    HttpRequest question;
    const std::string origin = secure.on() ? "https://" + secure.name : "http://localhost";
    question.url = origin + server->asked_below + profile.ready_path;
    question.ca_file = secure.ca_file;
    question.cert_file = secure.cert_file;
    question.headers = {{"Authorization", "token " + server->secret}};
    question.connect_to = *upstream;
    question.timeout = std::chrono::seconds(5);
    auto answer = co_await parts_.http.fetch(std::move(question));
    if (answer && answer->status < kServerError) co_return Result<void>();
    co_await sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

// Waits for the end of a running server, without cost while it lives, and closes it with the true
// reason.
Task<void> Launcher::watch(ServerPtr server) {
  spawners::Spawner* spawner = spawner_of(*server);
  const std::string launch = server->record.launch_id;
  Result<spawners::Liveness> end;
  try {
    auto token = asio::bind_cancellation_slot(server->watch.slot(), asio::use_awaitable);
    auto waiting = spawner->wait_for_end(server->record.state);
    end = co_await asio::co_spawn(parts_.loop, std::move(waiting), token);
  } catch (const std::exception&) {
    co_return;  // cancelled: stop() goes on with it
  }
  if (server->record.phase != Phase::running || server->record.launch_id != launch) co_return;
  if (!end || end->kind != spawners::Liveness::Kind::ended) {
    log::error("launcher", "cannot watch a server; the reaper will",
               {{"server", server->base_path}});
    co_return;
  }
  remove_route(*server);
  enter_phase(*server, Phase::stopping);
  co_await end_spawned(server, spawners::StopMode::now);
  server->record.exit_code = end->exit_code;
  std::optional<Error> why;
  if (end->cause) {
    const std::string sentence = end->detail.empty() ? "the server ended" : end->detail;
    why = Error(Errc::unavailable, *end->cause, sentence).with_log(end->log_tail);
    if (end->exit_code) why = std::move(*why).with_exit_code(*end->exit_code);
  }
  co_await close(server, "self", std::move(why));
}

Task<Result<void>> Launcher::stop(ServerKey key, StopRequest request) {
  const ServerPtr server = find(key);
  if (!server || !server->active()) co_return Result<void>();
  const std::string launch = server->record.launch_id;
  const auto this_launch_active = [&] {
    return server->active() && server->record.launch_id == launch;
  };
  if (server->record.phase == Phase::pending) {
    server->stop_asked = true;
    server->stop_by = request.by;
    server->attempt.emit(asio::cancellation_type::terminal);
  } else if (server->record.phase == Phase::running) {
    const auto began = Tally::Clock::now();
    enter_phase(*server, Phase::stopping);
    server->watch.emit(asio::cancellation_type::terminal);
    remove_route(*server);
    co_await save(server);
    co_await end_spawned(server, spawners::StopMode::gentle);
    server->record.detail = request.detail;
    co_await close(server, request.by, std::nullopt);
    parts_.tally.took("server_stop", "success", began);
    audit(*server, "server-stop", request.actor, request.peer, nullptr);
    co_return Result<void>();
  }
  while (this_launch_active()) {  // somebody else's stop, or the launch's own undoing, is under way
    boost::system::error_code ignored;
    co_await server->changed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_return Result<void>();
}

Task<void> Launcher::end_spawned(ServerPtr server, spawners::StopMode mode) {
  spawners::Spawner* spawner = spawner_of(*server);
  if (spawner == nullptr || server->record.state.empty()) co_return;
  // Retried for ever, slowly: a record is closed only when nothing of it is left.
  auto pause = std::chrono::seconds(1);
  for (;;) {
    auto stopped = co_await spawner->stop(server->record.state, mode);
    if (stopped) co_return;
    log::error("launcher", "cannot stop a server",
               {{"server", server->base_path}, {"why", stopped.error().message()}});
    co_await sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::seconds(60));
    mode = spawners::StopMode::now;
  }
}

// The end of a launch or a server, for whatever reason: one place writes the record, the audit line
// and the last event. The phase changes in memory only after it is written: until then no new
// launch of this server can begin.
Task<void> Launcher::close(ServerPtr server, std::string by, std::optional<Error> error) {
  store::ServerRecord closed = server->record;
  closed.phase = Phase::stopped;
  closed.ended = parts_.clock.now();
  closed.ended_by = std::move(by);
  closed.upstream.clear();
  closed.state.clear();
  if (error) {
    closed.cause = error->cause().value_or(Cause::internal);
    closed.exit_code = error->exit_code();
    closed.detail = error->message();
    if (!error->log_tail().empty()) closed.detail += "\n" + error->log_tail();
    if (*closed.cause != Cause::cancelled) closed.error_id = secrets::random_hex(6);
  }
  auto stored = co_await parts_.store.servers().put(closed);
  server->record = std::move(closed);
  server->unsaved = !stored;
  server->stops_at.reset();
  server->kept_until.reset();
  parts_.contract.leave(*server);
  const store::ServerRecord& record = server->record;
  if (error || record.ended_by == "self")
    audit(*server, "server-end", "gateway", "", error ? &*error : nullptr);
  if (server->progress && !server->progress->ended())
    server->progress->failed(record.cause.value_or(Cause::cancelled), record.detail,
                             record.error_id);
  enter_phase(*server, Phase::stopped);
}

Task<void> Launcher::save(ServerPtr server) {
  auto stored = co_await parts_.store.servers().put(server->record);
  server->unsaved = !stored;
  if (!stored)
    log::error("launcher", "cannot save a server's record",
               {{"server", server->base_path}, {"why", stored.error().message()}});
}

Task<Result<void>> Launcher::forget(ServerKey key) {
  const ServerPtr server = find(key);
  if (!server) co_return Result<void>();
  if (server->active())
    co_return Error(Errc::conflict,
                    "the server is " + std::string(to_string(server->record.phase)));
  servers_.erase(key);
  auto erased = co_await parts_.store.servers().erase(key.user, key.name);
  co_return erased;
}

Task<void> Launcher::stop_all(StopRequest request) {
  std::vector<ServerKey> active;
  for (const auto& [key, server] : servers_)
    if (server->active()) active.push_back(key);
  std::size_t left = active.size();
  asio::steady_timer all_done(parts_.loop, asio::steady_timer::time_point::max());
  for (const ServerKey& key : active) {
    auto one = [](Launcher& self, ServerKey which, StopRequest why, std::size_t& count,
                  asio::steady_timer& done) -> Task<void> {
      (void)co_await self.stop(std::move(which), std::move(why));
      if (--count == 0) done.cancel();
    };
    asio::co_spawn(parts_.loop, one(*this, key, request, left, all_done), asio::detached);
  }
  boost::system::error_code ignored;
  while (left > 0) co_await all_done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

ServerPtr Launcher::find(const ServerKey& key) const {
  const auto found = servers_.find(key);
  return found == servers_.end() ? nullptr : found->second;
}

std::vector<ServerPtr> Launcher::of_user(store::UserId user) const {
  std::vector<ServerPtr> mine;
  for (auto at = servers_.lower_bound({user, ""}); at != servers_.end() && at->first.user == user;
       ++at)
    mine.push_back(at->second);
  return mine;
}

void Launcher::add_route(Server& server) {
  const auto began = Tally::Clock::now();
  auto upstream = upstream_from_string(server.record.upstream);
  if (!upstream) return;
  auto route = std::make_shared<proxy::Route>();
  route->prefix = server.route_prefix;
  route->upstream = std::move(*upstream);
  // Who does its own asking is shown who comes (Gateway), not a secret that opens to everybody.
  const bool asks = Contract::applies(profile_of(server));
  if (!asks) route->set_headers = {{"Authorization", "token " + server.secret}};
  if (!secure(server, *route)) return;
  route->tag = static_cast<std::uint64_t>(server.record.user);
  route->for_gate = std::make_shared<const RouteOwner>(RouteOwner{
      server.username, server.record.name, server.groups, origin_label(server.username), asks});
  route->last_activity = to_micros(parts_.clock.now()) / 1'000'000;
  server.route = route;
  parts_.routes.add(route);
  parts_.tally.took("proxy_add", "success", began);
}

// False when the server speaks TLS and what we need for it is gone: then nothing is sent to it at
// all.
bool Launcher::secure(const Server& server, proxy::Route& route) const {
  const spawners::Spawner* spawner = spawner_of(server);
  const spawners::Security security =
      spawner == nullptr ? spawners::Security() : spawner->security(server.record.state);
  if (!security.on()) return true;
  auto client =
      proxy::TlsClient::load({security.ca_file, {security.cert_file, security.cert_file}, true});
  if (!client) {
    log::error("launcher", "cannot speak TLS to a server",
               {{"server", server.base_path}, {"why", client.error().message()}});
    return false;
  }
  route.tls = std::move(*client);
  route.tls_name = security.name;
  return true;
}

Task<Result<void>> Launcher::arrived(std::string launch_id, std::string key, std::string body) {
  for (const auto& [name, server] : servers_) {
    if (server->record.launch_id != launch_id || server->record.phase != Phase::pending) continue;
    spawners::Spawner* spawner = spawner_of(*server);
    if (spawner == nullptr) break;
    auto told = co_await spawner->arrived(std::move(launch_id), std::move(key), std::move(body));
    co_return told;
  }
  co_return Error(Errc::forbidden, "nobody is expected here");
}

std::vector<spawners::Room> Launcher::rooms(const config::Profile& profile) const {
  const auto found = parts_.spawners.find(profile.spawner);
  return found == parts_.spawners.end() ? std::vector<spawners::Room>() : found->second->rooms();
}

spawners::Condition Launcher::condition(const Server& server) const {
  const spawners::Spawner* spawner = spawner_of(server);
  if (spawner == nullptr || server.record.state.empty()) return {};
  return spawner->condition(server.record.state);
}

void Launcher::remove_route(Server& server) {
  if (!server.route) return;
  server.record.last_activity = std::max(
      server.record.last_activity, from_micros(server.route->last_activity.load() * 1'000'000));
  const auto began = Tally::Clock::now();
  parts_.routes.remove(server.route->prefix);
  server.route.reset();
  parts_.tally.took("proxy_delete", "success", began);
}

void Launcher::enter_phase(Server& server, Phase phase) {
  server.record.phase = phase;
  server.changed.cancel();
}

spawners::Spawner* Launcher::spawner_of(const Server& server) const {
  const auto found = parts_.spawners.find(server.record.spawner);
  return found == parts_.spawners.end() ? nullptr : found->second.get();
}

const config::Profile* Launcher::profile_of(const Server& server) const {
  for (const config::Profile& profile : parts_.settings.profiles)
    if (profile.name == server.record.profile) return &profile;
  return nullptr;
}

Task<Result<void>> Launcher::enter_contract(ServerPtr server,
                                            const config::Profile& profile,
                                            spawners::ServerSpec& spec) {
  auto owner = co_await parts_.store.users().find(server->record.user);
  if (!owner) co_return std::move(owner).error();
  spec.hub_environment = parts_.contract.environment(*server, profile);
  co_return parts_.contract.enter(*server, *owner);
}

// What the person's authenticators keep of them; their own identity's word counts before a linked
// one's. A store that cannot tell costs the claims, not the launch.
Task<void> Launcher::add_claims(store::UserId id, spawners::ServerSpec& spec) {
  auto user = co_await parts_.store.users().find(id);
  if (!user) co_return;
  auto links = co_await parts_.store.identities().links_of(id);
  std::vector<store::LinkedIdentity> identities;
  if (links) identities = std::move(*links);
  identities.insert(identities.begin(), {user->authenticator, user->subject, user->created});
  for (const store::LinkedIdentity& one : identities) {
    auto state = co_await parts_.states.find(one.authenticator, one.subject);
    if (!state || !*state) continue;
    for (const auto& [name, values] : (*state)->attributes) spec.claims.emplace(name, values);
    if (!spec.access_token.empty() || !parts_.access_token) continue;
    if (auto token = parts_.access_token(one.authenticator, **state))
      spec.access_token = token->value;
  }
}

spawners::ServerSpec Launcher::spec_for(const Server& server,
                                        const config::Profile& profile) const {
  spawners::ServerSpec spec;
  spec.launch_id = server.record.launch_id;
  spec.username = server.username;
  spec.server_name = server.record.name;
  spec.base_path = server.asked_below;
  spec.secret = server.secret;
  spec.profile = profile;
  spec.values = server.record.values;
  if (!server.groups.empty()) spec.claims["groups"] = server.groups;
  spec.data_dir = parts_.settings.data_dir;
  spec.start_timeout = profile.start_timeout;
  return spec;
}

void Launcher::fill_paths(Server& server) const {
  server.base_path = parts_.settings.base_url + "user/" + server.username + "/";
  if (!server.record.name.empty()) server.base_path += server.record.name + "/";
  const config::Profile* profile = profile_of(server);
  server.host.clear();
  server.asked_below = server.route_prefix = server.base_path;
  std::string place = server.base_path;
  const std::string domain = profile == nullptr ? std::string() : config::domain_of(*profile);
  if (!domain.empty()) {
    server.host = spawners::host_label(server.username, server.record.name) + "." + domain;
    server.asked_below = "/";
    server.route_prefix = parts_.origins.route_prefix(server.host);
    place = parts_.origins.of_server(server.host) + "/";
  }
  server.open_url = place + (profile == nullptr ? "" : profile->default_url);
}

void Launcher::audit(const Server& server,
                     std::string action,
                     std::string actor,
                     std::string peer,
                     const Error* error) const {
  store::AuditEvent event;
  event.at = parts_.clock.now();
  event.actor = std::move(actor);
  event.action = std::move(action);
  event.target = server.username + "/" + server.record.name;
  event.result = error == nullptr || error->cause() == Cause::cancelled ? "ok" : "failed";
  if (server.record.cause) event.cause = to_string(*server.record.cause);
  event.error_id = server.record.error_id;
  event.detail = "launch " + server.record.launch_id + ", profile " + server.record.profile;
  if (!server.record.ended_by.empty()) event.detail += ", ended by " + server.record.ended_by;
  if (error != nullptr) event.detail += ": " + error->message();
  event.peer = std::move(peer);
  parts_.store.audit().append(std::move(event));
}

}  // namespace passerelle::hub
