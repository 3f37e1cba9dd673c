// The authenticator "pam": a name and a password of an account of this machine, as PAM sees it.
// PAM's modules run in a process of their own (passerelle-pam); here is what that means for people.

#include <algorithm>
#include <filesystem>

#include <unistd.h>

#include "auth/authenticator.hpp"
#include "auth/name.hpp"
#include "auth/pam/ask.hpp"
#include "base/log.hpp"

namespace passerelle::auth {
namespace pam {
namespace {

constexpr std::size_t kAtOnce = 4;
constexpr std::size_t kMostWaiting = 64;
constexpr std::size_t kLongestPassword = 1024;
constexpr int kForbidden = 403;
constexpr int kBadRequest = 400;

/// Beside the running program, where the build and the packages put it.
std::string checker_program() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string() +
         "/passerelle-pam";
}

class Pam final : public Authenticator {
 public:
  explicit Pam(const config::Authenticator& settings)
      : name_(settings.name),
        settings_(settings.pam),
        groups_(settings.groups),
        program_(checker_program()),
        workers_(kAtOnce, kMostWaiting) {}

  const std::string& name() const noexcept override { return name_; }
  SignInOffer offer() const override;
  Task<Result<AuthAnswer>> handle(AuthRequest request) override;
  Task<Result<Known>> refresh(Known known) override;
  Task<std::vector<Finding>> check() override;

 private:
  Task<Result<Verdict>> ask_checker(std::string user, std::string password, std::string peer);
  SignedIn sign_in(Verdict verdict) const;
  std::vector<std::string> groups_of(const Verdict& verdict) const;

  const std::string name_;
  const config::PamAuthenticator settings_;
  const std::vector<std::string> groups_;
  const std::string program_;
  WorkerPool workers_;  // of its own: a module that hangs must not keep others from theirs
};

ShowForm refusal(int status, std::string_view message, const std::string& typed) {
  ShowForm form;
  form.status = status;
  form.message = message;
  form.attempted_name = cut_name(typed);
  form.keep["username"] = form.attempted_name;
  return form;
}

/// What no account's name and no module's log can take.
bool is_name(std::string_view name) {
  return is_subject(name) && name.size() <= kLongestName && name.front() != '-' &&
         name.find_first_of("/: ") == std::string_view::npos;
}

SignInOffer Pam::offer() const {
  SignInOffer offer;
  offer.kind = SignInOffer::Kind::form;
  offer.fields = {{"username", "text", "username", true},
                  {"password", "password", "current-password", true}};
  return offer;
}

Task<Result<Verdict>> Pam::ask_checker(std::string user, std::string password, std::string peer) {
  Question question;
  question.program = program_;
  question.service = settings_.service;
  question.user = std::move(user);
  question.password = std::move(password);
  question.peer = std::move(peer);
  question.min_uid = settings_.min_uid;
  question.deadline = settings_.deadline;
  auto work = [question = std::move(question)]() -> Result<Verdict> { return ask(question); };
  auto verdict = co_await workers_.run(std::move(work));
  if (verdict) co_return verdict;
  log::warn("auth", "PAM could not tell",
            {{"authenticator", name_}, {"why", verdict.error().message()}});
  co_return Error(Errc::unavailable, "the system's accounts cannot be checked just now");
}

std::vector<std::string> Pam::groups_of(const Verdict& verdict) const {
  std::vector<std::string> groups = groups_;
  for (const std::string& group : verdict.groups)
    if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  return groups;
}

SignedIn Pam::sign_in(Verdict verdict) const {
  SignedIn in;
  in.identity.authenticator = name_;
  in.identity.subject = verdict.user;
  in.identity.username_hint = verdict.user;
  in.identity.display_name =
      cut_name(verdict.display_name.empty() ? verdict.user : verdict.display_name);
  in.identity.groups = groups_of(verdict);
  AuthState state;
  state.attributes = std::move(verdict.attributes);
  in.state = std::move(state);
  return in;
}

Task<Result<AuthAnswer>> Pam::handle(AuthRequest request) {
  if (request.path != "login") co_return Error(Errc::not_found, "no such page");
  if (request.method != "POST") co_return AuthAnswer(ShowForm{});
  const std::string typed(text::trim(text::field(request.form, "username")));
  std::string password(text::field(request.form, "password"));
  if (!is_name(typed)) co_return AuthAnswer(refusal(kBadRequest, "sign-in.name-invalid", typed));
  // Nothing typed is no guess, and some modules take an empty password for a right one.
  if (password.empty()) co_return AuthAnswer(refusal(kForbidden, "sign-in.wrong-password", typed));
  Result<Verdict> verdict = Verdict{"wrong", {}, {}, {}, {}};
  const bool possible =
      password.size() <= kLongestPassword && password.find('\0') == std::string::npos;
  if (possible) verdict = co_await ask_checker(typed, std::move(password), request.peer);
  if (!verdict) co_return std::move(verdict).error();
  if (verdict->outcome == "ok") co_return AuthAnswer(sign_in(std::move(*verdict)));
  if (verdict->outcome == "wrong") {
    ShowForm wrong = refusal(kForbidden, "sign-in.wrong-password", typed);
    wrong.failed = true;
    co_return AuthAnswer(std::move(wrong));
  }
  ShowForm form = refusal(kForbidden, "sign-in.pam." + verdict->outcome, typed);
  form.code = verdict->outcome;
  co_return AuthAnswer(std::move(form));
}

// Whether the account may still be used, and its groups of now.
Task<Result<Known>> Pam::refresh(Known known) {
  std::string user = known.identity.subject;
  auto verdict = co_await ask_checker(std::move(user), "", "");
  if (!verdict) co_return std::move(verdict).error();
  if (verdict->outcome != "ok")
    co_return Error(Errc::forbidden, "the account is closed: " + verdict->outcome);
  known.identity.groups = groups_of(*verdict);
  AuthState state;
  state.attributes = std::move(verdict->attributes);
  known.state = std::move(state);
  co_return known;
}

Task<std::vector<Finding>> Pam::check() {
  std::vector<Finding> findings;
  Finding service;
  service.what = "PAM service: /etc/pam.d/" + settings_.service;
  if (::access(("/etc/pam.d/" + settings_.service).c_str(), R_OK) != 0) {
    service.level = Finding::Level::warning;
    service.advice = "there is no such file, so that `other` counts; write `service: login`";
  }
  findings.push_back(std::move(service));
  Finding account;
  account.what = "passerelle-pam: " + program_;
  std::string nobody = "passerelle-check-nobody";
  auto verdict = co_await ask_checker(std::move(nobody), "", "");
  if (!verdict) {
    account.level = Finding::Level::wrong;
    account.advice = "it could not be asked; the log says why";
  } else if (::geteuid() != 0) {
    account.level = Finding::Level::warning;
    account.advice =
        "most modules let nobody but root check other people's passwords; start the gateway as "
        "root";
  }
  findings.push_back(std::move(account));
  co_return findings;
}

}  // namespace
}  // namespace pam

Result<std::unique_ptr<Authenticator>> make_pam(const config::Authenticator& settings,
                                                Surroundings /*around*/) {
  if (::access(pam::checker_program().c_str(), X_OK) != 0)
    return Error(Errc::invalid,
                 "authenticator " + settings.name + ": " + pam::checker_program() + " is missing");
  return std::unique_ptr<Authenticator>(std::make_unique<pam::Pam>(settings));
}

}  // namespace passerelle::auth
