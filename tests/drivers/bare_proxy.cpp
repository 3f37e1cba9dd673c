// The proxy alone, between a script and its servers: no people, no pages, routes from the command
// line.
//   bare_proxy [address=IP] [KEY=SECONDS|KEY=COUNT]... PREFIX=HOST:PORT|PREFIX=unix:PATH...
// Prints the port it listens on (at 127.0.0.1 unless told otherwise). Then a line on standard input
// is a command and is answered by one line: counters, sign-out (the right of everybody who is in
// ends), remove PREFIX. It ends with its standard input, so nothing is left when the script dies.
#include <atomic>
#include <charconv>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "proxy/proxy.hpp"
#include "proxy/route_table.hpp"

namespace passerelle::proxy {
namespace {

/// Everybody may use every route, until sign_out().
class OpenGate final : public Gate {
 public:
  RouteTable routes;

  Verdict admit(const RequestHead& head, std::string_view) noexcept override {
    if (const auto& route = routes.match(head.path())) return Forward{route, right_ended()};
    return ToHub{1U << 16U, "not-routed"};
  }
  void sign_out() {
    const std::lock_guard lock(mutex_);
    right_ended_->store(true);
    right_ended_ = std::make_shared<std::atomic<bool>>(false);
  }

 private:
  std::shared_ptr<const std::atomic<bool>> right_ended() {
    const std::lock_guard lock(mutex_);
    return right_ended_;
  }
  std::mutex mutex_;
  std::shared_ptr<std::atomic<bool>> right_ended_ = std::make_shared<std::atomic<bool>>(false);
};

/// Answers with the reason why it was asked: 502 and the like for upstreams, 404 otherwise.
class PlainHub final : public Hub {
 public:
  void handle(HubRequest request, std::shared_ptr<HubReply> reply) noexcept override {
    HubResponse response;
    response.status = request.reason == "upstream-timeout"     ? 504
                      : request.reason.starts_with("upstream") ? 502
                                                               : 404;
    response.body = request.reason;
    reply->send(std::move(response));
  }
};

template <class T>
bool number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool set_limit(config::Proxy& limits, std::string_view key, std::string_view value) {
  static const std::map<std::string_view, seconds config::Proxy::*> kTimes = {
      {"header_timeout", &config::Proxy::header_timeout},
      {"body_timeout", &config::Proxy::body_timeout},
      {"idle_timeout", &config::Proxy::idle_timeout},
      {"tunnel_timeout", &config::Proxy::tunnel_timeout},
      {"response_timeout", &config::Proxy::response_timeout}};
  if (key == "threads") return number(value, limits.threads);
  if (key == "max_connections") return number(value, limits.max_connections);
  const auto time = kTimes.find(key);
  seconds::rep count = 0;
  if (time == kTimes.end() || !number(value, count)) return false;
  limits.*time->second = seconds(count);
  return true;
}

bool add_route(RouteTable& routes, std::string_view prefix, std::string_view where) {
  auto route = std::make_shared<Route>();
  route->prefix = prefix;
  if (where.starts_with("unix:")) {
    route->upstream.kind = Upstream::Kind::unix_socket;
    route->upstream.path = where.substr(5);
  } else {
    const std::size_t colon = std::min(where.rfind(':'), where.size());
    route->upstream.host = where.substr(0, colon);
    if (!number(where.substr(std::min(colon + 1, where.size())), route->upstream.port))
      return false;
  }
  routes.add(std::move(route));
  return true;
}

bool take_argument(std::string_view argument, ProxySettings& settings, RouteTable& routes) {
  const std::size_t equals = argument.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view key = argument.substr(0, equals);
  const std::string_view value = argument.substr(equals + 1);
  if (key == "address") {
    settings.endpoints.front().address = value;
    return true;
  }
  return key.starts_with('/') ? add_route(routes, key, value)
                              : set_limit(settings.limits, key, value);
}

void print_counters(const Counters& now) {
  std::cout << "{\"accepted\":" << now.accepted << ",\"turned_away\":" << now.turned_away
            << ",\"connections\":" << now.connections << ",\"requests\":" << now.requests
            << ",\"refused_heads\":" << now.refused_heads << ",\"forwarded\":" << now.forwarded
            << ",\"upstream_connects\":" << now.upstream_connects
            << ",\"upstream_failures\":" << now.upstream_failures
            << ",\"tunnels_opened\":" << now.tunnels_opened << ",\"tunnels\":" << now.tunnels
            << ",\"bytes_in\":" << now.bytes_in << ",\"bytes_out\":" << now.bytes_out << "}"
            << std::endl;
}

void obey(const std::string& command, OpenGate& gate, const Proxy& proxy) {
  if (command == "counters") return print_counters(proxy.counters());
  bool done = command == "sign-out";
  if (done) gate.sign_out();
  if (command.starts_with("remove ")) done = gate.routes.remove(command.substr(7));
  std::cout << (done ? "done" : "no") << std::endl;
}

int run(std::span<char*> arguments) {
  ProxySettings settings;
  settings.limits.threads = 1;
  settings.access_log = false;
  settings.limits.max_connections_per_address = 0;  // all clients of a drill share one
  OpenGate gate;
  PlainHub hub;
  for (const std::string_view argument : arguments) {
    if (take_argument(argument, settings, gate.routes)) continue;
    std::cerr << "bare_proxy: what is " << argument << "?\n";
    return 2;
  }
  Proxy proxy(std::move(settings), gate, hub);
  if (const Result<void> started = proxy.start(); !started) {
    std::cerr << "bare_proxy: " << started.error().message() << "\n";
    return 1;
  }
  std::cout << proxy.port() << std::endl;
  for (std::string command; std::getline(std::cin, command);) obey(command, gate, proxy);
  proxy.stop(seconds(0));
  return 0;
}

}  // namespace
}  // namespace passerelle::proxy

int main(int count, char** arguments) {
  return passerelle::proxy::run({arguments + 1, static_cast<std::size_t>(count - 1)});
}
