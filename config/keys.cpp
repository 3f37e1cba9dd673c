#include "config/keys.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "config/keys/authenticator.hpp"
#include "config/keys/batch.hpp"
#include "config/keys/cas.hpp"
#include "config/keys/container.hpp"
#include "config/keys/docker.hpp"
#include "config/keys/dummy.hpp"
#include "config/keys/form.hpp"
#include "config/keys/header.hpp"
#include "config/keys/kubernetes.hpp"
#include "config/keys/ldap.hpp"
#include "config/keys/local.hpp"
#include "config/keys/lti11.hpp"
#include "config/keys/lti13.hpp"
#include "config/keys/oidc.hpp"
#include "config/keys/pam.hpp"
#include "config/keys/rbac.hpp"
#include "config/keys/slots.hpp"
#include "config/keys/spawner.hpp"

namespace passerelle::config {
namespace {

constexpr Words kSpawners{"the spawner's", "celle du lanceur"};

constexpr Key kPeopleKeys[] = {
    {.name = "users",
     .kind = Kind::text_list,
     .slot = at<&People::users>,
     .words =
         {"Usernames, or `authenticator:subject` for one person of one sign-in method.",
          "Noms d'utilisateur, ou `authentificateur:sujet` pour une personne d'une seule méthode."},
     .example = "[\"univ:ebraux\", alice]"},
    {.name = "groups",
     .kind = Kind::text_list,
     .slot = at<&People::groups>,
     .words = {"Everybody in one of these groups.", "Toutes les personnes de l'un de ces groupes."},
     .example = "[staff]"},
};
constexpr Section kPeople{"people", kPeopleKeys};

constexpr Key kCertificateKeys[] = {
    {.name = "cert",
     .kind = Kind::file,
     .slot = at<&Certificate::cert>,
     .words = {"PEM file with the certificate and those between it and the authority.",
               "Fichier PEM du certificat, suivi des certificats intermédiaires."},
     .example = "./other.pem",
     .required = true},
    {.name = "key",
     .kind = Kind::file,
     .slot = at<&Certificate::key>,
     .words = {"PEM file with its key.", "Fichier PEM de sa clé."},
     .example = "./other.key",
     .when_absent = {"the file of `cert`", "le fichier de `cert`"}},
};
constexpr Section kCertificate{"listen.https.certificates[]", kCertificateKeys};

constexpr Key kHttpsKeys[] = {
    {.name = "address",
     .kind = Kind::listen,
     .slot = at<&Https::at>,
     .words = {"Address and port for HTTPS (TLS 1.2 and 1.3).",
               "Adresse et port pour HTTPS (TLS 1.2 et 1.3)."},
     .example = "\"0.0.0.0:443\""},
    {.name = "cert",
     .kind = Kind::file,
     .slot = at<&Https::cert>,
     .words = {"PEM file with the certificate and those between it and the authority. It is read "
               "again when it changes and on SIGHUP; nobody is cut off.",
               "Fichier PEM du certificat, suivi des certificats intermédiaires. Il est relu quand "
               "il change et à la réception de SIGHUP, sans couper personne."},
     .example = "./fullchain.pem",
     .required = true},
    {.name = "key",
     .kind = Kind::file,
     .slot = at<&Https::key>,
     .words = {"PEM file with its key.", "Fichier PEM de sa clé."},
     .example = "./privkey.pem",
     .when_absent = {"the file of `cert`", "le fichier de `cert`"}},
    {.name = "certificates",
     .kind = Kind::section_list,
     .slot = itself,
     .words = {"More certificates, chosen by the name the browser asks for.",
               "D'autres certificats, choisis selon le nom demandé par le navigateur."},
     .most = 100,
     .section = &kCertificate,
     .children = list_of<&Https::certificates>()},
    {.name = "http2",
     .kind = Kind::boolean,
     .slot = at<&Https::http2>,
     .words = {"Offer HTTP/2 to browsers.", "Proposer HTTP/2 aux navigateurs."}},
};
constexpr Section kHttps{"listen.https", kHttpsKeys};

constexpr Key kListenKeys[] = {
    {.name = "http",
     .kind = Kind::listen,
     .slot = at<&Settings::listen>,
     .words = {"Address and port for plain HTTP; port 0 takes any free one. With `https`, only "
               "when it is written.",
               "Adresse et port pour HTTP sans chiffrement ; le port 0 en prend un libre. Avec "
               "`https`, seulement si cette clé est écrite."},
     .example = "\"127.0.0.1:8000\""},
    {.name = "https",
     .kind = Kind::section,
     .slot = inside<&Settings::https>,
     .words = {"Where the gateway itself speaks TLS.", "Où la passerelle parle elle-même TLS."},
     .section = &kHttps},
    {.name = "redirect",
     .kind = Kind::boolean,
     .slot = at<&Settings::redirect>,
     .words = {"With `https`, send everybody who comes by plain HTTP there.",
               "Avec `https`, y renvoyer toute personne qui arrive par HTTP sans chiffrement."}},
};
constexpr Section kListen{"listen", kListenKeys};

constexpr auto kAuthenticatorKeys = joined(kEveryAuthenticatorKeys,
                                           kDummyKeys,
                                           kLdapKeys,
                                           kLti11Keys,
                                           kLti13Keys,
                                           kOidcKeys,
                                           kCasKeys,
                                           kHeaderKeys,
                                           kPamKeys);
constexpr Section kAuthenticator{"authenticators.<name>", kAuthenticatorKeys};

constexpr Key kAccessKeys[] = {
    {.name = "allow",
     .kind = Kind::people,
     .slot = at<&Access::allow>,
     .words = {"Who may sign in: `all` (everybody an authenticator accepts), or users and groups. "
               "Without it nobody gets in.",
               "Qui peut se connecter : `all` (toute personne acceptée par un authentificateur), "
               "ou des utilisateurs et groupes. Sans cette clé, personne n'entre."},
     .example = "{groups: [staff, spark-2026]}",
     .required = true,
     .section = &kPeople},
    {.name = "admins",
     .kind = Kind::section,
     .slot = inside<&Access::admins>,
     .words = {"Who may see and stop every server. Being listed here does not let anyone in: "
               "`allow` does.",
               "Qui peut voir et arrêter tous les serveurs. N'ouvre pas l'accès : c'est le rôle de "
               "`allow`."},
     .section = &kPeople},
    {.name = "block_stops_servers",
     .kind = Kind::boolean,
     .slot = at<&Access::block_stops_servers>,
     .words =
         {"Also stop the servers of somebody who may no longer come in (blocked, or refused by "
          "their authenticator). Their sessions end in any case.",
          "Arrêter aussi les serveurs d'une personne qui ne peut plus entrer (bloquée, ou "
          "refusée par son authentificateur). Ses sessions prennent fin dans tous les cas."}},
    {.name = "block",
     .kind = Kind::section,
     .slot = inside<&Access::block>,
     .words = {"Who is kept out, whatever `allow` says.",
               "Qui reste dehors, quoi que dise `allow`."},
     .section = &kPeople},
};
constexpr Section kAccess{"access", kAccessKeys};

constexpr Key kSessionKeys[] = {
    {.name = "idle",
     .kind = Kind::duration,
     .slot = at<&Sessions::idle>,
     .words = {"A session not used that long ends.",
               "Une session inutilisée pendant cette durée prend fin."},
     .example = "24h",
     .least = 60,
     .most = 366 * kDay},
    {.name = "absolute",
     .kind = Kind::duration,
     .slot = at<&Sessions::absolute>,
     .words = {"A session ends that long after the sign-in, used or not.",
               "Une session prend fin à ce délai après la connexion, utilisée ou non."},
     .example = "14d",
     .least = 60,
     .most = 366 * kDay},
    {.name = "refresh",
     .kind = Kind::duration,
     .slot = at<&Sessions::refresh>,
     .words =
         {"While a session is in use, its authenticator is asked that often whether the person "
          "may stay and which groups they have; also before each launch. 0 asks before "
          "launches only.",
          "Tant qu'une session sert, son authentificateur est interrogé à cet intervalle : la "
          "personne peut-elle rester, dans quels groupes est-elle ? Aussi avant chaque "
          "lancement. 0 : avant les lancements seulement."},
     .example = "5m",
     .most = 366 * kDay},
};
constexpr Section kSessions{"sessions", kSessionKeys};

constexpr auto kSpawnerKeys =
    joined(kEverySpawnerKeys, kLocalKeys, kBatchKeys, kDockerKeys, kKubernetesKeys);
constexpr Section kSpawner{"spawners.<name>", kSpawnerKeys};

constexpr Key kProfileKeys[] = {
    {.name = "name",
     .kind = Kind::identifier,
     .slot = at<&Profile::name>,
     .words = {"Its name in links and in the API; unique.",
               "Son nom dans les liens et l'API ; unique."},
     .example = "notebook",
     .required = true},
    {.name = "title",
     .kind = Kind::translated,
     .slot = at<&Profile::title>,
     .words = {"Its title on the launch page.", "Son titre sur la page de lancement."},
     .example = "{en: Notebook, fr: Carnet}",
     .when_absent = {"the name", "le nom"}},
    {.name = "description",
     .kind = Kind::translated,
     .slot = at<&Profile::description>,
     .words = {"One or two sentences below the title.", "Une ou deux phrases sous le titre."},
     .example = "{en: Python for the course, fr: Python pour le cours}",
     .when_absent = {"none", "aucune"}},
    {.name = "spawner",
     .kind = Kind::text,
     .slot = at<&Profile::spawner>,
     .words = {"Which entry of `spawners` runs it.", "L'entrée de `spawners` qui le fait tourner."},
     .example = "here",
     .required = true},
    {.name = "command",
     .kind = Kind::command,
     .slot = at<&Profile::command>,
     .words = {"The program and its arguments, one by one; no shell reads them. Jupyter programs "
               "get the options they need by themselves.",
               "Le programme et ses arguments, un par un ; aucun shell ne les lit. Les programmes "
               "Jupyter reçoivent d'eux-mêmes les options nécessaires."},
     .example = "[jupyter-lab]",
     .least = 1,
     .most = 256,
     .when_absent = {"only with a `chart`", "seulement avec un `chart`"}},
    {.name = "environment",
     .kind = Kind::environment,
     .slot = at<&Profile::environment>,
     .words = {"Further environment variables of the server.",
               "Variables d'environnement supplémentaires."},
     .example = "{OMP_NUM_THREADS: \"1\"}",
     .when_absent = {"none", "aucune"}},
    {.name = "transport",
     .kind = Kind::choice,
     .slot = at<&Profile::transport>,
     .words = {"How the gateway reaches the server: a Unix socket that nobody else can open, or "
               "TCP on the loopback address for programs that cannot listen on a socket.",
               "Comment joindre le serveur : une socket Unix que personne d'autre ne peut ouvrir, "
               "ou TCP sur l'adresse locale pour les programmes qui ne savent pas."},
     .example = "unix",
     .choices = "unix tcp"},
    {.name = "access",
     .kind = Kind::choice,
     .slot = at<&Profile::access>,
     .words =
         {"`gateway`: the gateway alone checks who comes, and the server needs to know nothing of "
          "it. `jupyterhub`: the program is `jupyterhub-singleuser` (3 to 6) or speaks as it does, "
          "and also asks the gateway by OAuth; it is reached by TCP.",
          "`gateway` : la passerelle seule vérifie qui vient, et le serveur n'a rien à en savoir. "
          "`jupyterhub` : le programme est `jupyterhub-singleuser` (3 à 6) ou parle comme lui, et "
          "demande aussi par OAuth à la passerelle ; il est joint par TCP."},
     .example = "jupyterhub",
     .choices = "gateway jupyterhub"},
    {.name = "domain",
     .kind = Kind::text,
     .slot = at<&Profile::container, &ContainerProfile::domain>,
     .words = {"For programs that know no base URL: each server has a host name of its own below "
               "this one (`https://alice-0f1e2d3c4b5a6978.lab.example.fr/`) and answers at `/`. "
               "Needs a wildcard in DNS and in the certificate; scheme and port are those of "
               "`public_url`. In a chart it is also `k8s.domain`. See docs/subdomains.md.",
               "Pour les programmes qui ne connaissent pas d'URL de base : chaque serveur a son "
               "propre nom d'hôte au-dessous de celui-ci "
               "(`https://alice-0f1e2d3c4b5a6978.lab.example.fr/`) et répond à `/`. Il faut un "
               "joker dans le DNS et dans le certificat ; le protocole et le port sont ceux de "
               "`public_url`. Dans un chart, c'est aussi `k8s.domain`. Voir docs/subdomains.md."},
     .example = "lab.example.fr",
     .when_absent = {"servers stand below `/user/`", "les serveurs sont sous `/user/`"}},
    {.name = "allow",
     .kind = Kind::people,
     .slot = at<&Profile::allow>,
     .words = {"Who may launch it, among those who may sign in.",
               "Qui peut le lancer, parmi celles et ceux qui peuvent se connecter."},
     .example = "{groups: [spark-2026]}",
     .when_absent = {"everybody", "tout le monde"},
     .section = &kPeople},
    {.name = "default_url",
     .kind = Kind::below_path,
     .slot = at<&Profile::default_url>,
     .words = {"What is opened, below the server's prefix.",
               "Ce qui est ouvert, sous le préfixe du serveur."},
     .example = "lab",
     .when_absent = {"the prefix", "le préfixe"}},
    {.name = "ready_path",
     .kind = Kind::below_path,
     .slot = at<&Profile::ready_path>,
     .words = {"Asked until it answers, to see that the server is ready; below the prefix.",
               "Demandé jusqu'à réponse, pour savoir si le serveur est prêt ; sous le préfixe."},
     .example = "api",
     .when_absent = {"the prefix", "le préfixe"}},
    {.name = "start_timeout",
     .kind = Kind::duration,
     .slot = at<&Profile::start_timeout>,
     .words = {"The launch fails with `start-timeout` after that long.",
               "Au-delà, le lancement échoue avec `start-timeout`."},
     .example = "60s",
     .least = 1,
     .most = kDay},
    {.name = "memory",
     .kind = Kind::size,
     .slot = at<&Profile::memory>,
     .words = {"Instead of the spawner's `memory`.", "À la place de `memory` du lanceur."},
     .example = "4GiB",
     .least = kMebi,
     .when_absent = kSpawners},
    {.name = "cpu",
     .kind = Kind::number,
     .slot = at<&Profile::cpu>,
     .words = {"Instead of the spawner's `cpu`.", "À la place de `cpu` du lanceur."},
     .example = "2",
     .most = 4096,
     .when_absent = kSpawners},
    {.name = "pids",
     .kind = Kind::count,
     .slot = at<&Profile::pids>,
     .words = {"Instead of the spawner's `pids`.", "À la place de `pids` du lanceur."},
     .example = "1024",
     .most = 4'194'304,
     .when_absent = kSpawners},
    {.name = "form",
     .kind = Kind::named_sections,
     .slot = itself,
     .words = {"What a person chooses before the launch, by name and in this order. `{name}` "
               "stands for the value in "
               "`command`.",
               "Ce que la personne choisit avant le lancement, par nom et dans cet ordre. `{name}` "
               "représente la "
               "valeur dans `command`."},
     .most = 50,
     .section = &kForm,
     .children = list_of<&Profile::form>()},
    {.name = "job",
     .kind = Kind::section,
     .slot = itself,
     .words = {"What is asked of a batch system. `{name}` stands for a value of the form, "
               "`{username}` for the person.",
               "Ce qui est demandé à un gestionnaire de lots. `{nom}` représente une valeur du "
               "formulaire, "
               "`{username}` la personne."},
     .section = &kJob},
    {.name = "container",
     .kind = Kind::section,
     .slot = itself,
     .words = {"The container, for spawners that run one.",
               "Le conteneur, pour les lanceurs qui en font tourner."},
     .section = &kContainer},
    {.name = "chart",
     .kind = Kind::section,
     .slot = itself,
     .words = {"A Helm chart instead of `command` and `container`, for `type: kubernetes`.",
               "Un chart Helm au lieu de `command` et `container`, pour `type: kubernetes`."},
     .section = &kChart},
    {.name = "catalogue",
     .kind = Kind::section,
     .slot = itself,
     .words = {"Helm charts to choose from, instead of one `chart`.",
               "Des charts Helm au choix, au lieu d'un seul `chart`."},
     .section = &kCatalogue},
};
constexpr Section kProfile{"profiles[]", kProfileKeys};

constexpr Key kLimitKeys[] = {
    {.name = "servers_per_user",
     .kind = Kind::count,
     .slot = at<&Limits::servers_per_user>,
     .words = {"Servers one user may have at a time.", "Serveurs simultanés d'un utilisateur."},
     .example = "2",
     .least = 1,
     .most = 1000},
    {.name = "servers",
     .kind = Kind::count,
     .slot = at<&Limits::servers>,
     .words = {"All servers, running or starting.",
               "Tous les serveurs, lancés ou en cours de lancement."},
     .example = "200",
     .most = 1'000'000,
     .when_absent = kUnlimited},
    {.name = "launches_in_flight",
     .kind = Kind::count,
     .slot = at<&Limits::launches_in_flight>,
     .words = {"Launches at the same moment; further ones wait and see their position.",
               "Lancements simultanés ; les suivants attendent et voient leur rang."},
     .example = "64",
     .least = 1,
     .most = 10'000},
    {.name = "queue",
     .kind = Kind::count,
     .slot = at<&Limits::queue>,
     .words = {"Launches that may wait; more are refused with `queue-full`.",
               "Lancements en attente ; au-delà, refus avec `queue-full`."},
     .example = "1000",
     .most = 1'000'000},
};
constexpr Section kLimits{"limits", kLimitKeys};

constexpr Key kMatchKeys[] = {
    {.name = "group",
     .kind = Kind::text,
     .slot = at<&CullRule::group>,
     .words = {"Only servers of people in this group.",
               "Seulement les serveurs des membres de ce groupe."},
     .example = "mooc",
     .when_absent = {"everybody", "tout le monde"}},
    {.name = "profile",
     .kind = Kind::text,
     .slot = at<&CullRule::profile>,
     .words = {"Only servers of this profile.", "Seulement les serveurs de ce profil."},
     .example = "notebook",
     .when_absent = {"every profile", "tous les profils"}},
    {.name = "idle",
     .kind = Kind::duration,
     .slot = at<&CullRule::idle>,
     .words =
         {"Servers without HTTP or WebSocket traffic that long. A Jupyter kernel that computes "
          "is use, too.",
          "Serveurs sans trafic HTTP ni WebSocket depuis cette durée. Un noyau Jupyter qui "
          "calcule compte comme un usage."},
     .example = "30m",
     .least = 1,
     .when_absent = {"does not matter", "sans importance"}},
    {.name = "age",
     .kind = Kind::duration,
     .slot = at<&CullRule::age>,
     .words = {"Servers that have run that long, whatever they do; with `idle`, what comes first "
               "counts.",
               "Serveurs lancés depuis cette durée, quoi qu'ils fassent ; avec `idle`, le premier "
               "échu compte."},
     .example = "12h",
     .least = 1,
     .when_absent = {"does not matter", "sans importance"}},
};
constexpr Section kMatch{"cull[].match", kMatchKeys};

constexpr Key kCullKeys[] = {
    {.name = "match",
     .kind = Kind::section,
     .slot = itself,
     .words = {"Which servers; `idle` or `age` must be given.",
               "Quels serveurs ; `idle` ou `age` est obligatoire."},
     .example = "{idle: 30m}",
     .required = true,
     .section = &kMatch},
    {.name = "notice",
     .kind = Kind::duration,
     .slot = at<&CullRule::notice>,
     .words = {"How long before its end a person is told.", "Délai d'annonce avant l'arrêt."},
     .example = "5m"},
};
constexpr Section kCull{"cull[]", kCullKeys};

constexpr Key kLinkKeys[] = {
    {.name = "text",
     .kind = Kind::translated,
     .slot = at<&Link::text>,
     .words = {"What the link says.", "Le texte du lien."},
     .example = "{en: Help, fr: Aide}",
     .required = true},
    {.name = "url",
     .kind = Kind::link,
     .slot = at<&Link::url>,
     .words = {"Where it leads: `https:`, `http:`, `mailto:`, or a path.",
               "Où il mène : `https:`, `http:`, `mailto:` ou un chemin."},
     .example = "https://help.example.fr",
     .required = true},
};
constexpr Section kLink{"branding.links[]", kLinkKeys};

constexpr Key kBrandingKeys[] = {
    {.name = "name",
     .kind = Kind::text,
     .slot = at<&Branding::name>,
     .words = {"The site's name, in titles and headings.", "Le nom du site, dans les titres."},
     .example = "JupyterLab de l'université",
     .least = 1,
     .most = 80},
    {.name = "logo",
     .kind = Kind::image,
     .slot = at<&Branding::logo>,
     .words = {"An SVG or PNG file, relative to the configuration file.",
               "Un fichier SVG ou PNG, relatif au fichier de configuration."},
     .example = "./logo.svg",
     .when_absent = {"ours", "le nôtre"}},
    {.name = "colour",
     .kind = Kind::colour,
     .slot = at<&Branding::colour>,
     .words = {"Of buttons and links. White text on it must have a contrast of 4.5 to 1.",
               "Des boutons et liens. Le texte blanc doit y avoir un contraste de 4,5 pour 1."},
     .example = "\"#1f5fbf\""},
    {.name = "links",
     .kind = Kind::section_list,
     .slot = itself,
     .words = {"Links at the foot of every page.", "Liens au bas de chaque page."},
     .most = 20,
     .section = &kLink,
     .children = list_of<&Branding::links>()},
};
constexpr Section kBranding{"branding", kBrandingKeys};

constexpr Key kLogKeys[] = {
    {.name = "level",
     .kind = Kind::choice,
     .slot = at<&Log::level>,
     .words = {"The least important lines that are written.",
               "Les lignes les moins importantes à écrire."},
     .example = "info",
     .choices = "debug info warn error"},
    {.name = "format",
     .kind = Kind::choice,
     .slot = at<&Log::format>,
     .words = {"`text` for people, `json` for programs, `auto`: text on a terminal, else json.",
               "`text` pour les personnes, `json` pour les programmes, `auto` : text dans un "
               "terminal, sinon json."},
     .example = "json",
     .choices = "auto json text"},
    {.name = "access",
     .kind = Kind::boolean,
     .slot = at<&Log::access>,
     .words = {"One line per request.", "Une ligne par requête."},
     .example = "true"},
};
constexpr Section kLog{"log", kLogKeys};

constexpr Key kProxyKeys[] = {
    {.name = "threads",
     .kind = Kind::count,
     .slot = at<&Proxy::threads>,
     .words = {"Threads that carry bytes.", "Fils d'exécution qui portent les octets."},
     .example = "4",
     .most = 256,
     .when_absent = {"one per core", "un par cœur"}},
    {.name = "header_timeout",
     .kind = Kind::duration,
     .slot = at<&Proxy::header_timeout>,
     .words = {"A request's head must be complete by then.",
               "L'en-tête d'une requête doit être complet d'ici là."},
     .example = "10s",
     .least = 1,
     .most = 3600},
    {.name = "body_timeout",
     .kind = Kind::duration,
     .slot = at<&Proxy::body_timeout>,
     .words = {"The longest silence inside a body, either way.",
               "Le plus long silence dans un corps, dans les deux sens."},
     .example = "60s",
     .least = 1,
     .most = kDay},
    {.name = "idle_timeout",
     .kind = Kind::duration,
     .slot = at<&Proxy::idle_timeout>,
     .words = {"A connection without a request is closed after that long.",
               "Une connexion sans requête est fermée après cette durée."},
     .example = "75s",
     .least = 1,
     .most = kDay},
    {.name = "tunnel_timeout",
     .kind = Kind::duration,
     .slot = at<&Proxy::tunnel_timeout>,
     .words = {"A WebSocket without a byte is closed after that long.",
               "Un WebSocket sans octet est fermé après cette durée."},
     .example = "24h",
     .least = 60,
     .most = 366 * kDay},
    {.name = "response_timeout",
     .kind = Kind::duration,
     .slot = at<&Proxy::response_timeout>,
     .words = {"How long a server may take to begin its response.",
               "Délai laissé à un serveur pour commencer sa réponse."},
     .example = "1h",
     .least = 1,
     .most = 7 * kDay},
    {.name = "drain",
     .kind = Kind::duration,
     .slot = at<&Proxy::drain>,
     .words = {"How long running requests may take when the gateway stops.",
               "Délai laissé aux requêtes en cours quand la passerelle s'arrête."},
     .example = "10s",
     .most = 3600},
    {.name = "max_body",
     .kind = Kind::size,
     .slot = at<&Proxy::max_body>,
     .words = {"The largest request body that is passed on to a server.",
               "Le plus grand corps de requête transmis à un serveur."},
     .example = "2GiB",
     .least = 1,
     .when_absent = kUnlimited},
    {.name = "max_connections",
     .kind = Kind::count,
     .slot = at<&Proxy::max_connections>,
     .words = {"Open client connections; above it, new ones wait.",
               "Connexions ouvertes des clients ; au-delà, les nouvelles attendent."},
     .example = "20000",
     .least = 16,
     .most = 10'000'000},
    {.name = "hosts",
     .kind = Kind::text_list,
     .slot = at<&Proxy::hosts>,
     .words =
         {"Host names that are served besides that of `public_url`, without port; `*` for every "
          "name. `localhost` and numeric addresses always are. A request for another name is "
          "answered 421.",
          "Noms d'hôte servis en plus de celui de `public_url`, sans port ; `*` pour tous. "
          "`localhost` et les adresses numériques le sont toujours. Une requête pour un autre "
          "nom reçoit la réponse 421."},
     .example = "[notebooks.internal]",
     .star = true},
    {.name = "via",
     .kind = Kind::identifier,
     .slot = at<&Proxy::via>,
     .words =
         {"Our name in the `Via` header that servers see. A request that comes back with it is a "
          "loop and is answered 508, so no two gateways may share it.",
          "Notre nom dans l'en-tête `Via` que voient les serveurs. Une requête qui revient avec "
          "lui est une boucle et reçoit la réponse 508 : deux passerelles ne peuvent donc pas le "
          "partager."},
     .example = "passerelle-lyon",
     .when_absent = {"made up at each start", "inventé à chaque démarrage"}},
    {.name = "max_connections_per_address",
     .kind = Kind::count,
     .slot = at<&Proxy::max_connections_per_address>,
     .words =
         {"Open connections from one client address, or one IPv6 /64; above it, new ones are told "
          "429. A classroom or campus may be behind one address. `trusted_proxies` are not "
          "counted; 0 means no limit.",
          "Connexions ouvertes depuis une même adresse, ou un même /64 en IPv6 ; au-delà, les "
          "nouvelles reçoivent 429. Une salle ou un campus peut se présenter sous une seule "
          "adresse. Les `trusted_proxies` ne comptent pas ; 0 : sans limite."},
     .example = "1000",
     .most = 10'000'000},
    {.name = "min_rate",
     .kind = Kind::count,
     .slot = at<&Proxy::min_rate>,
     .words =
         {"Bytes a second that a client must send of a body, or take of a response, while all "
          "wait for it; a slower one is cut. 0 means any.",
          "Octets par seconde qu'un client doit envoyer d'un corps ou prendre d'une réponse tant "
          "que tous l'attendent ; un client plus lent est coupé. 0 : sans minimum."},
     .example = "256",
     .most = 1'000'000'000},
    {.name = "min_rate_after",
     .kind = Kind::duration,
     .slot = at<&Proxy::min_rate_after>,
     .words = {"The rate is looked at over spans of that length, from the second one on.",
               "Le débit est mesuré sur des périodes de cette durée, à partir de la deuxième."},
     .example = "30s",
     .least = 1,
     .most = 3600},
    {.name = "max_buffered",
     .kind = Kind::size,
     .slot = at<&Proxy::max_buffered>,
     .words =
         {"Memory for bytes that clients or servers do not take yet, all together. From a half of "
          "it on connections end with their request, from three quarters on new ones are told "
          "503, and above it those that hold most are cut. 0 means no limit.",
          "Mémoire pour les octets que clients ou serveurs ne prennent pas encore, en tout. Dès "
          "la moitié, les connexions finissent avec leur requête ; dès les trois quarts, les "
          "nouvelles reçoivent 503 ; au-delà, celles qui en gardent le plus sont coupées. 0 : "
          "sans limite."},
     .example = "512MiB"},
};
constexpr Section kProxy{"proxy", kProxyKeys};

constexpr Key kMetricsKeys[] = {
    {.name = "allow",
     .kind = Kind::networks,
     .slot = at<&Metrics::allow>,
     .words =
         {"Networks that may read `/hub/metrics` without a token. Servers on this machine come "
          "from 127.0.0.1 too.",
          "Réseaux qui peuvent lire `/hub/metrics` sans jeton. Les serveurs de cette machine "
          "viennent aussi de 127.0.0.1."},
     .example = "[10.0.0.9]",
     .most = 256,
     .when_absent = {"only tokens and sessions with `read:metrics`",
                     "seuls les jetons et sessions avec `read:metrics`"}},
};
constexpr Section kMetrics{"metrics", kMetricsKeys};

constexpr Key kRootKeys[] = {
    {.name = "public_url",
     .kind = Kind::public_url,
     .slot = at<&Settings::public_url>,
     .words = {"The address people type, with a path if we are mounted below one. Required unless "
               "only this machine can connect.",
               "L'adresse que l'on tape, avec un chemin si nous sommes montés dessous. Obligatoire "
               "sauf si seule cette machine peut se connecter."},
     .example = "https://jupyter.example.fr",
     .when_absent = {"the listener's address", "l'adresse d'écoute"}},
    {.name = "subdomain_host",
     .kind = Kind::text,
     .slot = at<&Settings::subdomain_host>,
     .words = {"Each person's servers at a host name of their own below this one "
               "(`alice.notebooks.example.fr`), so that browsers keep people's notebooks apart and "
               "away from our pages; recommended wherever people do not trust each other. Needs a "
               "wildcard in DNS and in the certificate. Scheme and port are those of `public_url`. "
               "See docs/subdomains.md.",
               "Les serveurs de chaque personne sous un nom d'hôte à elle, au-dessous de celui-ci "
               "(`alice.notebooks.example.fr`) : les navigateurs séparent alors les notebooks des "
               "uns et des autres, et de nos pages ; conseillé partout où l'on ne se fait pas "
               "mutuellement confiance. Il faut un joker dans le DNS et dans le certificat. Le "
               "protocole et le port sont ceux de `public_url`. Voir docs/subdomains.md."},
     .example = "notebooks.example.fr",
     .when_absent = {"all at `public_url`", "tous à `public_url`"}},
    {.name = "listen",
     .kind = Kind::section,
     .slot = itself,
     .words = {"Where the gateway listens.", "Où la passerelle écoute."},
     .section = &kListen},
    {.name = "data_dir",
     .kind = Kind::directory,
     .slot = at<&Settings::data_dir>,
     .words = {"Database, keys, workspaces and logs of launches; relative to the configuration "
               "file. Made with mode 0700.",
               "Base de données, clés, espaces de travail et journaux ; relatif au fichier de "
               "configuration. Créé en mode 0700."},
     .example = "/var/lib/passerelle",
     .required = true},
    {.name = "trusted_proxies",
     .kind = Kind::networks,
     .slot = at<&Settings::trusted_proxies>,
     .words =
         {"Reverse proxies in front of us: networks whose `X-Forwarded-*` headers are believed.",
          "Mandataires placés devant nous : réseaux dont les en-têtes `X-Forwarded-*` sont crus."},
     .example = "[127.0.0.1, \"fd00::/8\"]",
     .most = 256,
     .when_absent = {"nobody", "personne"}},
    {.name = "proxy_protocol",
     .kind = Kind::networks,
     .slot = at<&Settings::proxy_protocol>,
     .words =
         {"Load balancers that forward plain TCP to us: each connection from these networks must "
          "begin with a PROXY header, version 1 or 2, and the address in it is the client's. "
          "Nobody else may send one.",
          "Répartiteurs qui nous transmettent du TCP brut : chaque connexion venant de ces "
          "réseaux doit commencer par un en-tête PROXY, version 1 ou 2, et l'adresse qu'il porte "
          "est celle du client. Personne d'autre ne peut en envoyer."},
     .example = "[10.0.0.5]",
     .most = 256,
     .when_absent = {"nobody", "personne"}},
    {.name = "authenticators",
     .kind = Kind::named_sections,
     .slot = itself,
     .words = {"Ways to sign in, by name. The name is part of a person's identity: keep it.",
               "Méthodes de connexion, par nom. Le nom fait partie de l'identité des personnes : "
               "ne le changez pas."},
     .required = true,
     .least = 1,
     .most = 100,
     .section = &kAuthenticator,
     .children = list_of<&Settings::authenticators>()},
    {.name = "access",
     .kind = Kind::section,
     .slot = inside<&Settings::access>,
     .words = {"Who may do what.", "Qui peut quoi."},
     .required = true,
     .section = &kAccess},
    {.name = "auto_login",
     .kind = Kind::boolean,
     .slot = at<&Settings::auto_login>,
     .words =
         {"Where there is one sign-in method only and it needs nothing typed here, go straight "
          "there instead of showing the sign-in page.",
          "S'il n'y a qu'une méthode de connexion et qu'elle ne demande rien ici, y aller "
          "directement sans afficher la page de connexion."}},
    {.name = "sessions",
     .kind = Kind::section,
     .slot = inside<&Settings::sessions>,
     .words = {"How long a browser stays signed in.",
               "Combien de temps un navigateur reste connecté."},
     .section = &kSessions},
    {.name = "spawners",
     .kind = Kind::named_sections,
     .slot = itself,
     .words = {"Places where servers run, by name.", "Lieux où tournent les serveurs, par nom."},
     .required = true,
     .least = 1,
     .most = 100,
     .section = &kSpawner,
     .children = list_of<&Settings::spawners>()},
    {.name = "profiles",
     .kind = Kind::section_list,
     .slot = itself,
     .words = {"What people can launch, in the order of the launch page.",
               "Ce que l'on peut lancer, dans l'ordre de la page de lancement."},
     .required = true,
     .least = 1,
     .most = 1000,
     .section = &kProfile,
     .children = list_of<&Settings::profiles>()},
    {.name = "roles",
     .kind = Kind::named_sections,
     .slot = itself,
     .words =
         {"Bundles of scopes and who has them, by name. `user`, `server` and `token` exist and "
          "may be given other scopes; `admin` stays as it is.",
          "Des lots de permissions et qui les a, par nom. `user`, `server` et `token` existent "
          "et peuvent recevoir d'autres permissions ; `admin` reste tel quel."},
     .most = 1000,
     .section = &kRole,
     .children = map_of<&Settings::rbac, &Rbac::roles>()},
    {.name = "groups",
     .kind = Kind::named_sections,
     .slot = itself,
     .words = {"Groups that exist from the start, by name, beside those that sign-ins say.",
               "Groupes qui existent dès le démarrage, par nom, en plus de ceux des connexions."},
     .most = 10'000,
     .section = &kGroup,
     .children = map_of<&Settings::rbac, &Rbac::groups>()},
    {.name = "services",
     .kind = Kind::named_sections,
     .slot = itself,
     .words = {"Programs that speak the API with a token of their own, by name.",
               "Programmes qui parlent l'API avec leur propre jeton, par nom."},
     .most = 1000,
     .section = &kService,
     .children = map_of<&Settings::rbac, &Rbac::services>()},
    {.name = "custom_scopes",
     .kind = Kind::text_list,
     .slot = at<&Settings::rbac, &Rbac::custom_scopes>,
     .words = {"Scopes that only services know, for roles: `custom:` and a name.",
               "Permissions que seuls des services connaissent, pour les rôles : `custom:` et un "
               "nom."},
     .example = "[\"custom:grades:read\"]"},
    {.name = "hub_url",
     .kind = Kind::public_url,
     .slot = at<&Settings::hub_url>,
     .words = {"Where servers with `access: jupyterhub` and services reach this gateway, without "
               "the path, when neither its plain HTTP address nor `public_url` is right for them.",
               "Où les serveurs avec `access: jupyterhub` et les services joignent cette "
               "passerelle, sans le chemin, si ni son adresse HTTP ni `public_url` ne leur "
               "conviennent."},
     .example = "https://hub.internal:8443",
     .when_absent = {"`listen.http`, else `public_url`", "`listen.http`, sinon `public_url`"}},
    {.name = "limits",
     .kind = Kind::section,
     .slot = inside<&Settings::limits>,
     .words = {"How much at a time.", "Combien à la fois."},
     .section = &kLimits},
    {.name = "cull",
     .kind = Kind::section_list,
     .slot = itself,
     .words =
         {"Rules that stop servers nobody uses. The first rule that matches a server counts.",
          "Règles qui arrêtent les serveurs inutilisés. La première qui correspond s'applique."},
     .most = 100,
     .section = &kCull,
     .children = list_of<&Settings::cull>()},
    {.name = "branding",
     .kind = Kind::section,
     .slot = inside<&Settings::branding>,
     .words = {"How the pages look.", "L'apparence des pages."},
     .section = &kBranding},
    {.name = "log",
     .kind = Kind::section,
     .slot = inside<&Settings::log>,
     .words = {"What is written to standard error.", "Ce qui est écrit sur la sortie d'erreur."},
     .section = &kLog},
    {.name = "proxy",
     .kind = Kind::section,
     .slot = inside<&Settings::proxy>,
     .words = {"Bounds of the part that carries bytes.",
               "Bornes de la partie qui porte les octets."},
     .section = &kProxy},
    {.name = "metrics",
     .kind = Kind::section,
     .slot = inside<&Settings::metrics>,
     .words = {"Who may read the numbers of `/hub/metrics`.",
               "Qui peut lire les chiffres de `/hub/metrics`."},
     .section = &kMetrics},
    {.name = "stop_servers_on_exit",
     .kind = Kind::boolean,
     .slot = at<&Settings::stop_servers_on_exit>,
     .words = {"Servers end with the gateway. Otherwise they run on, and the restarted gateway "
               "finds them again.",
               "Les serveurs s'arrêtent avec la passerelle. Sinon ils continuent, et la passerelle "
               "relancée les retrouve."},
     .example = "false"},
};
constexpr Section kRoot{"", kRootKeys};

constexpr std::string_view kUseAccess =
    "say who may sign in with `access: {allow: ..., admins: ..., block: ...}`";
constexpr std::string_view kTls =
    "write `listen: {https: {address: \"0.0.0.0:443\", cert: ./fullchain.pem, key: "
    "./privkey.pem}}`";

constexpr Hint kHints[] = {
    {"https", kTls},
    {"tls", kTls},
    {"ssl", kTls},
    {"ssl_cert", kTls},
    {"ssl_key", kTls},
    {"cert", kTls},
    {"allowed_users", kUseAccess},
    {"allowed_groups", kUseAccess},
    {"blocked_users", kUseAccess},
    {"allow_all", kUseAccess},
    {"allow_existing_users", kUseAccess},
    {"any_allow_config", kUseAccess},
    {"admin_users", kUseAccess},
    {"admin_groups", kUseAccess},
    {"admin_access", kUseAccess},
    {"whitelist", kUseAccess},
    {"group_whitelist", kUseAccess},
    {"blacklist", kUseAccess},
    {"authenticator_class", "write `authenticators: {name: {type: ...}}`"},
    {"auth", "write `authenticators: {name: {type: ...}}`"},
    {"spawner_class", "write `spawners: {name: {type: ...}}`"},
    {"profile_list", "write `profiles: [{name: ..., spawner: ..., command: [...]}]`"},
    {"bind_url", "write `listen: {http: \"127.0.0.1:8000\"}` and `public_url`"},
    {"port", "write `listen: {http: \"127.0.0.1:8000\"}`"},
    {"ip", "write `listen: {http: \"127.0.0.1:8000\"}`"},
    {"base_url", "it is the path of `public_url`: write `public_url: https://host/path/`"},
    {"cookie_secret", "keys are made by themselves in `data_dir`"},
    {"cookie_secret_file", "keys are made by themselves in `data_dir`"},
    {"crypt_key", "keys are made by themselves in `data_dir`"},
    {"db_url", "the database stands in `data_dir`"},
    {"mem_limit", "write `memory: 2GiB`"},
    {"cpu_limit", "write `cpu: 1.5`"},
    {"cmd", "write `command: [program, argument]`"},
    {"args", "write all arguments into `command: [program, argument]`"},
    {"env", "write `environment: {NAME: value}`"},
    {"notebook_dir", "write `workspace` in the spawner"},
    {"http_timeout", "write `start_timeout: 60s` in the profile"},
    {"active_server_limit", "write `limits: {servers: ...}`"},
    {"concurrent_spawn_limit", "write `limits: {launches_in_flight: ...}`"},
    {"named_server_limit_per_user", "write `limits: {servers_per_user: ...}`"},
    {"shutdown_on_logout", "servers outlive a sign-out; see `cull`"},
    {"cleanup_servers", "write `stop_servers_on_exit: true`"},
    {"<<", "merge keys are not read; write the keys out"},
};

}  // namespace

bool Key::is_of(std::string_view entry_type) const noexcept {
  if (type.empty()) return true;
  const auto types = text::split(type, ' ');
  return std::find(types.begin(), types.end(), entry_type) != types.end();
}

const Key* Section::find(std::string_view name, std::string_view type) const noexcept {
  for (const Key& key : keys) {
    if (key.name == name && key.is_of(type)) return &key;
  }
  return nullptr;
}

const Section& root_section() {
  return kRoot;
}

std::vector<std::string_view> types_of(const Section& section) {
  const Key* type = section.find("type", {});
  return type == nullptr ? std::vector<std::string_view>() : text::split(type->choices, ' ');
}

std::string_view advice_for(std::string_view key) {
  const auto* hint = std::find_if(std::begin(kHints), std::end(kHints),
                                  [&](const Hint& h) { return h.key == key; });
  return hint == std::end(kHints) ? std::string_view() : hint->advice;
}

}  // namespace passerelle::config
