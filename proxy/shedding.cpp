#include "proxy/shedding.hpp"

#include "base/log.hpp"
#include "proxy/connection.hpp"

namespace passerelle::proxy {
namespace {

constexpr int kMostCuts = 256;  // a tick; each looks through the whole list

std::size_t held_by(const Connection& connection) noexcept {
  return connection.held + connection.received.size();
}

Connection* largest(Lane& lane) noexcept {
  Connection* found = nullptr;
  for (LiveLink* link = lane.live.next; link != &lane.live; link = link->next) {
    auto* const connection = static_cast<Connection*>(static_cast<Live*>(link));
    if (found == nullptr || held_by(*connection) > held_by(*found)) found = connection;
  }
  return found == nullptr || held_by(*found) == 0 ? nullptr : found;
}

/// Each lane looks after its own share: what is over the bound is over some lane's.
void cut_largest(Lane& lane) noexcept {
  const std::size_t share = lane.settings.limits.max_buffered / lane.shared.lanes / 10 * 9;
  for (int cuts = 0; cuts < kMostCuts && kept_bytes() > share; ++cuts) {
    Connection* const connection = largest(lane);
    if (connection == nullptr) return;
    lane.counts.shed.add();
    connection->held = 0;  // it may only go once it has had its turn
    connection->client.interrupt(Wake::shed);
  }
}

void tell(Pressure pressure, std::uint64_t kept, std::uint64_t most) {
  constexpr std::string_view kWords[] = {"memory for slow clients is no longer scarce",
                                         "memory for slow clients: no keep-alive any more",
                                         "memory for slow clients: nobody new is let in",
                                         "memory for slow clients: the largest are cut"};
  log::warn("proxy", kWords[static_cast<int>(pressure)], {{"kept", kept}, {"most", most}});
}

}  // namespace

Pressure pressure_of(std::uint64_t kept, std::uint64_t most) noexcept {
  if (most == 0 || kept < most / 2) return Pressure::none;
  if (kept < most / 4 * 3) return Pressure::no_keep_alive;
  return kept < most ? Pressure::no_newcomers : Pressure::cutting;
}

void shed(Lane& lane) noexcept {
  const std::uint64_t most = lane.settings.limits.max_buffered;
  const std::uint64_t before = lane.counts.kept.value();
  const std::uint64_t now = kept_bytes();
  lane.counts.kept.set(now);
  const std::uint64_t all =
      lane.shared.kept.fetch_add(now - before, std::memory_order_relaxed) + now - before;
  lane.pressure = pressure_of(all, most);
  if (lane.shared.pressure.load(std::memory_order_relaxed) != lane.pressure &&
      lane.shared.pressure.exchange(lane.pressure) != lane.pressure)
    tell(lane.pressure, all, most);
  if (lane.pressure != Pressure::none) lane.loop->keep_ticking();
  if (lane.pressure == Pressure::cutting) cut_largest(lane);
}

}  // namespace passerelle::proxy
