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
  std::vector<std::string> groups;
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

/// A request below /hub/auth/<name>/, already parsed and size-limited; CSRF is checked by the hub
/// unless exempt.
struct AuthRequest {
  std::string method;
  std::string path;  ///< Below the prefix, without slash: "login".
  text::Form query;
  text::Form form;
  std::map<std::string, std::string>
      cookies;  ///< Only those that this authenticator set, by their short name.
  std::string peer;
  std::string next;  ///< Already checked by safe_next; empty: none.
};

/// The person is who they say. `first` holds what is stored if they are new.
struct SignedIn {
  Identity identity;
  bool must_be_new = false;  ///< See UserStore::enter; on conflict the hub asks handle() again.
  std::uint32_t max_users = 0;
  std::vector<store::Credential> first;
  std::optional<Instant> session_until;  ///< The session must not outlive this.
  std::map<std::string, std::string>
      set_cookies;  ///< Short name to value; long-lived, this authenticator's own.
  std::string
      notice;  ///< Message key shown once on the next page (e.g. the PIN), with `notice_values`.
  std::map<std::string, std::string> notice_values;
};

struct Redirect {
  std::string url;
  std::map<std::string, std::string> set_cookies;
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
};

using AuthAnswer = std::variant<SignedIn, Redirect, ShowForm>;

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  virtual const std::string& name() const noexcept = 0;
  virtual SignInOffer offer() const = 0;
  /// People choose their names here, nobody vouches for them: a bare name in access.admins then
  /// means somebody else.
  virtual bool people_choose_names() const noexcept { return false; }
  /// Answers every request below /hub/auth/<name>/. Wrong credentials are a ShowForm; an Error
  /// means "could not tell" (the provider is down): the page says so, and it does not count as a
  /// failed try.
  virtual Task<Result<AuthAnswer>> handle(AuthRequest request) = 0;
  /// Asked again when a session grows old, and before a launch. May change groups, or refuse
  /// (Errc::forbidden).
  virtual Task<Result<Identity>> refresh(Identity identity) { co_return identity; }
};

/// What a plug-in gets; all outlive it.
struct Surroundings {
  store::UserStore& users;
  WorkerPool& workers;
  const Clock& clock;
};

/// The plug-in named by settings.type, or Errc::invalid naming the types this build has.
Result<std::unique_ptr<Authenticator>> make_authenticator(const config::Authenticator& settings,
                                                          Surroundings around);
/// The types of this build, for check-config.
std::vector<std::string_view> authenticator_types();

}  // namespace passerelle::auth
