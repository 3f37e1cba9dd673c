#include "hub/answers.hpp"

#include "base/secrets.hpp"
#include "hub/parts.hpp"

namespace passerelle::hub {

namespace {

// What the redirect after a POST wants to be said; a link with a word of its own says nothing.
std::optional<web::Frame::Notice> notice_of(const Call& call) {
  constexpr std::string_view kKnown[] = {"device-signed-out",    "others-signed-out",
                                         "signed-out-elsewhere", "all-signed-out",
                                         "token-revoked",        "admin-done"};
  const std::string_view wanted = text::field(call.query, "notice");
  for (const std::string_view known : kKnown)
    if (wanted == known)
      return web::Frame::Notice{"success", web::say("notice." + std::string(known))};
  return std::nullopt;
}

proxy::HubResponse render(Parts& parts,
                          const Call& call,
                          std::string path,
                          int status,
                          std::string_view name,
                          const Json& view) {
  web::Frame frame;
  frame.language = call.language;
  frame.path = std::move(path);
  frame.csrf = call.csrf;
  if (call.session)
    frame.person =
        web::Frame::Person{call.session->account().username, call.session->account().display_name,
                           auth::has(call.session->principal, "admin-ui")};
  frame.notice = notice_of(call);
  frame.now = parts.clock.now();
  proxy::HubResponse response;
  response.status = status;
  response.body = parts.renderer.page(name, frame, view);
  response.headers = {{"Content-Type", "text/html; charset=utf-8"}, {"Cache-Control", "no-store"}};
  return response;
}

}  // namespace

proxy::HubResponse page(
    Parts& parts, const Call& call, int status, std::string_view name, const Json& view) {
  std::string here =
      call.request.path + (call.request.query.empty() ? "" : "?" + call.request.query);
  if (!call.is_get()) here = parts.settings.base_url + "hub/home";
  return render(parts, call, std::move(here), status, name, view);
}

proxy::HubResponse page_at(Parts& parts,
                           const Call& call,
                           std::string path,
                           int status,
                           std::string_view name,
                           const Json& view) {
  return render(parts, call, std::move(path), status, name, view);
}

proxy::HubResponse redirect(std::string location) {
  constexpr int kSeeOther = 303;
  return {kSeeOther, {{"Location", std::move(location)}, {"Cache-Control", "no-store"}}, ""};
}

proxy::HubResponse json(int status, const Json& body) {
  return {status,
          {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          body.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

proxy::HubResponse api_error(int status, std::string_view message, const Error* error) {
  Json body = {{"status", status}, {"message", message}};
  if (error != nullptr && error->cause()) body["cause"] = to_string(*error->cause());
  return json(status, body);
}

proxy::HubResponse problem(Parts& parts, const Call& call, int status, std::string_view detail) {
  const std::string& error_id = call.request.trace;
  Json view = web::status_words(status);
  if (call.wants_page()) {
    view["status"] = status;
    if (!detail.empty()) view["detail"] = detail;
    view["error_id"] = error_id;
    return page(parts, call, status, "error", view);
  }
  const Json words =
      web::resolve(view, parts.renderer.messages(), call.language, parts.clock.now());
  proxy::HubResponse response =
      json(status, {{"type", "about:blank"},
                    {"status", status},
                    {"title", words.value("title", "")},
                    {"detail", detail.empty() ? words.value("sentence", "") : std::string(detail)},
                    {"message", detail.empty() ? words.value("sentence", "") : std::string(detail)},
                    {"error_id", error_id}});
  response.headers[0].second = "application/problem+json";
  return response;
}

int status_of(const Error& error) noexcept {
  switch (error.code()) {
    case Errc::invalid:
      return 400;
    case Errc::unauthenticated:
      return 403;
    case Errc::forbidden:
      return 403;
    case Errc::not_found:
      return 404;
    case Errc::conflict:
      return 400;  // JupyterHub: "is already running" is 400
    case Errc::exhausted:
      return 429;
    case Errc::unavailable:
    case Errc::timeout:
      return 503;
    case Errc::cancelled:
    case Errc::internal:
      return 500;
  }
  return 500;
}

}  // namespace passerelle::hub
