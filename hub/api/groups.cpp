// Groups over REST.
#include "hub/accounts.hpp"
#include "hub/api/models.hpp"
#include "hub/api/pages.hpp"
#include "hub/routes.hpp"
#include "hub/sharing.hpp"

namespace passerelle::hub::api {
namespace {

constexpr int kOk = 200;
constexpr int kCreated = 201;
constexpr int kNoContent = 204;
constexpr int kBad = 400;
constexpr int kForbidden = 403;
constexpr int kConflict = 409;

proxy::HubResponse lacks(std::string_view scope) {
  return api_error(kForbidden, "Action is not authorized with current scopes; requires any of [" +
                                   std::string(scope) + "]");
}

proxy::HubResponse not_there() {
  return api_error(404, "No access to resources or resources not found");
}

Json model_of(const Parts& parts, const auth::Principal& who, const store::Group& group) {
  const auth::Target target = auth::Target::of_group(group.name);
  Json model = {{"kind", "group"}, {"name", group.name}};
  if (auth::allowed(who, "read:groups", target)) {
    model["users"] = group.users;
    model["properties"] = Json::parse(group.properties, nullptr, false);
  }
  if (auth::allowed(who, "read:groups", target) || auth::allowed(who, "read:roles:groups", target))
    model["roles"] = parts.policy.roles().names_of_group(group.name);
  return model;
}

// The names that launches and sign-ins give mean something; nobody makes them by hand.
bool good_name(std::string_view name) {
  constexpr std::size_t kLongest = 255;
  return !name.empty() && name.size() <= kLongest && !name.starts_with("lti/") &&
         name.find_first_of("!=\n") == std::string_view::npos;
}

Result<std::vector<std::string>> names_in(const Json& body, const char* key) {
  const Json list = body.is_object() ? body.value(key, Json()) : Json();
  if (!list.is_array())
    return Error(Errc::invalid, "Must specify " + std::string(key) + " as a list of names");
  std::vector<std::string> names;
  for (const Json& one : list) {
    if (!one.is_string()) return Error(Errc::invalid, std::string(key) + " must be strings");
    names.push_back(one.get<std::string>());
  }
  return names;
}

Task<Result<std::vector<store::User>>> users_named(Parts& parts, std::vector<std::string> names) {
  std::vector<store::User> users;
  for (const std::string& name : names) {
    auto user = co_await parts.store.users().find_by_name(name);
    if (!user && user.error().code() == Errc::not_found)
      co_return Error(Errc::invalid, "No such user: " + name.substr(0, 64));
    if (!user) co_return std::move(user).error();
    users.push_back(std::move(*user));
  }
  co_return users;
}

std::vector<store::UserId> ids_of(const std::vector<store::User>& users) {
  std::vector<store::UserId> ids;
  for (const store::User& user : users) ids.push_back(user.id);
  return ids;
}

// Groups can make administrators: then only an administrator fills them.
bool would_make_admin(const Parts& parts, store::User user, const std::string& group) {
  if (is_admin(parts, user)) return false;
  user.groups.push_back(group);
  return is_admin(parts, user);
}

Task<Result<void>> reload(Parts& parts, std::vector<store::UserId> ids) {
  for (const store::UserId id : ids) {
    auto user = co_await reload_rights(parts, id);
    if (!user) co_return std::move(user).error();
  }
  co_return Result<void>();
}

void record(Parts& parts, const Call& call, std::string action, const std::string& group) {
  store::AuditEvent event;
  event.at = parts.clock.now();
  event.actor = call.username();
  event.action = std::move(action);
  event.target = "group/" + group.substr(0, 64);
  event.result = "ok";
  event.peer = call.request.peer;
  parts.store.audit().append(std::move(event));
}

// The group in the path, if the caller may do that to it. Errc::not_found for both kinds of no.
Task<Result<store::Group>> meant(Parts& parts, const Call& call, auth::ScopeName what) {
  const Error no(Errc::not_found, "No access to resources or resources not found");
  if (!auth::has(*call.principal, what))
    co_return Error(Errc::forbidden,
                    "Action is not authorized with current scopes; requires any of [" +
                        std::string(what.text()) + "]");
  if (!auth::allowed(*call.principal, what, auth::Target::of_group(call.args[0]))) co_return no;
  auto group = co_await parts.store.groups().find(call.args[0]);
  if (!group && group.error().code() == Errc::not_found) co_return no;
  co_return group;
}

Task<Answer> change_members(Parts& parts, Call& call, bool adding) {
  auto group = co_await meant(parts, call, "groups");
  if (!group) co_return refuse(group.error());
  auto names = names_in(Json::parse(call.request.body, nullptr, false), "users");
  if (!names) co_return api_error(kBad, names.error().message());
  auto users = co_await users_named(parts, std::move(*names));
  if (!users) co_return refuse(users.error());
  if (!good_name(group->name))
    co_return api_error(kBad, "only launches put people into this group");
  if (adding && !auth::whole_administrator(*call.principal))
    for (const store::User& user : *users)
      if (would_make_admin(parts, user, group->name))
        co_return api_error(kForbidden, "only administrators make administrators");
  std::vector<store::UserId> ids = ids_of(*users);
  auto changing = adding ? parts.store.groups().add(group->name, ids)
                         : parts.store.groups().remove(group->name, ids);
  auto changed = co_await std::move(changing);
  if (!changed) co_return refuse(changed.error());
  record(parts, call, adding ? "group-add" : "group-remove", group->name);
  auto reloaded = co_await reload(parts, std::move(ids));
  if (!reloaded) co_return refuse(reloaded.error());
  auto now = co_await parts.store.groups().find(group->name);
  if (!now) co_return not_there();
  co_return json(kOk, model_of(parts, *call.principal, *now));
}

}  // namespace

Task<Answer> groups(Parts& parts, Call& call) {
  if (!auth::has(*call.principal, "list:groups")) co_return lacks("list:groups");
  const auto wanted = page_wanted(call);
  if (!wanted) co_return refuse(wanted.error());
  auto all = co_await parts.store.groups().all();
  if (!all) co_return refuse(all.error());
  std::erase_if(*all, [&](const store::Group& group) {
    return !auth::allowed(*call.principal, "list:groups", auth::Target::of_group(group.name));
  });
  Json list = Json::array();
  for (std::size_t i = wanted->offset; i < all->size() && list.size() < wanted->limit; ++i)
    list.push_back(model_of(parts, *call.principal, (*all)[i]));
  co_return page_answer(call, *wanted, std::move(list), all->size());
}

Task<Answer> create_groups(Parts& parts, Call& call) {
  if (!auth::allowed(*call.principal, "admin:groups", auth::Target{}))
    co_return lacks("admin:groups");
  const auto names = names_in(Json::parse(call.request.body, nullptr, false), "groups");
  if (!names || names->empty())
    co_return api_error(kBad, "Must specify at least one group to create");
  for (const std::string& name : *names)
    if (!good_name(name)) co_return api_error(kBad, "Invalid group name: " + name.substr(0, 64));
  Json list = Json::array();
  for (const std::string& name : *names) {
    auto made = co_await parts.store.groups().create(name);
    if (!made && made.error().code() == Errc::conflict)
      co_return api_error(kConflict, "Group " + name + " already exists");
    if (!made) co_return refuse(made.error());
    record(parts, call, "group-create", name);
    list.push_back(model_of(parts, *call.principal, store::Group{name}));
  }
  co_return json(kCreated, list);
}

Task<Answer> group(Parts& parts, Call& call) {
  auto found = co_await meant(parts, call, "read:groups:name");
  if (!found) co_return refuse(found.error());
  co_return json(kOk, model_of(parts, *call.principal, *found));
}

Task<Answer> create_group(Parts& parts, Call& call) {
  if (!auth::allowed(*call.principal, "admin:groups", auth::Target{}))
    co_return lacks("admin:groups");
  const std::string name = call.args[0];
  if (!good_name(name)) co_return api_error(kBad, "Invalid group name: " + name.substr(0, 64));
  std::vector<store::User> users;
  if (!text::trim(call.request.body).empty()) {
    const Json body = Json::parse(call.request.body, nullptr, false);
    if (!body.is_object()) co_return api_error(kBad, "Invalid JSON in body of request");
    if (body.contains("users")) {
      auto names = names_in(body, "users");
      if (!names) co_return api_error(kBad, names.error().message());
      auto found = co_await users_named(parts, std::move(*names));
      if (!found) co_return refuse(found.error());
      users = std::move(*found);
    }
  }
  if (!auth::whole_administrator(*call.principal))
    for (const store::User& user : users)
      if (would_make_admin(parts, user, name))
        co_return api_error(kForbidden, "only administrators make administrators");
  auto made = co_await parts.store.groups().create(name);
  if (!made && made.error().code() == Errc::conflict)
    co_return api_error(kConflict, "Group " + name + " already exists");
  if (!made) co_return refuse(made.error());
  std::vector<store::UserId> ids = ids_of(users);
  auto added = co_await parts.store.groups().add(name, ids);
  if (!added) co_return refuse(added.error());
  record(parts, call, "group-create", name);
  auto reloaded = co_await reload(parts, std::move(ids));
  if (!reloaded) co_return refuse(reloaded.error());
  auto now = co_await parts.store.groups().find(name);
  if (!now) co_return refuse(now.error());
  co_return json(kCreated, model_of(parts, *call.principal, *now));
}

Task<Answer> delete_group(Parts& parts, Call& call) {
  auto found = co_await meant(parts, call, "delete:groups");
  if (!found) co_return refuse(found.error());
  std::vector<store::UserId> ids;
  for (const std::string& name : found->users) {
    const auto user = co_await parts.store.users().find_by_name(name);
    if (user) ids.push_back(user->id);
  }
  auto erased = co_await parts.store.groups().erase(found->name);
  if (!erased && erased.error().code() == Errc::not_found)
    co_return api_error(kBad,
                        "only sign-ins put people into this group: it goes with the last one");
  if (!erased) co_return refuse(erased.error());
  record(parts, call, "group-delete", found->name);
  // Another group of that name is given nothing by it.
  for (const auth::Share& share : parts.shares.with({true, found->name})) {
    Actor actor{std::string(call.username()), call.request.peer};
    std::vector<std::string> all;
    auto left =
        co_await hub::revoke_share(parts, share.of, share.to, std::move(all), std::move(actor));
    if (!left) co_return refuse(left.error());
  }
  auto reloaded = co_await reload(parts, std::move(ids));
  if (!reloaded) co_return refuse(reloaded.error());
  co_return proxy::HubResponse{kNoContent, {}, ""};
}

Task<Answer> add_members(Parts& parts, Call& call) {
  Answer answer = co_await change_members(parts, call, true);
  co_return answer;
}

Task<Answer> remove_members(Parts& parts, Call& call) {
  Answer answer = co_await change_members(parts, call, false);
  co_return answer;
}

Task<Answer> set_group_properties(Parts& parts, Call& call) {
  auto found = co_await meant(parts, call, "groups");
  if (!found) co_return refuse(found.error());
  const Json body = Json::parse(call.request.body, nullptr, false);
  if (!body.is_object()) co_return api_error(kBad, "Invalid JSON in body of request");
  found->properties = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  auto set = co_await parts.store.groups().set_properties(found->name, found->properties);
  if (!set) co_return refuse(set.error());
  co_return json(kOk, model_of(parts, *call.principal, *found));
}

}  // namespace passerelle::hub::api
