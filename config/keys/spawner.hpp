// What every entry of `spawners` has, whatever its type. Each type's own keys:
// config/keys/<type>.hpp.
#pragma once

#include "config/keys/slots.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

inline constexpr std::string_view kSpawnerTypes = "local docker kubernetes oar slurm";

inline constexpr Key kEverySpawnerKeys[] = {
    {.name = "type",
     .kind = Kind::choice,
     .slot = at<&Spawner::type>,
     .words = {"Where servers run. `local`: on this machine; `docker`: in containers of an engine "
               "on it; `oar`, `slurm`: as jobs of that batch system.",
               "Où tournent les serveurs. `local` : sur cette machine ; `docker` : dans des "
               "conteneurs d'un moteur de cette machine ; `oar`, `slurm` : comme tâches de ce "
               "gestionnaire de lots."},
     .example = "local",
     .required = true,
     .choices = kSpawnerTypes},
};

}  // namespace passerelle::config
