#include <utility>
#include <vector>

#include "base/text.hpp"
#include "config/describe.hpp"
#include "config/secret_source.hpp"
#include "config/values.hpp"

namespace passerelle::config {
namespace {

constexpr Words kIntroduction{R"(# Configuration

This page is made from the table in `config/keys.cpp`; `cmake --build --preset release --target reference` writes it anew.

passerelle reads one YAML file. Check it before it runs; every problem is told at once, with its line, its column, and what to
write instead:

```
$ passerelle check-config hub.yaml
hub.yaml:12:3: unknown key `autenticators`; did you mean `authenticators`?
hub.yaml:31:12: limits.queue: `many` is no whole number; write digits only, such as `10`
```

Begin with one of the complete files in `config/examples/`: [dev.yaml](../config/examples/dev.yaml) (this machine only),
[workshop.yaml](../config/examples/workshop.yaml) (one room, one password), [full.yaml](../config/examples/full.yaml) (every key).
An editor that knows JSON Schema completes keys with `passerelle schema`, kept as
[configuration.schema.json](configuration.schema.json): put `# yaml-language-server: $schema=...` into the first line.

## Rules

- An unknown, misspelt or repeated key stops the start. So does a key of another program or of an older version: a list of allowed
  people that nobody reads would let everybody in.
- Nobody gets in unless `access.allow` says so.
- Durations have units: `45s`, `30m`, `2h30m`, `7d`. So have sizes: `512M` is 512,000,000 bytes, `512MiB` is 536,870,912.
- Dates are `2026-12-01` (the end of that day, UTC) or a time with its zone, `2026-12-01T18:00:00+01:00`.
- Words stay words: a group may be called `no` or `2026`, without quotes. Quotes are needed around what begins with `{`, `[`, `*`, `#`
  or `%`, and around what holds `: `.
- Paths are relative to the directory of the file.
- Anchors and aliases work within bounds: 10,000 values, 32 levels, 1 MiB. Tags and merge keys (`<<`) do not.

## Secrets

A secret `password` is given in one of three ways, and in one only:

- `password_file: ./room.txt`: a file. The newline at its end does not count. A warning is given if other users of the machine can
  read it: `chmod 640 room.txt`, or 600.
- the environment: `PASSERELLE_` and the key's path in capitals, other characters as `_`. The password of the authenticator
  `workshop` is `PASSERELLE_AUTHENTICATORS_WORKSHOP_PASSWORD`.
- `password: ...` in the file itself; then the file must be as closed as the secret.

No message, log line or dump shows a secret.
)",
                              R"(# Configuration

Cette page est produite à partir de la table de `config/keys.cpp` ; `cmake --build --preset release --target reference` la réécrit.

passerelle lit un fichier YAML. Vérifiez-le avant de lancer ; tous les problèmes sont donnés d'un coup, avec ligne, colonne et ce
qu'il faut écrire à la place (en anglais) :

```
$ passerelle check-config hub.yaml
hub.yaml:12:3: unknown key `autenticators`; did you mean `authenticators`?
hub.yaml:31:12: limits.queue: `many` is no whole number; write digits only, such as `10`
```

Partez de l'un des fichiers complets de `config/examples/` : [dev.yaml](../config/examples/dev.yaml) (cette machine seulement),
[workshop.yaml](../config/examples/workshop.yaml) (une salle, un mot de passe), [full.yaml](../config/examples/full.yaml) (toutes les
clés). Un éditeur qui connaît JSON Schema complète les clés avec `passerelle schema`, gardé dans
[configuration.schema.json](configuration.schema.json) : mettez `# yaml-language-server: $schema=...` en première ligne.

## Règles

- Une clé inconnue, mal écrite ou répétée empêche le démarrage. De même une clé d'un autre programme ou d'une version plus ancienne :
  une liste de personnes autorisées que personne ne lit laisserait entrer tout le monde.
- Personne n'entre si `access.allow` ne le dit pas.
- Les durées ont des unités : `45s`, `30m`, `2h30m`, `7d`. Les tailles aussi : `512M` vaut 512 000 000 octets, `512MiB` 536 870 912.
- Les dates s'écrivent `2026-12-01` (la fin de ce jour, UTC) ou avec heure et fuseau, `2026-12-01T18:00:00+01:00`.
- Les mots restent des mots : un groupe peut s'appeler `no` ou `2026`, sans guillemets. Il en faut autour de ce qui commence par `{`,
  `[`, `*`, `#` ou `%`, et de ce qui contient `: `.
- Les chemins sont relatifs au dossier du fichier.
- Ancres et alias fonctionnent dans des bornes : 10 000 valeurs, 32 niveaux, 1 Mio. Pas d'étiquettes (`!...`) ni de fusion (`<<`).

## Secrets

Un secret `password` se donne d'une seule de ces trois façons :

- `password_file: ./room.txt` : un fichier. Le saut de ligne final ne compte pas. Un avertissement est donné si d'autres utilisateurs
  de la machine peuvent le lire : `chmod 640 room.txt`, ou 600.
- l'environnement : `PASSERELLE_` puis le chemin de la clé en majuscules, les autres caractères en `_`. Le mot de passe de
  l'authentificateur `workshop` est `PASSERELLE_AUTHENTICATORS_WORKSHOP_PASSWORD`.
- `password: ...` dans le fichier lui-même ; le fichier doit alors être aussi fermé que le secret.

Aucun message, journal ou affichage ne montre un secret.
)"};

constexpr Words kHead{"| Key | Value | Default | Meaning |\n|---|---|---|---|\n",
                      "| Clé | Valeur | Défaut | Sens |\n|---|---|---|---|\n"};
constexpr Words kRequired{"**required**", "**obligatoire**"};
constexpr Words kBelow{"see below", "voir plus bas"};
constexpr Words kExample{"Example:", "Exemple :"};
constexpr Words kOnly{"only with", "seulement avec"};
constexpr Words kTopLevel{"Top level", "Premier niveau"};
constexpr Words kPeopleTitle{"People", "Personnes"};
constexpr Words kNone{"none", "aucun"};

Words kind_words(Kind kind) {
  switch (kind) {
    case Kind::translated:
      return {"text, or one per language", "texte, ou un par langue"};
    case Kind::choice:
      return {"one of", "un parmi"};
    case Kind::boolean:
      return {"`true` or `false`", "`true` ou `false`"};
    case Kind::count:
      return {"whole number", "nombre entier"};
    case Kind::number:
      return {"number", "nombre"};
    case Kind::duration:
      return {"duration", "durée"};
    case Kind::size:
      return {"size", "taille"};
    case Kind::moment:
      return {"day or time", "jour ou moment"};
    case Kind::secret:
      return {"secret", "secret"};
    case Kind::value:
      return {"text or number", "texte ou nombre"};
    case Kind::values:
      return {"list of texts or numbers", "liste de textes ou de nombres"};
    case Kind::text_list:
      return {"list of texts", "liste de textes"};
    case Kind::texts:
      return {"text, or list of texts", "texte, ou liste de textes"};
    case Kind::command:
      return {"list of texts", "liste de textes"};
    case Kind::environment:
      return {"names and texts", "noms et textes"};
    case Kind::networks:
      return {"list of networks", "liste de réseaux"};
    case Kind::listen:
      return {"address:port", "adresse:port"};
    case Kind::public_url:
    case Kind::provider_url:
      return {"URL", "URL"};
    case Kind::link:
      return {"link", "lien"};
    case Kind::below_path:
      return {"path", "chemin"};
    case Kind::colour:
      return {"colour", "couleur"};
    case Kind::file:
    case Kind::image:
      return {"file", "fichier"};
    case Kind::directory:
      return {"directory", "dossier"};
    case Kind::identifier:
      return {"name", "nom"};
    case Kind::people:
      return {"`all`, or people", "`all`, ou des personnes"};
    case Kind::section:
      return {"keys", "clés"};
    case Kind::named_sections:
      return {"names and keys", "noms et clés"};
    case Kind::section_list:
      return {"list of keys", "liste de clés"};
    case Kind::text:
      break;
  }
  return {"text", "texte"};
}

class Reference {
 public:
  explicit Reference(Language language) : french_(language == Language::french) {}

  std::string page() {
    Settings settings;
    std::string out = in(kIntroduction);
    section(root_section(), &settings, out);
    out += people_;
    return out;
  }

 private:
  std::string in(const Words& words) const { return std::string(french_ ? words.fr : words.en); }

  void section(const Section& table, void* owner, std::string& out) {
    out += "\n## " + (table.title.empty() ? in(kTopLevel) : "`" + std::string(table.title) + "`") +
           "\n\n" + in(kHead);
    for (const Key& key : table.keys) out += row(key, owner);
    for (const Key& key : table.keys) {
      if (key.section != nullptr) inner(key, owner, out);
    }
  }

  /// The section behind a key. People stand once, at the end.
  void inner(const Key& key, void* owner, std::string& out) {
    if (key.section->title == "people") {
      People nobody;
      if (!people_.empty()) return;
      people_ = "\n## " + in(kPeopleTitle) + "\n\n" + in(kHead);
      for (const Key& people_key : key.section->keys) people_ += row(people_key, &nobody);
    } else if (key.kind == Kind::section) {
      section(*key.section, std::get<void*>(key.slot(owner)), out);
    } else {
      section(*key.section, key.children.append(std::get<void*>(key.slot(owner))), out);
    }
  }

  std::string row(const Key& key, void* owner) const {
    std::string name = "`" + std::string(key.name) + "`";
    if (key.kind == Kind::secret) name += ", `" + std::string(key.name) + "_file`";
    std::string meaning = in(key.words);
    if (!key.type.empty()) meaning += " (" + in(kOnly) + " `type: " + types(key) + "`)";
    if (!key.example.empty())
      meaning += "<br>" + in(kExample) + " `" + std::string(key.name) + ": " +
                 std::string(key.example) + "`";
    return "| " + name + " | " + value(key) + " | " + standard(key, owner) + " | " + meaning +
           " |\n";
  }

  static std::string types(const Key& key) {
    std::string out;
    for (const std::string_view type : text::split(key.type, ' '))
      out += (out.empty() ? "" : "`, `") + std::string(type);
    return out;
  }

  std::string value(const Key& key) const {
    std::string out = in(kind_words(key.kind));
    if (key.kind == Kind::choice) {
      for (const std::string_view word : text::split(key.choices, ' '))
        out += " `" + std::string(word) + "`";
    }
    const auto [least, most] = bounds(key);
    if (!least.empty() && !most.empty()) return out + ", " + least + " … " + most;
    if (!least.empty()) return out + ", ≥ " + least;
    return most.empty() ? out : out + ", ≤ " + most;
  }

  static std::pair<std::string, std::string> bounds(const Key& key) {
    const auto text = [&](std::uint64_t bound) -> std::string {
      if (key.kind == Kind::duration)
        return duration_text(seconds(static_cast<seconds::rep>(bound)));
      if (key.kind == Kind::size) return size_text(bound);
      return std::to_string(bound);
    };
    const bool numeric = key.kind == Kind::count || key.kind == Kind::number ||
                         key.kind == Kind::duration || key.kind == Kind::size;
    if (!numeric) return {};
    const bool bounded = key.most != std::numeric_limits<std::uint64_t>::max();
    return {key.least > 0 ? text(key.least) : "", bounded ? text(key.most) : ""};
  }

  std::string standard(const Key& key, void* owner) const {
    if (key.required) return in(kRequired);
    if (!key.when_absent.en.empty()) return in(key.when_absent);
    if (key.section != nullptr && key.kind != Kind::people) return in(kBelow);
    const std::string text = written(key, key.slot(owner));
    return text.empty() ? in(kNone) : "`" + text + "`";
  }

  bool french_;
  std::string people_;
};

}  // namespace

std::string reference_markdown(Language language) {
  return Reference(language).page();
}

}  // namespace passerelle::config
