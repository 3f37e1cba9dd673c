#include "auth/oidc/refusals.hpp"

#include <algorithm>

namespace passerelle::auth::oidc {
namespace {

ShowForm form(int status, const char* message, std::string code, std::string detail) {
  ShowForm shown;
  shown.status = status;
  shown.message = message;
  shown.code = std::move(code);
  shown.detail = std::move(detail);
  return shown;
}

}  // namespace

ShowForm unreachable(const Error& why) {
  return form(503, "sign-in.provider-down", "provider-unreachable", why.message());
}

ShowForm wrong_state(const Error& why) {
  const bool again = why.code() == Errc::conflict;
  return form(400, "sign-in.begin-again", again ? "state-used" : "state-unknown", why.message());
}

ShowForm not_believed(std::string code, std::string detail) {
  ShowForm shown = form(403, "sign-in.not-believed", std::move(code), std::move(detail));
  shown.failed = true;
  return shown;
}

ShowForm declined(const std::string& error) {
  // Its word goes into the page, the audit and the log, so only words that the standards have.
  constexpr std::string_view kKnown[] = {"access_denied",
                                         "account_selection_required",
                                         "consent_required",
                                         "interaction_required",
                                         "invalid_request",
                                         "invalid_scope",
                                         "login_required",
                                         "server_error",
                                         "temporarily_unavailable",
                                         "unauthorized_client",
                                         "unmet_authentication_requirements",
                                         "unsupported_response_type"};
  const bool known = std::find(std::begin(kKnown), std::end(kKnown), error) != std::end(kKnown);
  std::string code = "declined-" + (known ? error : std::string("other"));
  std::replace(code.begin(), code.end(), '_', '-');
  if (error == "temporarily_unavailable" || error == "server_error")
    return form(503, "sign-in.provider-down", std::move(code), "");
  return form(403, "sign-in.declined", std::move(code), "");
}

ShowForm refused_token(const Error& why) {
  switch (why.code()) {
    case Errc::forbidden:
      return form(403, "sign-in.too-weak", "sign-in-too-weak", why.message());
    case Errc::invalid:
    case Errc::not_found:  // none of the provider's keys signed it
      return not_believed("token-refused", why.message());
    default:
      return unreachable(why);
  }
}

ShowForm unfit(const Unfit& why) {
  const char* message = "sign-in.not-among-us";
  if (why.code == "email-unverified") message = "sign-in.email-unverified";
  if (why.code.starts_with("name-") || why.code == "subject-missing")
    message = "sign-in.no-name-given";
  return form(403, message, why.code, why.detail);
}

}  // namespace passerelle::auth::oidc
