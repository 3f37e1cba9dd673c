// The keys of `roles`, `groups` and `services`: who may do what beyond what everybody may.
#pragma once

#include "config/keys/slots.hpp"
#include "config/rbac.hpp"

namespace passerelle::config {

inline constexpr Words kNone{"none", "aucun"};

inline constexpr Key kRoleKeys[] = {
    {.name = "description",
     .kind = Kind::text,
     .slot = at<&Role::description>,
     .words = {"What it is for.", "À quoi il sert."},
     .example = "May grade the physics course",
     .when_absent = kNone},
    {.name = "scopes",
     .kind = Kind::text_list,
     .slot = at<&Role::scopes>,
     .words =
         {"JupyterHub's names of what may be done, each to all or by a filter: `!user=`, "
          "`!group=`, `!server=`, `!service=`; `!user` alone means whoever has the role.",
          "Les noms que JupyterHub donne à ce qui est permis, partout ou par un filtre : `!user=`, "
          "`!group=`, `!server=`, `!service=` ; `!user` seul désigne qui a le rôle."},
     .example = "[\"list:users!group=physics\", \"access:servers!group=physics\"]"},
    {.name = "users",
     .kind = Kind::text_list,
     .slot = at<&Role::users>,
     .words =
         {"Usernames, or `authenticator:subject` for one person of one sign-in method.",
          "Noms d'utilisateur, ou `authentificateur:sujet` pour une personne d'une seule méthode."},
     .example = "[alice]"},
    {.name = "groups",
     .kind = Kind::text_list,
     .slot = at<&Role::groups>,
     .words = {"Everybody in one of these groups.", "Toutes les personnes de l'un de ces groupes."},
     .example = "[teachers]"},
    {.name = "services",
     .kind = Kind::text_list,
     .slot = at<&Role::services>,
     .words = {"Entries of `services`.", "Des entrées de `services`."},
     .example = "[culler]"},
};
inline constexpr Section kRole{"roles.<name>", kRoleKeys};

inline constexpr Key kGroupKeys[] = {
    {.name = "users",
     .kind = Kind::text_list,
     .slot = at<&Group::users>,
     .words = {"Usernames that are put into it at the start, as far as they are known. Whoever was "
               "put into it otherwise stays.",
               "Noms d'utilisateur qui y sont mis au démarrage, s'ils sont connus. Les autres "
               "membres y restent."},
     .example = "[alice, bob]"},
};
inline constexpr Section kGroup{"groups.<name>", kGroupKeys};

inline constexpr Key kServiceKeys[] = {
    {.name = "api_token",
     .kind = Kind::secret,
     .slot = at<&Service::api_token>,
     .words = {"Its token for the API and, if people visit it, its secret when it asks who they "
               "are; 8 to 64 characters.",
               "Son jeton pour l'API et, si l'on s'y rend, son secret quand il demande qui vient ; "
               "de 8 à 64 caractères."},
     .least = 8,
     .when_absent = {"with `command`, a new one at each start; else it must be there",
                     "avec `command`, un nouveau à chaque démarrage ; sinon il est nécessaire"}},
    {.name = "admin",
     .kind = Kind::boolean,
     .slot = at<&Service::admin>,
     .words = {"It may do what administrators may. A role with fewer scopes is safer.",
               "Il peut ce que peuvent les administrateurs. Un rôle plus étroit est plus sûr."},
     .example = "false"},
    {.name = "url",
     .kind = Kind::text,
     .slot = at<&Service::url>,
     .words = {"Where it listens, as `http://127.0.0.1:9000`. People reach it at "
               "`/services/<name>/` and it asks by OAuth who they are.",
               "Où il écoute, par exemple `http://127.0.0.1:9000`. On l'atteint à "
               "`/services/<nom>/` et il demande par OAuth qui vient."},
     .example = "http://127.0.0.1:9000",
     .when_absent = {"it has no pages", "il n'a pas de pages"}},
    {.name = "redirect_uri",
     .kind = Kind::text,
     .slot = at<&Service::redirect_uri>,
     .words = {"Where people go back to after they were asked for; compared byte for byte.",
               "Où l'on revient après la demande ; comparé octet par octet."},
     .example = "https://grader.example.fr/oauth_callback",
     .when_absent = {"`/services/<name>/oauth_callback`", "`/services/<nom>/oauth_callback`"}},
    {.name = "client_scopes",
     .kind = Kind::text_list,
     .slot = at<&Service::client_scopes>,
     .words =
         {"What it may ask to do as its visitor, beyond knowing who that is.",
          "Ce qu'il peut demander à faire au nom de son visiteur, au-delà de savoir qui c'est."},
     .example = "[\"read:servers!user\"]"},
    {.name = "confirm",
     .kind = Kind::boolean,
     .slot = at<&Service::confirm>,
     .words = {"Ask people before it is told who they are for the first time.",
               "Demander aux personnes avant de lui dire pour la première fois qui elles sont."},
     .example = "true"},
    {.name = "command",
     .kind = Kind::command,
     .slot = at<&Service::command>,
     .words =
         {"Start it with the gateway, start it again when it ends, end it with the gateway. It "
          "finds in its environment what JupyterHub would put there: `JUPYTERHUB_API_TOKEN`, "
          "`JUPYTERHUB_API_URL`, `JUPYTERHUB_SERVICE_URL` and so on. What it writes goes where "
          "the gateway's log goes.",
          "Le démarrer avec la passerelle, le redémarrer quand il s'arrête, l'arrêter avec elle. "
          "Il trouve dans son environnement ce que JupyterHub y mettrait : "
          "`JUPYTERHUB_API_TOKEN`, `JUPYTERHUB_API_URL`, `JUPYTERHUB_SERVICE_URL`, etc. Ce "
          "qu'il écrit va là où va le journal de la passerelle."},
     .example = "[python3, -m, jupyterhub_idle_culler, --timeout=3600]",
     .when_absent = {"somebody else starts it", "quelqu'un d'autre le démarre"}},
    {.name = "environment",
     .kind = Kind::environment,
     .slot = at<&Service::environment>,
     .words = {"With `command`: further environment variables.",
               "Avec `command` : d'autres variables d'environnement."},
     .example = "{LOG_LEVEL: debug}"},
    {.name = "cwd",
     .kind = Kind::directory,
     .slot = at<&Service::cwd>,
     .words = {"With `command`: the directory it starts in.",
               "Avec `command` : le répertoire où il démarre."},
     .example = "./grader",
     .when_absent = {"the gateway's", "celui de la passerelle"}},
    {.name = "user",
     .kind = Kind::text,
     .slot = at<&Service::user>,
     .words =
         {"With `command`: the system user that it runs as. The gateway must be started by "
          "root, then.",
          "Avec `command` : l'utilisateur du système sous lequel il tourne. La passerelle doit "
          "alors être démarrée par root."},
     .example = "grader",
     .when_absent = {"the gateway's own", "celui de la passerelle"}},
};
inline constexpr Section kService{"services.<name>", kServiceKeys};

}  // namespace passerelle::config
