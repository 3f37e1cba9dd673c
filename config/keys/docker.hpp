// The keys of `type: docker`: servers as containers of one Docker engine.
#pragma once

#include "config/keys/containers.hpp"
#include "config/keys/slots.hpp"
#include "config/settings.hpp"
#include "config/spawners/docker.hpp"

namespace passerelle::config {

inline constexpr Key kDockerKeys[] = {
    {
        .name = "socket",
        .kind = Kind::text,
        .slot = at<&Spawner::docker, &DockerSpawner::socket>,
        .words = {"The Docker engine's socket. Whoever may write to it is root on this machine.",
                  "La socket du moteur Docker. Qui peut y écrire est root sur cette machine."},
        .example = "/var/run/docker.sock",
        .type = "docker",
    },
    images_of<&Spawner::docker, &DockerSpawner::images>("docker"),
    {.name = "pull",
     .kind = Kind::choice,
     .slot = at<&Spawner::docker, &DockerSpawner::pull>,
     .words = {"Whether an image that is not on the machine is fetched.",
               "Aller chercher ou non une image absente de la machine."},
     .example = "missing",
     .type = "docker",
     .choices = "missing never"},
    {
        .name = "network",
        .kind = Kind::text,
        .slot = at<&Spawner::docker, &DockerSpawner::network>,
        .words = {"The network of the containers. Take one in which they cannot reach each other "
                  "(`docker network create -o com.docker.network.bridge.enable_icc=false NAME`).",
                  "Le réseau des conteneurs. Prenez-en un où ils ne peuvent pas se joindre "
                  "(`docker network create -o com.docker.network.bridge.enable_icc=false NOM`)."},
        .example = "bridge",
        .type = "docker",
    },
    {.name = "reach",
     .kind = Kind::choice,
     .slot = at<&Spawner::docker, &DockerSpawner::reach>,
     .words =
         {"How the gateway reaches a server: `port`, a port on this machine's loopback address; "
          "`network`, the container's own address, for a gateway in the same network.",
          "Comment joindre un serveur : `port`, un port sur l'adresse locale de cette machine ; "
          "`network`, l'adresse du conteneur, pour une passerelle dans le même réseau."},
     .example = "port",
     .type = "docker",
     .choices = "port network"},
    {
        .name = "volume",
        .kind = Kind::text,
        .slot = at<&Spawner::docker, &DockerSpawner::volume>,
        .words = {"The volume that keeps a person's files, mounted at the profile's `home`; "
                  "`{user}` and `{server}` are their names in a safe form. Empty: nothing is kept.",
                  "Le volume qui garde les fichiers d'une personne, monté au `home` du profil ; "
                  "`{user}` et `{server}` sont leurs noms sous une forme sûre. Vide : rien n'est "
                  "gardé."},
        .example = "passerelle-{user}",
        .type = "docker",
    },
    {.name = "binds",
     .kind = Kind::text_list,
     .slot = at<&Spawner::docker, &DockerSpawner::binds>,
     .words = {"Folders of this machine in every container: `/srv/data:/data:ro`.",
               "Dossiers de cette machine dans chaque conteneur : `/srv/data:/data:ro`."},
     .example = "[\"/srv/data:/data:ro\"]",
     .type = "docker",
     .when_absent = {"none", "aucun"}},
    memory_of<&Spawner::docker, &DockerSpawner::memory>("docker", 6 * kMebi),
    cpu_of<&Spawner::docker, &DockerSpawner::cpu>("docker"),
    {.name = "pids",
     .kind = Kind::count,
     .slot = at<&Spawner::docker, &DockerSpawner::pids>,
     .words = {"Processes and threads of one server.", "Processus et fils d'un serveur."},
     .example = "512",
     .type = "docker",
     .most = 4'194'304,
     .when_absent = kUnlimited},
    stop_patience_of<&Spawner::docker, &DockerSpawner::stop_patience>("docker"),
};

}  // namespace passerelle::config
