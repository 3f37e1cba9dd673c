// The keys of `profiles[].container`.
#pragma once

#include "config/keys/slots.hpp"
#include "config/settings.hpp"
#include "config/spawners/container.hpp"

namespace passerelle::config {

inline constexpr Key kContainerKeys[] = {
    {.name = "image",
     .kind = Kind::text,
     .slot = at<&Profile::container, &ContainerProfile::image>,
     .words = {"The image; `{name}` stands for a value of the form, and then the spawner's "
               "`images` must allow what comes out.",
               "L'image ; `{nom}` représente une valeur du formulaire, et `images` du lanceur doit "
               "alors permettre le résultat."},
     .example = "quay.io/jupyter/scipy-notebook:2026-01-05",
     .required = true},
    {.name = "port",
     .kind = Kind::count,
     .slot = at<&Profile::container, &ContainerProfile::port>,
     .words = {"Where the server listens in the container.",
               "Où le serveur écoute dans le conteneur."},
     .example = "8888",
     .least = 1,
     .most = 65535},
    {
        .name = "home",
        .kind = Kind::text,
        .slot = at<&Profile::container, &ContainerProfile::home>,
        .words = {"Where the person's volume is mounted; Jupyter starts there.",
                  "Où le volume de la personne est monté ; Jupyter y démarre."},
        .example = "/home/jovyan",
    },
    {.name = "user",
     .kind = Kind::text,
     .slot = at<&Profile::container, &ContainerProfile::user>,
     .words = {"Run as this user and group, as numbers.",
               "Exécuter sous cet utilisateur et ce groupe, en nombres."},
     .example = "\"1000:100\"",
     .when_absent = {"the image's own", "ceux de l'image"}},
};
inline constexpr Section kContainer{"profiles[].container", kContainerKeys};

}  // namespace passerelle::config
