// The keys of `type: lti13`: launches from platforms that sign with a key of their own.
#pragma once

#include "config/keys/slots.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

inline constexpr Key kLti13Keys[] = {
    {.name = "platforms",
     .kind = Kind::file,
     .slot = at<&Authenticator::lti13, &Lti13Authenticator::platforms>,
     .words = {"A YAML file with one entry for each platform. It is read again when it changes.",
               "Un fichier YAML avec une entrée par plateforme. Il est relu quand il change."},
     .example = "./platforms.yaml",
     .required = true,
     .type = "lti13"},
    {.name = "max_age",
     .kind = Kind::duration,
     .slot = at<&Authenticator::lti13, &Lti13Authenticator::max_age>,
     .words = {"How old a launch may be, by the platform's word.",
               "Âge maximal d'un lancement, d'après la plateforme."},
     .example = "10m",
     .type = "lti13",
     .least = 60,
     .most = 86400},
    {.name = "leeway",
     .kind = Kind::duration,
     .slot = at<&Authenticator::lti13, &Lti13Authenticator::leeway>,
     .words = {"How far the platforms' clocks may be from ours.",
               "Écart toléré entre l'horloge des plateformes et la nôtre."},
     .example = "60s",
     .type = "lti13",
     .most = 600},
    {.name = "ca_file",
     .kind = Kind::file,
     .slot = at<&Authenticator::lti13, &Lti13Authenticator::ca_file>,
     .words = {"Authorities (PEM) that sign the platforms' certificates, instead of the system's.",
               "Autorités (PEM) des certificats des plateformes, à la place de celles du système."},
     .example = "./ca.pem",
     .type = "lti13",
     .when_absent = {"the system's", "celles du système"}},
};

}  // namespace passerelle::config
