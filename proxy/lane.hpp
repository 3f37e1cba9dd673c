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
#include "proxy/gate.hpp"
#include "proxy/head.hpp"
#include "proxy/headers.hpp"
#include "proxy/http_date.hpp"
#include "proxy/loop.hpp"
#include "proxy/pipes.hpp"
#include "proxy/proxy_settings.hpp"
#include "proxy/request_rules.hpp"
#include "proxy/trusted.hpp"
#include "proxy/upstream_pool.hpp"

namespace passerelle::proxy {

/// Counted by one thread, read by any.
class Count {
 public:
  void add(std::uint64_t more = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  void subtract() noexcept { add(~std::uint64_t{0}); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct Counts {
  Count accepted;       ///< Client connections.
  Count turned_away;    ///< Over max_connections, or no descriptor was left.
  Count requests;       ///< Complete heads.
  Count refused_heads;  ///< Heads that were none.
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
  bool draining = false;  ///< No connection serves another request.
  std::uint32_t connections = 0;
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
