// The language, the files that pages fetch, and the front door.
#include "hub/answers.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub::pages {
Task<Answer> root(Parts& parts, Call& call) {
  const std::string hub = parts.settings.base_url + "hub/";
  co_return redirect(call.session ? hub + "home" : hub + "login");
}

Task<Answer> language(Parts& parts, Call& call) {
  const std::string_view wanted = text::field(call.query, "to");
  const bool known =
      std::find(web::kLanguages.begin(), web::kLanguages.end(), wanted) != web::kLanguages.end();
  if (known)
    call.set_cookies.push_back(std::string(web::kLanguageCookie) + "=" + std::string(wanted) +
                               "; Path=" + parts.settings.base_url +
                               "; Max-Age=31536000; SameSite=Lax; HttpOnly" +
                               (parts.settings.public_url.starts_with("https:") ? "; Secure" : ""));
  co_return redirect(
      text::safe_next(text::field(call.query, "next")).value_or(parts.settings.base_url + "hub/"));
}

Task<Answer> static_file(Parts& parts, Call& call) {
  constexpr int kNotModified = 304;
  constexpr int kNotFound = 404;
  // /hub/logo is what the pages of jupyterhub-singleuser show.
  const web::StaticFile* file = parts.renderer.file(call.args.empty() ? "logo" : call.args[0]);
  if (file == nullptr) co_return problem(parts, call, kNotFound);
  const std::string tag = "\"" + file->hash + "\"";
  const bool versioned = text::field(call.query, "v") == file->hash;
  proxy::HubResponse response;
  response.headers = {
      {"ETag", tag},
      {"Cache-Control", versioned ? "public, max-age=31536000, immutable" : "no-cache"}};
  if (call.request.header("if-none-match") == tag) {
    response.status = kNotModified;
    co_return response;
  }
  response.headers.emplace_back("Content-Type", file->content_type);
  response.body = file->content;
  co_return response;
}

Task<Answer> user_redirect(Parts& parts, Call& call) {
  std::string target = parts.settings.base_url + "user/" +
                       text::percent_encode(call.session->account().username) + "/" + call.args[0];
  if (!call.request.query.empty()) target += "?" + call.request.query;
  const ServerPtr server = parts.launcher.find({call.session->account().id, ""});
  if (server && server->record.phase == store::Phase::running)
    co_return redirect(std::move(target));
  co_return redirect(parts.settings.base_url + "hub/spawn?next=" + text::percent_encode(target));
}

}  // namespace passerelle::hub::pages
