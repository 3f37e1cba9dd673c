#include "spawners/local/launch.hpp"

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "spawners/local/tree.hpp"

namespace passerelle::spawners::local {
namespace {

Error failed(Cause cause, const std::string& what, int code) {
  return Error(Errc::unavailable, cause, what + ": " + std::generic_category().message(code));
}

/// posix_spawn's two argument objects, destroyed in any case.
struct SpawnPlan {
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

/// A session of its own, no blocked signals, the socket as standard input and the lock as
/// descriptor 3.
void describe(SpawnPlan& plan, int socket, int lock) {
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&plan.attributes, &none);
  ::posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
  ::posix_spawn_file_actions_adddup2(&plan.actions, socket, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&plan.actions, lock, 3);
}

/// Copies to a number above those that the child's files are moved to.
Descriptor moved_up(Descriptor from) {
  constexpr int kAbove = 10;
  return Descriptor(::fcntl(from.get(), F_DUPFD_CLOEXEC, kAbove));
}

}  // namespace

Result<void> make_place(const Place& place, const std::optional<RunAs>& owner) {
  // A system user's server must be able to walk through, never to list.
  const mode_t mode = owner ? 0711 : 0700;
  if (::mkdir(place.directory.c_str(), 0700) != 0) {
    if (errno == EEXIST)
      return Error(Errc::conflict, Cause::internal, place.directory + " exists already");
    return failed(Cause::storage_pending, "cannot make " + place.directory, errno);
  }
  if (::chmod(place.directory.c_str(), mode) != 0 || ::mkdir(place.server().c_str(), 0700) != 0)
    return failed(Cause::storage_pending, "cannot make " + place.server(), errno);
  if (owner && ::lchown(place.server().c_str(), owner->uid, owner->gid) != 0)
    return failed(Cause::storage_pending, "cannot give away " + place.server(), errno);
  return {};
}

Result<void> remove_place(const Place& place) {
  std::error_code error;
  std::filesystem::remove_all(place.directory, error);
  if (error)
    return Error(Errc::unavailable, "cannot remove " + place.directory + ": " + error.message());
  return {};
}

Result<SpawnedSupervisor> spawn_supervisor(const std::string& program,
                                           const std::string& launch_id,
                                           const Place& place) {
  Descriptor lock(::open(place.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return failed(Cause::storage_pending, "cannot make " + place.lock(), errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return failed(Cause::internal, "another supervisor holds " + place.lock(), errno);
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return failed(Cause::spawner_down, "no socket for the supervisor", errno);
  Descriptor ours(ends[0]);
  const Descriptor theirs = moved_up(Descriptor(ends[1]));
  const Descriptor high_lock = moved_up(std::move(lock));
  SpawnPlan plan;
  describe(plan, theirs.get(), high_lock.get());
  // The gateway's own environment may hold its secrets: the supervisor gets none of it.
  std::string mark = launch_mark(launch_id);
  std::string name = "passerelle-supervisor";
  std::array<char*, 2> arguments = {name.data(), nullptr};
  std::array<char*, 2> environment = {mark.data(), nullptr};
  SpawnedSupervisor spawned;
  const int error = ::posix_spawn(&spawned.pid, program.c_str(), &plan.actions, &plan.attributes,
                                  arguments.data(), environment.data());
  if (error != 0) return failed(Cause::spawner_down, "cannot run " + program, error);
  spawned.socket = std::move(ours);
  return spawned;
}

bool supervisor_alive(const Place& place) {
  const Descriptor lock(::open(place.lock().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  return lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Result<std::uint16_t> pick_port() {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), name, size) != 0 || ::getsockname(socket.get(), name, &size) != 0)
    return failed(Cause::spawner_down, "no port is free", errno);
  return ntohs(address.sin_port);
}

}  // namespace passerelle::spawners::local
