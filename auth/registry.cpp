// The authenticators of this build: cmake/plugins.cmake writes the list, this file turns a type
// into an object.

#include <array>

#include "auth/authenticator.hpp"

namespace passerelle::auth {

#define PLUGIN(name) \
  Result<std::unique_ptr<Authenticator>> make_##name(const config::Authenticator&, Surroundings);
#include "auth_plugins.inc"
#undef PLUGIN

namespace {

struct Plugin {
  std::string_view type;
  Result<std::unique_ptr<Authenticator>> (*make)(const config::Authenticator&, Surroundings);
};

#define PLUGIN(name) Plugin{#name, make_##name},
constexpr std::array kPlugins = {
#include "auth_plugins.inc"
};
#undef PLUGIN

}  // namespace

Result<std::unique_ptr<Authenticator>> make_authenticator(const config::Authenticator& settings,
                                                          Surroundings around) {
  std::string known;
  for (const Plugin& plugin : kPlugins) {
    if (plugin.type == settings.type) return plugin.make(settings, around);
    known.append(known.empty() ? "" : ", ").append(plugin.type);
  }
  return Error(Errc::invalid, "authenticator " + settings.name + ": this build has no type \"" +
                                  settings.type + "\"; it has " + known);
}

std::vector<std::string_view> authenticator_types() {
  std::vector<std::string_view> types;
  for (const Plugin& plugin : kPlugins) types.push_back(plugin.type);
  return types;
}

}  // namespace passerelle::auth
