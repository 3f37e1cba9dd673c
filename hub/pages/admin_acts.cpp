// What is done from the page of everybody: to those who were chosen, to one server, and new people.
// Each person is asked for by name and for the permission, as the REST API does.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "hub/accounts.hpp"
#include "hub/pages/admin.hpp"
#include "hub/routes.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;
constexpr int kBad = 400;
constexpr int kForbidden = 403;

Actor actor_of(const Call& call) {
  return {std::string(call.username()), call.request.peer};
}

std::vector<std::string> chosen(const Call& call) {
  std::vector<std::string> names;
  for (const auto& [name, value] : call.form)
    if (name == "user" && names.size() < AdminList::kLargest) names.push_back(value);
  return names;
}

AdminList list_of(const Call& call) {
  return AdminList::read(text::parse_form(text::field(call.form, "list")).value_or(text::Form()));
}

std::string back_to(const Parts& parts, const AdminList& list) {
  return parts.settings.base_url + "hub/admin?" + list.query(list.offset);
}

Task<void> stopping(Launcher& launcher, ServerKey key, StopRequest what) {
  (void)co_await launcher.stop(std::move(key), std::move(what));
}

// The browser does not wait for the end of it: the page shows "stopping".
void stop_behind(Parts& parts, const Call& call, const Server& server) {
  StopRequest request;
  request.by = "admin";
  request.actor = call.username();
  request.peer = call.request.peer;
  asio::co_spawn(parts.loop, stopping(parts.launcher, server.key(), std::move(request)),
                 asio::detached);
}

Task<Result<void>> start(Parts& parts, const Call& call, store::User user) {
  LaunchRequest request;
  request.user = std::move(user);
  request.profile = text::field(call.form, "profile");
  request.same_values = true;
  request.actor = call.username();
  request.peer = call.request.peer;
  auto launched = co_await parts.launcher.launch(std::move(request));
  if (launched || launched.error().code() == Errc::conflict) co_return Result<void>();
  co_return std::move(launched).error();
}

// Each of them that this administrator may stop: a scope can be for one server.
Task<Result<void>> stop_all_of(Parts& parts, const Call& call, store::User user) {
  for (const ServerPtr& server : parts.launcher.of_user(user.id)) {
    const auto target = auth::Target::of_server(user.username, server->record.name, user.groups);
    if (server->active() && server->record.phase != store::Phase::stopping &&
        auth::allowed(*call.principal, "delete:servers", target))
      stop_behind(parts, call, *server);
  }
  co_return Result<void>();
}

Task<Result<void>> remove(Parts& parts, const Call& call, store::User user) {
  if (user.id == call.session->account().id)
    co_return Error(Errc::conflict, "you cannot remove yourself");
  Actor actor = actor_of(call);
  auto removed = co_await remove_user(parts, std::move(user), std::move(actor));
  co_return removed;
}

Task<Result<void>> keep_out(Parts& parts, const Call& call, store::User user) {
  if (user.id == call.session->account().id)
    co_return Error(Errc::conflict, "you cannot block yourself");
  Actor actor = actor_of(call);
  auto done = co_await block(parts, std::move(user), std::move(actor));
  co_return done;
}

Task<Result<void>> let_in(Parts& parts, const Call& call, store::User user) {
  Actor actor = actor_of(call);
  auto done = co_await unblock(parts, std::move(user), std::move(actor));
  co_return done;
}

Task<Result<void>> change_admin(Parts& parts, const Call& call, store::User user, bool admin) {
  if (!auth::whole_administrator(*call.principal))
    co_return Error(Errc::forbidden, "only administrators make and unmake administrators");
  if (user.id == call.session->account().id)
    co_return Error(Errc::conflict, "another administrator has to do that");
  Actor actor = actor_of(call);
  auto done = co_await set_admin(parts, std::move(user), admin, std::move(actor));
  if (!done) co_return std::move(done).error();
  co_return Result<void>();
}

Task<Result<void>> promote(Parts& parts, const Call& call, store::User user) {
  auto done = co_await change_admin(parts, call, std::move(user), true);
  co_return done;
}

Task<Result<void>> demote(Parts& parts, const Call& call, store::User user) {
  auto done = co_await change_admin(parts, call, std::move(user), false);
  co_return done;
}

struct Act {
  std::string_view word;
  auth::ScopeName scope;
  Task<Result<void>> (*done)(Parts& parts, const Call& call, store::User user);
};

constexpr Act kActs[] = {
    {"start", "start:servers", start},   {"stop", "delete:servers", stop_all_of},
    {"block", "admin:users", keep_out},  {"unblock", "admin:users", let_in},
    {"promote", "admin:users", promote}, {"demote", "admin:users", demote},
    {"delete", "delete:users", remove},
};

const Act* find_act(std::string_view word) {
  for (const Act& act : kActs)
    if (act.word == word) return &act;
  return nullptr;
}

Json words_of(const Error& error) {
  return error.cause() ? web::why(*error.cause())["sentence"] : Json(error.message());
}

// To each in turn; what was refused is told, and the others are done.
Task<Json> act_on(Parts& parts, Call& call, const Act& act, std::vector<std::string> names) {
  Json problems = Json::array();
  for (const std::string& name : names) {
    call.args = {name};
    auto subject = co_await subject_of(parts, call, act.scope);
    Result<void> done = subject ? Result<void>() : Result<void>(subject.error());
    if (subject) done = co_await act.done(parts, call, std::move(subject->user));
    if (!done) problems.push_back({{"who", name}, {"why", words_of(done.error())}});
  }
  co_return problems;
}

Answer ask_first(Parts& parts, Call& call, const std::vector<std::string>& names) {
  const AdminList list = list_of(call);
  const std::string here = parts.settings.base_url + "hub/admin";
  Json view = {{"act_url", here + "/act"},
               {"list", list.query(list.offset)},
               {"back_url", back_to(parts, list)},
               {"people", Json::array()}};
  for (const std::string& name : names) view["people"].push_back({{"username", name}});
  return page_at(parts, call, back_to(parts, list), kOk, "admin_delete", view);
}

std::vector<std::string> names_in(std::string_view typed) {
  std::string words(typed);
  std::replace_if(
      words.begin(), words.end(),
      [](char c) { return std::string_view(",;\r\n\t").find(c) != std::string_view::npos; }, ' ');
  std::vector<std::string> names;
  for (const std::string_view word : text::split(words, ' '))
    if (!word.empty()) names.push_back(text::ascii_lower(word));
  return names;
}

}  // namespace

Task<Answer> admin_act(Parts& parts, Call& call) {
  if (!looks_after_people(call)) co_return problem(parts, call, kForbidden);
  const Act* act = find_act(text::field(call.form, "act"));
  if (act == nullptr) co_return problem(parts, call, kBad);
  std::vector<std::string> names = chosen(call);
  const AdminList list = list_of(call);
  if (names.empty()) co_return redirect(back_to(parts, list));
  if (act->word == "delete" && text::field(call.form, "sure").empty())
    co_return ask_first(parts, call, names);
  AdminSaid said;
  said.problems = co_await act_on(parts, call, *act, std::move(names));
  if (said.problems.empty()) co_return redirect(back_to(parts, list) + "&notice=admin-done");
  Answer answer = co_await show_admin(parts, call, list, std::move(said));
  co_return answer;
}

Task<Answer> admin_add(Parts& parts, Call& call) {
  if (!looks_after_people(call) || !auth::allowed(*call.principal, "admin:users", auth::Target{}))
    co_return problem(parts, call, kForbidden);
  const AdminList list = list_of(call);
  NewUsers wanted;
  wanted.names = names_in(text::field(call.form, "names"));
  if (wanted.names.empty()) co_return redirect(back_to(parts, list));
  AdminSaid said;
  for (const std::string& name : wanted.names)
    if (!good_username(name))
      said.problems.push_back({{"who", name.substr(0, 64)}, {"why", "this cannot be a username"}});
  if (said.problems.empty()) {
    Actor actor = actor_of(call);
    auto made = co_await make_users(parts, std::move(wanted), std::move(actor));
    if (made) co_return redirect(back_to(parts, list) + "&notice=admin-done");
    said.problems.push_back({{"who", ""}, {"why", made.error().message()}});
  }
  said.typed = text::field(call.form, "names");
  Answer answer = co_await show_admin(parts, call, list, std::move(said));
  co_return answer;
}

Task<Answer> admin_stop(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "delete:servers");
  if (!subject) co_return problem(parts, call, status_of(subject.error()));
  if (const ServerPtr server = parts.launcher.find(subject->key()))
    stop_behind(parts, call, *server);
  co_return redirect(back_to(parts, list_of(call)));
}

// An administrator comes to somebody's server as themselves, and that stands in the audit log.
Task<Answer> admin_open(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "access:servers");
  if (!subject) co_return problem(parts, call, status_of(subject.error()));
  const ServerPtr server = parts.launcher.find(subject->key());
  if (!server || server->record.phase != store::Phase::running)
    co_return redirect(back_to(parts, list_of(call)));
  store::AuditEvent event;
  event.at = parts.clock.now();
  event.actor = call.username();
  event.action = "server-open-as";
  event.target = "user/" + subject->user.username + "/" + subject->server;
  event.result = "ok";
  event.peer = call.request.peer;
  parts.store.audit().append(std::move(event));
  co_return redirect(server->open_url);
}

}  // namespace passerelle::hub::pages
