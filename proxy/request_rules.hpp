// What a request must meet beyond its grammar, before the gate is asked: that it means a host we
// serve, has not come here before, and may still be passed on. Says nothing about who may do what.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/head.hpp"
#include "proxy/trusted.hpp"

namespace passerelle::proxy {

/// Immutable after the start; any thread.
class RequestRules {
 public:
  struct Refusal {
    int status = 0;  ///< 0: nothing is wrong.
    std::string_view reason;
  };

  RequestRules() = default;  ///< Every host, no Via.
  /// `hosts`: names without port or brackets, any case; "*" or none at all means every host,
  /// "*.name" all below that name.
  /// Loopback names and numeric addresses are always served: neither can be the name of somebody
  /// else's page (DNS rebinding), and probes use them. `pseudonym`: our name in Via, a token (RFC
  /// 9110, 7.6.3).
  RequestRules(std::vector<std::string> hosts, std::string_view pseudonym);

  /// 421 for another host, 508 for a request that we forwarded before, 400 for a Max-Forwards that
  /// is no number.
  Refusal check(const RequestHead& head, const Client& client) const noexcept;
  /// "Via: 1.1 <pseudonym>" and CR LF, or empty.
  std::string_view via_line() const noexcept { return via_line_; }

 private:
  bool serves(std::string_view host) const noexcept;
  bool came_from_us(const Fields& fields) const noexcept;

  std::vector<std::string> hosts_;
  std::string via_line_;
  std::string pseudonym_;
};

/// OPTIONS with "Max-Forwards: 0" is meant for us (RFC 9110, 7.6.2).
bool ends_here(const RequestHead& head) noexcept;
/// Max-Forwards of an OPTIONS. False if it is no number of at most nine digits.
bool read_max_forwards(std::string_view value, std::uint32_t& count) noexcept;

}  // namespace passerelle::proxy
