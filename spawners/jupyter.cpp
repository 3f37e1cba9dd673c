#include "spawners/jupyter.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace passerelle::spawners {
namespace {

/// "jupyter-lab" for both ways to write it; empty for anything else.
std::string program_of(const std::vector<std::string>& command) {
  if (command.empty()) return {};
  std::string name = command.front().substr(command.front().rfind('/') + 1);
  if (name == "jupyter" && command.size() > 1) name += "-" + command[1];
  constexpr std::array<std::string_view, 4> kServers = {"jupyter-lab", "jupyter-notebook",
                                                        "jupyter-server", "jupyter-nbclassic"};
  return std::find(kServers.begin(), kServers.end(), name) == kServers.end() ? std::string() : name;
}

}  // namespace

std::vector<std::string> jupyter_options(const std::vector<std::string>& command,
                                         const std::string& base_path,
                                         const Surrounding& place,
                                         bool as_root) {
  // It reads where to listen from its environment.
  if (as_root && !command.empty() && command.front().ends_with("jupyterhub-singleuser"))
    return {"--allow-root"};
  const std::string program = program_of(command);
  if (program.empty()) return {};
  std::vector<std::string> options;
  const auto add = [&options](const std::string& application, const std::string& name,
                              const std::string& value) {
    options.push_back("--" + application + "." + name + "=" + value);
  };
  const auto add_all = [&](const std::string& application, const std::string& root) {
    add(application, "base_url", base_path);
    if (!place.socket.empty()) {
      add(application, "sock", place.socket);
      add(application, "sock_mode", "0600");
    } else {
      add(application, "ip", place.address);
      add(application, "port", std::to_string(place.port));
      add(application, "port_retries", "0");  // another port would be nobody's
    }
    add(application, "open_browser", "False");
    // Requests come with the browser's Host: the public name. Who may send them at all is the
    // gateway's business.
    add(application, "allow_remote_access", "True");
    add(application, "quit_button", "False");
    add(application, root, place.workspace);
    if (as_root) add(application, "allow_root", "True");
  };
  // notebook 6 reads NotebookApp, notebook 7 is a jupyter-server; each ignores the other's name.
  if (program == "jupyter-notebook") add_all("NotebookApp", "notebook_dir");
  add_all("ServerApp", "root_dir");
  return options;
}

}  // namespace passerelle::spawners
