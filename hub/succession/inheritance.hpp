// Inheritance: the other side of Successor: what a process does that was started to take over from
// another one. All of it blocks: nobody is served here yet.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "hub/succession/link.hpp"
#include "proxy/endpoint.hpp"

namespace passerelle::hub {

/// The descriptor of the link, and what says that there is one; its value is the data_dir.
inline constexpr int kInheritedDescriptor = 3;
inline constexpr const char* kInheritanceVariable = "PASSERELLE_TAKES_OVER";

class Inheritance {
 public:
  /// Null: nobody hands over to us.
  static std::unique_ptr<Inheritance> of_environment();
  ~Inheritance();  ///< Closes what nobody took.

  /// Tells whoever started us why we cannot; it goes on, and we have to end.
  void refuse(const std::string& why);
  /// Our configuration is good. Returns when the other one has stopped and given us everything: the
  /// database is ours to open, and it must not be changed in what it says before take_over().
  Result<void> accept(const std::string& data_dir);
  /// We could begin at once. After this returns, we are the gateway, and cannot go back.
  Result<void> take_over();

  // Filled by accept(); take them out.
  std::vector<proxy::ListeningSockets> sockets;
  std::vector<Link> predecessors;  ///< After take_over() with the one that we follow.
  std::string ticket_keys;

 private:
  Inheritance(Link link, std::string data_dir)
      : link_(std::move(link)), data_dir_(std::move(data_dir)) {}
  Result<void> take(Link::Message message);

  Link link_;
  const std::string data_dir_;
};

}  // namespace passerelle::hub
