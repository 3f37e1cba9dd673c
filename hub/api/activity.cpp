// What servers say of when they were last used: a kernel that computes sends no byte through us.
#include "config/values.hpp"
#include "hub/api/models.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::api {
namespace {

constexpr int kOk = 200;
constexpr int kBad = 400;
constexpr seconds kResolution{30};  // a person's own time is not written more often
constexpr auto kMostAhead = std::chrono::minutes(59);

struct Told {
  std::optional<Instant> person;
  std::vector<std::pair<ServerPtr, Instant>> servers;
};

// With or without a fraction of a second; without a zone it is UTC, as older images write it.
std::optional<Instant> time_of(std::string text) {
  const std::size_t dot = text.find('.');
  if (dot != std::string::npos) {
    const std::size_t end = text.find_first_not_of("0123456789", dot + 1);
    text.erase(dot, end == std::string::npos ? std::string::npos : end - dot);
  }
  constexpr std::size_t kWithoutZone = 19;
  if (text.size() == kWithoutZone) text += "Z";
  auto at = text.size() < kWithoutZone ? Result<Instant>(Error(Errc::invalid, "no time"))
                                       : config::parse_moment(text);
  if (!at) return std::nullopt;
  return *at;
}

Result<Instant> time_in(const Json& value, Instant now) {
  const auto at = value.is_string() ? time_of(value.get<std::string>()) : std::nullopt;
  if (!at) return Error(Errc::invalid, "not a time: write 2026-11-22T10:00:00Z");
  if (*at > now + kMostAhead)
    return Error(Errc::invalid, "the time is more than 59 minutes in the future");
  return *at;
}

Result<Told> read(const Parts& parts, const Call& call, const store::User& user) {
  const Json body = Json::parse(call.request.body, nullptr, false);
  if (!body.is_object()) return Error(Errc::invalid, "Invalid JSON in body of request");
  if (!body.contains("last_activity") && !body.contains("servers"))
    return Error(Errc::invalid, "body must contain at least one of last_activity or servers");
  const Instant now = parts.clock.now();
  Told told;
  if (const Json at = body.value("last_activity", Json()); !at.is_null()) {
    auto time = time_in(at, now);
    if (!time) return std::move(time).error();
    told.person = *time;
  }
  const Json servers = body.value("servers", Json::object());
  if (!servers.is_object()) return Error(Errc::invalid, "servers is an object");
  for (const auto& [name, one] : servers.items()) {
    const ServerPtr server = parts.launcher.find({user.id, name});
    if (!server) return Error(Errc::invalid, "No such server '" + name.substr(0, 64) + "'");
    if (!one.is_object() || !one.contains("last_activity"))
      return Error(Errc::invalid, "each server needs a last_activity");
    auto time = time_in(one["last_activity"], now);
    if (!time) return std::move(time).error();
    told.servers.emplace_back(server, *time);
  }
  return told;
}

}  // namespace

Task<Answer> activity(Parts& parts, Call& call) {
  auto subject = co_await subject_of(parts, call, "users:activity");
  if (!subject) co_return refuse(subject.error());
  auto told = read(parts, call, subject->user);
  if (!told) co_return api_error(kBad, told.error().message());
  for (const auto& [server, at] : told->servers) {
    if (!server->route) continue;
    const std::int64_t second = to_micros(at) / 1'000'000;
    auto& last = server->route->last_activity;
    if (last.load(std::memory_order_relaxed) < second)
      last.store(second, std::memory_order_relaxed);
  }
  if (told->person && *told->person >= subject->user.last_seen + kResolution) {
    auto seen = co_await parts.store.users().see(subject->user.id, *told->person);
    if (!seen) co_return refuse(seen.error());
  }
  co_return proxy::HubResponse{kOk, {{"Content-Type", "text/plain"}}, ""};
}

}  // namespace passerelle::hub::api
