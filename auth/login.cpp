#include "auth/login.hpp"

#include <algorithm>

#include "auth/name.hpp"
#include "base/log.hpp"
#include "store/username.hpp"

namespace passerelle::auth {
namespace {

// The name that is being guessed at, for the throttle: normalised, so that spellings share their
// tries.
std::string typed_key(const std::string& typed) {
  const auto name = normalise_name(typed);
  return name ? name->key : cut_name(typed);
}

ShowForm slow_down(seconds wait, const std::string& shown) {
  ShowForm form;
  form.status = 429;
  form.message = "sign-in.slow-down";
  form.message_values["seconds"] = std::to_string(wait.count());
  form.retry_after = wait;
  form.keep["username"] = shown;
  form.attempted_name = shown;
  return form;
}

// Launches of one person within that time are those of one page.
constexpr seconds kSamePage{60};

}  // namespace

Login::Login(Parts parts) : parts_(parts) {}

void Login::record(const Attempt& attempt,
                   std::string actor,
                   std::string result,
                   std::string cause) {
  store::AuditEvent event;
  event.at = parts_.clock.now();
  event.actor = std::move(actor);
  event.action = "sign-in";
  event.target = "authenticator/" + attempt.authenticator;
  event.result = std::move(result);
  event.cause = std::move(cause);
  event.peer = attempt.peer;
  parts_.audit.append(std::move(event));
}

// A form that only asks for more is no refusal; one with a reason is, even where nobody guessed at
// anything (a state that is unknown, a mail address that is not verified).
void Login::record_refusal(const ShowForm& form, const Attempt& attempt) {
  if (!form.failed && form.code.empty()) return;
  const std::string& code = form.code.empty() ? form.message : form.code;
  const std::string& reason = form.cause.empty() ? code : form.cause;
  record(attempt, cut_name(form.attempted_name), "refused", reason);
  if (!form.detail.empty() || !form.cause.empty())
    log::info("auth", "a sign-in was refused",
              {{"authenticator", attempt.authenticator}, {"code", reason}, {"why", form.detail}});
}

Task<Result<LoginAnswer>> Login::handle(Authenticator& method,
                                        AuthRequest request,
                                        Browser browser) {
  Attempt attempt;
  attempt.authenticator = method.name();
  attempt.peer = request.peer;
  // Launches are no tries: nobody guesses keys of that length here, and a course with a wrong
  // secret would slow down everybody's launches behind the same address.
  attempt.counted = request.method == "POST" && !method.launches();
  const std::string typed(text::field(request.form, "username"));
  attempt.shown = cut_name(typed);
  if (!typed.empty()) attempt.name = typed_key(typed);
  if (attempt.counted) {
    if (const auto wait = parts_.throttle.begin(attempt.peer, attempt.name)) {
      record(attempt, attempt.shown, "refused", "throttled");
      co_return LoginAnswer(slow_down(*wait, attempt.shown));
    }
  }
  auto answer = co_await decide(method, std::move(request), std::move(browser), attempt);
  if (!answer) {
    if (attempt.counted) parts_.throttle.untold(attempt.peer, attempt.name);
    if (answer.error().code() != Errc::not_found)
      record(attempt, attempt.shown, "failed", "could-not-tell");
    co_return answer;
  }
  const auto* form = std::get_if<ShowForm>(&*answer);
  if (form != nullptr) record_refusal(*form, attempt);
  if (form != nullptr && form->failed && !method.launches()) {
    parts_.throttle.failed(attempt.peer, attempt.name);
  } else if (attempt.counted && !std::holds_alternative<Welcome>(*answer) &&
             !std::holds_alternative<Refused>(*answer)) {
    // A back channel's answer says nothing of a password: whoever guesses one must not be forgiven
    // for calling there.
    parts_.throttle.untold(attempt.peer, attempt.name);
  } else if (attempt.counted) {
    parts_.throttle.succeeded(attempt.peer, attempt.name);
  }
  co_return answer;
}

Task<Result<LoginAnswer>> Login::decide(Authenticator& method,
                                        AuthRequest request,
                                        Browser browser,
                                        const Attempt& attempt) {
  // Twice at most: on a conflict somebody else took the name between the authenticator's look and
  // our entry.
  for (int round = 0; round < 2; ++round) {
    auto answer = co_await method.handle(request);
    if (!answer) co_return std::move(answer).error();
    if (auto* form = std::get_if<ShowForm>(&*answer)) co_return LoginAnswer(std::move(*form));
    if (auto* redirect = std::get_if<Redirect>(&*answer))
      co_return LoginAnswer(std::move(*redirect));
    if (auto* reply = std::get_if<Reply>(&*answer)) co_return LoginAnswer(std::move(*reply));
    if (auto* tab = std::get_if<OpenTab>(&*answer)) co_return LoginAnswer(std::move(*tab));
    if (auto* content = std::get_if<ChooseContent>(&*answer))
      co_return LoginAnswer(std::move(*content));
    if (auto* post = std::get_if<PostOn>(&*answer)) co_return LoginAnswer(std::move(*post));
    if (auto* keep = std::get_if<KeepInFrame>(&*answer)) co_return LoginAnswer(std::move(*keep));
    if (auto* ask = std::get_if<AskFrame>(&*answer)) co_return LoginAnswer(std::move(*ask));
    if (auto* ended = std::get_if<EndSessions>(&*answer)) {
      auto done = co_await end_sessions(method.name(), std::move(*ended), attempt);
      co_return done;
    }
    SignedIn signed_in = std::get<SignedIn>(std::move(*answer));
    std::string next = request.next;
    if (!signed_in.next.empty()) next = text::safe_next(signed_in.next).value_or("");
    auto outcome = co_await admit(std::move(signed_in), std::move(next), browser, attempt);
    const bool taken = !outcome && outcome.error().code() == Errc::conflict;
    if (!taken) co_return outcome;
  }
  co_return Error(Errc::unavailable, "the name was taken and freed again meanwhile");
}

// The provider must hear that it failed if the store could not forget them: it asks again then.
Task<Result<LoginAnswer>> Login::end_sessions(std::string authenticator,
                                              EndSessions which,
                                              const Attempt& attempt) {
  auto ended = co_await parts_.sessions.revoke_of_provider(authenticator, which.subject,
                                                           which.provider_session);
  if (!ended) co_return std::move(ended).error();
  // Anybody may call here: what ended nothing leaves no trace in the store.
  if (*ended == 0) co_return LoginAnswer(std::move(which.reply));
  store::AuditEvent event;
  event.at = parts_.clock.now();
  event.actor = "authenticator/" + authenticator;
  event.action = "sign-out";
  event.target = "sessions/" + std::to_string(*ended);
  event.result = "ok";
  event.cause = "provider";
  event.peer = attempt.peer;
  parts_.audit.append(std::move(event));
  co_return LoginAnswer(std::move(which.reply));
}

LoginAnswer Login::refuse(std::string_view reason,
                          const Identity& identity,
                          const Attempt& attempt) {
  record(attempt, cut_name(identity.display_name), "refused", std::string(reason));
  return Refused{std::string(reason)};
}

// Who would come in, before a row or a seat is spent on them. The username is only right to presume
// when nobody else holds it: the second alice becomes alice-2, and must not be let in, or made an
// administrator, as alice.
Task<Result<Person>> Login::foresee(Identity identity) {
  Person person;
  person.authenticator = identity.authenticator;
  person.subject = identity.subject;
  person.groups = identity.groups;
  auto known = co_await parts_.users.find_by_identity(identity.authenticator, identity.subject);
  if (known) {
    person.username = known->username;
    person.blocked = known->blocked.has_value();
    person.admin = known->admin;
    // What was added here stays; what the sign-in said before does not count any more.
    for (const std::string& group : known->groups)
      if (std::find(known->told_groups.begin(), known->told_groups.end(), group) ==
          known->told_groups.end())
        person.groups.push_back(group);
  }
  if (known || known.error().code() != Errc::not_found) {
    if (known) co_return person;
    co_return std::move(known).error();
  }
  const std::string wanted = store::clean_username(identity.username_hint);
  auto holder = co_await parts_.users.find_by_name(wanted);
  if (!holder && holder.error().code() != Errc::not_found) co_return std::move(holder).error();
  if (!holder) person.username = wanted;
  co_return person;
}

Task<Result<LoginAnswer>> Login::admit(SignedIn signed_in,
                                       std::string next,
                                       Browser browser,
                                       const Attempt& attempt) {
  auto person = co_await foresee(signed_in.identity);
  if (!person) co_return std::move(person).error();
  const Admission foreseen = parts_.policy.admit(*person);
  if (const auto* refusal = std::get_if<Refusal>(&foreseen))
    co_return refuse(to_string(*refusal), signed_in.identity, attempt);

  store::NewUser wanted;
  wanted.authenticator = signed_in.identity.authenticator;
  wanted.subject = signed_in.identity.subject;
  wanted.wanted_username = signed_in.identity.username_hint;
  wanted.display_name = signed_in.identity.display_name;
  wanted.groups = signed_in.identity.groups;
  wanted.max_users = signed_in.max_users;
  wanted.credentials = signed_in.first;
  auto entered = co_await parts_.users.enter(std::move(wanted), signed_in.must_be_new);
  if (!entered) {
    if (entered.error().code() == Errc::exhausted)
      co_return refuse("no-seats", signed_in.identity, attempt);
    co_return std::move(entered).error();
  }
  // Asked again with the username they really got.
  Admission admission = parts_.policy.admit(entered->user);
  if (const auto* refusal = std::get_if<Refusal>(&admission)) {
    if (entered->created) {
      auto erased = co_await parts_.users.erase(entered->user.id);
      if (!erased) co_return std::move(erased).error();
    }
    co_return refuse(to_string(*refusal), signed_in.identity, attempt);
  }
  Admitted admitted = std::get<Admitted>(std::move(admission));
  auto answer =
      co_await open_session(std::move(entered->user), std::move(admitted), std::move(signed_in),
                            std::move(next), std::move(browser), attempt);
  co_return answer;
}

Task<Result<LoginAnswer>> Login::open_session(store::User user,
                                              Admitted admitted,
                                              SignedIn signed_in,
                                              std::string next,
                                              Browser browser,
                                              const Attempt& attempt) {
  if (signed_in.state) {
    auto kept = co_await parts_.states.put(signed_in.identity.authenticator,
                                           signed_in.identity.subject, *signed_in.state);
    if (!kept) co_return std::move(kept).error();
  }
  const auto account = make_account(user, std::move(admitted));
  parts_.sessions.update(account);
  parts_.tokens.update(account);
  // They rest while somebody is kept out.
  if (parts_.tokens.of_user(account->id).empty()) {
    auto loaded = co_await parts_.tokens.load_user(account);
    if (!loaded) co_return std::move(loaded).error();
  }
  SessionTable::Issue request;
  request.account = account;
  request.until = signed_in.session_until;
  request.user_agent = std::move(browser.user_agent);
  request.peer = attempt.peer;
  request.provider_session = std::move(signed_in.provider_session);
  request.sealed_hint = parts_.states.seal_hint(signed_in.sign_out_hint);
  request.authenticator = signed_in.identity.authenticator;
  request.subject = signed_in.identity.subject;
  // Another activity on the same page of a course may be loading on the session before: cutting it
  // there would leave a half-loaded frame.
  const SessionPointer old = parts_.sessions.verify(browser.old_secret);
  const bool goes_on = old && signed_in.framed && old->account().id == account->id &&
                       parts_.clock.now() - old->created < kSamePage;
  if (goes_on) request.before = old->id;
  auto issued = co_await parts_.sessions.issue(std::move(request));
  if (!issued) co_return Error(Errc::unavailable, issued.error().message());
  if (old && !goes_on) {
    auto ended = co_await parts_.sessions.revoke(old->id);
    if (!ended)
      log::warn("auth", "an old session is still stored", {{"error", ended.error().message()}});
  }
  parts_.refresher.seen(signed_in.identity.authenticator, signed_in.identity.subject);
  record(attempt, account->username, "ok", "");
  Welcome welcome;
  welcome.secret = std::move(issued->secret);
  welcome.lasts = issued->lasts;
  welcome.session = std::move(issued->session);
  welcome.set_cookies = std::move(signed_in.set_cookies);
  welcome.notice = std::move(signed_in.notice);
  welcome.notice_values = std::move(signed_in.notice_values);
  welcome.next = std::move(next);
  welcome.framed = signed_in.framed;
  welcome.launch = std::move(signed_in.launch);
  welcome.activity = std::move(signed_in.activity);
  co_return LoginAnswer(std::move(welcome));
}

Task<Result<void>> Login::sign_out(SessionPointer session, std::string peer) {
  auto revoked = co_await parts_.sessions.revoke(session->id);
  store::AuditEvent event;
  event.at = parts_.clock.now();
  event.actor = session->account().username;
  event.action = "sign-out";
  event.target = "session/" + session->id.substr(0, 8);
  event.result = revoked ? "ok" : "failed";
  event.peer = std::move(peer);
  parts_.audit.append(std::move(event));
  co_return revoked;
}

}  // namespace passerelle::auth
