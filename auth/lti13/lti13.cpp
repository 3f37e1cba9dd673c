// The authenticator "lti13": a learning platform vouches for its people with tokens that it signs
// (LTI 1.3). The platform sends the browser here, we send it back to be told who it is, and the
// answer comes through the browser. Nothing is asked of the person.

#include <algorithm>

#include "auth/lti13/course_services.hpp"
#include "auth/lti13/deep_link.hpp"
#include "auth/lti13/description.hpp"
#include "auth/lti13/flow.hpp"
#include "auth/lti13/id_token.hpp"
#include "auth/lti13/person.hpp"
#include "auth/lti13/registrations.hpp"
#include "auth/lti13/services.hpp"
#include "auth/lti13/tool_keys.hpp"
#include "auth/lti_services.hpp"
#include "auth/lti_watched.hpp"
#include "config/values.hpp"

namespace passerelle::auth {
namespace lti13 {
namespace {

using Platforms = config::LtiPlatforms;
using PlatformsFile = lti::Watched<Platforms>;
using Json = nlohmann::json;

constexpr std::string_view kLogin = "oauth_login";
constexpr std::string_view kCallback = "oauth_callback";
constexpr std::string_view kProof = "storage_proof";
constexpr std::size_t kLongestHint = 2000;
constexpr std::size_t kLongestFrame = 64;

class Lti13 final : public Authenticator, public lti::Courses {
 public:
  Lti13(config::Authenticator settings, Surroundings around, PlatformsFile platforms)
      : name_(std::move(settings.name)),
        settings_(std::move(settings)),
        around_(std::move(around)),
        platforms_(std::move(platforms)) {}

  const std::string& name() const noexcept override { return name_; }
  SignInOffer offer() const override { return {}; }
  bool people_choose_names() const noexcept override { return true; }
  bool launches() const noexcept override { return true; }
  bool takes_foreign_post(std::string_view path) const noexcept override {
    return path == kLogin || path == kCallback || path == "content";
  }
  Task<bool> claims(const AuthRequest& request) override;
  std::vector<std::string> framed_by(std::string_view subject) const override;
  Task<Result<AuthAnswer>> handle(AuthRequest request) override;
  Task<Result<Known>> refresh(Known known) override;
  Task<Delivered> deliver(store::ActivityRow row) override;
  Task<std::vector<Finding>> check() override;

  Task<Result<void>> open_courses() override;
  Task<Result<std::vector<lti::Member>>> roster(std::string platform, std::string context) override;
  std::string invitation(std::vector<std::string> hosts) override;
  Task<Result<std::string>> enrol(text::Form query, std::string below) override;
  std::vector<lti::Registered> registered() const override { return registrations_.list(); }
  Task<Result<void>> withdraw(std::string platform) override;

 private:
  Task<PlatformsPointer> current();
  std::string title() const;
  Task<Result<AuthAnswer>> begin(AuthRequest request);
  Task<Result<AuthAnswer>> finish(AuthRequest request);
  Task<Result<AuthAnswer>> content(AuthRequest request);
  Task<Result<AuthAnswer>> key_set();
  AuthAnswer sign_in(const Json& claims,
                     const std::string& platform,
                     const config::LtiPlatform& settings,
                     const AuthRequest& request) const;
  AuthAnswer choose(const Json& claims,
                    const std::string& platform,
                    const AuthRequest& request) const;
  Reply describe(const AuthRequest& request) const;
  KeySource& keys_of(const config::LtiPlatform& platform);

  const std::string name_;
  const config::Authenticator settings_;
  const Surroundings around_;
  PlatformsFile platforms_;
  Flows flows_{around_.sealer, around_.clock, "lti13-flow/" + name_};
  ToolKeys tool_keys_{around_};
  Services services_{around_, tool_keys_, settings_.lti13.ca_file};
  CourseServices courses_{around_, services_, "lti13/" + name_};
  mutable Registrations registrations_{around_, name_, title(), settings_.lti13.ca_file};
  std::map<std::string, KeySource> keys_;  // by jwks_url
};

std::string_view either(const AuthRequest& request, std::string_view name) {
  const std::string_view posted = text::field(request.form, name);
  return posted.empty() ? text::field(request.query, name) : posted;
}

// With no client_id the issuer must have one registration only: which of several is meant nobody
// can tell.
Platforms::const_iterator find_platform(const Platforms& platforms,
                                        std::string_view issuer,
                                        std::string_view client_id) {
  auto found = platforms.end();
  for (auto at = platforms.begin(); at != platforms.end(); ++at) {
    if (at->second.issuer != issuer) continue;
    if (at->second.client_id == client_id) return at;
    if (!client_id.empty()) continue;
    if (found != platforms.end()) return platforms.end();
    found = at;
  }
  return found;
}

AuthAnswer refuse(const char* code,
                  std::string detail,
                  std::string_view shown,
                  OwnCookies cookies = {}) {
  ShowForm form = lti::refused({code, std::move(detail)}, shown);
  form.set_cookies = std::move(cookies);
  return form;
}

// "https://hub/hub/lti13/oauth_login" -> ".../oauth_callback": the platform knows the one that
// belongs to the address it calls.
std::string beside(const AuthRequest& request, std::string_view from, std::string_view to) {
  std::string path = request.whole_path;
  if (path.ends_with(from)) path.replace(path.size() - from.size(), from.size(), to);
  return request.origin + path;
}

std::string with_fields(std::string url,
                        const std::vector<std::pair<const char*, std::string>>& fields) {
  char separator = url.find('?') == std::string::npos ? '?' : '&';
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    url.append(1, separator).append(name).append("=").append(text::percent_encode(value));
    separator = '&';
  }
  return url;
}

Task<bool> Lti13::claims(const AuthRequest& request) {
  if (flows_.open(text::field(request.form, "state"))) co_return true;
  const PlatformsPointer platforms = co_await current();
  co_return find_platform(*platforms, either(request, "iss"), either(request, "client_id")) !=
      platforms->end();
}

std::vector<std::string> Lti13::framed_by(std::string_view subject) const {
  const PlatformsPointer platforms = registrations_.with(platforms_.known());
  const std::string issuer = lti::platform_of(subject);
  std::vector<std::string> origins;
  for (const auto& [name, platform] : *platforms)
    if (subject.empty() || platform.issuer == issuer)
      for (const std::string& origin : platform.frame_origins)
        if (std::find(origins.begin(), origins.end(), origin) == origins.end())
          origins.push_back(origin);
  return origins;
}

Task<Result<AuthAnswer>> Lti13::handle(AuthRequest request) {
  using Step = Task<Result<AuthAnswer>> (Lti13::*)(AuthRequest);
  const bool post = request.method == "POST";
  Step step = nullptr;
  if (request.path == "login") co_return AuthAnswer(lti::open_from_course());
  if (request.path == kLogin && !either(request, "iss").empty()) step = &Lti13::begin;
  if (request.path == kCallback && post) step = &Lti13::finish;
  if (request.path == "content" && post) step = &Lti13::content;
  if (step != nullptr) {
    auto answer = co_await (this->*step)(std::move(request));
    co_return answer;
  }
  // A link that somebody typed or kept.
  if (request.path == kLogin || request.path == kCallback)
    co_return AuthAnswer(lti::open_from_course());
  if (request.path == "config" && !post) co_return AuthAnswer(describe(request));
  if (request.path != "jwks.json" || post) co_return Error(Errc::not_found, "no such page");
  auto keys = co_await key_set();
  co_return keys;
}

// A tab of ours needs none: the browser keeps our cookies there. Nor does a browser that does not
// say where it shows us.
std::string storage_of(const AuthRequest& request) {
  const std::string_view name = either(request, "lti_storage_target");
  return request.framed && name.size() <= kLongestFrame ? std::string(name) : std::string();
}

// The platform's page that answers for it is where people sign in (LTI postMessage Storage 0.1).
PlatformFrame storage_frame(const config::LtiPlatform& platform,
                            const Initiation& began,
                            std::string key) {
  return {config::origin_of(platform.auth_url), began.storage, std::move(key)};
}

// Login initiation (Security Framework 5.1.1). Nothing in it is signed: the browser is only ever
// sent to an address that the operators wrote.
Task<Result<AuthAnswer>> Lti13::begin(AuthRequest request) {
  const PlatformsPointer platforms = co_await current();
  const std::string issuer(either(request, "iss"));
  const auto found = find_platform(*platforms, issuer, either(request, "client_id"));
  if (found == platforms->end())
    co_return refuse("LTI-REGISTRATION", "no platform with this issuer and client_id", issuer);
  const config::LtiPlatform& platform = found->second;
  Initiation initiation{issuer,
                        platform.client_id,
                        std::string(either(request, "login_hint")),
                        std::string(either(request, "lti_message_hint")),
                        std::string(either(request, "target_link_uri")),
                        storage_of(request)};
  if (initiation.login_hint.empty())
    co_return refuse("LTI-FIELD", "login_hint is missing", found->first);
  if (initiation.login_hint.size() > kLongestHint || initiation.message_hint.size() > kLongestHint)
    co_return refuse("LTI-FIELD", "the platform's hints are too long", found->first);
  auto begun = flows_.begin(initiation, request.cookies);
  if (!begun) co_return refuse("LTI-FIELD", begun.error().message(), found->first);
  std::string url =
      with_fields(platform.auth_url, {{"response_type", "id_token"},
                                      {"response_mode", "form_post"},
                                      {"scope", "openid"},
                                      {"prompt", "none"},
                                      {"client_id", platform.client_id},
                                      {"redirect_uri", beside(request, kLogin, kCallback)},
                                      {"login_hint", initiation.login_hint},
                                      {"lti_message_hint", initiation.message_hint},
                                      {"state", begun->state},
                                      {"nonce", begun->nonce}});
  if (initiation.storage.empty())
    co_return AuthAnswer(Redirect{std::move(url), std::move(begun->cookies)});
  co_return AuthAnswer(KeepInFrame{storage_frame(platform, initiation, std::move(begun->key)),
                                   std::move(begun->secret), std::move(url),
                                   std::move(begun->cookies)});
}

// A browser that kept no cookie inside the course's page begins again in a tab of ours, where it
// does: one click. Without the cookie nothing of the answer counts (login CSRF).
OpenTab begin_in_tab(const Flow& flow, const AuthRequest& request) {
  std::string path = beside(request, kCallback, kLogin);
  path.erase(0, request.origin.size());
  return {with_fields(std::move(path), {{"iss", flow.began.issuer},
                                        {"client_id", flow.began.client_id},
                                        {"login_hint", flow.began.login_hint},
                                        {"lti_message_hint", flow.began.message_hint},
                                        {"target_link_uri", flow.began.target}})};
}

// The answer comes again, with what the platform's frame has kept.
AskFrame ask_frame(const config::LtiPlatform& platform,
                   const Flow& flow,
                   const AuthRequest& request) {
  AskFrame ask;
  ask.frame = storage_frame(platform, flow.began, flow.key);
  ask.action = request.whole_path;
  for (const char* name : {"state", "id_token", "error", "error_description"})
    if (const std::string_view value = text::field(request.form, name); !value.empty())
      ask.fields[name] = value;
  ask.field = kProof;
  ask.otherwise = begin_in_tab(flow, request);
  return ask;
}

Task<Result<AuthAnswer>> Lti13::finish(AuthRequest request) {
  const std::string state(text::field(request.form, "state"));
  const auto flow = flows_.open(state);
  if (!flow) co_return refuse("LTI-STATE", "no state of ours, or too old", "");
  const PlatformsPointer platforms = co_await current();
  const auto found = find_platform(*platforms, flow->began.issuer, flow->began.client_id);
  if (found == platforms->end())
    co_return refuse("LTI-REGISTRATION", "the platform is registered no more", flow->began.issuer);
  const config::LtiPlatform& platform = found->second;
  if (!flows_.bound(*flow, request.cookies)) {
    const std::string_view proof = text::field(request.form, kProof);
    if (proof.empty() && request.framed && !flow->began.storage.empty())
      co_return AuthAnswer(ask_frame(platform, *flow, request));
    if (proof.empty()) co_return AuthAnswer(begin_in_tab(*flow, request));
    if (!request.from_us || !flows_.proved(*flow, proof))
      co_return refuse("LTI-STATE", "what the platform's frame keeps is not of this launch",
                       found->first);
  }
  const Expected expected{state, flow->nonce, around_.clock.now(), settings_.lti13.leeway,
                          settings_.lti13.max_age};
  std::string scope = name_ + "/" + secrets::sha256_hex(found->first).substr(0, 32);
  KeySource& keys = keys_of(platform);
  auto verdict =
      co_await verify(request.form, platform, expected, keys, *around_.nonces, std::move(scope));
  if (!verdict) co_return std::move(verdict).error();
  if (const auto* why = std::get_if<lti::Refusal>(&*verdict)) {
    ShowForm form = lti::refused(*why, found->first);
    form.set_cookies = flows_.done(*flow);
    co_return AuthAnswer(std::move(form));
  }
  const Json& claims = std::get<Json>(*verdict);
  co_await courses_.learn(found->first, claims);
  AuthAnswer answer = claim(claims, "message_type") == kDeepLinking
                          ? choose(claims, found->first, request)
                          : sign_in(claims, found->first, platform, request);
  if (auto* signed_in = std::get_if<SignedIn>(&answer)) signed_in->set_cookies = flows_.done(*flow);
  co_return answer;
}

AuthAnswer Lti13::sign_in(const Json& claims,
                          const std::string& platform,
                          const config::LtiPlatform& settings,
                          const AuthRequest& request) const {
  const lti::Person person = person_of(claims, platform, settings);
  SignedIn answer;
  answer.identity = lti::identity_of(person, settings, name_, settings_.groups);
  answer.state = state_of(claims, platform);
  answer.activity = activity_of(claims, person, name_);
  answer.framed = true;
  answer.next = next_of(claims, request.origin);
  answer.launch = profile_of(claims);
  return answer;
}

// Nobody is signed in for that: the page that the teacher answers on carries all that is needed.
AuthAnswer Lti13::choose(const Json& claims,
                         const std::string& platform,
                         const AuthRequest& request) const {
  if (!person_of(claims, platform, config::LtiPlatform()).teaches)
    return refuse("LTI-ROLE", "only who teaches the course chooses what it opens", platform);
  if (!takes_links(claims))
    return refuse("LTI-MESSAGE", "the platform wants something else than a link", platform);
  std::string action = beside(request, kCallback, "content");
  action.erase(0, request.origin.size());
  if (action.ends_with("/hub/lti13/content")) action = around_.path + "content";
  const ContentRequest wanted = content_request(claims, platform, around_.clock.now());
  return ChooseContent{std::move(action), seal(wanted, around_.sealer)};
}

Task<Result<AuthAnswer>> Lti13::content(AuthRequest request) {
  const Instant now = around_.clock.now();
  const auto wanted = open(text::field(request.form, "request"), around_.sealer, now);
  if (!wanted) co_return refuse("LTI-TICKET", "no request of ours, or too old", "");
  const PlatformsPointer platforms = co_await current();
  const auto found = platforms->find(wanted->platform);
  if (found == platforms->end())
    co_return refuse("LTI-REGISTRATION", "the platform is registered no more", wanted->platform);
  const auto choice = read_choice(request.form);
  if (!choice)
    co_return refuse("LTI-CHOICE", "the field " + choice.error().message(), wanted->platform);
  auto key = co_await tool_keys_.signing();
  if (!key) co_return std::move(key).error();
  const std::string launch = request.origin + around_.path + std::string(kCallback);
  const Json claims =
      answer_of(*wanted, *choice, found->second.client_id, found->second.issuer, launch, now);
  auto compact = jwt::sign({{"typ", "JWT"}}, claims, *key);
  if (!compact) co_return std::move(compact).error();
  co_return AuthAnswer(PostOn{wanted->return_url, {{"JWT", std::move(*compact)}}});
}

Task<Result<AuthAnswer>> Lti13::key_set() {
  auto keys = co_await tool_keys_.published();
  if (!keys) co_return std::move(keys).error();
  Reply reply;
  reply.content_type = "application/json";
  reply.body = std::move(*keys);
  reply.cacheable = true;
  co_return AuthAnswer(std::move(reply));
}

std::string Lti13::title() const {
  const auto label = settings_.label.find("en");
  return label == settings_.label.end() ? "Notebook" : label->second;
}

Reply Lti13::describe(const AuthRequest& request) const {
  Reply reply;
  reply.content_type = "application/json";
  reply.body = description(title(), beside(request, "config", ""));
  return reply;
}

// Those of the file as it is now, and those that registered themselves.
Task<PlatformsPointer> Lti13::current() {
  const PlatformsPointer file = co_await platforms_.current(around_.workers);
  co_return registrations_.with(file);
}

KeySource& Lti13::keys_of(const config::LtiPlatform& platform) {
  return keys_.try_emplace(platform.jwks_url, around_.http, around_.clock, settings_.lti13.ca_file)
      .first->second;
}

Task<Result<Known>> Lti13::refresh(Known known) {
  const PlatformsPointer platforms = co_await current();
  const std::string issuer = lti::platform_of(known.identity.subject);
  for (const auto& [name, platform] : *platforms)
    if (platform.issuer == issuer) co_return known;
  co_return Error(Errc::forbidden, "the platform is registered no more");
}

Task<Delivered> Lti13::deliver(store::ActivityRow row) {
  const PlatformsPointer platforms = co_await current();
  const auto found = platforms->find(row.activity.platform);
  if (found == platforms->end())
    co_return Delivered{Delivered::Kind::refused, "the platform is registered no more"};
  const bool made_by_us = row.activity.grade_url.starts_with(kToBeMade);
  const store::ActivityRow as_asked = row;
  if (made_by_us) {
    auto item = co_await courses_.line_item(found->second, row);
    const bool later = !item && item.error().code() != Errc::forbidden;
    if (!item)
      co_return Delivered{later ? Delivered::Kind::later : Delivered::Kind::refused,
                          item.error().message()};
    row.activity.grade_url = std::move(*item);
  }
  Delivered outcome = co_await services_.send_score(found->second, std::move(row));
  if (made_by_us && outcome.kind == Delivered::Kind::refused)
    co_await courses_.forget_line_item(as_asked);
  co_return outcome;
}

Task<Result<void>> Lti13::open_courses() {
  auto opened = co_await registrations_.open();
  co_return opened;
}

Task<Result<std::vector<lti::Member>>> Lti13::roster(std::string platform, std::string context) {
  const PlatformsPointer platforms = co_await current();
  const auto found = platforms->find(platform);
  if (found == platforms->end())
    co_return Error(Errc::not_found, "the platform is registered no more");
  auto members = co_await courses_.roster(std::move(platform), found->second, std::move(context));
  co_return members;
}

std::string Lti13::invitation(std::vector<std::string> hosts) {
  return registrations_.invite(hosts);
}

Task<Result<std::string>> Lti13::enrol(text::Form query, std::string below) {
  const PlatformsPointer before = co_await current();
  auto name = co_await registrations_.enrol(std::move(query), std::move(below));
  co_return name;
}

Task<Result<void>> Lti13::withdraw(std::string platform) {
  auto erased = co_await registrations_.erase(std::move(platform));
  co_return erased;
}

Task<std::vector<Finding>> Lti13::check() {
  std::vector<Finding> findings;
  const PlatformsPointer platforms = co_await current();
  for (const auto& [name, platform] : *platforms) {
    KeySource& keys = keys_of(platform);
    auto fetched = co_await keys.fetch_now(platform.jwks_url);
    Finding finding;
    finding.what = "keys of " + name + ": " + platform.jwks_url;
    if (!fetched) {
      finding.level = Finding::Level::wrong;
      finding.advice = fetched.error().message();
    } else if (*fetched == 0) {
      finding.level = Finding::Level::wrong;
      finding.advice = "none of its keys can be used: RS256 is needed";
    }
    findings.push_back(std::move(finding));
  }
  co_return findings;
}

}  // namespace
}  // namespace lti13

Result<std::unique_ptr<Authenticator>> make_lti13(const config::Authenticator& settings,
                                                  Surroundings around) {
  auto platforms = lti13::PlatformsFile::open(settings.lti13.platforms, "platforms",
                                              &config::read_lti_platforms);
  if (!platforms) return std::move(platforms).error();
  return std::unique_ptr<Authenticator>(
      std::make_unique<lti13::Lti13>(settings, std::move(around), std::move(*platforms)));
}

}  // namespace passerelle::auth
