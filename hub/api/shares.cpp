// Shares and share codes over REST, as JupyterHub 5 has them: who gave whom what of which server.
#include "config/values.hpp"
#include "hub/accounts.hpp"
#include "hub/api/models.hpp"
#include "hub/api/pages.hpp"
#include "hub/routes.hpp"
#include "hub/sharing.hpp"

namespace passerelle::hub::api {
namespace {

constexpr int kOk = 200;
constexpr int kNoContent = 204;
constexpr int kBad = 400;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;

proxy::HubResponse none() {
  return api_error(kNotFound, "No access to resources or resources not found");
}

Actor actor_of(const Call& call) {
  return {std::string(call.username()), call.request.peer};
}

// The person in the path, for `what` that they or their server may be the target of.
struct Meant {
  store::User owner;
  auth::SharedServer of;
};

// args: owner, and the server's name if the path has one.
Task<Result<Meant>> meant_by(Parts& parts, const Call& call, auth::ScopeName what) {
  const Error no(Errc::not_found, "No access to resources or resources not found");
  if (!auth::has(*call.principal, what))
    co_return Error(Errc::forbidden,
                    "Action is not authorized with current scopes; requires any of [" +
                        std::string(what.text()) + "]");
  auto owner = co_await parts.store.users().find_by_name(call.args[0]);
  if (!owner && owner.error().code() == Errc::not_found) co_return no;
  if (!owner) co_return std::move(owner).error();
  Meant meant{std::move(*owner), {call.args[0], call.args.size() > 1 ? call.args[1] : ""}};
  const auth::Target target =
      call.args.size() > 1
          ? auth::Target::of_server(meant.owner.username, meant.of.server, meant.owner.groups)
          : auth::Target::of_user(meant.owner.username, meant.owner.groups, false);
  if (!auth::allowed(*call.principal, what, target)) co_return no;
  if (call.args.size() > 1 && !parts.launcher.find({meant.owner.id, meant.of.server})) co_return no;
  co_return meant;
}

std::string origin_of(const Parts& parts, const Call& call) {
  return parts.settings.public_url.empty() ? call.request.scheme + "://" + call.request.host
                                           : config::origin_of(parts.settings.public_url);
}

Task<Json> shared_server_model(Parts& parts, const Call& call, auth::SharedServer of) {
  Json model = {{"name", of.server},
                {"user", {{"name", of.owner}}},
                {"url", parts.settings.base_url + "user/" + path_tail(of.owner, of.server) + "/"},
                {"ready", false}};
  model["full_url"] = origin_of(parts, call) + model["url"].get<std::string>();
  const auto owner = co_await parts.store.users().find_by_name(of.owner);
  if (owner)
    if (const ServerPtr server = parts.launcher.find({owner->id, of.server}))
      model["ready"] = server->record.phase == store::Phase::running;
  co_return model;
}

Task<Json> share_model(Parts& parts, const Call& call, auth::Share share) {
  Json server = co_await shared_server_model(parts, call, share.of);
  const Json named = {{"name", share.to.name}};
  Json model = {{"server", std::move(server)},
                {"scopes", share.scopes},
                {"kind", share.to.group ? "group" : "user"},
                {"created_at", to_iso8601(share.created)}};
  model["user"] = share.to.group ? Json() : named;
  model["group"] = share.to.group ? named : Json();
  co_return model;
}

Task<Json> code_model(Parts& parts, const Call& call, auth::ShareCode code) {
  Json server = co_await shared_server_model(parts, call, code.of);
  Json model = {{"id", "sc_" + std::to_string(code.number)},
                {"server", std::move(server)},
                {"scopes", code.scopes},
                {"created_at", to_iso8601(code.created)},
                {"expires_at", to_iso8601(code.expires)},
                {"exchange_count", code.exchanges}};
  model["last_exchanged_at"] = code.last_exchange ? Json(to_iso8601(*code.last_exchange)) : Json();
  co_return model;
}

template <typename Row, typename Model>
Task<proxy::HubResponse> page_of(Parts& parts,
                                 const Call& call,
                                 std::vector<Row> rows,
                                 Model model) {
  auto wanted = page_wanted(call);
  if (!wanted) co_return refuse(wanted.error());
  wanted->told = true;
  Json items = Json::array();
  for (std::size_t at = wanted->offset; at < rows.size() && items.size() < wanted->limit; ++at) {
    Json item = co_await model(parts, call, rows[at]);
    items.push_back(std::move(item));
  }
  co_return page_answer(call, *wanted, std::move(items), rows.size());
}

Result<std::vector<std::string>> scopes_in(const Json& body) {
  const Json list = body.value("scopes", Json());
  std::vector<std::string> scopes;
  if (list.is_null()) return scopes;
  const Error wrong(Errc::invalid, "scopes is a list of strings");
  if (!list.is_array()) return wrong;
  for (const Json& one : list) {
    if (!one.is_string()) return wrong;
    scopes.push_back(one.get<std::string>());
  }
  return scopes;
}

Result<Json> body_of(const Call& call) {
  if (text::trim(call.request.body).empty()) return Json::object();
  Json body = Json::parse(call.request.body, nullptr, false);
  if (!body.is_object()) return Error(Errc::invalid, "Invalid JSON in body of request");
  return body;
}

// {"user": ...} or {"group": ...}: somebody there is, whom the caller may know of.
Task<Result<auth::Grantee>> grantee_in(Parts& parts, const Call& call, Json body) {
  const Json user = body.value("user", Json());
  const Json group = body.value("group", Json());
  if (user.is_null() == group.is_null() || (!user.is_null() && !user.is_string()) ||
      (!group.is_null() && !group.is_string()))
    co_return Error(Errc::invalid, "Must specify exactly one of 'user' and 'group'");
  if (user.is_string()) {
    auth::Grantee to{false, user.get<std::string>()};
    auto found = co_await parts.store.users().find_by_name(to.name);
    const std::vector<std::string> no_groups;
    const auto target = auth::Target::of_user(to.name, found ? found->groups : no_groups, false);
    if (!auth::allowed(*call.principal, "read:users:name", target))
      co_return Error(Errc::forbidden, "sharing with a user needs read:users:name");
    if (!found) co_return Error(Errc::invalid, "No such user: " + to.name.substr(0, 64));
    co_return to;
  }
  auth::Grantee to{true, group.get<std::string>()};
  if (!auth::allowed(*call.principal, "read:groups:name", auth::Target::of_group(to.name)))
    co_return Error(Errc::forbidden, "sharing with a group needs read:groups:name");
  auto found = co_await parts.store.groups().find(to.name);
  if (!found) co_return Error(Errc::invalid, "No such group: " + to.name.substr(0, 64));
  co_return to;
}

// What is to be shared: for that server only, and only what the caller has.
Task<Result<std::vector<std::string>>> scopes_to_give(Parts& parts,
                                                      const Call& call,
                                                      auth::SharedServer of,
                                                      Json body) {
  auto scopes = scopes_in(body);
  if (!scopes) co_return scopes;
  if (scopes->empty()) scopes->push_back(access_scope(of));
  if (const auto good = check_share_scopes(of, *scopes); !good) co_return good.error();
  auto members = co_await members_for(parts, *call.principal);
  if (!members) co_return std::move(members).error();
  const auto may = auth::may_hand_out(*call.principal, *call.principal->account, *scopes, *members);
  if (!may) co_return Error(Errc::forbidden, may.error().message());
  co_return scopes;
}

Result<seconds> lasts_in(const Json& body) {
  constexpr std::int64_t kUsual = 86'400;
  constexpr std::int64_t kShortest = 60;
  constexpr std::int64_t kLongest = 365LL * 86'400;
  const Json lasts = body.value("expires_in", Json());
  if (lasts.is_null()) return seconds(kUsual);
  if (!lasts.is_number_integer() || lasts.get<std::int64_t>() < kShortest ||
      lasts.get<std::int64_t>() > kLongest)
    return Error(Errc::invalid, "expires_in must be an integer between 60 and 31536000");
  return seconds(lasts.get<std::int64_t>());
}

// /users/:user/shared/... and /groups/:group/shared/...
Task<Result<auth::Grantee>> receiver(Parts& parts,
                                     const Call& call,
                                     bool group,
                                     auth::ScopeName what) {
  const Error no(Errc::not_found, "No access to resources or resources not found");
  auth::Grantee to{group, call.args[0]};
  if (group) {
    auto found = co_await parts.store.groups().find(to.name);
    if (!found || !auth::allowed(*call.principal, what, auth::Target::of_group(to.name)))
      co_return no;
    co_return to;
  }
  auto found = co_await parts.store.users().find_by_name(to.name);
  if (!found) co_return no;
  const auto target = auth::Target::of_user(found->username, found->groups, false);
  if (!auth::allowed(*call.principal, what, target)) co_return no;
  co_return to;
}

auth::SharedServer server_in(const Call& call) {
  return {call.args[1], call.args.size() > 2 ? call.args[2] : ""};
}

Task<Answer> shared_with(Parts& parts, Call& call, bool group, auth::ScopeName what) {
  auto to = co_await receiver(parts, call, group, what);
  if (!to) co_return refuse(to.error());
  auto rows = parts.shares.with(*to);
  auto answer = co_await page_of(parts, call, std::move(rows), share_model);
  co_return answer;
}

Task<Answer> one_shared_with(Parts& parts, Call& call, bool group, auth::ScopeName what) {
  auto to = co_await receiver(parts, call, group, what);
  if (!to) co_return refuse(to.error());
  auto share = parts.shares.find(server_in(call), *to);
  if (!share) co_return none();
  Json model = co_await share_model(parts, call, std::move(*share));
  co_return json(kOk, model);
}

Task<Answer> leave(Parts& parts, Call& call, bool group, auth::ScopeName what) {
  auto to = co_await receiver(parts, call, group, what);
  if (!to) co_return refuse(to.error());
  auth::SharedServer of = server_in(call);
  if (!parts.shares.find(of, *to)) co_return none();
  Actor actor = actor_of(call);
  std::vector<std::string> all;
  auto left =
      co_await revoke_share(parts, std::move(of), std::move(*to), std::move(all), std::move(actor));
  if (!left) co_return refuse(left.error());
  co_return proxy::HubResponse{kNoContent, {}, ""};
}

}  // namespace

Task<Answer> shares(Parts& parts, Call& call) {
  auto meant = co_await meant_by(parts, call, "read:shares");
  if (!meant) co_return refuse(meant.error());
  auto rows = call.args.size() > 1 ? parts.shares.of_server(meant->of)
                                   : parts.shares.of_owner(meant->of.owner);
  auto answer = co_await page_of(parts, call, std::move(rows), share_model);
  co_return answer;
}

Task<Answer> grant_share(Parts& parts, Call& call) {
  auto meant = co_await meant_by(parts, call, "shares");
  if (!meant) co_return refuse(meant.error());
  auto body = body_of(call);
  if (!body) co_return refuse(body.error());
  auto to = co_await grantee_in(parts, call, *body);
  if (!to) co_return refuse(to.error());
  auto scopes = co_await scopes_to_give(parts, call, meant->of, *body);
  if (!scopes) co_return refuse(scopes.error());
  Actor actor = actor_of(call);
  auto share = co_await hub::grant_share(parts, meant->of, std::move(*to), std::move(*scopes),
                                         std::move(actor));
  if (!share) co_return refuse(share.error());
  Json model = co_await share_model(parts, call, std::move(*share));
  co_return json(kOk, model);
}

Task<Answer> revoke_share(Parts& parts, Call& call) {
  auto meant = co_await meant_by(parts, call, "shares");
  if (!meant) co_return refuse(meant.error());
  auto body = body_of(call);
  if (!body) co_return refuse(body.error());
  auto to = co_await grantee_in(parts, call, *body);
  if (!to) co_return refuse(to.error());
  auto scopes = scopes_in(*body);
  if (!scopes) co_return refuse(scopes.error());
  Actor actor = actor_of(call);
  auto left = co_await hub::revoke_share(parts, meant->of, std::move(*to), std::move(*scopes),
                                         std::move(actor));
  if (!left) co_return refuse(left.error());
  if (!*left) co_return json(kOk, Json::object());
  Json model = co_await share_model(parts, call, std::move(**left));
  co_return json(kOk, model);
}

Task<Answer> revoke_shares(Parts& parts, Call& call) {
  auto meant = co_await meant_by(parts, call, "shares");
  if (!meant) co_return refuse(meant.error());
  Actor actor = actor_of(call);
  auto done = co_await revoke_shares_of(parts, meant->of, std::move(actor));
  if (!done) co_return refuse(done.error());
  co_return proxy::HubResponse{kNoContent, {}, ""};
}

Task<Answer> share_codes(Parts& parts, Call& call) {
  auto meant = co_await meant_by(parts, call, "read:shares");
  if (!meant) co_return refuse(meant.error());
  auto rows = parts.shares.codes_of_owner(meant->of.owner);
  if (call.args.size() > 1)
    std::erase_if(rows, [&](const auth::ShareCode& code) { return code.of != meant->of; });
  auto answer = co_await page_of(parts, call, std::move(rows), code_model);
  co_return answer;
}

Task<Answer> make_share_code(Parts& parts, Call& call) {
  auto meant = co_await meant_by(parts, call, "shares");
  if (!meant) co_return refuse(meant.error());
  auto body = body_of(call);
  if (!body) co_return refuse(body.error());
  const auto lasts = lasts_in(*body);
  if (!lasts) co_return refuse(lasts.error());
  auto scopes = co_await scopes_to_give(parts, call, meant->of, *body);
  if (!scopes) co_return refuse(scopes.error());
  auto made = co_await parts.shares.make_code(meant->of, std::move(*scopes), *lasts);
  if (!made) co_return refuse(made.error());
  Json model = co_await code_model(parts, call, made->kept);
  const std::string url = parts.settings.base_url + "hub/accept-share?code=" + made->code;
  model["code"] = made->code;
  model["accept_url"] = url;
  model["full_accept_url"] = origin_of(parts, call) + url;
  co_return json(kOk, model);
}

// One by ?code= or ?id=, or all of that server.
Task<Answer> revoke_share_codes(Parts& parts, Call& call) {
  auto meant = co_await meant_by(parts, call, "shares");
  if (!meant) co_return refuse(meant.error());
  const std::string_view code = text::field(call.query, "code");
  const std::string_view id = text::field(call.query, "id");
  const auto by_code = code.empty() ? std::nullopt : parts.shares.find_code(code);
  bool any = code.empty() && id.empty();
  for (const auth::ShareCode& one : parts.shares.codes_of_owner(meant->of.owner)) {
    const bool named = (by_code && by_code->number == one.number) ||
                       (!id.empty() && id == "sc_" + std::to_string(one.number));
    if (one.of != meant->of || (!named && !(code.empty() && id.empty()))) continue;
    any = true;
    auto erased = co_await parts.shares.erase_code(one.number);
    if (!erased) co_return refuse(erased.error());
  }
  if (!any) co_return api_error(kNotFound, "No such code");
  co_return proxy::HubResponse{kNoContent, {}, ""};
}

Task<Answer> shared_with_user(Parts& parts, Call& call) {
  Answer answer = co_await shared_with(parts, call, false, "read:users:shares");
  co_return answer;
}

Task<Answer> shared_with_group(Parts& parts, Call& call) {
  Answer answer = co_await shared_with(parts, call, true, "read:groups:shares");
  co_return answer;
}

Task<Answer> share_of_user(Parts& parts, Call& call) {
  Answer answer = co_await one_shared_with(parts, call, false, "read:users:shares");
  co_return answer;
}

Task<Answer> share_of_group(Parts& parts, Call& call) {
  Answer answer = co_await one_shared_with(parts, call, true, "read:groups:shares");
  co_return answer;
}

Task<Answer> leave_share(Parts& parts, Call& call) {
  Answer answer = co_await leave(parts, call, false, "users:shares");
  co_return answer;
}

Task<Answer> group_leaves_share(Parts& parts, Call& call) {
  Answer answer = co_await leave(parts, call, true, "groups:shares");
  co_return answer;
}

}  // namespace passerelle::hub::api
