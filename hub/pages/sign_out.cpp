// Signing out: here at once, and at the provider if the person wants that too.
#include "config/values.hpp"
#include "hub/answers.hpp"
#include "hub/methods.hpp"
#include "hub/pages/course.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;

bool has_running(const Parts& parts, const Call& call) {
  if (!call.session) return false;
  for (const ServerPtr& server : parts.launcher.of_user(call.session->account().id))
    if (server->active()) return true;
  return false;
}

// What the browser may do next at the provider, empty if nothing. Our pages may not lead a form
// elsewhere (form-action), so this is a link on the page that follows, which also goes there by
// itself.
Task<std::string> provider_url(Parts& parts, auth::SessionPointer session) {
  const auth::Authenticator* method = find_method(parts, session->authenticator);
  if (method == nullptr) co_return std::string();
  const std::string sealed = co_await parts.sessions.sealed_hint(session);
  const std::string hint = parts.states.open_hint(sealed);
  const std::string back =
      config::origin_of(parts.settings.public_url) + parts.settings.base_url + "hub/signed-out";
  co_return method->sign_out_url(hint, back);
}

proxy::HubResponse signed_out_page(Parts& parts, const Call& call, Json view) {
  view["sign_in_url"] = parts.settings.base_url + "hub/login?notice=signed-out";
  const std::string here = parts.settings.base_url + "hub/signed-out";
  return page_at(parts, call, here, kOk, "signed_out", view);
}

}  // namespace

Task<Answer> ask_sign_out(Parts& parts, Call& call) {
  if (!call.session) co_return redirect(parts.settings.base_url + "hub/login");
  const Json view = {{"action", parts.settings.base_url + "hub/logout"},
                     {"running", has_running(parts, call)}};
  co_return page(parts, call, kOk, "sign_out", view);
}

Task<Answer> sign_out(Parts& parts, Call& call) {
  Json view = {{"running", has_running(parts, call)}};
  std::string elsewhere;
  if (call.session) {
    elsewhere = co_await provider_url(parts, call.session);
    if (!elsewhere.empty()) {
      view["provider"] = method_label(parts.settings, call.session->authenticator);
      view["provider_url"] = elsewhere;
    }
    auto ended = co_await parts.login.sign_out(call.session, call.request.peer);
    // It has ended in memory in any case; a store that cannot write is the operators' trouble, not
    // this person's.
    (void)ended;
  }
  call.session.reset();
  call.set_cookies.push_back(parts.cookies.clear_session());
  if (takes_launches(parts)) call.set_cookies.push_back(parts.cookies.clear_framed_session());
  proxy::HubResponse response = signed_out_page(parts, call, std::move(view));
  if (!elsewhere.empty()) response.headers.emplace_back("Refresh", "0; url=" + elsewhere);
  co_return response;
}

// Where a provider sends people back to after its own sign-out.
Task<Answer> signed_out(Parts& parts, Call& call) {
  if (call.session) co_return redirect(parts.settings.base_url + "hub/home");
  co_return signed_out_page(parts, call, {{"running", false}});
}

}  // namespace passerelle::hub::pages
