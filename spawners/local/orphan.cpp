#include "spawners/local/orphan.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include <signal.h>
#include <unistd.h>

#include "base/files.hpp"
#include "base/process.hpp"
#include "spawners/local/cgroup.hpp"
#include "spawners/local/pidfd.hpp"
#include "spawners/local/tree.hpp"

namespace passerelle::spawners::local {
namespace {

/// The last 20 lines of a log, at most 8 KiB.
std::string last_lines(const std::string& path) {
  constexpr std::size_t kMost = 8U << 10U;
  constexpr int kLines = 20;
  const auto content = files::read(path);
  if (!content) return {};
  std::string_view text = *content;
  text.remove_prefix(text.size() - std::min(text.size(), kMost));
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::size_t start = text.size();
  for (int line = 0; line < kLines && start != std::string_view::npos; ++line)
    start = start == 0 ? std::string_view::npos : text.rfind('\n', start - 1);
  return std::string(start == std::string_view::npos ? text : text.substr(start + 1));
}

bool is_marked(pid_t pid, const std::string& mark) {
  const auto environment = files::read("/proc/" + std::to_string(pid) + "/environ");
  return environment && ('\0' + *environment + '\0').find('\0' + mark + '\0') != std::string::npos;
}

/// Held before it is looked at again: between the list and the signal its number may have gone to a
/// stranger.
void kill_marked(pid_t pid, const std::string& mark) {
  const Descriptor process(::pidfd_open(pid, 0));
  if (process && is_marked(pid, mark)) send_signal(process, SIGKILL);
}

/// A server that cleaned its environment carries no mark; it and its children are still known by
/// descent.
void kill_family(const ProcessId& server) {
  const Descriptor process = hold(server);
  if (!process) return;
  send_signal(process, SIGSTOP);  // so that nobody is born while we look
  std::vector<Descriptor> children;
  for (const pid_t pid : descendants(server.pid)) children.emplace_back(::pidfd_open(pid, 0));
  for (const auto& child : children) send_signal(child, SIGKILL);
  send_signal(process, SIGKILL);
}

}  // namespace

Remains read_remains(const Place& place) {
  Remains remains;
  if (const auto text = files::read(place.started()))
    if (auto record = decode_started(*text)) remains.started = std::move(*record);
  if (const auto text = files::read(place.ended()))
    if (auto record = decode_exit(*text)) remains.ended = std::move(*record);
  remains.same_boot = !remains.started || remains.started->boot_id == process::boot_id();
  remains.tail = last_lines(place.log());
  return remains;
}

Descriptor hold(const ProcessId& process) {
  if (process.pid <= 1) return {};
  Descriptor held(::pidfd_open(process.pid, 0));
  // The order matters: once it is held, an equal start time says that we hold the right one.
  if (!held || process::start_time(process.pid) != process.start_time) return {};
  return held;
}

bool send_signal(const Descriptor& process, int signal) {
  return process && ::pidfd_send_signal(process.get(), signal, nullptr, 0) == 0;
}

bool end_remains(const std::string& launch_id, const Remains& remains, std::int64_t milliseconds) {
  Cgroup group;
  if (remains.started && remains.same_boot)
    group = Cgroup(remains.started->cgroup_kind, remains.started->cgroup_paths);
  if (remains.started && remains.same_boot) kill_family(remains.started->server);
  const std::string mark = launch_mark(launch_id);
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  for (;;) {
    group.kill();
    const auto marked = with_environment(mark);
    for (const pid_t pid : marked) kill_marked(pid, mark);
    const bool gone = marked.empty() && group.members().empty();
    if (gone && group.remove()) return true;
    if (std::chrono::steady_clock::now() >= until) return gone;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace passerelle::spawners::local
