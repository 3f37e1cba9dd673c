// The three objects of a server, named and labelled as z2jh does it, so that what watches over a
// JupyterHub's pods watches over these.
#include "base/text.hpp"
#include "spawners/container.hpp"
#include "spawners/kubernetes/kubernetes.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

const config::ContainerProfile& container_of(const config::Profile& profile) {
  static const config::ContainerProfile kUsual;
  return profile.container ? *profile.container : kUsual;
}

Json labels_of(const ServerSpec& spec, const Launch& launch, const Owner& owner) {
  return {
      {"app", "jupyterhub"},
      {"component", "singleuser-server"},
      {"app.kubernetes.io/managed-by", "passerelle"},
      {"hub.jupyter.org/username", safe_name(spec.username)},
      {"hub.jupyter.org/servername", spec.server_name.empty() ? "" : safe_name(spec.server_name)},
      {kLaunchLabel, launch.id},
      {kGatewayLabel, owner.gateway},
      {kSpawnerLabel, owner.spawner}};
}

std::string claim_name(const config::KubernetesSpawner& settings, const ServerSpec& spec) {
  const auto name =
      fill_in(settings.volume, {{"user", safe_name(spec.username)},
                                {"user_server", safe_name(spec.username, spec.server_name)}});
  return name ? *name : "claim-" + safe_name(spec.username, spec.server_name);
}

std::string bytes(std::uint64_t size) {
  return std::to_string(size);
}

std::string milli(double cpu) {
  constexpr double kMilli = 1000;
  return std::to_string(static_cast<std::int64_t>(cpu * kMilli)) + "m";
}

Json resources_of(const config::KubernetesSpawner& settings, const config::Profile& profile) {
  const std::uint64_t memory = profile.memory != 0 ? profile.memory : settings.memory;
  const double cpu = profile.cpu > 0 ? profile.cpu : settings.cpu;
  Json resources{{"limits", Json::object()}, {"requests", Json::object()}};
  if (memory != 0) resources["limits"]["memory"] = bytes(memory);
  if (cpu > 0) resources["limits"]["cpu"] = milli(cpu);
  if (settings.memory_guarantee != 0)
    resources["requests"]["memory"] = bytes(settings.memory_guarantee);
  if (settings.cpu_guarantee > 0) resources["requests"]["cpu"] = milli(settings.cpu_guarantee);
  return resources;
}

struct Volumes {
  Json volumes = Json::array();
  Json mounts = Json::array();
};

/// "/srv/data:/data:ro"
void add_bind(const std::string& bind, Volumes& made) {
  const auto parts = text::split(bind, ':');
  if (parts.size() < 2) return;  // refused when the configuration was read
  const std::string name = "bind-" + std::to_string(made.volumes.size());
  made.volumes.push_back({{"name", name}, {"hostPath", {{"path", parts[0]}}}});
  made.mounts.push_back({{"name", name},
                         {"mountPath", parts[1]},
                         {"readOnly", parts.size() > 2 && parts[2] == "ro"}});
}

Volumes volumes_of(const config::KubernetesSpawner& settings,
                   const ServerSpec& spec,
                   const config::ContainerProfile& container) {
  Volumes made;
  if (!settings.storage.empty()) {
    made.volumes.push_back(
        {{"name", "home"}, {"persistentVolumeClaim", {{"claimName", claim_name(settings, spec)}}}});
    made.mounts.push_back({{"name", "home"}, {"mountPath", container.home}});
  }
  for (const std::string& bind : settings.binds) add_bind(bind, made);
  return made;
}

Json container_for(const config::KubernetesSpawner& settings,
                   const ServerSpec& spec,
                   const Launch& launch,
                   const std::string& image,
                   const std::vector<std::string>& command) {
  const config::ContainerProfile& wanted = container_of(spec.profile);
  Json made{{"name", "notebook"}, {"image", image}, {"imagePullPolicy", settings.pull}};
  if (!command.empty()) made["command"] = command;
  made["workingDir"] = wanted.home;  // where kernels begin
  made["ports"] = {{{"name", "notebook-port"}, {"containerPort", wanted.port}}};
  made["envFrom"] = {{{"secretRef", {{"name", launch.pod}}}}};
  made["resources"] = resources_of(settings, spec.profile);
  // Ready is what listens.
  made["readinessProbe"] = {
      {"tcpSocket", {{"port", wanted.port}}}, {"periodSeconds", 1}, {"failureThreshold", 3}};
  made["securityContext"] = {{"allowPrivilegeEscalation", false},
                             {"capabilities", {{"drop", {"ALL"}}}}};
  const auto user = text::split(wanted.user, ':');
  if (!wanted.user.empty()) made["securityContext"]["runAsUser"] = std::stoll(std::string(user[0]));
  if (user.size() > 1) made["securityContext"]["runAsGroup"] = std::stoll(std::string(user[1]));
  return made;
}

Surrounding place_for(const config::KubernetesSpawner& settings, const ServerSpec& spec) {
  const config::ContainerProfile& container = container_of(spec.profile);
  Surrounding place;
  place.user = "user";
  place.home = place.workspace = container.home;
  place.port = static_cast<std::uint16_t>(container.port);
  place.memory = spec.profile.memory != 0 ? spec.profile.memory : settings.memory;
  place.cpu = spec.profile.cpu > 0 ? spec.profile.cpu : settings.cpu;
  return place;
}

}  // namespace

Result<std::string> image_for(const config::KubernetesSpawner& settings, const ServerSpec& spec) {
  return allowed_image(container_of(spec.profile).image, spec.values, settings.images);
}

Result<Environment> environment_in_container(const config::KubernetesSpawner& settings,
                                             const ServerSpec& spec) {
  auto plan = plan_container(spec, place_for(settings, spec));
  if (!plan) return std::move(plan.error());
  return std::move(plan->environment);
}

Json secret_for(const Launch& launch, const Owner& owner, const Environment& environment) {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"type", "Opaque"},
          {"metadata",
           {{"name", launch.pod},
            {"labels",
             {{"app.kubernetes.io/managed-by", "passerelle"},
              {kLaunchLabel, launch.id},
              {kGatewayLabel, owner.gateway},
              {kSpawnerLabel, owner.spawner}}}}},
          {"stringData", environment}};
}

Json claim_for(const config::KubernetesSpawner& settings, const ServerSpec& spec) {
  Json wanted{{"accessModes", {"ReadWriteOnce"}},
              {"resources", {{"requests", {{"storage", settings.storage}}}}}};
  if (!settings.storage_class.empty()) wanted["storageClassName"] = settings.storage_class;
  return {{"apiVersion", "v1"},
          {"kind", "PersistentVolumeClaim"},
          {"metadata",
           {{"name", claim_name(settings, spec)},
            {"labels",
             {{"app", "jupyterhub"},
              {"component", "singleuser-storage"},
              {"app.kubernetes.io/managed-by", "passerelle"},
              {"hub.jupyter.org/username", safe_name(spec.username)}}}}},
          {"spec", wanted}};
}

Result<Json> pod_for(const config::KubernetesSpawner& settings,
                     const ServerSpec& spec,
                     const Launch& launch,
                     const Owner& owner) {
  auto image = image_for(settings, spec);
  if (!image) return std::move(image.error());
  auto plan = plan_container(spec, place_for(settings, spec));
  if (!plan) return std::move(plan.error());
  Volumes volumes = volumes_of(settings, spec, container_of(spec.profile));
  Json container = container_for(settings, spec, launch, *image, plan->command);
  container["volumeMounts"] = std::move(volumes.mounts);
  Json wanted{{"restartPolicy", "Never"},
              {"enableServiceLinks", false},
              {"automountServiceAccountToken", !settings.service_account.empty()},
              {"terminationGracePeriodSeconds", settings.stop_patience.count()},
              {"containers", {container}},
              {"volumes", std::move(volumes.volumes)}};
  // A new volume becomes the group's: it is root's until then.
  const auto user = text::split(container_of(spec.profile).user, ':');
  if (user.size() > 1)
    wanted["securityContext"] = {{"fsGroup", std::stoll(std::string(user[1]))},
                                 {"fsGroupChangePolicy", "OnRootMismatch"}};
  if (!settings.service_account.empty()) wanted["serviceAccountName"] = settings.service_account;
  if (!settings.pull_secret.empty())
    wanted["imagePullSecrets"] = {{{"name", settings.pull_secret}}};
  return Json{{"apiVersion", "v1"},
              {"kind", "Pod"},
              {"metadata",
               {{"name", launch.pod},
                {"labels", labels_of(spec, launch, owner)},
                {"annotations",
                 {{kStateAnnotation, to_state(launch)},
                  {"hub.jupyter.org/username", spec.username},
                  {"hub.jupyter.org/servername", spec.server_name}}}}},
              {"spec", wanted}};
}

}  // namespace passerelle::spawners::kubernetes
