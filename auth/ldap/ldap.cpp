// `type: ldap`: a name and a password, tried against a directory. What is asked stands in lookup,
// groups and account; this file makes answers of it.
#include <regex>

#include "auth/authenticator.hpp"
#include "auth/ldap/account.hpp"
#include "auth/ldap/check.hpp"
#include "auth/ldap/directory.hpp"
#include "auth/ldap/groups.hpp"
#include "auth/ldap/lookup.hpp"
#include "auth/name.hpp"
#include "base/log.hpp"

namespace passerelle::auth {
namespace ldap {
namespace {

constexpr std::size_t kLongestPassword = 1024;  // bytes; a longer one is refused unsent

/// The person as the directory has them, all read.
struct Person {
  Entry entry;
  std::string username;
  std::string subject;
  std::vector<std::string> groups;
};

class Ldap final : public Authenticator {
 public:
  Ldap(const config::Authenticator& settings, std::vector<Target> targets, Surroundings around)
      : name_(settings.name),
        settings_(settings.ldap),
        groups_(settings.groups),
        pattern_(settings.ldap.username_pattern),
        clock_(around.clock),
        directory_(settings.name, settings_, std::move(targets), around.clock) {}

  const std::string& name() const noexcept override { return name_; }
  SignInOffer offer() const override;
  Task<Result<AuthAnswer>> handle(AuthRequest request) override;
  Task<Result<Known>> refresh(Known known) override;
  Task<std::vector<Finding>> check() override;

 private:
  using Outcome = std::variant<Person, Denied>;

  // On a worker:
  Result<Outcome> sign_in(Connection& connection,
                          const std::string& username,
                          const std::string& password,
                          Deadline deadline) const;
  Result<Person> complete(Connection& connection, Entry entry, Deadline deadline) const;
  Result<std::optional<Person>> look_again(Connection& connection,
                                           const std::string& subject,
                                           const std::string& username,
                                           Deadline deadline) const;
  // On the loop:
  AuthAnswer answer_of(Person person, const std::string& typed) const;
  Identity identity_of(const Person& person) const;
  std::vector<std::string> with_own(std::vector<std::string> groups) const;
  Error could_not_tell(const Error& why) const;
  bool is_name(const std::string& username) const { return std::regex_match(username, pattern_); }

  const std::string name_;
  const config::LdapAuthenticator settings_;
  const std::vector<std::string> groups_;
  const std::regex pattern_;
  const Clock& clock_;
  Directory directory_;  ///< Last: its threads use the rest.
};

ShowForm refused(std::string_view typed, std::string cause, std::string detail) {
  ShowForm form;
  form.status = 403;
  form.failed = true;
  form.message = "sign-in.wrong-password";
  form.code = "wrong-password";
  form.attempted_name = cut_name(typed);
  form.keep["username"] = form.attempted_name;
  form.cause = std::move(cause);
  form.detail = std::move(detail);
  return form;
}

// The password was right: nothing is guessed here, and the person may know.
ShowForm known_but(std::string_view typed, const std::string& code, std::string detail) {
  ShowForm form = refused(typed, "", std::move(detail));
  form.failed = false;
  form.message = "sign-in." + code;
  form.code = code;
  return form;
}

SignInOffer Ldap::offer() const {
  SignInOffer offer;
  offer.kind = SignInOffer::Kind::form;
  offer.fields = {{"username", "text", "username", true},
                  {"password", "password", "current-password", true}};
  return offer;
}

// What it says to operators is in the log; people only hear that it did not work.
Error Ldap::could_not_tell(const Error& why) const {
  log::error("ldap", "the directory could not tell",
             {{"authenticator", name_}, {"why", why.message()}});
  return {Errc::unavailable, "the directory could not tell who this is"};
}

Task<Result<AuthAnswer>> Ldap::handle(AuthRequest request) {
  if (request.path != "login") co_return Error(Errc::not_found, "no such page");
  if (request.method != "POST") co_return AuthAnswer(ShowForm{});
  const std::string typed(text::field(request.form, "username"));
  std::string password(text::field(request.form, "password"));
  auto name = normalise_name(typed);
  if (!name || !is_name(name->display)) co_return AuthAnswer(refused(typed, "name-invalid", ""));
  if (text::trim(password).empty()) co_return AuthAnswer(refused(typed, "password-empty", ""));
  if (password.size() > kLongestPassword) co_return AuthAnswer(refused(typed, "password-long", ""));
  std::function<Result<Outcome>(Connection&, Deadline)> work =
      [this, username = name->display, secret = std::move(password)](Connection& connection,
                                                                     Deadline deadline) {
        return sign_in(connection, username, secret, deadline);
      };
  auto outcome = co_await directory_.ask<Outcome>(std::move(work));
  if (!outcome) co_return could_not_tell(outcome.error());
  if (auto* denied = std::get_if<Denied>(&*outcome)) {
    if (denied->must_change)
      co_return AuthAnswer(known_but(typed, "password-must-change", std::move(denied->detail)));
    co_return AuthAnswer(refused(typed, std::move(denied->why), std::move(denied->detail)));
  }
  co_return answer_of(std::get<Person>(std::move(*outcome)), typed);
}

Result<Ldap::Outcome> Ldap::sign_in(Connection& connection,
                                    const std::string& username,
                                    const std::string& password,
                                    Deadline deadline) const {
  auto verdict = verify(connection, settings_, username, password, deadline);
  if (!verdict) return std::move(verdict).error();
  if (auto* denied = std::get_if<Denied>(&*verdict)) return Outcome(std::move(*denied));
  Entry entry = std::get<Entry>(std::move(*verdict));
  const std::string closed = closed_because(entry, clock_.now());
  if (!closed.empty()) return Outcome(Denied{closed, entry.dn});
  auto person = complete(connection, std::move(entry), deadline);
  if (!person) return std::move(person).error();
  if (!is_name(person->username))
    return Outcome(Denied{"name-invalid", person->entry.dn + " is called " + person->username});
  return Outcome(std::move(*person));
}

Result<Person> Ldap::complete(Connection& connection, Entry entry, Deadline deadline) const {
  auto username = username_of(entry, settings_);
  if (!username) return std::move(username).error();
  auto subject = subject_of(entry, *username, settings_);
  if (!subject) return std::move(subject).error();
  auto groups = groups_of(connection, settings_, entry, deadline);
  if (!groups) return std::move(groups).error();
  return Person{std::move(entry), std::move(*username), std::move(*subject), std::move(*groups)};
}

std::vector<std::string> Ldap::with_own(std::vector<std::string> groups) const {
  for (const std::string& group : groups_)
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  return groups;
}

Identity Ldap::identity_of(const Person& person) const {
  Identity identity;
  identity.authenticator = name_;
  identity.subject = person.subject;
  identity.username_hint = person.username;
  identity.display_name = display_name_of(person.entry, person.username, settings_);
  identity.groups = with_own(person.groups);
  return identity;
}

AuthAnswer Ldap::answer_of(Person person, const std::string& typed) const {
  if (!in_required(person.groups, settings_))
    return known_but(typed, "not-in-group", person.entry.dn + " is in no group of require_groups");
  SignedIn in;
  in.identity = identity_of(person);
  in.state = state_of(person.entry, person.username, settings_);
  return in;
}

Result<std::optional<Person>> Ldap::look_again(Connection& connection,
                                               const std::string& subject,
                                               const std::string& username,
                                               Deadline deadline) const {
  auto ready = bind_service(connection, settings_, deadline);
  if (!ready) return std::move(ready).error();
  auto entry = find_again(connection, settings_, subject, username, deadline);
  if (!entry) return std::move(entry).error();
  if (!*entry) return std::optional<Person>();
  auto person = complete(connection, std::move(**entry), deadline);
  if (!person) return std::move(person).error();
  return std::optional<Person>(std::move(*person));
}

Task<Result<Known>> Ldap::refresh(Known known) {
  if (!can_look_up(settings_)) co_return known;
  std::string username = known.state ? known.state->secret : std::string();
  if (username.empty()) username = known.identity.subject;
  std::function<Result<std::optional<Person>>(Connection&, Deadline)> work =
      [this, subject = known.identity.subject, username](Connection& connection,
                                                         Deadline deadline) {
        return look_again(connection, subject, username, deadline);
      };
  auto outcome = co_await directory_.ask<std::optional<Person>>(std::move(work));
  if (!outcome) co_return could_not_tell(outcome.error());
  if (!*outcome) co_return Error(Errc::forbidden, "the directory has no such person any more");
  const Person& person = **outcome;
  const std::string closed = closed_because(person.entry, clock_.now());
  if (!closed.empty()) co_return Error(Errc::forbidden, "the account is closed: " + closed);
  if (!in_required(person.groups, settings_))
    co_return Error(Errc::forbidden, "the person is in no group of require_groups any more");
  const Identity now = identity_of(person);
  known.identity.groups = now.groups;
  known.identity.display_name = now.display_name;
  known.state = state_of(person.entry, person.username, settings_);
  co_return known;
}

Task<std::vector<Finding>> Ldap::check() {
  std::vector<Finding> all;
  for (const Target& target : directory_.targets()) {
    auto job = [&target, this]() -> Result<std::vector<Finding>> {
      const Deadline deadline = std::chrono::steady_clock::now() + settings_.timeout;
      return check_server(target, settings_, deadline);
    };
    auto some = co_await directory_.run(std::move(job));
    if (some) all.insert(all.end(), some->begin(), some->end());
  }
  co_return all;
}

}  // namespace
}  // namespace ldap

Result<std::unique_ptr<Authenticator>> make_ldap(const config::Authenticator& settings,
                                                 Surroundings around) {
  auto targets = ldap::targets_of(settings.ldap);
  if (!targets) return std::move(targets).error();
  if (settings.ldap.user_dn.empty() && settings.ldap.user_base.empty())
    return Error(Errc::invalid, "an ldap authenticator needs `user_dn` or `user_base`");
  try {
    return std::unique_ptr<Authenticator>(
        std::make_unique<ldap::Ldap>(settings, std::move(*targets), around));
  } catch (const std::regex_error&) {
    return Error(Errc::invalid, "`username_pattern` is no regular expression");
  }
}

}  // namespace passerelle::auth
