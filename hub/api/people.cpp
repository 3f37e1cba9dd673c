// Users over REST: listed page by page, made, changed, removed.
#include "hub/accounts.hpp"
#include "hub/api/models.hpp"
#include "hub/api/pages.hpp"
#include "hub/routes.hpp"
#include "hub/user_list.hpp"

namespace passerelle::hub::api {
namespace {

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

Actor actor_of(const Call& call) {
  return {std::string(call.username()), call.request.peer};
}

// Named without a value it is a yes.
bool wants_stopped(const Call& call) {
  return std::any_of(call.query.begin(), call.query.end(), [](const auto& field) {
    return field.first == "include_stopped_servers" && field.second != "0" &&
           field.second != "false";
  });
}

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
    if (!good_username(wanted->names.back()))
      return Error(Errc::invalid, "Invalid username: " + wanted->names.back().substr(0, 64));
  }
  return wanted;
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
  auto query = user_query(parts, call.query);
  if (!query) co_return refuse(query.error());
  query->offset = wanted->offset;
  query->limit = wanted->limit;
  auth::Principal who = *call.principal;
  auto page = co_await list_users_for(parts, std::move(who), std::move(*query));
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
  Actor actor = actor_of(call);
  auto made = co_await make_users(parts, std::move(*wanted), std::move(actor));
  if (!made && made.error().code() == Errc::conflict)
    co_return api_error(kConflict, made.error().message());
  if (!made) co_return refuse(made.error());
  Json list = Json::array();
  for (const store::User& user : *made) list.push_back(user_model(parts, *call.principal, user));
  co_return json(kCreated, list);
}

Task<Answer> create_user(Parts& parts, Call& call) {
  if (!auth::allowed(*call.principal, "admin:users", auth::Target{}))
    co_return lacks("admin:users");
  std::string name = text::ascii_lower(call.args[0]);
  const auto known = co_await parts.store.users().find_by_name(name);
  if (known) co_return api_error(kConflict, "User " + name + " already exists");
  if (!good_username(name)) co_return api_error(kBad, "Invalid username: " + name.substr(0, 64));
  const bool bare = text::trim(call.request.body).empty();
  auto wanted =
      read_wishes(parts, bare ? Json::object() : Json::parse(call.request.body, nullptr, false));
  if (!wanted) co_return refuse(wanted.error());
  auth::Target all;
  all.admin = wanted->admin;
  if (!auth::allowed(*call.principal, "admin:users", all))
    co_return api_error(kForbidden, "only administrators make administrators");
  wanted->names.push_back(std::move(name));
  Actor actor = actor_of(call);
  auto made = co_await make_users(parts, std::move(*wanted), std::move(actor));
  if (!made && made.error().code() == Errc::conflict)
    co_return api_error(kConflict, "somebody has this identity already");
  if (!made) co_return refuse(made.error());
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
    Actor actor = actor_of(call);
    const bool admin = body["admin"].get<bool>();
    auto done = co_await set_admin(parts, subject->user, admin, std::move(actor));
    if (!done) co_return refuse(done.error());
  }
  auto user = co_await reload_rights(parts, subject->user.id);
  if (!user) co_return refuse(user.error());
  co_return json(kOk, user_model(parts, *call.principal, *user));
}

Task<Answer> delete_user(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "delete:users");
  if (!subject) co_return refuse(subject.error());
  if (subject->user.id == call.principal->account->id)
    co_return api_error(kBad, "Cannot delete yourself!");
  Actor actor = actor_of(call);
  auto removed = co_await remove_user(parts, subject->user, std::move(actor));
  if (!removed) co_return refuse(removed.error());
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
