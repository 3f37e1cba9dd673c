// What a container is made of: image, command, environment, limits, volumes, and the little that
// it may do.
#include <algorithm>

#include "spawners/container.hpp"
#include "spawners/docker/docker.hpp"

namespace passerelle::spawners::docker {
namespace {

using nlohmann::json;

std::string port_name(std::uint32_t port) {
  return std::to_string(port) + "/tcp";
}

/// "name=value" as an object.
json labels_of(const std::vector<std::string>& pairs) {
  json labels = json::object();
  for (const std::string& pair : pairs) {
    const std::size_t sign = std::min(pair.find('='), pair.size());
    labels[pair.substr(0, sign)] = pair.substr(std::min(sign + 1, pair.size()));
  }
  return labels;
}

/// The person's own volume. A user's name is no name of a volume: {user} is its safe form.
Result<json> volume_for(const config::DockerSpawner& settings,
                        const ServerSpec& spec,
                        const config::ContainerProfile& container) {
  json mounts = json::array();
  if (settings.volume.empty()) return mounts;
  auto name = fill_in(settings.volume, {{"user", safe_name(spec.username)},
                                        {"server", safe_name(spec.username, spec.server_name)}});
  if (!name) return std::move(name.error());
  mounts.push_back({{"Type", "volume"},
                    {"Source", *name},
                    {"Target", container.home},
                    {"VolumeOptions", {{"Labels", {{"passerelle.user", spec.username}}}}}});
  return mounts;
}

json limits_of(const config::DockerSpawner& settings, const config::Profile& profile) {
  constexpr double kNano = 1e9;
  json limits = json::object();
  const std::uint64_t memory = profile.memory != 0 ? profile.memory : settings.memory;
  const double cpu = profile.cpu > 0 ? profile.cpu : settings.cpu;
  const std::uint32_t pids = profile.pids != 0 ? profile.pids : settings.pids;
  if (memory != 0) limits["Memory"] = memory;
  if (memory != 0) limits["MemorySwap"] = memory;  // none on top
  if (cpu > 0) limits["NanoCpus"] = static_cast<std::int64_t>(cpu * kNano);
  if (pids != 0) limits["PidsLimit"] = pids;
  return limits;
}

json host_settings(const config::DockerSpawner& settings,
                   const ServerSpec& spec,
                   std::uint32_t port) {
  json host = limits_of(settings, spec.profile);
  host["NetworkMode"] = settings.network;
  host["Binds"] = settings.binds;
  host["Init"] = true;  // somebody takes the exit codes of kernels
  host["CapDrop"] = {"ALL"};
  host["SecurityOpt"] = {"no-new-privileges"};
  host["RestartPolicy"] = {{"Name", "no"}};
  host["LogConfig"] = {{"Type", "json-file"}, {"Config", {{"max-size", "1m"}, {"max-file", "2"}}}};
  if (settings.reach == "port")
    host["PortBindings"] = {{port_name(port), {{{"HostIp", "127.0.0.1"}, {"HostPort", ""}}}}};
  return host;
}

Surrounding place_for(const config::DockerSpawner& settings,
                      const config::ContainerProfile& container,
                      const ServerSpec& spec) {
  Surrounding place;
  place.user = "user";
  place.home = place.workspace = container.home;
  place.port = static_cast<std::uint16_t>(container.port);
  place.memory = spec.profile.memory != 0 ? spec.profile.memory : settings.memory;
  place.cpu = spec.profile.cpu > 0 ? spec.profile.cpu : settings.cpu;
  return place;
}

}  // namespace

Result<std::string> image_for(const config::DockerSpawner& settings,
                              const config::ContainerProfile& container,
                              const ServerSpec& spec) {
  return allowed_image(container.image, spec.values, settings.images);
}

Result<json> container_settings(const config::DockerSpawner& settings,
                                const config::ContainerProfile& container,
                                const ServerSpec& spec,
                                const std::string& image,
                                const std::vector<std::string>& labels) {
  auto plan = plan_container(spec, place_for(settings, container, spec));
  if (!plan) return std::move(plan.error());
  auto mounts = volume_for(settings, spec, container);
  if (!mounts) return mounts;
  json made{{"Image", image}, {"Labels", labels_of(labels)}};
  if (!plan->command.empty()) made["Cmd"] = plan->command;
  if (!container.user.empty()) made["User"] = container.user;
  made["WorkingDir"] = container.home;  // a kernel without a notebook begins where the files are
  made["Env"] = json::array();
  for (const auto& [name, value] : plan->environment) made["Env"].push_back(name + "=" + value);
  made["ExposedPorts"] = {{port_name(container.port), json::object()}};
  made["HostConfig"] = host_settings(settings, spec, container.port);
  made["HostConfig"]["Mounts"] = std::move(*mounts);
  return made;
}

}  // namespace passerelle::spawners::docker
