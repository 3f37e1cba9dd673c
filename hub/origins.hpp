// Origins: with `subdomain_host`, each person's servers stand at a host name of their own
// ("alice.notebooks.example.fr"), so that browsers keep what notebooks show apart from other
// people's and from our pages. The hub is whatever is not below that name.
//
// How a browser gets there: the hub's cookie never leaves the hub's host. A person's origin sends a
// browser without a key to the hub (/hub/origin), which sends it back with a ticket
// (/hub/origin/arrive); for that ticket it gets a key of this origin alone (auth/origin_keys.hpp).
// An "arrival" cookie sees to it that the browser which brings the ticket is the one that was sent.
#pragma once

#include <string>
#include <string_view>

namespace passerelle::hub {

/// Immutable; any thread.
class Origins {
 public:
  /// Both checked by the configuration; an empty `subdomain_host` turns it all off.
  Origins(std::string_view public_url, std::string_view subdomain_host);

  bool on() const noexcept { return !below_.empty(); }
  /// What stands before subdomain_host in a Host header ("alice"); empty for the hub's own names.
  std::string_view label_in(std::string_view host) const noexcept;
  /// "https://alice.notebooks.example.fr:8443"
  std::string of(std::string_view label) const;
  /// "https://jupyter.example.fr"
  const std::string& hub() const noexcept { return hub_; }
  /// For Content-Security-Policy: all people's origins. Empty when off.
  std::string everybody() const { return on() ? of("*") : std::string(); }

 private:
  std::string below_;  ///< ".notebooks.example.fr"
  std::string hub_;
  std::string scheme_;
  std::string port_;  ///< ":8443", or empty
};

/// A user's label: injective, a DNS label in lower case.
std::string origin_label(const std::string& username);

}  // namespace passerelle::hub
