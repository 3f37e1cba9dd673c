// The spawners that were built in, by type. The list is made by cmake/plugins.cmake.
#include "spawners/spawner.hpp"

namespace passerelle::spawners {

#define PLUGIN(name)                                                            \
  Result<std::unique_ptr<Spawner>> make_##name(const config::Spawner& settings, \
                                               Surroundings around);
#include "spawners_plugins.inc"
#undef PLUGIN

std::vector<std::string_view> spawner_types() {
  return {
#define PLUGIN(name) #name,
#include "spawners_plugins.inc"
#undef PLUGIN
  };
}

Result<std::unique_ptr<Spawner>> make_spawner(const config::Spawner& settings,
                                              Surroundings around) {
#define PLUGIN(name) \
  if (settings.type == #name) return make_##name(settings, std::move(around));
#include "spawners_plugins.inc"
#undef PLUGIN
  std::string known;
  for (const auto type : spawner_types()) known += (known.empty() ? "" : ", ") + std::string(type);
  return Error(Errc::invalid, "spawner " + settings.name + ": there is no type \"" + settings.type +
                                  "\" in this build; there is " + known);
}

}  // namespace passerelle::spawners
