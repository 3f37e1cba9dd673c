#include "config/checks/container.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "config/spawners/container.hpp"
#include "config/spawners/docker.hpp"
#include "config/spawners/kubernetes.hpp"

namespace passerelle::config {
namespace {

/// "/srv/data:/data", "/srv/data:/data:ro"
bool is_bind(const std::string& bind) {
  const auto parts = text::split(bind, ':');
  return (parts.size() == 2 || (parts.size() == 3 && (parts[2] == "ro" || parts[2] == "rw"))) &&
         parts[0].starts_with('/') && parts[1].starts_with('/');
}

/// "1000", "1000:100"
bool is_user(const std::string& user) {
  const auto parts = text::split(user, ':');
  return parts.size() <= 2 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           return !part.empty() && part.size() < 10 &&
                  part.find_first_not_of("0123456789") == std::string_view::npos;
         });
}

}  // namespace

bool runs_containers(const Spawner& spawner) noexcept {
  return spawner.type == "docker" || spawner.type == "kubernetes";
}

void check_container(const Profile& profile,
                     const std::string& path,
                     const Marks& marks,
                     Problems& problems) {
  const auto error = [&](const std::string& key, const std::string& why) {
    problems.error(marks.of(path + key), path + key + ": " + why);
  };
  if (!profile.container || !marks.has(path + ".container")) {
    error("",
          "`container` is missing: its spawner runs containers; write `container: {image: ...}`");
    return;
  }
  const ContainerProfile& container = *profile.container;
  if (!container.home.starts_with('/'))
    error(".container.home", "is no absolute path; write for example `/home/jovyan`");
  if (!container.user.empty() && !is_user(container.user))
    error(".container.user", "is no number; write for example `\"1000\"` or `\"1000:100\"`");
}

void check_chart(const Profile& profile,
                 const Spawner& spawner,
                 const std::string& path,
                 const Marks& marks,
                 Problems& problems) {
  const auto error = [&](const std::string& key, const std::string& why) {
    problems.error(marks.of(path + key), path + key + ": " + why);
  };
  if (spawner.type != "kubernetes")
    error(".chart", "its spawner installs no charts; name one with `type: kubernetes`");
  else if (!spawner.kubernetes || spawner.kubernetes->helm.empty())
    error(".chart", "its spawner has no `helm`; write there where the program is");
  const KubernetesProfile& chart = *profile.kubernetes;
  if (!chart.archive.empty() && !chart.catalogue.empty())
    error(".catalogue", "and `chart` exclude each other");
  const bool place = chart.catalogue.starts_with("https://") ||
                     chart.catalogue.starts_with("http://") || chart.catalogue.starts_with('/');
  if (!chart.catalogue.empty() && !place)
    error(".catalogue.from",
          "is no URL and no absolute path; write for example `https://charts.example.fr/ide`");
  if (!profile.command.empty()) error(".command", "the chart says what is run; remove this key");
  if (!profile.form.empty())
    error(".form", "the chart's values.schema.json is the form; remove this key");
}

void check_projects(const Spawner& spawner,
                    const std::string& path,
                    const Marks& marks,
                    Problems& problems) {
  if (!spawner.kubernetes) return;
  const auto check = [&](const char* key, std::string pattern, const std::string& known) {
    if (const auto at = pattern.find(known); at != std::string::npos)
      pattern.erase(at, known.size());
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyz0123456789-";
    const std::string place = path + "." + key;
    if (pattern.find_first_not_of(kPlain) != std::string::npos)
      problems.error(marks.of(place), place +
                                          ": is no namespace; write lower-case letters, digits "
                                          "and hyphens, with `" +
                                          known + "` where the name is to stand");
  };
  check("namespace", spawner.kubernetes->namespace_, "{username}");
  const std::string& groups = spawner.kubernetes->group_namespace;
  check("group_namespace", groups, "{group}");
  if (!groups.empty() && groups.find("{group}") == std::string::npos)
    problems.error(marks.of(path + ".group_namespace"),
                   path +
                       ".group_namespace: is one namespace for all groups; write for example "
                       "`project-{group}`");
}

void check_binds(const Spawner& spawner,
                 const std::string& path,
                 const Marks& marks,
                 Problems& problems) {
  std::vector<std::string> binds;
  if (spawner.docker) binds = spawner.docker->binds;
  if (spawner.kubernetes) binds = spawner.kubernetes->binds;
  for (std::size_t i = 0; i < binds.size(); ++i) {
    const std::string key = path + ".binds[" + std::to_string(i) + "]";
    if (!is_bind(binds[i]))
      problems.error(marks.of(key),
                     key + ": write `/folder/here:/folder/there`, or with `:ro` behind it");
  }
}

}  // namespace passerelle::config
