// Who am I, users, tokens, the audit log, and what stands at the API's root.
#include "hub/api/models.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::api {
namespace {

constexpr int kOk = 200;
constexpr int kCreated = 201;
constexpr int kNoContent = 204;
constexpr int kNotFound = 404;

struct Wanted {
  std::vector<std::string> scopes = {"inherit"};
  std::string note;
  std::optional<seconds> lasts;
};

Result<Wanted> wanted_token(const Call& call) {
  constexpr std::int64_t kLongest = 10LL * 365 * 24 * 3600;
  Wanted wanted;
  if (text::trim(call.request.body).empty()) return wanted;
  const Json body = Json::parse(call.request.body, nullptr, false);
  if (!body.is_object()) return Error(Errc::invalid, "Invalid JSON in body of request");
  const Json scopes = body.value("scopes", Json());
  if (!scopes.is_null()) {
    if (!scopes.is_array()) return Error(Errc::invalid, "scopes is a list of strings");
    wanted.scopes.clear();
    for (const Json& scope : scopes) {
      if (!scope.is_string()) return Error(Errc::invalid, "scopes is a list of strings");
      wanted.scopes.push_back(scope.get<std::string>());
    }
  }
  if (const Json note = body.value("note", Json()); note.is_string())
    wanted.note = note.get<std::string>();
  const Json lasts = body.value("expires_in", Json());
  if (lasts.is_null()) return wanted;
  if (!lasts.is_number_integer() || lasts.get<std::int64_t>() <= 0 ||
      lasts.get<std::int64_t>() > kLongest)
    return Error(Errc::invalid, "expires_in is a number of seconds, at most ten years");
  wanted.lasts = seconds(lasts.get<std::int64_t>());
  return wanted;
}

Task<Result<std::shared_ptr<const auth::Account>>> account_of(Parts& parts, store::User user) {
  const auto admitted = parts.policy.admit(user);
  if (std::holds_alternative<auth::Refusal>(admitted))
    co_return Error(Errc::forbidden, "this user may not sign in");
  co_return auth::make_account(user, std::get<auth::Admitted>(admitted));
}

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

Task<Answer> info_user(Parts& parts, Call& call) {
  auto user = co_await parts.store.users().find(call.principal->account->id);
  if (!user) co_return refuse(user.error());
  Json model = user_model(parts, *user, call.principal->account->admin);
  const auth::ScopeSet& scopes =
      call.principal->narrowed ? *call.principal->narrowed : call.principal->rights;
  model["scopes"] = scopes.texts();
  model["session_id"] = call.session ? Json(call.session->id.substr(0, 16)) : Json();
  co_return json(kOk, model);
}

Task<Answer> user(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "read:users");
  if (!subject) co_return refuse(subject.error());
  const auto admitted = parts.policy.admit(subject->user);
  const auto* in = std::get_if<auth::Admitted>(&admitted);
  co_return json(kOk, user_model(parts, subject->user, in != nullptr && in->admin));
}

Task<Answer> tokens(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "read:tokens");
  if (!subject) co_return refuse(subject.error());
  Json list = Json::array();
  for (const auth::TokenPointer& token : parts.tokens.of_user(subject->user.id))
    list.push_back(token_model(*token));
  co_return json(kOk, {{"api_tokens", list}});
}

Task<Answer> make_token(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "tokens");
  if (!subject) co_return refuse(subject.error());
  auto wanted = wanted_token(call);
  if (!wanted) co_return refuse(wanted.error());
  auto owner = co_await account_of(parts, subject->user);
  if (!owner) co_return refuse(owner.error());
  const auto handing = auth::may_hand_out(*call.principal, **owner, wanted->scopes);
  if (!handing) co_return api_error(400, handing.error().message());
  auth::TokenTable::Issue issue;
  issue.owner = *owner;
  issue.scopes = wanted->scopes;
  issue.note = wanted->note;
  if (wanted->lasts) issue.expires = parts.clock.now() + *wanted->lasts;
  auto issued = co_await parts.tokens.issue(std::move(issue));
  if (!issued) co_return refuse(issued.error());
  store::AuditEvent event;
  event.at = parts.clock.now();
  event.actor = call.username();
  event.action = "token-create";
  event.target = subject->user.username + "/token/" + issued->token->id;
  event.result = "ok";
  event.peer = call.request.peer;
  parts.store.audit().append(std::move(event));
  Json model = token_model(*issued->token);
  model["token"] = issued->secret;
  co_return json(kCreated, model);
}

Task<Answer> revoke_token(Parts& parts, Call& call) {
  const std::string id = call.args[1];
  call.args.resize(1);
  auto subject = co_await subject_of(parts, call, "tokens");
  if (!subject) co_return refuse(subject.error());
  auto revoked = co_await parts.tokens.revoke(subject->user.id, id);
  if (!revoked) co_return refuse(revoked.error());
  co_return proxy::HubResponse{kNoContent, {}, ""};
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
