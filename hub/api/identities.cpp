// Who somebody is, by which methods, whether they may come in, and where they are signed in: for
// administrators.
#include "hub/api/models.hpp"
#include "hub/people.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::api {
namespace {

constexpr int kOk = 200;
constexpr int kCreated = 201;
constexpr int kNoContent = 204;

// Administrators are changed by unnarrowed administrators only (CVE-2024-41942), and a filter to
// one group does not reach others (GHSA-69wv-m5fw-2fhp): auth::allowed decides both.
Task<Result<store::User>> user_to_change(Parts& parts, const Call& call) {
  const Error no(Errc::not_found, "No access to resources or resources not found");
  auto user = co_await parts.store.users().find_by_name(call.args[0]);
  if (!user && user.error().code() == Errc::not_found) co_return no;
  if (!user) co_return user;
  const auto admission = parts.policy.admit(*user);
  const auto* admitted = std::get_if<auth::Admitted>(&admission);
  const auto target =
      auth::Target::of_user(user->username, user->groups, admitted != nullptr && admitted->admin);
  if (!auth::allowed(*call.principal, "admin:users", target)) co_return no;
  co_return user;
}

Actor actor_of(const Call& call) {
  return {std::string(call.username()), call.request.peer};
}

proxy::HubResponse nothing_more() {
  return {kNoContent, {}, ""};
}

}  // namespace

Task<Answer> identities(Parts& parts, Call& call) {
  auto user = co_await user_to_change(parts, call);
  if (!user) co_return refuse(user.error());
  auto list = co_await identities_of(parts, *user);
  if (!list) co_return refuse(list.error());
  co_return json(kOk, *list);
}

Task<Answer> link_identity(Parts& parts, Call& call) {
  auto user = co_await user_to_change(parts, call);
  if (!user) co_return refuse(user.error());
  const Json body = Json::parse(call.request.body, nullptr, false);
  if (!body.is_object() || !body.value("authenticator", Json()).is_string() ||
      !body.value("subject", Json()).is_string())
    co_return api_error(400, "send {\"authenticator\": \"...\", \"subject\": \"...\"}");
  std::string identity =
      body.at("authenticator").get<std::string>() + ":" + body.at("subject").get<std::string>();
  Actor actor = actor_of(call);
  auto done = co_await hub::link_identity(parts, *user, std::move(identity), std::move(actor));
  if (!done && done.error().code() == Errc::conflict)
    co_return api_error(409, done.error().message());
  if (!done) co_return refuse(done.error());
  auto list = co_await identities_of(parts, *user);
  if (!list) co_return refuse(list.error());
  co_return json(kCreated, *list);
}

Task<Answer> unlink_identity(Parts& parts, Call& call) {
  auto user = co_await user_to_change(parts, call);
  if (!user) co_return refuse(user.error());
  std::string identity = call.args[1] + ":" + call.args[2];
  Actor actor = actor_of(call);
  auto done = co_await hub::unlink_identity(parts, *user, std::move(identity), std::move(actor));
  if (!done) co_return refuse(done.error());
  co_return nothing_more();
}

Task<Answer> block(Parts& parts, Call& call) {
  auto user = co_await user_to_change(parts, call);
  if (!user) co_return refuse(user.error());
  if (user->id == call.principal->account->id)
    co_return api_error(400, "nobody locks themselves out");
  Actor actor = actor_of(call);
  auto done = co_await hub::block(parts, *user, std::move(actor));
  if (!done) co_return refuse(done.error());
  co_return nothing_more();
}

Task<Answer> unblock(Parts& parts, Call& call) {
  auto user = co_await user_to_change(parts, call);
  if (!user) co_return refuse(user.error());
  Actor actor = actor_of(call);
  auto done = co_await hub::unblock(parts, *user, std::move(actor));
  if (!done) co_return refuse(done.error());
  co_return nothing_more();
}

Task<Answer> sessions(Parts& parts, Call& call) {
  auto user = co_await user_to_change(parts, call);
  if (!user) co_return refuse(user.error());
  Json list = Json::array();
  for (const auth::SessionPointer& session : parts.sessions.of_user(user->id))
    list.push_back({{"id", session->id.substr(0, 16)},
                    {"authenticator", session->authenticator},
                    {"created", to_iso8601(session->created)},
                    {"last_activity", to_iso8601(session->life->last_seen())},
                    {"expires_at", to_iso8601(session->expires)},
                    {"peer", session->peer},
                    {"user_agent", session->user_agent}});
  co_return json(kOk, list);
}

Task<Answer> end_sessions(Parts& parts, Call& call) {
  auto user = co_await user_to_change(parts, call);
  if (!user) co_return refuse(user.error());
  Actor actor = actor_of(call);
  auto ended = co_await sign_out_everywhere(parts, *user, std::move(actor));
  if (!ended) co_return refuse(ended.error());
  co_return json(kOk, {{"ended", *ended}});
}

}  // namespace passerelle::hub::api
