#include "hub/status.hpp"

#include <boost/asio/post.hpp>
#include <unistd.h>

#include "base/text.hpp"
#include "hub/answers.hpp"
#include "hub/parts.hpp"
#include "hub/succession/predecessors.hpp"
#include "hub/tally.hpp"
#include "proxy/proxy.hpp"

namespace passerelle::hub {
namespace {

constexpr std::size_t kMostShown = 1000;  // connections, and routes

using Connections = std::vector<proxy::LiveConnection>;

/// Waits for the proxy's threads without holding up the hub's.
Task<Connections> live_connections(Parts& parts) {
  struct Awaited {
    explicit Awaited(asio::io_context& loop) : here(loop, asio::steady_timer::time_point::max()) {}
    asio::steady_timer here;
    Connections found;
  };
  auto awaited = std::make_shared<Awaited>(parts.loop);
  asio::io_context& loop = parts.loop;
  proxy::Survey::Done done = [awaited, &loop](Connections found) {
    asio::post(loop, [awaited, found = std::move(found)]() mutable {
      awaited->found = std::move(found);
      awaited->here.expires_at(asio::steady_timer::time_point::min());
    });
  };
  parts.proxy->survey(kMostShown, std::move(done));
  boost::system::error_code ignored;
  co_await awaited->here.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  co_return std::move(awaited->found);
}

Json counters_of(const proxy::Counters& now) {
  return {{"connections", now.connections},
          {"accepted", now.accepted},
          {"turned_away", now.turned_away},
          {"crowded_addresses", now.crowded_addresses},
          {"too_slow", now.too_slow},
          {"shed", now.shed},
          {"requests", now.requests},
          {"refused_heads", now.refused_heads},
          {"to_hub", now.to_hub},
          {"forwarded", now.forwarded},
          {"upstream_connects", now.upstream_connects},
          {"upstream_reuses", now.upstream_reuses},
          {"upstream_failures", now.upstream_failures},
          {"retries", now.retries},
          {"tls_handshakes", now.tls_handshakes},
          {"tls_failed", now.tls_failed},
          {"tunnels", now.tunnels},
          {"tunnels_opened", now.tunnels_opened},
          {"bytes_in", now.bytes_in},
          {"bytes_out", now.bytes_out},
          {"buffered", now.kept}};
}

Json live_of(const Connections& connections) {
  Json all = Json::array();
  for (const proxy::LiveConnection& one : connections)
    all.push_back({{"peer", one.peer},
                   {"state", one.state},
                   {"method", one.method},
                   {"path", one.path},
                   {"route", one.route},
                   {"since", one.since},
                   {"bytes_in", one.bytes_in},
                   {"bytes_out", one.bytes_out},
                   {"held", one.held}});
  return all;
}

/// The busiest first: what is under way, then what was used last.
Json routes_of(const proxy::RouteTable& table) {
  auto routes = table.all();
  std::sort(routes.begin(), routes.end(), [](const auto& left, const auto& right) {
    const auto rank = [](const proxy::Route& route) {
      return std::pair(route.in_flight.load(std::memory_order_relaxed),
                       route.last_activity.load(std::memory_order_relaxed));
    };
    return rank(*left) > rank(*right);
  });
  if (routes.size() > kMostShown) routes.resize(kMostShown);
  Json all = Json::array();
  for (const auto& route : routes)
    all.push_back({{"prefix", route->prefix},
                   {"upstream", to_string(route->upstream)},
                   {"under_way", route->in_flight.load(std::memory_order_relaxed)},
                   {"last_activity", route->last_activity.load(std::memory_order_relaxed)}});
  return all;
}

Json servers_of(const Launcher& launcher) {
  Json phases = {{"pending", 0}, {"running", 0}, {"stopping", 0}};
  for (const auto& [key, server] : launcher.all())
    if (server->active()) {
      Json& count = phases[std::string(to_string(server->record.phase))];
      count = count.get<int>() + 1;
    }
  phases["launches_waiting"] = launcher.queue().waiting();
  phases["launches_under_way"] = launcher.queue().under_way();
  return phases;
}

Json predecessors_of(const Predecessors& predecessors) {
  Json all = Json::array();
  for (const Predecessors::Status& one : predecessors.status())
    all.push_back({{"pid", one.pid},
                   {"connections", one.connections},
                   {"tunnels", one.tunnels},
                   {"until", one.until}});
  return all;
}

// --- for a person

std::string age_text(std::int64_t seconds) {
  if (seconds < 120) return std::to_string(std::max<std::int64_t>(seconds, 0)) + "s";
  if (seconds < 7200) return std::to_string(seconds / 60) + "m";
  if (seconds < 172'800) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86'400) + "d";
}

std::string size_text(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "K", "M", "G", "T"};
  std::size_t unit = 0;
  for (; bytes >= 10'240 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
  return std::to_string(bytes) + kUnits[unit];
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text += ' ';
}

void show_numbers(const Json& numbers, std::string& out) {
  for (const auto& [name, value] : numbers.items())
    out.append("  ").append(padded(name, 20)).append(value.dump()).append("\n");
}

void show_routes(const Json& routes, std::int64_t now, std::string& out) {
  out.append("\n")
      .append(padded("route", 32))
      .append(padded("open", 5))
      .append(padded("used", 5))
      .append("upstream\n");
  for (const Json& route : routes)
    out.append(padded(route.at("prefix").get<std::string>(), 32))
        .append(padded(route.at("under_way").dump(), 5))
        .append(padded(age_text(now - route.at("last_activity").get<std::int64_t>()), 5))
        .append(route.at("upstream").get<std::string>())
        .append("\n");
}

void show_live(const Json& connections, std::int64_t now, std::string& out) {
  out.append("\n").append(padded("peer", 24)).append(padded("age", 5)).append(padded("state", 8));
  out.append(padded("in", 7))
      .append(padded("out", 7))
      .append(padded("kept", 7))
      .append("request\n");
  for (const Json& one : connections) {
    out.append(padded(one.at("peer").get<std::string>(), 24))
        .append(padded(age_text(now - one.at("since").get<std::int64_t>()), 5))
        .append(padded(one.at("state").get<std::string>(), 8))
        .append(padded(size_text(one.at("bytes_in").get<std::uint64_t>()), 7))
        .append(padded(size_text(one.at("bytes_out").get<std::uint64_t>()), 7))
        .append(padded(size_text(one.at("held").get<std::uint64_t>()), 7))
        .append(one.at("method").get<std::string>())
        .append(" ")
        .append(one.at("path").get<std::string>())
        .append("\n");
  }
}

}  // namespace

Task<std::string> status_report(Parts& parts,
                                const Predecessors& predecessors,
                                std::string question) {
  Json report = {{"version", PASSERELLE_VERSION},
                 {"pid", getpid()},
                 {"now", to_micros(parts.clock.now()) / 1'000'000},
                 {"uptime", static_cast<std::int64_t>(Tally::seconds_since(parts.tally.started))},
                 {"store_writable", parts.store.writable()},
                 {"servers", servers_of(parts.launcher)},
                 {"predecessors", predecessors_of(predecessors)}};
  if (question == "status proxy") {
    const Connections connections = co_await live_connections(parts);
    report["proxy"] = counters_of(parts.proxy->counters());
    report["routes"] = routes_of(parts.routes);
    report["connections"] = live_of(connections);
  }
  co_return report.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> replacement_text(const std::string& document) {
  const Json answer = Json::parse(document, nullptr, false);
  if (!answer.is_object())
    return Error(Errc::unavailable, "the gateway ended before it said how it went");
  if (answer.contains("failed"))
    return Error(Errc::unavailable,
                 "nothing has changed: " + answer.value("failed", std::string()));
  return "passerelle " + answer.value("version", std::string("?")) + " serves, process " +
         std::to_string(answer.value("process", 0)) + "\n";
}

Result<std::string> status_text(const std::string& document) {
  const Json report = Json::parse(document, nullptr, false);
  if (!report.is_object()) return Error(Errc::invalid, "the gateway gave no status");
  try {
    const auto now = report.at("now").get<std::int64_t>();
    std::string out =
        "passerelle " + report.at("version").get<std::string>() + ", process " +
        report.at("pid").dump() + ", up " + age_text(report.at("uptime").get<std::int64_t>()) +
        (report.at("store_writable").get<bool>() ? "\n" : ", THE DATABASE TAKES NO WRITES\n");
    out += "\nservers\n";
    show_numbers(report.at("servers"), out);
    for (const Json& one : report.value("predecessors", Json::array()))
      out += "\nreplaced process " + one.at("pid").dump() + ": " + one.at("connections").dump() +
             " connections, " + one.at("tunnels").dump() + " of them WebSockets, for at most " +
             age_text(one.at("until").get<std::int64_t>() - now) + "\n";
    if (!report.contains("proxy")) return out;
    out += "\nproxy\n";
    show_numbers(report.at("proxy"), out);
    show_routes(report.at("routes"), now, out);
    show_live(report.at("connections"), now, out);
    const auto shown = report.at("connections").size();
    const auto all = report.at("proxy").at("connections").get<std::size_t>();
    if (all > shown) out += "... and " + std::to_string(all - shown) + " younger ones\n";
    return out;
  } catch (const Json::exception& error) {
    return Error(Errc::invalid, std::string("the gateway is of another version: ") + error.what());
  }
}

}  // namespace passerelle::hub
