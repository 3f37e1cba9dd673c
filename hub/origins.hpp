// Origins: host names besides the hub's own, so that browsers keep what runs there apart from other
// people's and from our pages.
//
// With `subdomain_host`, each person's servers stand at a name of that person
// ("alice.notebooks.example.fr/user/alice/"). With a profile's `domain`, each of its servers stands
// at a name of its own and has all of it ("alice-0f1e2d3c4b5a6978.lab.example.fr/"): the sixteen
// digits (spawners/host_name.hpp) name the server, whatever else stands in the label. The hub is
// whatever is not below those names.
//
// How a browser gets there: the hub's cookie never leaves the hub's host. Such an origin sends a
// browser without a key to the hub (/hub/origin), which sends it back with a ticket
// (/hub/origin/arrive); for that ticket it gets a key of this origin alone (auth/origin_keys.hpp).
// An "arrival" cookie sees to it that the browser which brings the ticket is the one that was sent.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace passerelle::hub {

/// Immutable; any thread.
class Origins {
 public:
  /// All checked by the configuration; an empty `subdomain_host` and no `domains` (those of
  /// profiles) turn it all off.
  Origins(std::string_view public_url,
          std::string_view subdomain_host,
          std::vector<std::string> domains = {});

  /// Whether people have origins of their own.
  bool on() const noexcept { return !below_.empty(); }
  /// What stands before subdomain_host in a Host header ("alice"); empty for the hub's own names.
  std::string_view label_in(std::string_view host) const noexcept;
  /// "https://alice.notebooks.example.fr:8443"
  std::string of(std::string_view label) const;
  /// "https://jupyter.example.fr"
  const std::string& hub() const noexcept { return hub_; }
  /// For Content-Security-Policy: the origins of all people and servers. Empty: there are none.
  std::string everybody() const;

  /// The name in a Host header that is below one of the `domains`, without its port; else empty.
  std::string_view server_in(std::string_view host) const noexcept;
  /// "https://alice-0f1e2d3c4b5a6978.lab.example.fr:8443"
  std::string of_server(std::string_view name) const;
  /// What stands for the path prefix in the route of the server at that name; no path of a request
  /// is looked up there. Empty when the name has no mark.
  static std::string route_prefix(std::string_view name);
  /// The same without allocating; the result lies in `room`, of kPrefixRoom.
  static std::string_view route_prefix(std::string_view name, std::span<char> room) noexcept;
  static constexpr std::size_t kPrefixRoom = 320;

 private:
  std::string below_;                 ///< ".notebooks.example.fr"
  std::vector<std::string> domains_;  ///< ".lab.example.fr"
  std::string hub_;
  std::string scheme_;
  std::string port_;  ///< ":8443", or empty
};

/// A user's label: injective, a DNS label in lower case.
std::string origin_label(const std::string& username);

}  // namespace passerelle::hub
