// Login: the one path from credentials to a session: throttle, authenticator, policy, user record,
// session, audit. Knows nothing of HTTP: the hub turns the answer into a page, a redirect and
// cookies.
#pragma once

#include <map>
#include <string>
#include <variant>

#include "auth/authenticator.hpp"
#include "auth/policy.hpp"
#include "auth/refresh.hpp"
#include "auth/session.hpp"
#include "auth/state.hpp"
#include "auth/throttle.hpp"
#include "auth/tokens.hpp"
#include "store/store.hpp"

namespace passerelle::auth {

/// The person is signed in.
struct Welcome {
  std::string secret;  ///< For the session cookie (Cookies::session).
  seconds lasts{0};
  SessionPointer session;
  OwnCookies set_cookies;  ///< The authenticator's: Cookies::of_authenticator.
  std::string notice;      ///< See SignedIn::notice.
  std::map<std::string, std::string> notice_values;
  std::string next;     ///< Where the person wanted to go, safe_next; empty: the home page.
  bool framed = false;  ///< See SignedIn::framed.
  std::optional<std::string> launch;  ///< See SignedIn::launch.
  std::optional<store::Activity> activity;
};

/// We know who it is, but they may not come in. Message "sign-in.refused.<reason>".
struct Refused {
  std::string reason;  ///< "blocked", "not-allowed", "nobody-allowed" or "no-seats"
};

using LoginAnswer = std::variant<Welcome,
                                 ShowForm,
                                 Redirect,
                                 Refused,
                                 Reply,
                                 OpenTab,
                                 ChooseContent,
                                 PostOn,
                                 KeepInFrame,
                                 AskFrame>;

/// What the hub knows of the browser that signs in.
struct Browser {
  std::string user_agent;
  std::string old_secret;  ///< Its present session cookie, if any: that session ends (no fixation).
};

class Login {
 public:
  struct Parts {
    store::UserStore& users;
    store::AuditLog& audit;
    SessionTable& sessions;
    TokenTable& tokens;
    Throttle& throttle;
    const Policy& policy;
    const Clock& clock;
    States& states;
    Refresher& refresher;
  };
  explicit Login(Parts parts);

  /// One request below /hub/auth/<name>/. An Error is "could not tell" (provider down, disk full):
  /// the page says so, and it counts as no failed try. Errc::not_found: the authenticator has no
  /// such path.
  Task<Result<LoginAnswer>> handle(Authenticator& method, AuthRequest request, Browser browser);

  /// Sign-out: the session ends at once in all tabs.
  Task<Result<void>> sign_out(SessionPointer session, std::string peer);

 private:
  struct Attempt {
    std::string authenticator;
    std::string peer;
    std::string name;   ///< Normalised; empty if the method asks for none.
    std::string shown;  ///< What was typed, cut: for the audit log.
    bool counted = false;
  };

  Task<Result<LoginAnswer>> decide(Authenticator& method,
                                   AuthRequest request,
                                   Browser browser,
                                   const Attempt& attempt);
  Task<Result<LoginAnswer>> admit(SignedIn signed_in,
                                  std::string next,
                                  Browser browser,
                                  const Attempt& attempt);
  Task<Result<Person>> foresee(Identity identity);
  Task<Result<LoginAnswer>> open_session(store::User user,
                                         Admitted admitted,
                                         SignedIn signed_in,
                                         std::string next,
                                         Browser browser,
                                         const Attempt& attempt);
  Task<Result<LoginAnswer>> end_sessions(std::string authenticator,
                                         EndSessions which,
                                         const Attempt& attempt);
  LoginAnswer refuse(std::string_view reason, const Identity& identity, const Attempt& attempt);
  void record_refusal(const ShowForm& form, const Attempt& attempt);
  void record(const Attempt& attempt, std::string actor, std::string result, std::string cause);

  Parts parts_;
};

}  // namespace passerelle::auth
