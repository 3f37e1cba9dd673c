// Cgroup: the kernel's own idea of "this server and everything it started", with its limits.
// Version 2 where the machine has it, the version 1 controllers one by one else, and nothing where
// we may not: the server then runs without limits and its processes are found by descent. Blocking
// (files of /sys); one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "spawners/local/order.hpp"

namespace passerelle::spawners::local {

class Cgroup {
 public:
  struct Counts {
    std::uint64_t oom_kills = 0;
    std::uint64_t pids_limit_hits = 0;
  };

  Cgroup() = default;  ///< None.
  /// A group that exists, from a record.
  Cgroup(std::string kind, std::vector<std::string> paths);

  /// Makes `name` below the caller's own group. Never fails: what could not be had is missing from
  /// paths() and, if it was to be limited, named in `not_limited`. `root` and `own`
  /// (/proc/self/cgroup) are arguments for the tests.
  static Cgroup make(const std::string& name,
                     const ResourceLimits& limits,
                     std::vector<std::string>& not_limited,
                     const std::string& root = "/sys/fs/cgroup",
                     const std::string& own = "/proc/self/cgroup");

  const std::string& kind() const noexcept { return kind_; }
  const std::vector<std::string>& paths() const noexcept { return paths_; }

  void add(pid_t pid) const;
  std::vector<pid_t> members() const;
  /// SIGKILL for every member, once; the caller looks at members() and asks again.
  void kill() const;
  Counts counts() const;
  /// True when nothing of it exists any more. Fails while a member lives.
  bool remove() const;

 private:
  std::string kind_ = "none";
  std::vector<std::string> paths_;
};

}  // namespace passerelle::spawners::local
