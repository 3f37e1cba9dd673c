// The authenticator "dummy": a name of one's choice and a password that a room shares. With `claim`
// (the default) the first browser that takes a name keeps it; anybody else with that name is asked
// for its PIN.

#include "auth/authenticator.hpp"
#include "auth/dummy/claims.hpp"
#include "auth/name.hpp"
#include "base/secrets.hpp"

namespace passerelle::auth {
namespace dummy {
namespace {

class Dummy final : public Authenticator {
 public:
  Dummy(config::Authenticator settings, Surroundings around)
      : name_(std::move(settings.name)),
        settings_(std::move(settings.dummy)),
        groups_(std::move(settings.groups)),
        password_(secrets::sha256(settings_.password.value)),
        came_with_(secrets::sha256_hex("the password of a room\n" + settings_.password.value)),
        around_(around) {
    settings_.password.value.clear();
  }

  const std::string& name() const noexcept override { return name_; }
  bool people_choose_names() const noexcept override { return true; }
  SignInOffer offer() const override;
  Task<Result<AuthAnswer>> handle(AuthRequest request) override;
  Task<Result<Known>> refresh(Known known) override;

 private:
  bool closed() const { return settings_.until && around_.clock.now() >= *settings_.until; }
  bool right_password(std::string_view typed) const;
  SignedIn sign_in(const Name& name) const;
  Task<Result<AuthAnswer>> with_claim(AuthRequest request, Name name);
  Task<Result<AuthAnswer>> first_time(AuthRequest request, Name name);
  Task<Result<AuthAnswer>> come_back(AuthRequest request, Name name, store::UserId user);
  Task<Result<AuthAnswer>> adopt(AuthRequest request, Name name, store::UserId user);
  Task<Result<AuthAnswer>> by_pin(AuthRequest request,
                                  Name name,
                                  store::UserId user,
                                  std::vector<store::Credential> credentials);
  Task<Result<AuthAnswer>> name_taken(Name name);
  Task<Result<std::string>> free_names(Name name);

  const std::string name_;
  config::DummyAuthenticator settings_;
  const std::vector<std::string> groups_;
  const secrets::Digest password_;
  const std::string came_with_;  ///< Kept of everybody: who came with another password is out.
  const Surroundings around_;
};

std::string_view view(const secrets::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string claim_cookie(const AuthRequest& request) {
  const auto at = request.cookies.find(kClaimCookie);
  return at == request.cookies.end() ? std::string() : at->second;
}

SignInOffer::Field pin_field() {
  return {"pin", "text", "one-time-code", false};
}

ShowForm form(int status, std::string message, std::string_view typed) {
  ShowForm form;
  form.status = status;
  form.message = std::move(message);
  form.attempted_name = cut_name(typed);
  form.keep["username"] = form.attempted_name;
  return form;
}

std::string date_of(Instant at) {
  return to_iso8601(at).substr(0, 10);
}

SignInOffer Dummy::offer() const {
  SignInOffer offer;
  offer.kind = SignInOffer::Kind::form;
  offer.fields = {{"username", "text", "username", true},
                  {"password", "password", "current-password", true}};
  if (closed()) {
    offer.note = "sign-in.closed";
  } else if (settings_.until) {
    offer.note = "sign-in.note.until";
    offer.note_values["date"] = date_of(*settings_.until);
  } else if (!settings_.claim) {
    offer.note = "sign-in.note.shared-names";
  }
  return offer;
}

// Digests are compared, so that neither the first wrong byte nor the length shows in the time it
// takes.
bool Dummy::right_password(std::string_view typed) const {
  const secrets::Digest digest = secrets::sha256(typed);
  return secrets::equal(view(digest), view(password_));
}

SignedIn Dummy::sign_in(const Name& name) const {
  SignedIn answer;
  answer.identity.authenticator = name_;
  answer.identity.subject = name.key;
  answer.identity.username_hint = name.key;
  answer.identity.display_name = name.display;
  answer.identity.groups = groups_;
  answer.max_users = settings_.max_users;
  answer.session_until = settings_.until;
  answer.state = AuthState{{}, came_with_};
  return answer;
}

Task<Result<AuthAnswer>> Dummy::handle(AuthRequest request) {
  if (request.path != "login") co_return Error(Errc::not_found, "no such page");
  const std::string typed(text::field(request.form, "username"));
  if (request.method != "POST") co_return AuthAnswer(ShowForm{});
  if (closed()) co_return AuthAnswer(form(403, "sign-in.closed", typed));
  const bool right = right_password(text::field(request.form, "password"));
  auto name = normalise_name(typed);
  if (!name) co_return AuthAnswer(form(400, "sign-in.name-invalid", typed));
  if (!right) {
    ShowForm wrong = form(403, "sign-in.wrong-password", typed);
    wrong.failed = true;
    co_return AuthAnswer(std::move(wrong));
  }
  if (!settings_.claim) co_return AuthAnswer(sign_in(*name));
  auto answer = co_await with_claim(std::move(request), std::move(*name));
  co_return answer;
}

Task<Result<AuthAnswer>> Dummy::with_claim(AuthRequest request, Name name) {
  auto known = co_await around_.users.find_by_identity(name_, name.key);
  if (!known && known.error().code() != Errc::not_found) co_return std::move(known).error();
  if (known) {
    auto answer = co_await come_back(std::move(request), std::move(name), known->id);
    co_return answer;
  }
  auto answer = co_await first_time(std::move(request), std::move(name));
  co_return answer;
}

void give_claim(SignedIn& answer, const AuthRequest& request, std::string_view secret) {
  answer.set_cookies[kClaimCookie].value = with_secret(claim_cookie(request), secret);
}

void tell_pin(SignedIn& answer, const Pin& pin) {
  answer.notice = "sign-in.notice.pin";
  answer.notice_values["pin"] = pin.digits;
  answer.notice_values["name"] = answer.identity.display_name;
}

Task<Result<AuthAnswer>> Dummy::first_time(AuthRequest request, Name name) {
  auto pin = co_await new_pin(around_.workers);
  if (!pin) co_return std::move(pin).error();
  const Claim claim = new_claim();
  SignedIn answer = sign_in(name);
  answer.must_be_new = true;
  answer.first = {claim.credential, pin->credential};
  give_claim(answer, request, claim.secret);
  tell_pin(answer, *pin);
  co_return AuthAnswer(std::move(answer));
}

Task<Result<AuthAnswer>> Dummy::come_back(AuthRequest request, Name name, store::UserId user) {
  auto credentials = co_await around_.users.credentials(user);
  if (!credentials) co_return std::move(credentials).error();
  if (credentials->empty()) {
    auto answer = co_await adopt(std::move(request), std::move(name), user);
    co_return answer;
  }
  const std::string secret = known_secret(claim_cookie(request), *credentials);
  if (!secret.empty()) {
    SignedIn answer = sign_in(name);
    give_claim(answer, request, secret);  // again, so that it lasts another year
    co_return AuthAnswer(std::move(answer));
  }
  if (text::trim(text::field(request.form, "pin")).empty()) {
    auto answer = co_await name_taken(std::move(name));
    co_return answer;
  }
  auto answer = co_await by_pin(std::move(request), std::move(name), user, std::move(*credentials));
  co_return answer;
}

// A name from the time before `claim` was switched on: until now the password alone opened it, and
// does once more.
Task<Result<AuthAnswer>> Dummy::adopt(AuthRequest request, Name name, store::UserId user) {
  auto pin = co_await new_pin(around_.workers);
  if (!pin) co_return std::move(pin).error();
  const Claim claim = new_claim();
  auto added = co_await around_.users.add_credential(user, pin->credential);
  if (!added) co_return std::move(added).error();
  added = co_await around_.users.add_credential(user, claim.credential);
  if (!added) co_return std::move(added).error();
  SignedIn answer = sign_in(name);
  give_claim(answer, request, claim.secret);
  tell_pin(answer, *pin);
  co_return AuthAnswer(std::move(answer));
}

Task<Result<AuthAnswer>> Dummy::by_pin(AuthRequest request,
                                       Name name,
                                       store::UserId user,
                                       std::vector<store::Credential> credentials) {
  std::string typed(text::field(request.form, "pin"));
  auto right = co_await is_pin(around_.workers, std::move(credentials), std::move(typed));
  if (!right) co_return std::move(right).error();
  if (!*right) {
    ShowForm wrong = form(403, "sign-in.wrong-pin", name.display);
    wrong.failed = true;
    wrong.extra_fields = {pin_field()};
    co_return AuthAnswer(std::move(wrong));
  }
  const Claim claim = new_claim();
  auto added = co_await around_.users.add_credential(user, claim.credential);
  if (!added) co_return std::move(added).error();
  SignedIn answer = sign_in(name);
  give_claim(answer, request, claim.secret);
  co_return AuthAnswer(std::move(answer));
}

Task<Result<AuthAnswer>> Dummy::name_taken(Name name) {
  auto suggestions = co_await free_names(name);
  if (!suggestions) co_return std::move(suggestions).error();
  ShowForm taken = form(409, suggestions->empty() ? "sign-in.name-taken" : "sign-in.name-taken-try",
                        name.display);
  taken.message_values["name"] = name.display;
  if (!suggestions->empty()) taken.message_values["suggestions"] = std::move(*suggestions);
  taken.extra_fields = {pin_field()};
  co_return AuthAnswer(std::move(taken));
}

// "alice-2, alice-3": the first two that are free among eight.
Task<Result<std::string>> Dummy::free_names(Name name) {
  std::string list;
  int found = 0;
  for (int number = 2; number < 10 && found < 2; ++number) {
    const std::string suffix = "-" + std::to_string(number);
    if (name.key.size() + suffix.size() > kLongestName) break;
    std::string subject = name.key + suffix;
    auto known = co_await around_.users.find_by_identity(name_, std::move(subject));
    if (known) continue;
    if (known.error().code() != Errc::not_found) co_return std::move(known).error();
    list.append(found++ == 0 ? "" : ", ").append(name.display).append(suffix);
  }
  co_return list;
}

Task<Result<Known>> Dummy::refresh(Known known) {
  if (closed()) co_return Error(Errc::forbidden, "this way of signing in has ended");
  if (!known.state) known.state = AuthState{{}, came_with_};  // from before we kept it
  if (!secrets::equal(known.state->secret, came_with_))
    co_return Error(Errc::forbidden, "the password has been changed");
  known.identity.groups = groups_;
  co_return known;
}

}  // namespace
}  // namespace dummy

Result<std::unique_ptr<Authenticator>> make_dummy(const config::Authenticator& settings,
                                                  Surroundings around) {
  if (settings.dummy.password.empty())
    return Error(Errc::invalid, "authenticator " + settings.name + ": a dummy needs a password");
  return std::unique_ptr<Authenticator>(std::make_unique<dummy::Dummy>(settings, around));
}

}  // namespace passerelle::auth
