// Users over REST: listed page by page, made, changed, removed.
#include "hub/people.hpp"

#include "hub/api/models.hpp"
#include "hub/api/pages.hpp"
#include "hub/routes.hpp"
#include "store/username.hpp"

namespace passerelle::hub::api {
namespace {

using store::Phase;
using Query = store::UserStore::PageQuery;

constexpr int kOk = 200;
constexpr int kCreated = 201;
constexpr int kNoContent = 204;
constexpr int kBad = 400;
constexpr int kForbidden = 403;
constexpr int kConflict = 409;
constexpr std::size_t kMostAtOnce = 10'000;

proxy::HubResponse lacks(std::string_view scope) {
  return api_error(kForbidden, "Action is not authorized with current scopes; requires any of [" +
                                   std::string(scope) + "]");
}

// state=active (starting, running or stopping), ready, inactive.
Result<void> read_state(const Parts& parts, std::string_view state, Query& query) {
  if (state.empty()) return {};
  std::vector<store::UserId> ids;
  for (const auto& [key, server] : parts.launcher.all())
    if (state == "ready" ? server->record.phase == Phase::running : server->active())
      ids.push_back(key.user);
  if (state == "inactive")
    query.without = std::move(ids);
  else if (state == "active" || state == "ready")
    query.only = std::move(ids);
  else
    return Error(Errc::invalid,
                 "Unrecognized state filter: must be one of 'inactive, active, ready'");
  return {};
}

Result<void> read_order(std::string_view order, Query& query) {
  query.descending = order.starts_with('-');
  if (query.descending) order.remove_prefix(1);
  if (order == "name") query.sort = Query::Sort::name;
  if (order == "last_activity") query.sort = Query::Sort::last_activity;
  if (order.empty() || order == "id" || order == "name" || order == "last_activity") return {};
  return Error(Errc::invalid, "Unrecognized sort: must be one of 'id, name, last_activity'");
}

Result<Query> read_query(const Parts& parts, const Call& call) {
  Query query;
  query.part_of_name = text::field(call.query, "name_filter");
  if (auto good = read_state(parts, text::field(call.query, "state"), query); !good)
    return std::move(good).error();
  if (auto good = read_order(text::field(call.query, "sort"), query); !good)
    return std::move(good).error();
  return query;
}

bool sees_everybody(const auth::Principal& who) {
  return auth::allowed(who, "list:users", auth::Target{});
}

// A filter for one server says nothing about lists of people.
bool by_server_only(const auth::Principal& who) {
  const auto server = [](const auth::ScopeSet& set) {
    return std::any_of(set.grants().begin(), set.grants().end(), [](const auto& grant) {
      return grant.name == auth::ScopeName("list:users") &&
             grant.filter.kind == auth::Filter::Kind::server;
    });
  };
  return server(who.rights) || (who.narrowed && server(*who.narrowed));
}

// The page that is wanted of those whom the caller may see.
Task<Result<store::UserStore::Page>> visible(Parts& parts,
                                             const Call& call,
                                             Query query,
                                             PageWanted wanted) {
  const bool all = sees_everybody(*call.principal);
  if (all) {
    query.offset = wanted.offset;
    query.limit = wanted.limit;
  }
  auto page = co_await parts.store.users().page(std::move(query));
  if (!page || all) co_return page;
  std::erase_if(page->users, [&](const store::User& user) {
    return !auth::allowed(*call.principal, "list:users",
                          auth::Target::of_user(user.username, user.groups, false));
  });
  page->total = page->users.size();
  auto& users = page->users;
  const std::size_t first = std::min(wanted.offset, users.size());
  const std::size_t last = std::min(first + wanted.limit, users.size());
  users = std::vector<store::User>(users.begin() + static_cast<std::ptrdiff_t>(first),
                                   users.begin() + static_cast<std::ptrdiff_t>(last));
  co_return page;
}

// Named without a value it is a yes.
bool wants_stopped(const Call& call) {
  return std::any_of(call.query.begin(), call.query.end(), [](const auto& field) {
    return field.first == "include_stopped_servers" && field.second != "0" &&
           field.second != "false";
  });
}

bool good_name(const std::string& name) {
  return !name.empty() && store::clean_username(name) == name;
}

// Somebody who has not signed in yet: who signs in with this name by the first method, or the one
// that was named, is this user.
Task<Result<store::User>> make_user(Parts& parts, std::string name, std::string authenticator) {
  store::NewUser user;
  user.authenticator =
      authenticator.empty() ? parts.authenticators.front()->name() : std::move(authenticator);
  user.subject = name;
  user.wanted_username = name;
  user.display_name = std::move(name);
  auto entered = co_await parts.store.users().enter(std::move(user), true);
  if (!entered) co_return std::move(entered).error();
  co_return std::move(entered->user);
}

// Their sessions and tokens go on with the rights they have from now on.
Task<Result<store::User>> reload(Parts& parts, store::UserId id) {
  auto user = co_await parts.store.users().find(id);
  if (!user) co_return user;
  auth::Admission admission = parts.policy.admit(*user);
  if (auto* admitted = std::get_if<auth::Admitted>(&admission)) {
    const auto account = auth::make_account(*user, std::move(*admitted));
    parts.sessions.update(account);
    parts.tokens.update(account);
  }
  co_return user;
}

void record(Parts& parts, const Call& call, std::string action, const std::string& target) {
  store::AuditEvent event;
  event.at = parts.clock.now();
  event.actor = call.username();
  event.action = std::move(action);
  event.target = "user/" + target;
  event.result = "ok";
  event.peer = call.request.peer;
  parts.store.audit().append(std::move(event));
}

struct NewUsers {
  std::vector<std::string> names;
  bool admin = false;
  std::string authenticator;
};

// What a request to make one user or many may say of all of them.
Result<NewUsers> read_wishes(const Parts& parts, const Json& body) {
  NewUsers wanted;
  if (!body.is_object()) return Error(Errc::invalid, "Invalid JSON in body of request");
  const Json admin = body.value("admin", Json(false));
  if (!admin.is_boolean()) return Error(Errc::invalid, "admin must be a boolean");
  wanted.admin = admin.get<bool>();
  const Json method = body.value("authenticator", Json(""));
  if (method.is_string()) wanted.authenticator = method.get<std::string>();
  const bool known =
      std::any_of(parts.authenticators.begin(), parts.authenticators.end(),
                  [&](const auto& one) { return one->name() == wanted.authenticator; });
  if (!wanted.authenticator.empty() && !known)
    return Error(Errc::invalid, "there is no such authenticator");
  return wanted;
}

Result<NewUsers> read_new(const Parts& parts, const Json& body) {
  auto wanted = read_wishes(parts, body);
  if (!wanted) return wanted;
  const Json names = body.value("usernames", Json());
  if (!names.is_array() || names.empty())
    return Error(Errc::invalid, "Must specify at least one user to create");
  if (names.size() > kMostAtOnce) return Error(Errc::invalid, "at most 10000 users at once");
  for (const Json& name : names) {
    if (!name.is_string()) return Error(Errc::invalid, "usernames must be strings");
    wanted->names.push_back(text::ascii_lower(name.get<std::string>()));
    if (!good_name(wanted->names.back()))
      return Error(Errc::invalid, "Invalid username: " + wanted->names.back().substr(0, 64));
  }
  return wanted;
}

// Those of the names that nobody has yet. Errc::conflict: there is none.
Task<Result<std::vector<store::User>>> make_all(Parts& parts, NewUsers wanted) {
  std::vector<store::User> made;
  for (const std::string& name : wanted.names) {
    const auto known = co_await parts.store.users().find_by_name(name);
    if (known) continue;
    if (known.error().code() != Errc::not_found) co_return known.error();
    std::string wanted_name = name;
    std::string method = wanted.authenticator;
    auto user = co_await make_user(parts, std::move(wanted_name), std::move(method));
    if (!user && user.error().code() == Errc::conflict) continue;
    if (!user) co_return std::move(user).error();
    if (wanted.admin) {
      auto done = co_await parts.store.users().set_admin(user->id, true);
      if (!done) co_return std::move(done).error();
      user->admin = true;
    }
    made.push_back(std::move(*user));
  }
  if (made.empty())
    co_return Error(Errc::conflict,
                    "All " + std::to_string(wanted.names.size()) + " users already exist");
  co_return made;
}

Result<void> check_patch(const Json& body, const std::string& username) {
  if (!body.is_object() || body.empty())
    return Error(Errc::invalid, "Invalid JSON in body of request");
  for (const auto& [key, value] : body.items())
    if (key != "name" && key != "admin" && key != "auth_state" && key != "groups" && key != "roles")
      return Error(Errc::invalid, "Invalid key in user model: " + key.substr(0, 64));
  if (body.contains("admin") && !body["admin"].is_boolean())
    return Error(Errc::invalid, "admin must be a boolean");
  if (body.contains("name") && !body["name"].is_string())
    return Error(Errc::invalid, "name must be a string");
  if (body.contains("name") && body["name"] != username)
    return Error(Errc::invalid, "a username stays with its person and cannot be changed");
  return {};
}

}  // namespace

Task<Answer> users(Parts& parts, Call& call) {
  if (!auth::has(*call.principal, "list:users") || by_server_only(*call.principal))
    co_return lacks("list:users");
  const auto wanted = page_wanted(call);
  if (!wanted) co_return refuse(wanted.error());
  auto query = read_query(parts, call);
  if (!query) co_return refuse(query.error());
  auto page = co_await visible(parts, call, std::move(*query), *wanted);
  if (!page) co_return refuse(page.error());
  const bool with_stopped = wants_stopped(call);
  Json list = Json::array();
  for (const store::User& user : page->users) {
    Json model = user_model(parts, *call.principal, user, with_stopped);
    model.erase("stopped_servers");
    list.push_back(std::move(model));
  }
  co_return page_answer(call, *wanted, std::move(list), page->total);
}

Task<Answer> create_users(Parts& parts, Call& call) {
  auth::Target all;
  if (!auth::allowed(*call.principal, "admin:users", all)) co_return lacks("admin:users");
  auto wanted = read_new(parts, Json::parse(call.request.body, nullptr, false));
  if (!wanted) co_return refuse(wanted.error());
  all.admin = wanted->admin;
  if (!auth::allowed(*call.principal, "admin:users", all))
    co_return api_error(kForbidden, "only administrators make administrators");
  auto made = co_await make_all(parts, std::move(*wanted));
  if (!made && made.error().code() == Errc::conflict)
    co_return api_error(kConflict, made.error().message());
  if (!made) co_return refuse(made.error());
  Json list = Json::array();
  for (const store::User& user : *made) {
    record(parts, call, "user-create", user.username);
    list.push_back(user_model(parts, *call.principal, user));
  }
  co_return json(kCreated, list);
}

Task<Answer> create_user(Parts& parts, Call& call) {
  if (!auth::allowed(*call.principal, "admin:users", auth::Target{}))
    co_return lacks("admin:users");
  std::string name = text::ascii_lower(call.args[0]);
  const auto known = co_await parts.store.users().find_by_name(name);
  if (known) co_return api_error(kConflict, "User " + name + " already exists");
  if (!good_name(name)) co_return api_error(kBad, "Invalid username: " + name.substr(0, 64));
  const bool bare = text::trim(call.request.body).empty();
  auto wanted =
      read_wishes(parts, bare ? Json::object() : Json::parse(call.request.body, nullptr, false));
  if (!wanted) co_return refuse(wanted.error());
  auth::Target all;
  all.admin = wanted->admin;
  if (!auth::allowed(*call.principal, "admin:users", all))
    co_return api_error(kForbidden, "only administrators make administrators");
  wanted->names.push_back(std::move(name));
  auto made = co_await make_all(parts, std::move(*wanted));
  if (!made && made.error().code() == Errc::conflict)
    co_return api_error(kConflict, "somebody has this identity already");
  if (!made) co_return refuse(made.error());
  record(parts, call, "user-create", made->front().username);
  co_return json(kCreated, user_model(parts, *call.principal, made->front()));
}

Task<Answer> modify_user(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "admin:users");
  if (!subject) co_return refuse(subject.error());
  const Json body = Json::parse(call.request.body, nullptr, false);
  if (const auto good = check_patch(body, subject->user.username); !good)
    co_return api_error(kBad, good.error().message());
  if (body.contains("admin") && body["admin"] != is_admin(parts, subject->user)) {
    if (!auth::whole_administrator(*call.principal))
      co_return api_error(kForbidden, "only administrators make and unmake administrators");
    auto done = co_await parts.store.users().set_admin(subject->user.id, body["admin"].get<bool>());
    if (!done) co_return refuse(done.error());
    record(parts, call, body["admin"].get<bool>() ? "admin-grant" : "admin-revoke",
           subject->user.username);
  }
  auto user = co_await reload(parts, subject->user.id);
  if (!user) co_return refuse(user.error());
  co_return json(kOk, user_model(parts, *call.principal, *user));
}

Task<Answer> delete_user(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "delete:users");
  if (!subject) co_return refuse(subject.error());
  if (subject->user.id == call.principal->account->id)
    co_return api_error(kBad, "Cannot delete yourself!");
  const auto servers = parts.launcher.of_user(subject->user.id);
  for (const ServerPtr& server : servers)
    if (server->record.phase == Phase::stopping)
      co_return api_error(
          kBad, subject->user.username + "'s server is in the process of stopping, please wait.");
  for (const ServerPtr& server : servers) {
    StopRequest request;
    request.by = "admin";
    request.actor = call.username();
    request.peer = call.request.peer;
    auto stopped = co_await parts.launcher.stop(server->key(), std::move(request));
    if (!stopped) co_return refuse(stopped.error());
    auto forgotten = co_await parts.launcher.forget(server->key());
    if (!forgotten) co_return refuse(forgotten.error());
  }
  parts.tokens.forget_user(subject->user.id);
  auto ended = co_await parts.sessions.revoke_user(subject->user.id, "");
  if (!ended) co_return refuse(ended.error());
  auto erased = co_await parts.store.users().erase(subject->user.id);
  if (!erased) co_return refuse(erased.error());
  record(parts, call, "user-delete", subject->user.username);
  co_return proxy::HubResponse{kNoContent, {}, ""};
}

Task<Answer> user(Parts& parts, Call& call) {
  // Any of the scopes that show a part of a user is enough for that part.
  auto found = co_await parts.store.users().find_by_name(call.args[0]);
  if (!found && found.error().code() != Errc::not_found) co_return refuse(found.error());
  const Json model =
      found ? user_model(parts, *call.principal, *found, wants_stopped(call)) : Json::object();
  if (!model.contains("name") ||
      (!model.contains("admin") && !model.contains("groups") && !model.contains("last_activity") &&
       !model.contains("roles") && model.value("servers", Json::object()).empty()))
    co_return refuse(Error(Errc::not_found, "No access to resources or resources not found"));
  co_return json(kOk, model);
}

}  // namespace passerelle::hub::api
