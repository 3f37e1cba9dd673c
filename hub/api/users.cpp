// Who am I, the audit log, and what stands at the API's root.
#include "hub/api/models.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::api {
namespace {

constexpr int kOk = 200;
constexpr int kNotFound = 404;

Json audit_model(const store::AuditEvent& event) {
  return {{"id", event.id},         {"at", to_iso8601(event.at)}, {"actor", event.actor},
          {"action", event.action}, {"target", event.target},     {"result", event.result},
          {"cause", event.cause},   {"error_id", event.error_id}, {"detail", event.detail},
          {"peer", event.peer}};
}

}  // namespace

Task<Answer> version(Parts& /*parts*/, Call& /*call*/) {
  co_return json(kOk, {{"version", kJupyterHubVersion}, {"passerelle", PASSERELLE_VERSION}});
}

Task<Answer> health(Parts& /*parts*/, Call& /*call*/) {
  co_return proxy::HubResponse{kOk, {{"Content-Type", "text/plain"}}, ""};
}

Task<Answer> unknown(Parts& /*parts*/, Call& /*call*/) {
  co_return api_error(kNotFound, "Not Found");
}

Task<Answer> options(Parts& /*parts*/, Call& /*call*/) {
  // Without Access-Control-Allow-Origin no other site gets anything by it.
  co_return proxy::HubResponse{
      kOk,
      {{"Content-Type", "text/plain"},
       {"Access-Control-Allow-Headers", "accept, content-type, authorization"}},
      ""};
}

// Whoever asks may know who they are: services find out by it whose token they were shown.
Task<Answer> info_user(Parts& parts, Call& call) {
  const auth::Principal& who = *call.principal;
  auto members = co_await members_for(parts, who);
  if (!members) co_return refuse(members.error());
  auth::Principal asking = who;
  for (std::optional<auth::ScopeSet>* set : {&asking.narrowed})
    if (*set) {
      (void)(*set)->add("read:users:name!user", who.account->username);
      (void)(*set)->add("read:users:groups!user", who.account->username);
    }
  Json model = {
      {"kind", "service"}, {"name", who.account->username}, {"admin", who.account->admin}};
  if (who.account->service) {
    model["roles"] = who.account->roles;
  } else {
    auto user = co_await parts.store.users().find(who.account->id);
    if (!user) co_return refuse(user.error());
    model = user_model(parts, asking, *user);
  }
  model["scopes"] = auth::effective(asking, *members).texts();
  const std::string session = call.session ? call.session->id
                              : call.token ? call.token->session
                                           : "";
  model["session_id"] = session.empty() ? Json() : Json(session.substr(0, 16));
  if (call.token) model["token_id"] = call.token->id;
  co_return json(kOk, model);
}

Task<Answer> audit(Parts& parts, Call& call) {
  constexpr int kForbidden = 403;
  if (!auth::allowed(*call.principal, "admin:users", auth::Target{}))
    co_return api_error(kForbidden, "only administrators read the audit log");
  store::AuditLog::Query query;
  query.actor = text::field(call.query, "actor");
  query.action = text::field(call.query, "action");
  query.target = text::field(call.query, "target");
  auto events = co_await parts.store.audit().query(std::move(query));
  if (!events) co_return refuse(events.error());
  Json list = Json::array();
  for (const store::AuditEvent& event : *events) list.push_back(audit_model(event));
  co_return json(kOk, list);
}

}  // namespace passerelle::hub::api
