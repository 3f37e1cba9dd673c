#include "hub/people.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "hub/methods.hpp"

namespace passerelle::hub {
namespace {

void record(Parts& parts,
            const Actor& actor,
            std::string action,
            const store::User& user,
            const Result<void>& done,
            std::string detail = {}) {
  store::AuditEvent event;
  event.at = parts.clock.now();
  event.actor = actor.name;
  event.action = std::move(action);
  event.target = "user/" + user.username + "/";
  event.result = done ? "ok" : "failed";
  event.detail = std::move(detail);
  if (!done) event.cause = done.error().message();
  event.peer = actor.peer;
  parts.store.audit().append(std::move(event));
}

struct Named {
  std::string authenticator;
  std::string subject;
};

Result<Named> parse_identity(const Parts& parts, const std::string& identity) {
  const std::size_t colon = identity.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == identity.size())
    return Error(Errc::invalid, "an identity is written authenticator:subject, such as univ:a-17");
  Named named{identity.substr(0, colon), identity.substr(colon + 1)};
  if (find_method(parts, named.authenticator) != nullptr) return named;
  std::string known;
  for (const auto& one : parts.authenticators) known += (known.empty() ? "" : ", ") + one->name();
  return Error(Errc::invalid, "there is no authenticator " + named.authenticator.substr(0, 64) +
                                  "; there are " + known);
}

}  // namespace

Task<Result<void>> block(Parts& parts, store::User user, Actor actor) {
  auto done = co_await parts.store.users().set_blocked(user.id, true);
  record(parts, actor, "block", user, done);
  if (done) co_await parts.refresher.put_out(user, "blocked");
  co_return done;
}

Task<Result<void>> unblock(Parts& parts, store::User user, Actor actor) {
  auto done = co_await parts.store.users().set_blocked(user.id, false);
  record(parts, actor, "unblock", user, done);
  if (!done) co_return done;
  user.blocked.reset();
  auto admission = parts.policy.admit(user);
  if (auto* admitted = std::get_if<auth::Admitted>(&admission)) {
    auto loaded = co_await parts.tokens.load_user(auth::make_account(user, std::move(*admitted)));
    if (!loaded) co_return std::move(loaded).error();
  }
  co_return done;
}

Task<Result<void>> link_identity(Parts& parts,
                                 store::User user,
                                 std::string identity,
                                 Actor actor) {
  auto named = parse_identity(parts, identity);
  if (!named) co_return std::move(named).error();
  auto done = co_await parts.store.identities().link(user.id, named->authenticator, named->subject);
  record(parts, actor, "identity-link", user, done, identity);
  if (!done && done.error().code() == Errc::conflict)
    co_return Error(Errc::conflict,
                    done.error().message() +
                        ": accounts are not merged; remove that user first if it is "
                        "not needed");
  co_return done;
}

Task<Result<void>> unlink_identity(Parts& parts,
                                   store::User user,
                                   std::string identity,
                                   Actor actor) {
  const std::size_t colon = std::min(identity.find(':'), identity.size());
  const std::string authenticator = identity.substr(0, colon);
  const std::string subject = colon < identity.size() ? identity.substr(colon + 1) : "";
  auto done = co_await parts.store.identities().unlink(user.id, authenticator, subject);
  record(parts, actor, "identity-unlink", user, done, identity);
  if (!done) co_return done;
  // Whoever came in by it is not this user any more.
  auto ended = co_await parts.sessions.revoke_of_provider(authenticator, subject, "");
  if (!ended) co_return std::move(ended).error();
  co_return done;
}

Task<Result<std::size_t>> sign_out_everywhere(Parts& parts, store::User user, Actor actor) {
  const std::size_t open = parts.sessions.of_user(user.id).size();
  auto done = co_await parts.sessions.revoke_user(user.id, "");
  record(parts, actor, "sign-out", user, done, std::to_string(open) + " sessions");
  if (!done) co_return std::move(done).error();
  co_return open;
}

Task<Result<nlohmann::json>> identities_of(Parts& parts, store::User user) {
  auto links = co_await parts.store.identities().links_of(user.id);
  if (!links) co_return std::move(links).error();
  nlohmann::json list = nlohmann::json::array();
  list.push_back({{"authenticator", user.authenticator},
                  {"subject", user.subject},
                  {"own", true},
                  {"linked", to_iso8601(user.created)}});
  for (const store::LinkedIdentity& one : *links)
    list.push_back({{"authenticator", one.authenticator},
                    {"subject", one.subject},
                    {"own", false},
                    {"linked", to_iso8601(one.linked)}});
  co_return list;
}

namespace {

std::string told(const Result<void>& done, const std::string& words) {
  return done ? words + "\n" : "error: " + done.error().message() + "\n";
}

Task<std::string> describe(Parts& parts, store::User user) {
  auto identities = co_await identities_of(parts, user);
  if (!identities) co_return "error: " + identities.error().message() + "\n";
  const auto admission = parts.policy.admit(user);
  const auto* admitted = std::get_if<auth::Admitted>(&admission);
  std::string out = user.username + "\n  name        " + user.display_name + "\n  groups     ";
  for (const std::string& group : user.groups) out += " " + group;
  out += "\n  may come in ";
  out += admitted != nullptr ? (admitted->admin ? "yes, administrator" : "yes")
                             : "no: " + std::string(to_string(std::get<auth::Refusal>(admission)));
  out += "\n  last seen   " + to_iso8601(user.last_seen) + "\n  sessions    " +
         std::to_string(parts.sessions.of_user(user.id).size()) + "\n";
  for (const auto& one : *identities)
    out += "  identity    " + one.at("authenticator").get<std::string>() + ":" +
           one.at("subject").get<std::string>() + (one.at("own").get<bool>() ? "" : " (linked)") +
           "\n";
  co_return out;
}

Task<std::string> list_users(Parts& parts) {
  auto users = co_await parts.store.users().all();
  if (!users) co_return "error: " + users.error().message() + "\n";
  std::string out;
  for (const store::User& user : *users)
    out += user.username + "\t" + user.authenticator + ":" + user.subject + "\t" +
           user.display_name + (user.blocked ? "\tblocked" : "") + "\n";
  co_return out;
}

}  // namespace

Task<std::string> user_command(Parts& parts, std::string words) {
  std::vector<std::string> said;
  for (const std::string_view word : text::split(words, ' '))
    said.push_back(text::percent_decode(word).value_or(""));
  said.resize(3);
  const std::string& verb = said[0];
  if (verb == "list") {
    auto list = co_await list_users(parts);
    co_return list;
  }
  auto user = co_await parts.store.users().find_by_name(said[1]);
  if (!user) co_return "error: " + said[1] + ": " + user.error().message() + "\n";
  const Actor actor{"command", ""};
  if (verb == "show") {
    auto words_of = co_await describe(parts, *user);
    co_return words_of;
  }
  if (verb == "sign-out") {
    auto ended = co_await sign_out_everywhere(parts, *user, actor);
    if (!ended) co_return "error: " + ended.error().message() + "\n";
    co_return std::to_string(*ended) + " sessions of " + said[1] + " have ended\n";
  }
  Result<void> done = Error(Errc::invalid, "unknown command");
  if (verb == "block") done = co_await block(parts, *user, actor);
  if (verb == "unblock") done = co_await unblock(parts, *user, actor);
  if (verb == "link") done = co_await link_identity(parts, *user, said[2], actor);
  if (verb == "unlink") done = co_await unlink_identity(parts, *user, said[2], actor);
  co_return told(done, said[1] + ": " + verb + " done" + (said[2].empty() ? "" : ", " + said[2]));
}

}  // namespace passerelle::hub
