// Wormhole: how servers are reached on nodes that nobody can connect to. Each job's relay keeps a
// few connections to the gateway open, and each of them carries one of ours to the server when it
// is needed. To the proxy a server behind it is one more Unix socket.
//
//   proxy --> launch's socket --> [wormhole] <-- entrance's socket <-- proxy <-- relay in the job
//
// The bytes that pass are TLS between the proxy and the relay: nothing is read here. Between uses
// the two sides say one byte: 'p' is answered 'p' (are you there?), 's' is answered 's' and from
// then on the bytes are the server's. One thread of its own carries them all.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"

namespace passerelle::spawners::batch {

class Wormhole {
 public:
  /// Sockets are made in `directory`, which is ours alone, by open() and not before: until then
  /// another process may serve there. `appeared` is called on the wormhole's thread when the first
  /// relay of a launch has come.
  Wormhole(std::string directory, std::function<void()> appeared);
  ~Wormhole();
  Wormhole(const Wormhole&) = delete;
  Wormhole& operator=(const Wormhole&) = delete;

  /// Where the gateway brings relays.
  const std::string& entrance() const noexcept { return entrance_; }
  std::string socket_of(const std::string& launch) const;

  // One thread at a time:
  /// Relays of that launch are taken in from here on, and its socket exists. Again: nothing.
  Result<void> open(const std::string& launch, const std::string& key_hash);
  void close(const std::string& launch);
  /// A relay of it has answered lately.
  bool reachable(const std::string& launch) const;

 private:
  struct Inside;

  Result<void> begin();

  const std::string directory_;
  const std::string entrance_;
  std::function<void()> appeared_;
  std::unique_ptr<Inside> inside_;
};

}  // namespace passerelle::spawners::batch
