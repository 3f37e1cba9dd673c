#include "spawners/local/tree.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include <dirent.h>
#include <unistd.h>

#include "base/files.hpp"

namespace passerelle::spawners::local {
namespace {

std::optional<pid_t> as_pid(std::string_view text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return pid;
}

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

/// The entries of a /proc directory that are numbers.
std::vector<pid_t> numbers_in(const std::string& path) {
  std::vector<pid_t> found;
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory) return found;
  while (const dirent* entry = ::readdir(directory.get()))
    if (const auto pid = as_pid(entry->d_name)) found.push_back(*pid);
  return found;
}

void append_pids(std::string_view text, std::vector<pid_t>& out) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    if (const auto pid = as_pid(text.substr(0, end))) out.push_back(*pid);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// Field 4 of /proc/PID/stat.
std::optional<pid_t> parent_of(pid_t pid) {
  const auto stat = files::read("/proc/" + std::to_string(pid) + "/stat");
  if (!stat) return std::nullopt;
  const std::size_t after_name = stat->rfind(')');
  if (after_name == std::string::npos || stat->size() < after_name + 5) return std::nullopt;
  const std::string_view rest = std::string_view(*stat).substr(after_name + 4);
  return as_pid(rest.substr(0, rest.find(' ')));
}

/// For kernels without CONFIG_PROC_CHILDREN: every process is asked for its parent.
std::vector<pid_t> descendants_by_parent(pid_t root) {
  std::vector<std::pair<pid_t, pid_t>> parents;
  for (const pid_t pid : numbers_in("/proc"))
    if (const auto parent = parent_of(pid)) parents.emplace_back(pid, *parent);
  std::vector<pid_t> found{root};
  for (std::size_t next = 0; next < found.size(); ++next)
    for (const auto& [pid, parent] : parents)
      if (parent == found[next]) found.push_back(pid);
  found.erase(found.begin());
  return found;
}

}  // namespace

std::vector<pid_t> descendants(pid_t root) {
  static const bool kernel_lists_children = ::access("/proc/thread-self/children", F_OK) == 0;
  if (!kernel_lists_children) return descendants_by_parent(root);
  std::vector<pid_t> found{root};
  for (std::size_t next = 0; next < found.size(); ++next) {
    const std::string tasks = "/proc/" + std::to_string(found[next]) + "/task";
    for (const pid_t task : numbers_in(tasks)) {
      const auto children = files::read(tasks + "/" + std::to_string(task) + "/children");
      if (children) append_pids(*children, found);
    }
  }
  found.erase(found.begin());
  return found;
}

std::vector<pid_t> with_environment(std::string_view entry) {
  std::vector<pid_t> found;
  const std::string wanted = '\0' + std::string(entry) + '\0';
  for (const pid_t pid : numbers_in("/proc")) {
    const auto environment = files::read("/proc/" + std::to_string(pid) + "/environ");
    if (!environment) continue;
    if (('\0' + *environment + '\0').find(wanted) != std::string::npos) found.push_back(pid);
  }
  return found;
}

}  // namespace passerelle::spawners::local
