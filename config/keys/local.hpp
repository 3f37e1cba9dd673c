// The keys of `type: local`: servers on the gateway's own machine.
#pragma once

#include "config/keys/slots.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

inline constexpr Key kStopKeys[] = {
    {.name = "interrupt",
     .kind = Kind::duration,
     .slot = at<&StopTimes::interrupt>,
     .words = {"How long a server may take to end after SIGINT.",
               "Délai laissé à un serveur après SIGINT."},
     .example = "10s",
     .most = 3600},
    {.name = "terminate",
     .kind = Kind::duration,
     .slot = at<&StopTimes::terminate>,
     .words = {"How long after SIGTERM; SIGKILL follows.", "Délai après SIGTERM ; SIGKILL suit."},
     .example = "10s",
     .most = 3600},
    {.name = "kill",
     .kind = Kind::duration,
     .slot = at<&StopTimes::kill>,
     .words = {"How long after SIGKILL until the stop counts as failed.",
               "Délai après SIGKILL avant de déclarer l'arrêt en échec."},
     .example = "5s",
     .least = 1,
     .most = 3600},
};
inline constexpr Section kStop{"spawners.<name>.stop", kStopKeys};

inline constexpr Key kLocalKeys[] = {
    {.name = "system_user",
     .kind = Kind::text,
     .slot = at<&Spawner::local, &LocalSpawner::system_user>,
     .words = {"The system user a server runs as, a template such as `{username}`; needs a gateway "
               "started by root.",
               "L'utilisateur système du serveur, un modèle tel que `{username}` ; exige une "
               "passerelle lancée par root."},
     .example = "\"{username}\"",
     .type = "local",
     .when_absent = {"the gateway's own user", "l'utilisateur de la passerelle"}},
    {.name = "workspace",
     .kind = Kind::text,
     .slot = at<&Spawner::local, &LocalSpawner::workspace>,
     .words = {"A server's home directory, a template. With `system_user`, the user's own home is "
               "taken instead.",
               "Le dossier personnel d'un serveur, un modèle. Avec `system_user`, celui de "
               "l'utilisateur est pris."},
     .example = "/srv/workspaces/{username}",
     .type = "local",
     .when_absent = {"`{data_dir}/workspaces/{username}`", "`{data_dir}/workspaces/{username}`"}},
    {.name = "memory",
     .kind = Kind::size,
     .slot = at<&Spawner::local, &LocalSpawner::memory>,
     .words = {"Memory of one server; more ends it with the cause `out-of-memory`.",
               "Mémoire d'un serveur ; au-delà il est arrêté avec la cause `out-of-memory`."},
     .example = "2GiB",
     .type = "local",
     .least = kMebi,
     .when_absent = kUnlimited},
    {.name = "cpu",
     .kind = Kind::number,
     .slot = at<&Spawner::local, &LocalSpawner::cpu>,
     .words = {"Processor cores of one server; a part of one may be given.",
               "Cœurs de processeur d'un serveur ; une fraction est possible."},
     .example = "1.5",
     .type = "local",
     .most = 4096,
     .when_absent = kUnlimited},
    {.name = "pids",
     .kind = Kind::count,
     .slot = at<&Spawner::local, &LocalSpawner::pids>,
     .words = {"Processes and threads of one server.",
               "Processus et fils d'exécution d'un serveur."},
     .example = "512",
     .type = "local",
     .most = 4'194'304,
     .when_absent = kUnlimited},
    {.name = "stop",
     .kind = Kind::section,
     .slot = inside<&Spawner::local, &LocalSpawner::stop>,
     .words = {"How patiently a server is stopped.", "Avec quelle patience un serveur est arrêté."},
     .type = "local",
     .section = &kStop},
};

}  // namespace passerelle::config
