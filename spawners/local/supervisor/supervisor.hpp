// Supervisor: one server from its first process to the last of its descendants. It outlives the
// gateway, needs it for nothing, and leaves an exit record behind. One thread, one poll loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "base/result.hpp"
#include "spawners/local/cgroup.hpp"
#include "spawners/local/descriptor.hpp"
#include "spawners/local/order.hpp"
#include "spawners/local/place.hpp"
#include "spawners/local/supervisor/child.hpp"
#include "spawners/local/supervisor/clients.hpp"
#include "spawners/local/supervisor/log_file.hpp"

namespace passerelle::spawners::local {

class Supervisor {
 public:
  /// `gateway`: the socket that the order came through.
  Supervisor(Order order, Descriptor gateway);

  /// Returns when the server and everything it started is gone and its exit record is on the disk.
  Result<void> run();

 private:
  using Moment = std::chrono::steady_clock::time_point;
  enum class Signal { none, interrupt, terminate, kill };

  Result<void> begin();
  Result<void> write_started();
  void serve_until_end();
  void on_signals();
  void on_output();
  void on_request(Clients::Client& client, const nlohmann::json& request);
  void look_for_listener();
  void tell_taken();
  void begin_stop(StopPatience patience);
  void next_signal();
  void reap();
  void end_descendants();
  void finish();
  std::vector<pid_t> processes() const;
  nlohmann::json status() const;
  int milliseconds_to_next(Moment now) const;

  Order order_;
  Place place_;
  Descriptor gateway_;
  Descriptor signals_;
  LogFile log_;
  Cgroup cgroup_;
  Clients clients_;
  Child child_;
  StartedRecord started_;
  ExitRecord ended_;
  bool server_alive_ = false;
  std::uint16_t port_ = 0;
  std::string host_;  ///< tcp: where it listens
  bool listening_ = false;
  bool taken_told_ = false;
  Moment began_;
  Moment look_at_;
  StopPatience patience_;
  Signal last_signal_ = Signal::none;
  Moment signal_at_ = Moment::max();
};

}  // namespace passerelle::spawners::local
