// Who somebody is, by which methods, whether they may come in, and where they are signed in: for
// administrators.
#include "hub/api/models.hpp"
#include "hub/people.hpp"
#include "hub/routes.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub::api {
namespace {

constexpr int kOk = 200;
constexpr int kCreated = 201;
constexpr int kNoContent = 204;

Actor actor_of(const Call& call) {
  return {std::string(call.username()), call.request.peer};
}

proxy::HubResponse nothing_more() {
  return {kNoContent, {}, ""};
}

}  // namespace

Task<Answer> identities(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "admin:users");
  if (!subject) co_return refuse(subject.error());
  auto list = co_await identities_of(parts, subject->user);
  if (!list) co_return refuse(list.error());
  co_return json(kOk, *list);
}

Task<Answer> link_identity(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "admin:users");
  if (!subject) co_return refuse(subject.error());
  const Json body = Json::parse(call.request.body, nullptr, false);
  if (!body.is_object() || !body.value("authenticator", Json()).is_string() ||
      !body.value("subject", Json()).is_string())
    co_return api_error(400, "send {\"authenticator\": \"...\", \"subject\": \"...\"}");
  std::string identity =
      body.at("authenticator").get<std::string>() + ":" + body.at("subject").get<std::string>();
  Actor actor = actor_of(call);
  auto done =
      co_await hub::link_identity(parts, subject->user, std::move(identity), std::move(actor));
  if (!done && done.error().code() == Errc::conflict)
    co_return api_error(409, done.error().message());
  if (!done) co_return refuse(done.error());
  auto list = co_await identities_of(parts, subject->user);
  if (!list) co_return refuse(list.error());
  co_return json(kCreated, *list);
}

Task<Answer> unlink_identity(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "admin:users");
  if (!subject) co_return refuse(subject.error());
  std::string identity = call.args[1] + ":" + call.args[2];
  Actor actor = actor_of(call);
  auto done =
      co_await hub::unlink_identity(parts, subject->user, std::move(identity), std::move(actor));
  if (!done) co_return refuse(done.error());
  co_return nothing_more();
}

Task<Answer> block(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "admin:users");
  if (!subject) co_return refuse(subject.error());
  if (subject->user.id == call.principal->account->id)
    co_return api_error(400, "nobody locks themselves out");
  Actor actor = actor_of(call);
  auto done = co_await hub::block(parts, subject->user, std::move(actor));
  if (!done) co_return refuse(done.error());
  co_return nothing_more();
}

Task<Answer> unblock(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "admin:users");
  if (!subject) co_return refuse(subject.error());
  Actor actor = actor_of(call);
  auto done = co_await hub::unblock(parts, subject->user, std::move(actor));
  if (!done) co_return refuse(done.error());
  co_return nothing_more();
}

Task<Answer> sessions(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "admin:users");
  if (!subject) co_return refuse(subject.error());
  Json list = Json::array();
  for (const auth::SessionPointer& session : parts.sessions.of_user(subject->user.id))
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
  auto subject = co_await subject_of(parts, call, "admin:users");
  if (!subject) co_return refuse(subject.error());
  Actor actor = actor_of(call);
  auto ended = co_await sign_out_everywhere(parts, subject->user, std::move(actor));
  if (!ended) co_return refuse(ended.error());
  co_return json(kOk, {{"ended", *ended}});
}

}  // namespace passerelle::hub::api
