// The keys of `type: lti11`: launches that a learning platform signs.
#pragma once

#include "config/keys/slots.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

inline constexpr Key kLti11Keys[] = {
    {.name = "consumers",
     .kind = Kind::file,
     .slot = at<&Authenticator::lti11, &Lti11Authenticator::consumers>,
     .words =
         {"A YAML file with one entry for each consumer key. It is read again when it changes.",
          "Un fichier YAML avec une entrée par clé de consommateur. Il est relu quand il "
          "change."},
     .example = "./consumers.yaml",
     .required = true,
     .type = "lti11"},
    {.name = "window",
     .kind = Kind::duration,
     .slot = at<&Authenticator::lti11, &Lti11Authenticator::window>,
     .words = {"How far the time of a launch may be from ours.",
               "Écart accepté entre l'heure d'un lancement et la nôtre."},
     .example = "5m",
     .type = "lti11",
     .least = 30,
     .most = 3600},
};

}  // namespace passerelle::config
