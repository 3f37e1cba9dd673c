#include "hub/succession/afterlife.hpp"

#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

#include "base/log.hpp"

namespace passerelle::hub {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr milliseconds kTurn{250};
constexpr seconds kNews{1};
constexpr milliseconds kPatience{2000};
constexpr std::size_t kMostInOne = 400;

volatile std::sig_atomic_t asked_to_end = 0;

void heed_signals() {
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, [](int) { asked_to_end = 1; });
  for (const int signal : {SIGHUP, SIGUSR2}) std::signal(signal, SIG_IGN);
}

/// Supervisors that we started, and the successor, are our children.
void reap_children() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

const json& list_in(const json& message, const char* name) {
  static const json kNone = json::array();
  const auto found = message.find(name);
  return found != message.end() && found->is_array() ? *found : kNone;
}

}  // namespace

Afterlife::Afterlife(Link link,
                     proxy::Proxy& proxy,
                     const proxy::RouteTable& routes,
                     std::vector<Right> rights,
                     seconds longest)
    : link_(std::move(link)),
      proxy_(proxy),
      routes_(routes),
      rights_(std::move(rights)),
      until_(SystemClock().now() + longest) {}

void Afterlife::run() {
  heed_signals();
  Next next = Next::on;
  auto news_at = steady_clock::now();
  while (next == Next::on) {
    next = listen();
    reap_children();
    log::flush();
    if (proxy_.counters().connections == 0) break;
    if (asked_to_end != 0 || SystemClock().now() >= until_) next = Next::end;
    if (steady_clock::now() < news_at) continue;
    news_at = steady_clock::now() + kNews;
    tell_news();
  }
  const auto left = proxy_.counters();
  log::info("succession", "the process that was followed ends",
            {{"connections", left.connections}, {"tunnels", left.tunnels}});
  proxy_.stop(next == Next::stop ? drain_ : seconds(0));
  tell_news();  // somebody may have been at work in the last second
  reap_children();
}

Afterlife::Next Afterlife::listen() {
  for (milliseconds patience = kTurn;; patience = milliseconds(0)) {
    auto message = link_.receive(patience);
    if (!message) {
      log::warn("succession", "the gateway that followed us is gone; so are our connections");
      return Next::end;
    }
    if (!*message) return Next::on;
    if (const Next next = heed((*message)->body); next != Next::on) return next;
  }
}

Afterlife::Next Afterlife::heed(const json& message) {
  if (message.contains("who")) tell_who();
  if (const auto ended = message.find("ended"); ended != message.end()) end_rights(*ended);
  if (!message.contains("stop")) return Next::on;
  drain_ = seconds(message.value("stop", std::int64_t{0}));
  return Next::stop;
}

void Afterlife::tell_who() {
  json rights = json::array();
  for (const Right& right : rights_)
    rights.push_back({rights.size(), right.is_token, right.user, right.id});
  tell_of("rights", rights);
  json routes = json::array();
  for (const auto& route : routes_.all())
    if (route->in_flight.load(std::memory_order_relaxed) > 0)
      routes.push_back({route->prefix, to_string(route->upstream)});
  tell_of("routes", routes);
}

void Afterlife::tell_of(const char* kind, const json& all) {
  for (std::size_t at = 0; at < all.size(); at += kMostInOne) {
    json some = json::array();
    for (std::size_t i = at; i < std::min(all.size(), at + kMostInOne); ++i) some.push_back(all[i]);
    const auto sent = link_.send({{kind, std::move(some)}}, {}, kPatience);
    if (!sent)
      log::error("succession", "cannot tell what we still carry",
                 {{"what", kind}, {"why", sent.error().message()}});
  }
}

/// What is not taken now is told with the next news.
void Afterlife::tell_news() {
  std::vector<std::pair<std::string, std::int64_t>> moved;
  for (const auto& route : routes_.all()) {
    const std::int64_t at = route->last_activity.load(std::memory_order_relaxed);
    const auto told = told_.find(route->prefix);
    if (route->in_flight.load(std::memory_order_relaxed) <= 0 && told == told_.end()) continue;
    if (told == told_.end() || told->second < at) moved.emplace_back(route->prefix, at);
    if (moved.size() == kMostInOne) break;
  }
  json activity = json::array();
  for (const auto& [prefix, at] : moved) activity.push_back({prefix, at});
  const proxy::Counters now = proxy_.counters();
  const auto sent = link_.send({{"pid", getpid()},
                                {"connections", now.connections},
                                {"tunnels", now.tunnels},
                                {"until", to_micros(until_) / 1'000'000},
                                {"activity", std::move(activity)}});
  if (!sent) return;
  for (auto& [prefix, at] : moved) told_[std::move(prefix)] = at;
}

void Afterlife::end_rights(const json& ended) {
  for (const json& place : list_in(ended, "rights"))
    if (place.is_number_unsigned() && place.get<std::size_t>() < rights_.size())
      rights_[place.get<std::size_t>()].life->end();
  for (const json& prefix : list_in(ended, "routes")) {
    if (!prefix.is_string()) continue;
    if (const auto route = routes_.exact(prefix.get<std::string>())) route->closed.store(true);
  }
}

}  // namespace passerelle::hub
