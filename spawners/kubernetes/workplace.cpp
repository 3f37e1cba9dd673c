#include "spawners/kubernetes/workplace.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/files.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

constexpr mode_t kOurs = 0700;
constexpr mode_t kOurFile = 0600;
constexpr const char* kLock = "/lock";

/// Values and what helm has said: nobody else's, and not for longer than needed.
void clear(const std::string& folder) {
  std::error_code ignored;
  for (const char* name : {"values.json", "said"})
    std::filesystem::remove(std::filesystem::path(folder) / name, ignored);
}

}  // namespace

Result<std::optional<Workplace>> Workplace::enter(const std::string& folder) {
  if (auto made = files::make_directory(folder, kOurs); !made) return std::move(made.error());
  const int lock =
      ::open((folder + kLock).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOurFile);
  if (lock < 0)
    return Error(Errc::unavailable, Cause::spawner_down,
                 "cannot make " + folder + kLock + ": " + std::strerror(errno));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return std::optional<Workplace>();
  }
  clear(folder);  // of one that was killed
  return std::optional<Workplace>(Workplace(folder, lock));
}

std::optional<bool> Workplace::taken(const std::string& folder) {
  const int lock = ::open((folder + kLock).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (lock < 0) return std::nullopt;
  const bool held = ::flock(lock, LOCK_SH | LOCK_NB) != 0;
  ::close(lock);
  return held;
}

Workplace::~Workplace() {
  if (lock_ < 0) return;
  clear(folder_);
  ::close(lock_);
}

}  // namespace passerelle::spawners::kubernetes
