// Clients: those who talk to a supervisor over its control socket, and the gateway that started it
// over its standard input. One JSON object a line, both ways. Non-blocking and bounded: a client
// that does not read is dropped.
//
//   {"op":"status"}                                  one answer, at once
//   {"op":"wait"}                                    one answer, when the server has ended: its
//   exit record
//   {"op":"stop","interrupt":ms,"terminate":ms,"kill":ms}   the same, and ends the server
//   {"op":"watch"}                                   "log", "listening", "taken", then "ended" as
//   they happen
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <poll.h>

#include "base/result.hpp"
#include "spawners/local/descriptor.hpp"

namespace passerelle::spawners::local {

class Clients {
 public:
  enum class Wants { nothing, end, events };
  struct Client {
    Descriptor socket;
    std::string in;
    std::string out;
    Wants wants = Wants::nothing;
    bool dropped = false;
  };
  using OnRequest = std::function<void(Client&, const nlohmann::json&)>;

  /// Listens on `path`, 0600, replacing a stale socket.
  static Result<Clients> open(const std::string& path);

  /// The gateway that started us, from the start a watcher.
  void add_watcher(Descriptor socket);
  void append_to(std::vector<pollfd>& polled) const;
  /// After poll(): accepts, reads, writes. `polled` is what append_to() made, from `first` on.
  void serve(const std::vector<pollfd>& polled, std::size_t first, const OnRequest& on_request);
  static void send(Client& client, const nlohmann::json& message);
  /// To everybody who watches; what the server printed is left out for those who are slow to read.
  void tell(const nlohmann::json& event);
  /// The exit record, to everybody who waits or watches.
  void tell_end(const nlohmann::json& record);
  /// Gives what is still to be sent one second.
  void flush();

 private:
  void accept();
  void read(Client& client, const OnRequest& on_request);
  static void write(Client& client);
  void forget_dropped();

  Descriptor listener_;
  std::vector<Client> clients_;
};

}  // namespace passerelle::spawners::local
