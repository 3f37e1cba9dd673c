// API tokens: made, listed, revoked.
#include "config/rbac.hpp"
#include "hub/api/models.hpp"
#include "hub/routes.hpp"
#include "hub/token_wish.hpp"

namespace passerelle::hub::api {
namespace {

constexpr int kOk = 200;
constexpr int kCreated = 201;
constexpr int kNoContent = 204;

Result<std::vector<std::string>> texts_in(const Json& list, std::string_view name) {
  const Error wrong(Errc::invalid, std::string(name) + " is a list of strings");
  if (!list.is_array()) return wrong;
  std::vector<std::string> texts;
  for (const Json& one : list) {
    if (!one.is_string()) return wrong;
    texts.push_back(one.get<std::string>());
  }
  return texts;
}

// A role's scopes are taken as they are at this moment.
Result<std::vector<std::string>> scopes_of_roles(const Parts& parts, const Json& body) {
  auto names = texts_in(body["roles"], "roles");
  if (!names) return names;
  std::vector<std::string> scopes;
  for (const std::string& name : *names) {
    const config::Role* role = parts.policy.roles().find(name);
    if (role != nullptr && !role->scopes.empty())
      scopes.insert(scopes.end(), role->scopes.begin(), role->scopes.end());
    else if (name == "token")
      scopes.emplace_back("inherit");
    else if (name == "user")
      scopes.emplace_back("self");
    else
      return Error(Errc::invalid, "there is no role " + name.substr(0, 64) + " to give to a token");
  }
  return scopes;
}

Result<TokenWish> wanted_token(const Parts& parts, const Call& call) {
  constexpr std::int64_t kLongest = 10LL * 365 * 24 * 3600;
  TokenWish wanted;
  if (text::trim(call.request.body).empty()) return wanted;
  const Json body = Json::parse(call.request.body, nullptr, false);
  if (!body.is_object()) return Error(Errc::invalid, "Invalid JSON in body of request");
  for (const char* name : {"scopes", "roles"}) {
    if (body.value(name, Json()).is_null()) continue;
    auto scopes = std::string_view(name) == "roles" ? scopes_of_roles(parts, body)
                                                    : texts_in(body[name], name);
    if (!scopes) return std::move(scopes).error();
    wanted.scopes = std::move(*scopes);
  }
  const Json note = body.value("note", Json());
  if (!note.is_null() && !note.is_string()) return Error(Errc::invalid, "note is a string");
  if (note.is_string()) wanted.note = note.get<std::string>();
  const Json lasts = body.value("expires_in", Json());
  if (lasts.is_null()) return wanted;
  if (!lasts.is_number_integer() || lasts.get<std::int64_t>() <= 0 ||
      lasts.get<std::int64_t>() > kLongest)
    return Error(Errc::invalid, "expires_in is a number of seconds, at most ten years");
  wanted.lasts = seconds(lasts.get<std::int64_t>());
  return wanted;
}

// JupyterHub's words for a token whose purpose nobody said.
std::string note_of(const Call& call, const Subject& subject) {
  std::string note = "Requested via api";
  const auth::Account& asking = *call.principal->account;
  if (asking.service || asking.username != subject.user.username)
    note += (asking.service ? " by service " : " by user ") + asking.username;
  return note;
}

// The user's in the path, and the token of theirs: the path's second part is no server.
Task<Result<std::pair<Subject, auth::TokenPointer>>> meant(Parts& parts,
                                                           Call& call,
                                                           auth::ScopeName what) {
  const std::string id = call.args[1];
  call.args.resize(1);
  auto subject = co_await subject_of(parts, call, what);
  if (!subject) co_return std::move(subject).error();
  for (const auth::TokenPointer& token : parts.tokens.of_user(subject->user.id))
    if (token->id == id) co_return std::pair(std::move(*subject), token);
  co_return Error(Errc::not_found, "Token not found");
}

}  // namespace

Task<Answer> tokens(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "read:tokens");
  if (!subject) co_return refuse(subject.error());
  Json list = Json::array();
  for (const auth::TokenPointer& token : parts.tokens.of_user(subject->user.id))
    if (!token->expires || parts.clock.now() < *token->expires) list.push_back(token_model(*token));
  co_return json(kOk, {{"api_tokens", list}});
}

Task<Answer> token(Parts& parts, Call& call) {
  auto found = co_await meant(parts, call, "read:tokens");
  if (!found) co_return refuse(found.error());
  co_return json(kOk, token_model(*found->second));
}

Task<Answer> make_token(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "tokens");
  if (!subject) co_return refuse(subject.error());
  auto wanted = wanted_token(parts, call);
  if (!wanted) co_return refuse(wanted.error());
  if (wanted->note.empty()) wanted->note = note_of(call, *subject);
  auth::Principal who = *call.principal;
  Actor actor{std::string(call.username()), call.request.peer};
  auto issued = co_await hub::make_token(parts, std::move(who), subject->user, std::move(*wanted),
                                         std::move(actor));
  if (!issued) co_return refuse(issued.error());
  Json model = token_model(*issued->token);
  model["token"] = issued->secret;
  co_return json(kCreated, model);
}

Task<Answer> revoke_token(Parts& parts, Call& call) {
  auto found = co_await meant(parts, call, "tokens");
  if (!found) co_return refuse(found.error());
  const auto& [subject, token] = *found;
  const store::UserId owner = subject.user.id;
  const std::string id = token->id;
  const std::string client = token->client;
  auto revoking = client.empty() ? parts.tokens.revoke(owner, id)
                                 : parts.tokens.revoke_of_client(owner, client);
  auto revoked = co_await std::move(revoking);
  if (!revoked) co_return refuse(revoked.error());
  co_return proxy::HubResponse{kNoContent, {}, ""};
}

}  // namespace passerelle::hub::api
