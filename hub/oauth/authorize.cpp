// The authorize endpoint (RFC 6749, 4.1.1): a visitor of a server or service comes to be named to
// it, is asked when that is somebody else's, and goes back with a code.
#include "hub/answers.hpp"
#include "hub/oauth/clients.hpp"
#include "hub/oauth/codes.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kFound = 302;
constexpr int kOk = 200;
constexpr int kBad = 400;
constexpr int kForbidden = 403;

// What was asked: of a GET and of the form that our page posts back to the same address.
struct Asked {
  Client client;
  std::string redirect_uri;
  std::string state;
  std::string response_type;
  std::vector<std::string> scopes;  ///< Empty: all that the client may ask for.
  std::string challenge;
  std::string challenge_method;
};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view word : text::split(text, ' '))
    if (!word.empty()) words.emplace_back(word);
  return words;
}

// An unknown client, or another address than the registered one, is told to the person: such a
// redirect would be an open one.
Result<Asked> read(const Parts& parts, const Call& call) {
  const auto field = [&](std::string_view name) {
    return std::string(text::field(call.query, name));
  };
  Asked asked;
  auto client = find_client(parts, field("client_id"));
  if (!client) return Error(Errc::invalid, "nobody of that client_id is known");
  asked.client = std::move(*client);
  asked.redirect_uri = field("redirect_uri");
  if (asked.redirect_uri.empty()) asked.redirect_uri = asked.client.redirect_uri;
  if (asked.redirect_uri != asked.client.redirect_uri)
    return Error(Errc::invalid, "redirect_uri is not the registered one");
  asked.state = field("state");
  asked.response_type = field("response_type");
  asked.scopes = words_of(field("scope"));
  asked.challenge = field("code_challenge");
  asked.challenge_method = field("code_challenge_method");
  return asked;
}

proxy::HubResponse found(std::string location) {
  return {kFound, {{"Location", std::move(location)}, {"Cache-Control", "no-store"}}, ""};
}

proxy::HubResponse back(const Asked& asked, std::string_view name, std::string_view value) {
  std::string url = asked.redirect_uri;
  url.append(url.find('?') == std::string::npos ? "?" : "&");
  url.append(name).append("=").append(text::percent_encode(value));
  if (!asked.state.empty()) url.append("&state=").append(text::percent_encode(asked.state));
  return found(std::move(url));
}

// Nothing is wrong, or the error to go back with.
std::string_view mistake(const Asked& asked) {
  if (asked.response_type != "code") return "unsupported_response_type";
  if (!asked.challenge.empty() && asked.challenge_method != "S256") return "invalid_request";
  for (const std::string& scope : asked.scopes) {
    const auto& may = asked.client.scopes;
    if (std::find(may.begin(), may.end(), scope) == may.end()) return "invalid_scope";
  }
  return {};
}

std::string here_of(const Call& call) {
  return call.request.path + "?" + call.request.query;
}

// What is granted if the person agrees: what was asked, as far as they have it themselves.
std::vector<std::string> granted(const Asked& asked, const auth::Principal& who) {
  const auto& wanted = asked.scopes.empty() ? asked.client.scopes : asked.scopes;
  std::vector<std::string> scopes;
  for (const std::string& scope : wanted) {
    auth::ScopeSet one;
    if (!one.add(scope, who.account->username)) continue;
    const bool access = scope.starts_with("access:");  // may_visit() has said yes
    if (access || who.rights.beyond(one, {}).empty()) scopes.push_back(scope);
  }
  return scopes;
}

// They agreed before: a token of theirs that this client holds says so.
bool remembered(const Parts& parts,
                const Asked& asked,
                const std::vector<std::string>& scopes,
                store::UserId user) {
  for (const auth::TokenPointer& token : parts.tokens.of_user(user)) {
    if (token->client != asked.client.id) continue;
    const auto has = [&](const std::string& scope) {
      return std::find(token->scopes.begin(), token->scopes.end(), scope) != token->scopes.end();
    };
    if (std::all_of(scopes.begin(), scopes.end(), has)) return true;
  }
  return false;
}

bool needs_no_asking(const Parts& parts,
                     const Asked& asked,
                     const std::vector<std::string>& scopes,
                     store::UserId user) {
  if (asked.client.server && asked.client.server->record.user == user) return true;
  if (!asked.client.server && !asked.client.confirm) return true;
  return remembered(parts, asked, scopes, user);
}

proxy::HubResponse give_code(Parts& parts,
                             const Call& call,
                             const Asked& asked,
                             std::vector<std::string> scopes) {
  OAuthCodes::Grant grant;
  grant.client = asked.client.id;
  grant.redirect_uri = asked.redirect_uri;
  grant.user = call.session->account().id;
  grant.session = call.session->id;
  grant.scopes = std::move(scopes);
  grant.challenge = asked.challenge;
  const std::string code = parts.codes.add(std::move(grant));
  return back(asked, "code", code);
}

Json words_for(const std::string& scope) {
  if (scope.starts_with("access:")) return web::say("oauth.scope.access");
  if (scope.starts_with("read:users:name")) return web::say("oauth.scope.name");
  if (scope.starts_with("read:users:groups")) return web::say("oauth.scope.groups");
  return scope;
}

// Our page's form leads there in the end; a browser asks the policy of the page about that, too.
std::string origin_of(const std::string& uri) {
  const std::size_t host = uri.find("://");
  return host == std::string::npos ? std::string() : uri.substr(0, uri.find('/', host + 3));
}

proxy::HubResponse ask(Parts& parts,
                       Call& call,
                       const Asked& asked,
                       const std::vector<std::string>& scopes) {
  Json view = {{"action", here_of(call)}, {"title", asked.client.title}, {"rights", Json::array()}};
  if (asked.client.server) view["owner"] = asked.client.server->username;
  for (const std::string& scope : scopes)
    view["rights"].push_back({{"scope", scope}, {"words", words_for(scope)}});
  call.posts_to = origin_of(asked.redirect_uri);
  return page(parts, call, kOk, "oauth", view);
}

}  // namespace

Task<Answer> authorize(Parts& parts, Call& call) {
  auto asked = read(parts, call);
  if (!asked) co_return problem(parts, call, kBad, asked.error().message());
  if (!call.session)
    co_return found(parts.settings.base_url +
                    "hub/login?next=" + text::percent_encode(here_of(call)));
  if (const auto wrong = mistake(*asked); !wrong.empty()) co_return back(*asked, "error", wrong);
  const auth::Principal& who = call.session->principal;
  if (!may_visit(who, asked->client)) co_return problem(parts, call, kForbidden);
  std::vector<std::string> scopes = granted(*asked, who);
  if (call.is_get() && !needs_no_asking(parts, *asked, scopes, who.account->id))
    co_return ask(parts, call, *asked, scopes);
  if (!call.is_get())  // what was left out of the form was not agreed to
    std::erase_if(scopes, [&](const std::string& scope) {
      return std::none_of(call.form.begin(), call.form.end(), [&](const auto& sent) {
        return sent.first == "scopes" && sent.second == scope;
      });
    });
  co_return give_code(parts, call, *asked, std::move(scopes));
}

}  // namespace passerelle::hub::pages
