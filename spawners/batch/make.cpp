// make_oar, make_slurm and so on: looks at everything that would make every start fail, once, when
// the gateway starts.
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "base/files.hpp"
#include "base/secrets.hpp"
#include "spawners/batch/batch.hpp"
#include "spawners/batch/oar_api.hpp"

namespace passerelle::spawners {

namespace batch {
#define SYSTEM(system) const Adapter& system();
#include "batch_systems.inc"
#undef SYSTEM
}  // namespace batch

using namespace batch;

namespace {

std::string beside_us(const std::string& program_dir) {
  std::error_code error;
  std::string directory = program_dir;
  if (directory.empty())
    directory = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
  return directory + "/passerelle-submit";
}

/// sudo, and oarsub with it, need to become somebody else: a hardened unit forbids it without a
/// word.
bool may_become_others() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line))
    if (line.starts_with("NoNewPrivs:")) return line.find('1') == std::string::npos;
  return true;
}

/// What tells our jobs from those of another gateway on the same cluster; kept for ever.
Result<std::string> own_mark(const std::string& file) {
  constexpr std::size_t kLength = 6;
  if (auto known = files::read(file); known && known->size() == kLength) return *known;
  std::string made = secrets::random_hex(kLength / 2);
  if (auto stored = files::write_durable(file, made, 0600); !stored)
    return std::move(stored).error();
  return made;
}

Result<std::unique_ptr<Spawner>> make_batch(const config::Spawner& settings,
                                            Surroundings around,
                                            const Adapter& adapter) {
  const std::string where = "spawner " + settings.name;
  const config::BatchSpawner batch = settings.batch ? *settings.batch : config::BatchSpawner();
  std::string helper = batch.helper.empty() ? beside_us(around.program_dir) : batch.helper;
  if (batch.act_as != "ssh" && batch.act_as != "api" && ::access(helper.c_str(), X_OK) != 0)
    return Error(Errc::unavailable, where + ": " + helper + " is missing or cannot be run");
  if (batch.act_as == "sudo" && !may_become_others())
    return Error(Errc::invalid, where +
                                    ": this process may not become other users (NoNewPrivileges): "
                                    "remove that from the gateway's "
                                    "unit, or use act_as: ssh");
  if (batch.act_as == "api" && &adapter != &oar())
    return Error(Errc::invalid, where + ": act_as: api is OAR's REST API; use sudo or ssh");
  if (batch.act_as == "self" && ::geteuid() == 0)
    return Error(Errc::invalid, where + ": act_as: self would run everybody's servers as root");
  if (batch.callback_url.empty() && around.hub_url.empty())
    return Error(Errc::invalid,
                 where + ": jobs cannot report to a gateway without callback_url or public_url");
  around.data_dir = std::filesystem::absolute(around.data_dir).lexically_normal().string();
  const std::string directory = around.data_dir + "/batch/" + settings.name;
  const std::string holes = around.data_dir + "/wormhole";
  const std::string graves = directory + "/graves";
  for (const std::string& each : {around.data_dir + "/batch", directory, graves, holes})
    if (auto made = files::make_directory(each, 0700); !made)
      return std::move(made.error()).within(where);
  const auto mark = own_mark(directory + "/mark");
  if (!mark) return Error(mark.error()).within(where);
  const std::string prefix = "passerelle-" + *mark + "-";
  constexpr std::size_t kLongestSocket = 107;  // a system limit
  const std::string hole = holes + "/" + *mark;
  if (batch.transport == "wormhole" &&
      hole.size() + sizeof "/0123456789abcdef.sock" > kLongestSocket)
    return Error(Errc::invalid, where + ": data_dir has too long a name for the sockets in it");
  if (auto made = files::make_directory(hole, 0700); !made)
    return std::move(made.error()).within(where);
  std::shared_ptr<const Remote> remote;
  if (batch.act_as == "api") remote = std::make_shared<OarApi>(batch);
  auto cluster = std::make_shared<Cluster>(around.loop, adapter, batch, prefix, std::move(helper),
                                           std::move(remote), graves);
  cluster->count_cores();
  return std::unique_ptr<Spawner>(
      std::make_unique<BatchSpawner>(settings, std::move(around), std::move(cluster), prefix));
}

}  // namespace

#define SYSTEM(name)                                                            \
  Result<std::unique_ptr<Spawner>> make_##name(const config::Spawner& settings, \
                                               Surroundings around) {           \
    return make_batch(settings, std::move(around), name());                     \
  }
#include "batch_systems.inc"
#undef SYSTEM

}  // namespace passerelle::spawners
