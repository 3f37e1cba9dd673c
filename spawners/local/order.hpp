// What the gateway and a server's supervisor tell each other, as JSON: the order (what to run and
// how), the two records that survive both of them, and the lines of the control socket. Shared by
// both programs; knows neither Asio nor loops.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include <sys/types.h>

#include "base/result.hpp"

namespace passerelle::spawners::local {

/// A process and the moment it began: a pid alone may belong to a stranger tomorrow.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  ///< Clock ticks since boot
};

/// The user a server runs as when that is not the gateway's own; numbers only, because the
/// supervisor is linked statically and cannot ask the name service.
struct RunAs {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

struct ResourceLimits {
  std::uint64_t memory = 0;  ///< Bytes; 0: none
  double cpu = 0;            ///< Cores; 0: none
  std::uint32_t pids = 0;    ///< 0: none
};

/// How long a server may take to end after each signal, in milliseconds. Zero skips the signal.
struct StopPatience {
  std::int64_t interrupt = 10'000;
  std::int64_t terminate = 10'000;
  std::int64_t kill = 5'000;
};

struct Order {
  std::string launch_id;
  std::string directory;             ///< The launch's own; see place.hpp
  std::vector<std::string> command;  ///< Complete: every placeholder is filled in
  std::map<std::string, std::string> environment;
  std::string workspace;   ///< Where the server starts
  std::string socket;      ///< unix transport: the path it must listen on; empty for tcp
  std::uint16_t port = 0;  ///< tcp transport
  std::optional<RunAs> run_as;
  ResourceLimits limits;
  StopPatience stop;  ///< When the supervisor itself is told to end (the machine goes down)
};

/// Written before the server's program begins. Enough to find, recognise and end everything without
/// the supervisor.
struct StartedRecord {
  std::string boot_id;
  ProcessId supervisor;
  ProcessId server;
  std::string cgroup_kind;  ///< "v2", "v1" or "none"
  std::vector<std::string> cgroup_paths;
  std::vector<std::string>
      not_limited;  ///< Limits that were asked for and could not be set: "memory", ...
};

/// Written when the server has ended and nothing of it is left.
struct ExitRecord {
  int exit_code = 0;     ///< 0..255, or 128 + signal
  bool executed = true;  ///< False: the program could not be run at all (127, 126); `tail` says why
  bool stopped = false;  ///< We were asked to end it
  std::uint64_t oom_kills = 0;  ///< Processes that the kernel killed for memory
  std::uint64_t pids_limit_hits = 0;
  std::uint32_t left = 0;  ///< Processes that even SIGKILL did not end
  std::string tail;        ///< The last 20 lines it printed
};

std::string encode(const Order& order);
std::string encode(const StartedRecord& record);
std::string encode(const ExitRecord& record);
nlohmann::json to_json(const ExitRecord& record);
/// Errc::invalid for anything that is not exactly such a document.
Result<Order> decode_order(std::string_view text);
Result<StartedRecord> decode_started(std::string_view text);
Result<ExitRecord> decode_exit(std::string_view text);
Result<ExitRecord> exit_from_json(const nlohmann::json& value);

}  // namespace passerelle::spawners::local
