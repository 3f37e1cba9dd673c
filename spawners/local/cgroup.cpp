#include "spawners/local/cgroup.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.hpp"
#include "spawners/local/descriptor.hpp"

namespace passerelle::spawners::local {
namespace {

constexpr long kCpuPeriod = 100'000;  // microseconds, the kernel's default

bool put(const std::string& path, const std::string& value) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file &&
         ::write(file.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

/// The value after "key " on a line of its own; 0 if there is none.
std::uint64_t counter(const std::string& path, std::string_view key) {
  const auto content = files::read(path);
  if (!content) return 0;
  std::string_view rest = *content;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') continue;
    std::uint64_t value = 0;
    std::from_chars(line.data() + key.size() + 1, line.data() + line.size(), value);
    return value;
  }
  return 0;
}

/// Our own path in a hierarchy of /proc/self/cgroup: "" names version 2.
std::string own_path(const std::string& table, std::string_view controller) {
  std::string_view rest = table;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string names = "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
    if (names.find("," + std::string(controller) + ",") == std::string::npos) continue;
    const std::string_view path = line.substr(second + 1);
    return path == "/" ? std::string() : std::string(path);
  }
  return {};
}

bool is_directory(const std::string& path) {
  struct stat about{};
  return ::stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode);
}

std::string cpu_quota(double cores) {
  return std::to_string(std::max(1000L, std::lround(cores * kCpuPeriod)));
}

bool limit_v1(const std::string& controller,
              const std::string& path,
              const ResourceLimits& limits) {
  if (controller == "memory" && limits.memory != 0) {
    const std::string bytes = std::to_string(limits.memory);
    // Memory and swap together, where the kernel counts swap: a limit that only moves the notebook
    // to disk is none.
    const bool set = put(path + "/memory.limit_in_bytes", bytes);
    put(path + "/memory.memsw.limit_in_bytes", bytes);
    return set;
  }
  if (controller == "pids" && limits.pids != 0)
    return put(path + "/pids.max", std::to_string(limits.pids));
  if (controller == "cpu" && limits.cpu > 0) {
    return put(path + "/cpu.cfs_period_us", std::to_string(kCpuPeriod)) &&
           put(path + "/cpu.cfs_quota_us", cpu_quota(limits.cpu));
  }
  return true;
}

bool limit_v2(const std::string& controller,
              const std::string& path,
              const ResourceLimits& limits) {
  if (controller == "memory" && limits.memory != 0) {
    const bool set = put(path + "/memory.max", std::to_string(limits.memory));
    put(path + "/memory.swap.max", "0");
    return set;
  }
  if (controller == "pids" && limits.pids != 0)
    return put(path + "/pids.max", std::to_string(limits.pids));
  if (controller == "cpu" && limits.cpu > 0)
    return put(path + "/cpu.max", cpu_quota(limits.cpu) + " " + std::to_string(kCpuPeriod));
  return true;
}

bool wanted(const std::string& controller, const ResourceLimits& limits) {
  return controller == "memory" ? limits.memory != 0
         : controller == "pids" ? limits.pids != 0
                                : limits.cpu > 0;
}

const std::vector<std::string> kControllers = {"memory", "pids", "cpu"};

std::vector<std::string> make_v2(const std::string& name,
                                 const std::string& root,
                                 const std::string& table,
                                 const ResourceLimits& limits,
                                 std::vector<std::string>& not_limited) {
  std::string base = root + own_path(table, "");
  if (!is_directory(base)) base = root;  // a container may show a path of the outside
  // A group with processes cannot give controllers to its children; a gateway that was put into a
  // leaf named so (docs: Delegate=yes, DelegateSubgroup=gateway) has its servers beside it.
  constexpr std::string_view kLeaf = "/gateway";
  if (base.ends_with(kLeaf)) base.resize(base.size() - kLeaf.size());
  for (const auto& controller : kControllers)
    put(base + "/cgroup.subtree_control", "+" + controller);
  const std::string path = base + "/" + name;
  const bool made = ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
  for (const auto& controller : kControllers) {
    const bool set = made && limit_v2(controller, path, limits);
    if (!set && wanted(controller, limits)) not_limited.push_back(controller);
  }
  return made ? std::vector<std::string>{path} : std::vector<std::string>{};
}

std::vector<std::string> make_v1(const std::string& name,
                                 const std::string& root,
                                 const std::string& table,
                                 const ResourceLimits& limits,
                                 std::vector<std::string>& not_limited) {
  std::vector<std::string> paths;
  for (const auto& controller : kControllers) {
    std::string base = root + "/" + controller;
    if (is_directory(base + own_path(table, controller))) base += own_path(table, controller);
    const std::string path = base + "/" + name;
    const bool made = is_directory(base) && (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST);
    if (made) paths.push_back(path);
    const bool set = made && limit_v1(controller, path, limits);
    if (!set && wanted(controller, limits)) not_limited.push_back(controller);
  }
  return paths;
}

}  // namespace

Cgroup::Cgroup(std::string kind, std::vector<std::string> paths)
    : kind_(std::move(kind)), paths_(std::move(paths)) {}

Cgroup Cgroup::make(const std::string& name,
                    const ResourceLimits& limits,
                    std::vector<std::string>& not_limited,
                    const std::string& root,
                    const std::string& own) {
  const auto table = files::read(own);
  const std::string lines = table ? *table : std::string();
  const bool v2 = ::access((root + "/cgroup.controllers").c_str(), F_OK) == 0;
  auto paths = v2 ? make_v2(name, root, lines, limits, not_limited)
                  : make_v1(name, root, lines, limits, not_limited);
  if (paths.empty()) return {};
  return {v2 ? "v2" : "v1", std::move(paths)};
}

void Cgroup::add(pid_t pid) const {
  for (const auto& path : paths_) put(path + "/cgroup.procs", std::to_string(pid));
}

std::vector<pid_t> Cgroup::members() const {
  std::vector<pid_t> found;
  for (const auto& path : paths_) {
    const auto content = files::read(path + "/cgroup.procs");
    if (!content) continue;
    const char* at = content->data();
    const char* const end = at + content->size();
    for (pid_t pid = 0; at < end; ++at) {
      const auto [next, error] = std::from_chars(at, end, pid);
      if (error == std::errc() && std::find(found.begin(), found.end(), pid) == found.end())
        found.push_back(pid);
      at = error == std::errc() ? next : at;
    }
  }
  return found;
}

void Cgroup::kill() const {
  if (kind_ == "v2" && put(paths_.front() + "/cgroup.kill", "1")) return;
  for (const pid_t pid : members())
    if (pid > 1) ::kill(pid, SIGKILL);
}

Cgroup::Counts Cgroup::counts() const {
  Counts total;
  for (const auto& path : paths_) {
    total.oom_kills += counter(path + "/memory.events", "oom_kill");
    total.oom_kills += counter(path + "/memory.oom_control", "oom_kill");
    total.pids_limit_hits += counter(path + "/pids.events", "max");
  }
  return total;
}

bool Cgroup::remove() const {
  bool gone = true;
  for (const auto& path : paths_) gone = (::rmdir(path.c_str()) == 0 || errno == ENOENT) && gone;
  return gone;
}

}  // namespace passerelle::spawners::local
