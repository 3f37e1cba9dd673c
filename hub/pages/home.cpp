// The home page: my servers, and the way to a first one; and stopping one.
#include <charconv>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "auth/state.hpp"
#include "config/values.hpp"
#include "hub/answers.hpp"
#include "hub/keeping.hpp"
#include "hub/methods.hpp"
#include "hub/parts.hpp"
#include "hub/releases.hpp"
#include "hub/routes.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub::pages {
namespace {

using store::Phase;

Json since_of(const Server& server) {
  if (server.record.phase == Phase::stopped)
    return server.record.ended ? web::moment(*server.record.ended) : Json();
  if (server.record.started) return web::moment(*server.record.started);
  return nullptr;
}

void add_if(Json& view, const char* key, Json value) {
  if (!value.is_null()) view[key] = std::move(value);
}

// What only the batch system knows; nothing for a server that is no job.
void add_job(const Parts& parts, const Server& server, Json& view) {
  const spawners::Condition now = parts.launcher.condition(server);
  if (now.job.empty()) return;
  Json job = {{"id", now.job}, {"node", now.node}, {"soon", now.ends_soon}};
  if (now.ends) job["ends"] = web::moment(*now.ends);
  if (!now.trouble.empty()) job["trouble"] = web::say("trouble." + now.trouble);
  if (!now.command.empty()) job["command"] = now.command;
  view["job"] = std::move(job);
}

Json card(const Parts& parts, const Server& server, std::size_t index) {
  const std::string hub = parts.settings.base_url + "hub/";
  const store::ServerRecord& record = server.record;
  const std::string state(to_string(record.phase));
  const std::string tail = path_tail(server);
  Json view = {{"id", "server-" + std::to_string(index)},
               {"title", title_of(parts.settings, record.profile)},
               {"state", state},
               {"state_words", web::state_words(state)}};
  if (!record.name.empty()) view["name"] = record.name;
  add_if(view, "since", since_of(server));
  if (record.phase == Phase::running) {
    add_job(parts, server, view);
    view["open_url"] = server.open_url;
    if (is_release(parts, server)) view["notes_url"] = hub + "notes/" + tail;
    if (server.route) view["activity"] = web::moment(last_activity(server));
    if (server.kept_until && *server.kept_until > parts.clock.now())
      view["kept"] = web::moment(*server.kept_until);
    if (server.stops_at) {
      view["stops_at"] = web::moment(*server.stops_at);
      view["stops_soon"] = server.stops_soon;
      view["keep_url"] = hub + "keep/" + tail;
    }
  }
  if (record.phase == Phase::pending) view["progress_url"] = hub + "spawn-pending/" + tail;
  if (record.phase == Phase::pending || record.phase == Phase::running)
    view["stop_url"] = hub + "stop/" + tail;
  if (record.phase == Phase::stopped) {
    view["start"] = {{"action", hub + "spawn/" + tail}, {"profile", record.profile}};
    if (is_release(parts, server)) view["remove_url"] = hub + "remove/" + tail;
    add_if(view, "ended", ended_words(record));
    if (record.cause && *record.cause != Cause::cancelled)
      view["failure_url"] = hub + "spawn-pending/" + tail;
  }
  return view;
}

// Where the platform wants people to go from here, if that is a site of this platform's.
Task<std::string> course_url(Parts& parts, const auth::SessionView& session) {
  const auth::Authenticator* method = find_method(parts, session.authenticator);
  if (method == nullptr || !method->launches()) co_return std::string();
  auto state = co_await parts.states.find(session.authenticator, session.subject);
  if (!state || !*state) co_return std::string();
  const auto found = (*state)->attributes.find("launch_presentation_return_url");
  if (found == (*state)->attributes.end() || found->second.empty()) co_return std::string();
  const std::string url = found->second.front();
  const auto origins = method->framed_by(session.subject);
  const bool theirs = text::is_utf8(url) && std::find(origins.begin(), origins.end(),
                                                      config::origin_of(url)) != origins.end();
  co_return theirs ? url : std::string();
}

bool teaches(const auth::Account& account) {
  return std::any_of(account.groups.begin(), account.groups.end(), [](const std::string& group) {
    return group.starts_with("lti/") && group.ends_with("/instructor");
  });
}

}  // namespace

Task<Answer> home(Parts& parts, Call& call) {
  constexpr int kOk = 200;
  constexpr int kPendingLook = 2;
  constexpr int kCalmLook = 15;
  auto user = co_await parts.store.users().find(call.session->account().id);
  if (!user) co_return problem(parts, call, status_of(user.error()));
  const auto servers = parts.launcher.of_user(user->id);
  const auto mine = profiles_for(parts.settings, *user);
  Json view = {{"servers", Json::array()}, {"refresh", kCalmLook}};
  std::size_t active = 0;
  for (const ServerPtr& server : servers) {
    view["servers"].push_back(card(parts, *server, view["servers"].size() + 1));
    active += server->active() ? 1 : 0;
    if (server->record.phase == Phase::pending || server->record.phase == Phase::stopping)
      view["refresh"] = kPendingLook;
  }
  const std::string spawn = parts.settings.base_url + "hub/spawn";
  const bool at_once = mine.size() == 1 && mine[0]->form.empty();
  if (servers.empty() && at_once)
    view["first"] = {{"action", spawn},
                     {"profile", mine[0]->name},
                     {"title", web::words(mine[0]->title, mine[0]->name)}};
  if (servers.empty() && !mine.empty() && !at_once) view["choose_url"] = spawn;
  if (!servers.empty() && active == 0 && mine.size() > 1) view["another_url"] = spawn;
  const std::string back = co_await course_url(parts, *call.session);
  if (!back.empty()) view["course_url"] = back;
  if (teaches(call.session->account()))
    view["grades_url"] = parts.settings.base_url + "hub/lti/grades";
  co_return page(parts, call, kOk, "home", view);
}

Task<Answer> stop(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "delete:servers");
  if (!subject) co_return problem(parts, call, status_of(subject.error()));
  StopRequest request;
  request.by = subject->user.id == call.session->account().id ? "user" : "admin";
  request.actor = call.username();
  request.peer = call.request.peer;
  // The browser does not wait for the end: home shows "stopping" and looks again.
  auto stopping = [](Launcher& launcher, ServerKey key, StopRequest what) -> Task<void> {
    (void)co_await launcher.stop(std::move(key), std::move(what));
  };
  asio::co_spawn(parts.loop, stopping(parts.launcher, subject->key(), std::move(request)),
                 asio::detached);
  co_return redirect(parts.settings.base_url + "hub/home");
}

// Not stopped as idle for some hours more.
Task<Answer> keep(Parts& parts, Call& call) {
  constexpr int kBad = 400;
  auto subject = co_await subject_of(parts, call, "start:servers");
  if (!subject) co_return problem(parts, call, status_of(subject.error()));
  ServerPtr server = parts.launcher.find(subject->key());
  const std::string_view typed = text::field(call.form, "hours");
  std::int64_t hours = 0;
  const auto [end, wrong] = std::from_chars(typed.data(), typed.data() + typed.size(), hours);
  const std::int64_t most = std::chrono::duration_cast<std::chrono::hours>(kLongestKept).count();
  if (wrong != std::errc() || end != typed.data() + typed.size() || hours < 1 || hours > most)
    co_return problem(parts, call, kBad);
  if (server && server->record.phase == Phase::running) {
    const Instant until = parts.clock.now() + std::chrono::hours(hours);
    auto kept = co_await keep_server(parts.store, std::move(server), until);
    if (!kept) co_return problem(parts, call, status_of(kept.error()), kept.error().message());
  }
  co_return redirect(parts.settings.base_url + "hub/home");
}

}  // namespace passerelle::hub::pages
