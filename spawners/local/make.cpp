// make_local: looks at everything that would make every start fail, once, when the gateway starts.
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include "base/files.hpp"
#include "spawners/local/local.hpp"

namespace passerelle::spawners {

using namespace local;

namespace {

/// Beside the running program, where the build and the packages put it.
std::string supervisor_program(const std::string& program_dir) {
  std::error_code error;
  std::string directory = program_dir;
  if (directory.empty())
    directory = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
  return directory + "/passerelle-supervisor";
}

/// A system user's server reaches its socket through data_dir: each directory on the way needs x
/// for others.
Result<void> check_way(const std::string& path) {
  for (std::filesystem::path at(path); at.has_relative_path(); at = at.parent_path()) {
    struct stat about{};
    if (::stat(at.c_str(), &about) != 0 || (about.st_mode & S_IXOTH) != 0) continue;
    return Error(Errc::invalid, "servers of system users cannot pass through " + at.string() +
                                    ": run chmod o+x on it, or choose another data_dir");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Spawner>> make_local(const config::Spawner& settings, Surroundings around) {
  const std::string where = "spawner " + settings.name;
  const bool mapped = !settings.local.system_user.empty();
  if (mapped && ::geteuid() != 0)
    return Error(Errc::invalid, where + ": system_user needs the gateway to run as root");
  around.data_dir = std::filesystem::absolute(around.data_dir).lexically_normal().string();
  while (around.data_dir.size() > 1 && around.data_dir.ends_with('/')) around.data_dir.pop_back();
  const std::string run = around.data_dir + "/run";
  const Place longest{run + "/" + std::string(kLaunchIdLength, '0')};
  const std::size_t length = longest.socket().size();
  if (length > kLongestSocketPath) {
    return Error(Errc::invalid,
                 where + ": data_dir is " + std::to_string(length - kLongestSocketPath) +
                     " bytes too long for the sockets below it; choose a shorter path");
  }
  if (auto made = files::make_directory(run, mapped ? 0711 : 0700); !made)
    return std::move(made.error()).within(where);
  if (mapped && ::chmod(run.c_str(), 0711) != 0)
    return Error(Errc::unavailable, where + ": cannot open " + run);
  if (auto way = check_way(run); mapped && !way) return std::move(way.error()).within(where);
  std::string supervisor = supervisor_program(around.program_dir);
  if (::access(supervisor.c_str(), X_OK) != 0)
    return Error(Errc::unavailable, where + ": " + supervisor + " is missing or cannot be run");
  return std::unique_ptr<Spawner>(
      std::make_unique<LocalSpawner>(settings, std::move(around), std::move(supervisor)));
}

}  // namespace passerelle::spawners
