#include "chp/rest_api.hpp"

#include <optional>

#include "base/secrets.hpp"
#include "base/text.hpp"
#include "chp/dates.hpp"

namespace passerelle::chp {
namespace {

constexpr int kOk = 200;
constexpr int kCreated = 201;
constexpr int kNoContent = 204;
constexpr int kBadRequest = 400;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kNotAllowed = 405;

/// Writing JSON recurses: no deeper than this.
constexpr int kDeepest = 64;

bool too_deep(std::string_view json) noexcept {
  int depth = 0;
  bool quoted = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (quoted && c == '\\') ++at;
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > kDeepest) return true;
  }
  return false;
}

/// The object, or why it is none.
Result<Json> parse_body(const std::string& body) {
  if (too_deep(body)) return Error(Errc::invalid, "nested too deeply");
  try {
    return Json::parse(body);
  } catch (const Json::exception& error) {
    return Error(Errc::invalid, error.what());
  }
}

/// What follows "/api/routes", still encoded; nothing if the path is another.
std::optional<std::string_view> below_routes(std::string_view path) noexcept {
  constexpr std::string_view kRoutes = "/api/routes";
  if (!path.starts_with(kRoutes)) return std::nullopt;
  path.remove_prefix(kRoutes.size());
  return path.empty() || path.front() == '/' ? std::optional(path) : std::nullopt;
}

log::Level level_of(int status) noexcept {
  return status < 400 ? log::Level::info : status < 500 ? log::Level::warn : log::Level::error;
}

}  // namespace

struct RestApi::Call {
  proxy::HubRequest request;
  std::shared_ptr<proxy::HubReply> reply;
  std::string path;  ///< Decoded, of the route; empty if there is none.
};

RestApi::RestApi(
    Routes& routes, std::string token, Resolve resolve, Metrics& metrics, const Journal& journal)
    : routes_(routes),
      token_(std::move(token)),
      resolve_(std::move(resolve)),
      metrics_(metrics),
      journal_(journal) {}

void RestApi::handle(proxy::HubRequest request, std::shared_ptr<proxy::HubReply> reply) const {
  Call call{std::move(request), std::move(reply), {}};
  const std::string& method = call.request.method;
  const auto below = below_routes(call.request.path);
  if (!below) return answer(call, kNotFound, "Not Found");
  if (method != "GET" && method != "POST" && method != "DELETE")
    return answer(call, kNotAllowed, "Method not supported");
  const auto path = text::percent_decode(*below);
  if (!path || !text::is_utf8(*path))
    return answer(call, kBadRequest, "The path is not well encoded.");
  call.path = *path;
  if (method == "POST") return post(call);
  if (!authorized(call.request)) return answer(call, kForbidden);
  return method == "GET" ? get(call) : remove(call);
}

/// "token <value>" anywhere in the field, as it has always been.
bool RestApi::authorized(const proxy::HubRequest& request) const {
  if (token_.empty()) return true;
  constexpr std::string_view kWord = "token";
  constexpr std::string_view kBlanks = " \t";
  const std::string_view field = request.header("authorization");
  for (std::size_t at = field.find(kWord); at != std::string_view::npos;
       at = field.find(kWord, at + 1)) {
    const std::string_view rest = field.substr(at + kWord.size());
    const std::size_t begin = rest.find_first_not_of(kBlanks);
    if (begin == 0 || begin == std::string_view::npos) continue;
    const std::string_view given = rest.substr(begin, rest.find_first_of(kBlanks, begin) - begin);
    return secrets::equal(given, token_);
  }
  return false;
}

void RestApi::get(const Call& call) const {
  if (!call.path.empty() && call.path != "/") {
    const auto route = routes_.get(call.path);
    return route ? answer(call, kOk, *route, true) : answer(call, kNotFound);
  }
  const text::Form query = text::parse_form(call.request.query).value_or(text::Form());
  std::string since(text::field(query, "inactiveSince"));
  if (since.empty()) since = text::field(query, "inactive_since");
  const auto date = parse_date(since);
  if (!since.empty() && !date)
    return answer(call, kBadRequest, "Invalid datestamp '" + since + "' must be ISO8601.");
  metrics_.api_route_get.add();
  answer(call, kOk, routes_.all(date), true);
}

void RestApi::post(const Call& call) const {
  const Result<Json> body = parse_body(call.request.body);
  if (!body) return answer(call, kBadRequest, "Body not valid JSON: " + body.error().message());
  if (!authorized(call.request)) return answer(call, kForbidden);
  const bool good = body->is_object() && body->contains("target") && body->at("target").is_string();
  if (!good) return answer(call, kBadRequest, "Must specify 'target' as string");
  metrics_.api_route_add.add();
  add(call.path, *body, [this, call] { answer(call, kCreated); });
}

void RestApi::add(std::string_view path, const Json& body, std::function<void()> done) const {
  const std::shared_ptr<RouteEntry> entry = routes_.add(path, body);
  const auto added = [this, entry, done = std::move(done)] {
    journal_.write(log::Level::info, {"Route added", entry->key, "->", entry->target_text});
    done();
  };
  if (entry->usable && entry->target.named)
    resolve_(entry, added);
  else
    added();
}

void RestApi::remove(const Call& call) const {
  if (call.path.empty()) return answer(call, kBadRequest, "Which route is to be removed?");
  metrics_.api_route_delete.add();
  if (!routes_.remove(call.path)) return answer(call, kNotFound);
  journal_.write(log::Level::info, {"Removing route", clean_path(call.path)});
  answer(call, kNoContent);
}

void RestApi::answer(const Call& call, int status, std::string body, bool json) const {
  metrics_.requests_api.add(status);
  const std::string_view detail = json ? std::string_view() : std::string_view(body);
  journal_.write(level_of(status),
                 {std::to_string(status), call.request.method, call.request.path, detail});
  proxy::HubResponse response{status, {}, std::move(body)};
  if (json) response.headers.emplace_back("Content-Type", "application/json");
  call.reply->send(std::move(response));
}

}  // namespace passerelle::chp
