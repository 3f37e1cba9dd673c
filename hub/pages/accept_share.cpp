// A share code opened in a browser: what it gives is shown first, and taken with a button.
#include "hub/answers.hpp"
#include "hub/routes.hpp"
#include "hub/sharing.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub::pages {
namespace {

constexpr int kOk = 200;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;

std::string url_of(const Parts& parts, const auth::SharedServer& of) {
  return parts.settings.base_url + "user/" + path_tail(of.owner, of.server) + "/";
}

}  // namespace

Task<Answer> ask_share(Parts& parts, Call& call) {
  const std::string_view typed = text::field(call.query, "code");
  const auto code = parts.shares.find_code(typed);
  if (!code) co_return problem(parts, call, kNotFound);
  if (code->of.owner == call.username()) co_return problem(parts, call, kForbidden);
  Json view = {{"action", parts.settings.base_url + "hub/accept-share"},
               {"code", typed},
               {"owner", code->of.owner},
               {"rights", Json::array()},
               {"until", web::moment(code->expires)}};
  for (const std::string& scope : code->scopes) view["rights"].push_back({{"scope", scope}});
  if (!code->of.server.empty()) view["server"] = code->of.server;
  if (const auto next = text::safe_next(text::field(call.query, "next"))) view["next"] = *next;
  co_return page(parts, call, kOk, "accept_share", view);
}

Task<Answer> accept_share(Parts& parts, Call& call) {
  auto code = parts.shares.find_code(text::field(call.form, "code"));
  if (!code) co_return problem(parts, call, kNotFound);
  if (code->of.owner == call.username()) co_return problem(parts, call, kForbidden);
  auth::Grantee to{false, std::string(call.username())};
  Actor actor{std::string(call.username()), call.request.peer};
  auto share = co_await grant_share(parts, code->of, std::move(to), std::move(code->scopes),
                                    std::move(actor));
  if (!share) co_return problem(parts, call, status_of(share.error()), share.error().message());
  auto counted = co_await parts.shares.count_exchange(code->number);
  if (!counted) co_return problem(parts, call, status_of(counted.error()));
  co_return redirect(
      text::safe_next(text::field(call.form, "next")).value_or(url_of(parts, code->of)));
}

}  // namespace passerelle::hub::pages
