// What every entry of `authenticators` has, whatever its type. Each type's own keys:
// config/keys/<type>.hpp.
#pragma once

#include "config/keys/slots.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

inline constexpr std::string_view kAuthenticatorTypes =
    "dummy ldap lti11 lti13 oidc cas header pam";

inline constexpr Key kEveryAuthenticatorKeys[] = {
    {.name = "type",
     .kind = Kind::choice,
     .slot = at<&Authenticator::type>,
     .words = {"The sign-in method.", "La méthode de connexion."},
     .example = "dummy",
     .required = true,
     .choices = kAuthenticatorTypes},
    {.name = "label",
     .kind = Kind::translated,
     .slot = at<&Authenticator::label>,
     .words = {"What the sign-in page calls it.", "Le nom affiché sur la page de connexion."},
     .example = "{en: Workshop, fr: Atelier}",
     .when_absent = {"the method's own words", "les mots de la méthode"}},
    {.name = "icon",
     .kind = Kind::image,
     .slot = at<&Authenticator::icon>,
     .words = {"A picture for its button: SVG or PNG, at most 64 KiB.",
               "Une image pour son bouton : SVG ou PNG, 64 Kio au plus."},
     .example = "./univ.svg",
     .when_absent = {"none", "aucune"}},
    {.name = "groups",
     .kind = Kind::text_list,
     .slot = at<&Authenticator::groups>,
     .words = {"Everybody who signs in here gets these groups.",
               "Groupes donnés à toute personne qui se connecte ici."},
     .example = "[spark-2026]"},
};

}  // namespace passerelle::config
