// The authenticator's interface. An authenticator decides who someone is; it knows nothing of
// cookies, sessions, or what the person may do (auth/policy.hpp says that, auth/login.hpp joins
// them).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "base/secrets.hpp"
#include "base/task.hpp"
#include "base/text.hpp"
#include "base/worker_pool.hpp"
#include "config/settings.hpp"
#include "store/store.hpp"

namespace passerelle::auth {

/// Who someone is, by one authenticator's word. (authenticator, subject) is the identity; the rest
/// is description.
struct Identity {
  std::string authenticator;
  std::string subject;
  std::string username_hint;  ///< What the username is derived from.
  std::string display_name;
  std::vector<std::string> groups;  ///< All of them: they replace those of the last sign-in.
};

/// What an authenticator wants to know again of somebody it let in. Kept sealed in the store, one
/// for each identity; the newest sign-in wins.
struct AuthState {
  /// What the provider says of the person and spawners may use: "uidNumber", "mail", ...
  /// Multi-valued ones keep their order. Their truth is the provider's: spawners check what they
  /// rely on.
  std::map<std::string, std::vector<std::string>> attributes;
  std::string secret;  ///< The plug-in's own (refresh token, DN, ...); nobody else reads it.
  bool operator==(const AuthState&) const = default;
};

/// Somebody who came in before.
struct Known {
  Identity identity;
  std::optional<AuthState> state;  ///< None: never given, or sealed with a key that is gone.
};

/// For a server that asks on behalf of its user.
struct AccessToken {
  std::string value;
  std::optional<Instant> expires;
};

/// How the sign-in page shows this method.
struct SignInOffer {
  struct Field {
    std::string name;          ///< Form field; its label is the message "sign-in.field.<name>".
    std::string type;          ///< "text" or "password"
    std::string autocomplete;  ///< "username", "current-password", ...
    bool required = true;
  };
  enum class Kind { form, button, none };
  Kind kind = Kind::none;
  std::vector<Field> fields;  ///< kind form: posted to /hub/auth/<name>/login
  std::string note;           ///< Message key of a line under the form; empty: none.
  std::map<std::string, std::string> note_values;
};

/// A cookie of an authenticator's own, by its short name. An empty value clears it.
struct OwnCookie {
  std::string value;
  seconds lasts{std::chrono::hours(24 * 365)};
  /// It must come back in a POST that another site makes its browser send, also inside a frame of
  /// that site; so it is sent to all of our own pages.
  bool framed = false;
  bool operator==(const OwnCookie&) const = default;
};
using OwnCookies = std::map<std::string, OwnCookie>;

/// A request below /hub/auth/<name>/, already parsed and size-limited; CSRF is checked by the hub
/// unless exempt (Authenticator::takes_foreign_post).
struct AuthRequest {
  std::string method;
  std::string path;  ///< Below the prefix, without slash: "login".
  text::Form query;
  text::Form form;
  std::map<std::string, std::string>
      cookies;  ///< Only those that this authenticator set, by their short name.
  /// Names in lower case, in their order. Only when the request comes straight from one of
  /// Authenticator::headers_from(), whatever X-Forwarded-For says.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string peer;
  std::string next;      ///< Already checked by safe_next; empty: none.
  std::string language;  ///< Of the reader: "en" or "fr".
  /// What the browser says of it (Fetch Metadata); false where it says nothing. `framed`: the
  /// answer is shown inside another page. `from_us`: a page of ours sends it.
  bool framed = false;
  bool from_us = false;
  /// For who must know the URL that was signed: our origin as browsers see it, the whole path, and
  /// for the operators' log what other origins the request names.
  std::string origin;
  std::string whole_path;
  std::vector<std::string> other_origins;
};

/// The person is who they say. `first` holds what is stored if they are new.
struct SignedIn {
  Identity identity;
  bool must_be_new = false;  ///< See UserStore::enter; on conflict the hub asks handle() again.
  std::uint32_t max_users = 0;
  std::vector<store::Credential> first;
  std::optional<Instant> session_until;  ///< The session must not outlive this.
  OwnCookies set_cookies;
  std::string
      notice;  ///< Message key shown once on the next page (e.g. the PIN), with `notice_values`.
  std::map<std::string, std::string> notice_values;
  std::optional<AuthState> state;  ///< Replaces the stored one; none: there is nothing to keep.
  std::string provider_session;    ///< The provider's name for this sign-in (OIDC sid, CAS ticket),
                                   ///< so that EndSessions finds it; empty: none.
  std::string sign_out_hint;  ///< For sign_out_url (an id_token); kept sealed with the session.
  std::string next;  ///< Where the person wanted to go, if that is not in the request (it came back
                     ///< from a provider); checked by the hub again.
  /// The browser may be showing us inside a page of the provider's: the session's cookie must work
  /// there (RFC 6265bis SameSite=None, CHIPS).
  bool framed = false;
  /// The request proved itself, so it may also start the person's server, without another click:
  /// of this profile; empty: of the only one there is. None: no server is started.
  std::optional<std::string> launch;
  std::optional<store::Activity> activity;  ///< What they opened in a course.
};

struct Redirect {
  std::string url;
  OwnCookies set_cookies;
};

/// The sign-in page again, with this method's form: what is wrong, and which further field to ask
/// for.
struct ShowForm {
  int status = 200;     ///< 403 for wrong credentials, 429 when throttled (with retry_after)
  bool failed = false;  ///< Wrong credentials: counts as a failed try; anything else does not.
  std::string message;  ///< Message key ("sign-in.wrong-password"), empty: none
  std::map<std::string, std::string> message_values;
  std::vector<SignInOffer::Field> extra_fields;
  std::map<std::string, std::string> keep;  ///< Field values to show again; never passwords.
  std::optional<seconds> retry_after;
  std::string attempted_name;  ///< For throttle and audit; cut to 64 bytes.
  std::string code;   ///< Reason code for the page, the audit and the log ("state-unknown"); empty:
                      ///< the message key does.
  std::string cause;  ///< For the audit instead of `code`, when the person must not learn it
                      ///< ("locked"); empty: `code`.
  std::string detail;  ///< For the operators' log only; never a secret.
  std::string next;    ///< As SignedIn::next: so that trying again leads there.
  OwnCookies set_cookies;
};

/// For programs: a key set, the answer to a back channel. Nothing is looked up, nobody signed in.
struct Reply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  bool cacheable = false;  ///< Else Cache-Control: no-store.
};

/// The browser keeps none of our cookies where it shows us: one click opens `path`, ours, in a tab.
struct OpenTab {
  std::string path;
};

/// A frame beside ours in the platform's page keeps things for us, each site's apart (LTI
/// postMessage Storage 0.1): for browsers that keep none of our cookies there.
struct PlatformFrame {
  std::string origin;  ///< Nobody else is told, and nobody else is believed.
  std::string name;    ///< As the platform said: "_parent", or a frame's name.
  std::string key;
};

/// The frame is given `value` to keep; then, whatever became of that, the browser goes on to `url`.
struct KeepInFrame {
  PlatformFrame frame;
  std::string value;
  std::string url;
  OwnCookies set_cookies;
};

/// The frame is asked for what it keeps. `fields` are posted to `action`, a path of ours, with that
/// as `field`; if the frame says nothing, `otherwise` is shown.
struct AskFrame {
  PlatformFrame frame;
  std::string action;
  std::map<std::string, std::string> fields;
  std::string field;
  OpenTab otherwise;
};

/// A teacher picks what an activity shall open. The page posts `request` with the choice to
/// `action`, a path of ours; it needs nobody signed in.
struct ChooseContent {
  std::string action;
  std::string request;
};

/// The browser carries the fields to another site.
struct PostOn {
  std::string url;
  std::map<std::string, std::string> fields;
};

/// The provider says that sign-ins are over (back-channel logout): all sessions of this
/// authenticator that match both, as far as they are not empty; never all. At once.
struct EndSessions {
  std::string subject;
  std::string provider_session;
  Reply reply;  ///< Sent when they have ended.
};

using AuthAnswer = std::variant<SignedIn,
                                Redirect,
                                ShowForm,
                                Reply,
                                EndSessions,
                                OpenTab,
                                ChooseContent,
                                PostOn,
                                KeepInFrame,
                                AskFrame>;

/// What became of a grade that was to be sent.
struct Delivered {
  enum class Kind { taken, later, refused };
  Kind kind = Kind::refused;
  std::string detail;  ///< Why not; never a secret.
};

/// One line of `check-config --deep`.
struct Finding {
  enum class Level { good, warning, wrong };
  Level level = Level::good;
  std::string what;    ///< "discovery: https://sso.example.fr/.well-known/openid-configuration"
  std::string advice;  ///< What to do; empty if good.
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  virtual const std::string& name() const noexcept = 0;
  virtual SignInOffer offer() const = 0;
  /// People choose their names here, nobody vouches for them: a bare name in access.admins then
  /// means somebody else.
  virtual bool people_choose_names() const noexcept { return false; }
  /// A POST to this path comes from another site, or from no browser, and proves itself: the hub
  /// asks for no token of ours.
  virtual bool takes_foreign_post(std::string_view /*path*/) const noexcept { return false; }
  /// The networks (CIDRs) whose word in AuthRequest::headers this method believes.
  virtual std::vector<std::string> headers_from() const { return {}; }
  /// People come by launches of another site, never by themselves: there is no form to show them.
  virtual bool launches() const noexcept { return false; }
  /// Several methods share one address (/hub/lti/launch): whether this request is for this one.
  virtual Task<bool> claims(const AuthRequest& /*request*/) { co_return false; }
  /// Origins whose pages may show ours in a frame: for sessions of `subject`, or all of them when
  /// it is empty.
  virtual std::vector<std::string> framed_by(std::string_view /*subject*/) const { return {}; }
  /// Answers every request below /hub/auth/<name>/. Wrong credentials are a ShowForm; an Error
  /// means "could not tell" (the provider is down): the page says so, and it does not count as a
  /// failed try.
  virtual Task<Result<AuthAnswer>> handle(AuthRequest request) = 0;
  /// Asked again when a session grows old, and before a launch, for one person at a time. May
  /// change groups and state, or refuse (Errc::forbidden: the person's sessions end). Any other
  /// error means "could not tell": nothing changes.
  virtual Task<Result<Known>> refresh(Known known) { co_return known; }
  /// Where the browser goes after our own sign-out so that the provider's ends too, coming back to
  /// `back` (absolute); empty: nowhere.
  virtual std::string sign_out_url(const std::string& /*hint*/, const std::string& /*back*/) const {
    return {};
  }
  /// The provider's access token for the person's own servers; none: there is none, or the
  /// operators did not opt in. Asked after refresh().
  virtual std::optional<AccessToken> access_token(const AuthState& /*state*/) const {
    return std::nullopt;
  }
  /// Sends the newest grade of an activity that this method signed somebody in for.
  virtual Task<Delivered> deliver(store::ActivityRow /*row*/) {
    co_return Delivered{Delivered::Kind::refused, "this sign-in method takes no grades"};
  }
  /// For `check-config --deep`: tries what a sign-in will need, each step with a deadline.
  virtual Task<std::vector<Finding>> check() { co_return std::vector<Finding>(); }
};

/// What a plug-in gets; all outlive it.
struct Surroundings {
  store::UserStore& users;
  WorkerPool& workers;
  const Clock& clock;
  HttpClient& http;
  const secrets::Sealer& sealer;  ///< For what a browser or a provider carries for us.
  std::string origin;  ///< As browsers see us: "https://jupyter.example.fr"; empty: unknown.
  std::string path;    ///< This authenticator's: "/hub/auth/univ/", with base_url.
  store::NonceStore* nonces = nullptr;  ///< Never null in the gateway.
  store::KeptStore* kept = nullptr;     ///< Neither.
};

/// The plug-in named by settings.type, or Errc::invalid naming the types this build has.
Result<std::unique_ptr<Authenticator>> make_authenticator(const config::Authenticator& settings,
                                                          Surroundings around);
/// The types of this build, for check-config.
std::vector<std::string_view> authenticator_types();

}  // namespace passerelle::auth
