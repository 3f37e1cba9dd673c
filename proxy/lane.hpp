// Lane: all that one proxy thread owns. Connections live and die on their lane; lanes share nothing
// but settings, the gate, the hub and one number.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "proxy/access_log.hpp"
#include "proxy/address_counts.hpp"
#include "proxy/durations.hpp"
#include "proxy/gate.hpp"
#include "proxy/head.hpp"
#include "proxy/headers.hpp"
#include "proxy/http_date.hpp"
#include "proxy/live.hpp"
#include "proxy/loop.hpp"
#include "proxy/pipes.hpp"
#include "proxy/proxy_settings.hpp"
#include "proxy/relay.hpp"
#include "proxy/request_rules.hpp"
#include "proxy/trace.hpp"
#include "proxy/trusted.hpp"
#include "proxy/upstream_pool.hpp"

namespace passerelle::proxy {

struct Counts {
  Count accepted;     ///< Client connections.
  Count turned_away;  ///< Over a limit of connections or of memory, or no descriptor was left.
  Count crowded_addresses;  ///< Of those: over max_connections_per_address.
  Count shed;               ///< Connections that were cut to get memory back.
  Count too_slow;           ///< Connections below min_rate.
  Count requests;           ///< Complete heads.
  Count refused_heads;      ///< Heads that were none.
  Count to_hub;
  Count forwarded;
  Count upstream_connects;
  Count upstream_reuses;
  Count upstream_failures;  ///< Requests that an upstream did not answer.
  Count retries;
  Count tls_handshakes;
  Count tls_resumed;  ///< Of those.
  Count tls_failed;
  Count tunnels_opened;
  Count tunnels;   ///< Open now.
  Count bytes_in;  ///< Bodies and tunnels, from clients.
  Count bytes_out;
  Count kept;            ///< Bytes held now for sides that do not take them; as of the last tick.
  StatusCounts answers;  ///< By status.
  Durations durations;   ///< Of forwarded requests, tunnels apart.
};

/// How scarce memory for slow sides is; each step adds to the one before (shedding.hpp).
enum class Pressure : std::uint8_t {
  none,
  no_keep_alive,  ///< Connections end with their request.
  no_newcomers,   ///< New ones are told 503.
  cutting,        ///< Those that hold most are cut.
};

/// What a lane does with new connections and requests while processes change (Proxy::hold).
enum class Duty : std::uint8_t {
  serving,
  holding,   ///< They wait until it is decided who serves them.
  relaying,  ///< The successor serves them.
};

/// What all lanes share.
struct Shared {
  ProxySettings settings;
  TrustedProxies trusted;
  std::vector<std::string_view> own_cookies;  ///< Views into settings.
  Gate& gate;
  Hub& hub;
  std::atomic<std::uint32_t> connections{0};  ///< Clients on all lanes, against max_connections.
  RequestRules rules{};
  std::atomic<std::uint64_t> kept{0};  ///< Sum of the lanes' Counts::kept.
  std::atomic<Pressure> pressure{Pressure::none};
  std::uint32_t lanes = 1;
  TrustedProxies proxy_senders;  ///< Whose connections begin with a PROXY header.
  AddressCounts addresses;
};

struct Lane {
  Lane(Shared& common, std::unique_ptr<Loop> made)
      : shared(common),
        settings(common.settings),
        loop(std::move(made)),
        pool(*loop),
        pipes(*loop),
        log(*loop, common.settings.access_log) {}

  static constexpr std::size_t kHeadRead = 64U << 10U;  ///< At most read in search of a head.
  static constexpr std::size_t kReadRoom = 128U << 10U;
  static constexpr std::size_t kHeadRoom = kMostHead + (16U << 10U);

  Shared& shared;
  const ProxySettings& settings;
  std::unique_ptr<Loop> loop;
  UpstreamPool pool;
  PipePool pipes;
  AccessLog log;
  Counts counts;
  Traces traces;
  bool draining = false;  ///< No connection serves another request.
  Duty duty = Duty::serving;
  RelayRoutes successor;  ///< While relaying.
  std::uint32_t connections = 0;
  LiveLink live;  ///< Its connections, oldest first.
  Pressure pressure = Pressure::none;
  std::string_view date() noexcept;  ///< For a Date field; made anew once a second.
  // Scratch for everybody on this thread: its content does not survive a co_await.
  ResponseHead response_head;
  std::array<char, kReadRoom> read_room;
  std::array<char, kHeadRoom> head_room;

 private:
  HttpDate date_{0};
  std::int64_t date_second_ = 0;
};

inline std::string_view Lane::date() noexcept {
  if (const std::int64_t now = loop->unix_seconds(); now != date_second_) {
    date_second_ = now;
    date_ = HttpDate(now);
  }
  return date_.text();
}

inline Millis millis(seconds time) noexcept {
  return time.count() * 1000;
}

}  // namespace passerelle::proxy
