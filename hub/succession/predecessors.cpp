#include "hub/succession/predecessors.hpp"

#include "base/log.hpp"

namespace passerelle::hub {
namespace {

using nlohmann::json;

constexpr milliseconds kTurn{100};  // a sign-out must reach a tunnel within a second
constexpr milliseconds kPatience{1000};
constexpr std::size_t kMostInOne = 400;

const json& list_in(const json& message, const char* name) {
  static const json kNone = json::array();
  const auto found = message.find(name);
  return found != message.end() && found->is_array() ? *found : kNone;
}

bool ended(const std::shared_ptr<auth::Life>& life) {
  return !life || !life->alive();
}
bool ended(const std::shared_ptr<const proxy::Route>& route) {
  return !route || route->closed.load(std::memory_order_relaxed);
}

template <class Rights>
json ends_of(const Rights& rights) {
  json names = json::array();
  for (const auto& [name, right] : rights)
    if (names.size() < kMostInOne && ended(right)) names.push_back(name);
  return names;
}

template <class Rights>
void forget(Rights& rights, const json& names) {
  for (const json& name : names) rights.erase(name.get<typename Rights::key_type>());
}

}  // namespace

Predecessors::Predecessors(const proxy::RouteTable& routes,
                           const auth::SessionTable& sessions,
                           const auth::TokenTable& tokens)
    : routes_(routes), sessions_(sessions), tokens_(tokens) {}

void Predecessors::add(std::vector<Link> links) {
  for (Link& link : links) all_.emplace_back(std::move(link));
  const std::size_t too_many = all_.size() > kMost ? all_.size() - kMost : 0;
  auto one = all_.begin();
  for (std::size_t at = 0; at < too_many; ++at, ++one)
    (void)one->link.send({{"stop", 0}}, {}, kPatience);
  for (One& each : all_) (void)each.link.send({{"who", true}}, {}, kPatience);
}

Task<void> Predecessors::run() {
  while (!all_.empty()) {
    all_.remove_if([this](One& one) { return !listen(one); });
    for (One& one : all_) tell_ends(one);
    co_await sleep_for(kTurn);
  }
}

bool Predecessors::listen(One& one) const {
  for (;;) {
    auto message = one.link.receive();
    if (!message) {
      log::info("succession", "the process before us has ended", {{"process", one.status.pid}});
      return false;
    }
    if (!*message) return true;
    try {
      heed(one, (*message)->body);
    } catch (const json::exception& error) {  // it is of another version: better without it
      log::error("succession", "the process before us says what we do not understand",
                 {{"why", error.what()}});
      return false;
    }
  }
}

void Predecessors::heed(One& one, const json& message) const {
  for (const json& said : list_in(message, "rights")) {
    if (!said.is_array() || said.size() != 4) continue;
    const Right right{said[1].get<bool>(), said[2].get<store::UserId>(), said[3].get<std::string>(),
                      nullptr};
    one.rights[said[0].get<std::uint64_t>()] = life_of(right, sessions_, tokens_);
  }
  for (const json& route : list_in(message, "routes")) {
    if (!route.is_array() || route.size() != 2) continue;
    const auto prefix = route[0].get<std::string>();
    auto ours = routes_.exact(prefix);
    if (ours && to_string(ours->upstream) != route[1].get<std::string>()) ours = nullptr;
    one.routes[prefix] = std::move(ours);
  }
  for (const json& seen : list_in(message, "activity")) {
    if (!seen.is_array() || seen.size() != 2) continue;
    const auto route = one.routes.find(seen[0].get<std::string>());
    if (route == one.routes.end() || !route->second) continue;
    auto& last = route->second->last_activity;
    last.store(std::max(last.load(std::memory_order_relaxed), seen[1].get<std::int64_t>()),
               std::memory_order_relaxed);
  }
  if (!message.contains("pid")) return;
  one.status = {message.value("pid", std::int64_t{0}),
                message.value("connections", std::int64_t{0}),
                message.value("tunnels", std::int64_t{0}), message.value("until", std::int64_t{0})};
}

/// What is not taken now is told in the next turn.
void Predecessors::tell_ends(One& one) {
  const json rights = ends_of(one.rights);
  const json routes = ends_of(one.routes);
  if (rights.empty() && routes.empty()) return;
  const auto sent = one.link.send({{"ended", {{"rights", rights}, {"routes", routes}}}});
  if (!sent) return;
  forget(one.rights, rights);
  forget(one.routes, routes);
}

void Predecessors::stop(seconds drain) {
  for (One& one : all_) (void)one.link.send({{"stop", drain.count()}}, {}, kPatience);
}

std::vector<Predecessors::Status> Predecessors::status() const {
  std::vector<Status> all;
  for (const One& one : all_) all.push_back(one.status);
  return all;
}

std::vector<int> Predecessors::links() const {
  std::vector<int> fds;
  for (const One& one : all_) fds.push_back(one.link.fd());
  return fds;
}

}  // namespace passerelle::hub
