// Afterlife: what is left of a process that has handed over: connections that still carry a
// request or a WebSocket. It knows no database any more: the successor tells it which sessions,
// tokens and routes have ended, and is told where people are still at work.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "hub/succession/link.hpp"
#include "hub/succession/rights.hpp"
#include "proxy/proxy.hpp"
#include "proxy/route_table.hpp"

namespace passerelle::hub {

class Afterlife {
 public:
  /// `longest`: then tunnels are cut, and browsers open new ones.
  Afterlife(Link link,
            proxy::Proxy& proxy,
            const proxy::RouteTable& routes,
            std::vector<Right> rights,
            seconds longest);

  /// Blocks until the last connection has ended, the time is over, the successor wants it or is
  /// gone (nobody could tell us of a sign-out then), or SIGTERM or SIGINT comes. All connections
  /// are closed when it returns.
  void run();

 private:
  enum class Next { on, stop, end };
  Next listen();
  Next heed(const nlohmann::json& message);
  void tell_who();
  void tell_of(const char* kind, const nlohmann::json& all);
  void tell_news();
  void end_rights(const nlohmann::json& ended);

  Link link_;
  proxy::Proxy& proxy_;
  const proxy::RouteTable& routes_;
  const std::vector<Right> rights_;  ///< Named by their place in it.
  const Instant until_;
  seconds drain_{0};
  std::map<std::string, std::int64_t> told_;  ///< Last activity by route.
};

}  // namespace passerelle::hub
