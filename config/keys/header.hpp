// The keys of `type: header`: a web server in front says who somebody is.
#pragma once

#include "config/keys/slots.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

inline constexpr std::uint64_t kLongestHeaderName = 64;

inline constexpr Key kHeaderKeys[] = {
    {.name = "from",
     .kind = Kind::networks,
     .slot = at<&Authenticator::header, &HeaderAuthenticator::from>,
     .words =
         {"Addresses of the web servers that are believed. Their own TCP connection counts, not "
          "X-Forwarded-For.",
          "Adresses des serveurs web qui sont crus. C'est leur propre connexion TCP qui compte, "
          "pas X-Forwarded-For."},
     .example = "[10.0.0.5]",
     .required = true,
     .type = "header"},
    {.name = "user_header",
     .kind = Kind::text,
     .slot = at<&Authenticator::header, &HeaderAuthenticator::user_header>,
     .words =
         {"The header field with who it is. It never reaches a server, whoever sent it, nor do "
          "the others named here.",
          "Le champ d'en-tête qui dit de qui il s'agit. Il n'atteint jamais un serveur, d'où "
          "qu'il vienne ; de même pour les autres champs nommés ici."},
     .example = "X-Remote-User",
     .required = true,
     .type = "header",
     .most = kLongestHeaderName},
    {.name = "name_header",
     .kind = Kind::text,
     .slot = at<&Authenticator::header, &HeaderAuthenticator::name_header>,
     .words = {"The field with the name that pages show.",
               "Le champ du nom affiché sur les pages."},
     .example = "X-Display-Name",
     .type = "header",
     .most = kLongestHeaderName,
     .when_absent = {"the user", "l'utilisateur"}},
    {.name = "mail_header",
     .kind = Kind::text,
     .slot = at<&Authenticator::header, &HeaderAuthenticator::mail_header>,
     .words = {"The field with the e-mail address, kept for spawners.",
               "Le champ de l'adresse électronique, gardée pour les lanceurs."},
     .example = "X-Mail",
     .type = "header",
     .most = kLongestHeaderName,
     .when_absent = {"none", "aucun"}},
    {.name = "groups_header",
     .kind = Kind::text,
     .slot = at<&Authenticator::header, &HeaderAuthenticator::groups_header>,
     .words = {"The field with the groups.", "Le champ des groupes."},
     .example = "X-Groups",
     .type = "header",
     .most = kLongestHeaderName,
     .when_absent = {"none", "aucun"}},
    {.name = "groups_separator",
     .kind = Kind::text,
     .slot = at<&Authenticator::header, &HeaderAuthenticator::groups_separator>,
     .words = {"One character that stands between groups: `;` for mod_shib, `,` for oauth2-proxy.",
               "Le caractère qui sépare les groupes : `;` pour mod_shib, `,` pour oauth2-proxy."},
     .example = "\",\"",
     .type = "header",
     .most = 1},
    {.name = "secret",
     .kind = Kind::secret,
     .slot = at<&Authenticator::header, &HeaderAuthenticator::secret>,
     .words =
         {"What the web server must say in `secret_header`. Needed when `from` names this "
          "machine and servers run on it, since they connect from the same address.",
          "Ce que le serveur web doit dire dans `secret_header`. Nécessaire quand `from` désigne "
          "cette machine et que des serveurs y tournent : ils viennent de la même adresse."},
     .type = "header",
     .least = 16,
     .when_absent = {"none is asked for", "aucun n'est demandé"}},
    {.name = "secret_header",
     .kind = Kind::text,
     .slot = at<&Authenticator::header, &HeaderAuthenticator::secret_header>,
     .words = {"The field for `secret`.", "Le champ pour `secret`."},
     .example = "X-Front-End",
     .type = "header",
     .most = kLongestHeaderName},
    {.name = "encoding",
     .kind = Kind::choice,
     .slot = at<&Authenticator::header, &HeaderAuthenticator::encoding>,
     .words = {"How the web server writes letters with accents.",
               "Comment le serveur web écrit les lettres accentuées."},
     .example = "latin-1",
     .type = "header",
     .choices = "utf-8 latin-1"},
    {.name = "case_sensitive",
     .kind = Kind::boolean,
     .slot = at<&Authenticator::header, &HeaderAuthenticator::case_sensitive>,
     .words = {"Whether `Alice@example.fr` and `alice@example.fr` are two people.",
               "Si `Alice@example.fr` et `alice@example.fr` sont deux personnes."},
     .example = "true",
     .type = "header"},
    {.name = "sign_out_url",
     .kind = Kind::link,
     .slot = at<&Authenticator::header, &HeaderAuthenticator::sign_out_url>,
     .words = {"Where the browser goes after our sign-out; `{back}` becomes our own address.",
               "Où va le navigateur après notre déconnexion ; `{back}` devient notre adresse."},
     .example = "\"/Shibboleth.sso/Logout?return={back}\"",
     .type = "header",
     .when_absent = {"nowhere", "nulle part"}},
};

}  // namespace passerelle::config
