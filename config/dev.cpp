#include "config/dev.hpp"

#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "base/text.hpp"

namespace passerelle::config {
namespace {

struct Program {
  std::string_view name;
  std::string_view default_url;
  std::string_view title;
};
constexpr std::array<Program, 3> kPrograms{{{"jupyter-lab", "lab", "JupyterLab"},
                                            {"jupyter-notebook", "tree", "Jupyter Notebook"},
                                            {"jupyter-server", "", "Jupyter Server"}}};

std::string variable(const Environment& environment, const std::string& name) {
  const auto found = environment.variables.find(name);
  return found == environment.variables.end() ? std::string() : found->second;
}

bool is_program(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

bool on_path(std::string_view name, const std::string& path) {
  for (const std::string_view directory : text::split(path, ':')) {
    if (!directory.empty() && is_program(std::string(directory) + '/' + std::string(name)))
      return true;
  }
  return false;
}

std::optional<Program> first_program(const Environment& environment) {
  const std::string path = variable(environment, "PATH");
  for (const Program& program : kPrograms) {
    if (on_path(program.name, path)) return program;
  }
  return std::nullopt;
}

std::string data_directory(const Environment& environment) {
  const std::filesystem::path home = variable(environment, "XDG_DATA_HOME");
  if (home.is_absolute()) return (home / "passerelle" / "dev").lexically_normal().string();
  std::error_code error;
  return (std::filesystem::current_path(error) / ".dev").string();
}

Profile profile_for(const Program& program) {
  Profile profile;
  profile.name = "notebook";
  profile.title = {{"en", std::string(program.title)}, {"fr", std::string(program.title)}};
  profile.spawner = "here";
  profile.command = {std::string(program.name)};
  profile.default_url = program.default_url;
  return profile;
}

}  // namespace

Result<Settings> dev_settings(std::string password, const Environment& environment) {
  const auto program = first_program(environment);
  if (!program) {
    return Error(Errc::not_found,
                 "no Jupyter on PATH; install one, for example `apt install jupyter-notebook` or "
                 "`pip install jupyterlab`, and try again");
  }
  Settings settings;
  settings.data_dir = data_directory(environment);
  settings.stop_servers_on_exit = true;
  settings.access.allow.everyone = true;
  Authenticator& authenticator = settings.authenticators.emplace_back();
  authenticator.name = "dev";
  authenticator.type = "dummy";
  authenticator.dummy.password.value = std::move(password);
  authenticator.dummy.claim = false;
  Spawner& spawner = settings.spawners.emplace_back();
  spawner.name = "here";
  spawner.type = "local";
  settings.profiles.push_back(profile_for(*program));
  return settings;
}

}  // namespace passerelle::config
