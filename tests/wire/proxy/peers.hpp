// Both ends of the wire for tests of the proxy: a raw client, a scripted upstream, a gate and a
// hub, and the proxy between them. Every read has a time limit, so a broken proxy fails a test
// instead of hanging it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "proxy/proxy.hpp"
#include "proxy/route_table.hpp"

namespace passerelle::proxy::wire {

using std::chrono::milliseconds;

/// A blocking stream socket with limits; closed at its end.
class Peer {
 public:
  explicit Peer(int fd = -1) : fd_(fd) {}
  Peer(Peer&& other) noexcept;
  Peer& operator=(Peer&& other) noexcept;
  ~Peer() { close(); }

  static Peer connect(std::uint16_t port);
  static Peer connect(const std::string& unix_path);

  bool send(std::string_view bytes);  ///< All of them; false if the other side is gone.
  /// Reads until `end` has been seen, the other side ends, or the limit; returns all that came,
  /// `end` included.
  std::string read_until(std::string_view end, milliseconds limit = milliseconds(5000));
  std::string read_exactly(std::size_t count, milliseconds limit = milliseconds(5000));
  std::string read_all(milliseconds limit = milliseconds(5000));  ///< Until the other side ends.
  std::string read_some(milliseconds limit);  ///< What comes first; empty if nothing does.
  std::string read_head() { return read_until("\r\n\r\n"); }
  bool ended(
      milliseconds limit = milliseconds(5000));  ///< The other side ends without another byte.
  bool was_reset() const { return reset_; }      ///< The last read met a RST.

  void half_close();
  bool end_arrived() const;  ///< The other side's kernel has seen the half-close.
  void close();
  void reset();                  ///< Closes with a RST.
  void small_window(int bytes);  ///< SO_RCVBUF and SO_SNDBUF
  int fd() const { return fd_; }

 private:
  bool fill(milliseconds limit);
  int fd_;
  bool reset_ = false;
  std::string buffer_;
};

/// A server whose every connection runs `script` on a thread of its own.
class Upstream {
 public:
  using Script = std::function<void(Peer& peer, int connection)>;
  enum class Kind { tcp, unix_socket };
  explicit Upstream(Script script, Kind kind = Kind::tcp);
  ~Upstream() { stop(); }

  passerelle::Upstream address() const { return address_; }
  int connections() const { return connections_; }
  void stop();  ///< Accepts nobody any more; waits for the scripts.

 private:
  void accept_all();
  Script script_;
  passerelle::Upstream address_;
  int listening_ = -1;
  std::atomic<int> connections_{0};
  std::thread acceptor_;
  std::vector<std::thread> scripts_;
};

/// /user/<name>/... by the table, everything else to the hub.
class TestGate final : public Gate {
 public:
  RouteTable routes;
  std::atomic<std::size_t> most_body{1U << 16U};
  Verdict admit(const RequestHead& head, std::string_view peer) noexcept override;
};

class TestHub final : public Hub {
 public:
  using Answer = std::function<void(HubRequest, std::shared_ptr<HubReply>)>;
  TestHub();
  void answer_with(Answer answer);
  void handle(HubRequest request, std::shared_ptr<HubReply> reply) noexcept override;

 private:
  std::mutex mutex_;
  Answer answer_;
};

/// The whole: a proxy on one thread, with a route "/user/a/" if an upstream is given.
class Wire {
 public:
  explicit Wire(ProxySettings settings = quick_settings());
  ~Wire();
  static ProxySettings quick_settings();  ///< One thread, no access log.

  std::shared_ptr<Route> route(const Upstream& upstream, const std::string& prefix = "/user/a/");
  Peer client() { return Peer::connect(proxy->port()); }
  /// One request, one answer, on a new connection that is then closed.
  std::string ask(const std::string& request);

  TestGate gate;
  TestHub hub;
  std::unique_ptr<Proxy> proxy;
};

/// Waits until `condition` holds, or five seconds.
bool eventually(const std::function<bool()>& condition);
int open_descriptors();

std::string get(const std::string& path, const std::string& fields = {});
std::string ok(std::string_view body, const std::string& fields = {});
/// Answers every request of a connection with 200 and what it was sent as the body.
Upstream::Script echo_heads();

}  // namespace passerelle::proxy::wire
