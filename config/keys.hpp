// Keys: the one table of configuration keys. It binds each key to its place in Settings, so that
// the reader, the JSON Schema, docs/configuration.md and `config show` cannot disagree; defaults
// are those of the structs in settings.hpp.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.hpp"

namespace passerelle::config {

/// What a key's value means, and so how it is read, checked, written and described.
enum class Kind {
  text,
  translated,  ///< A text, or one per language: {en: ..., fr: ...}
  choice,
  boolean,
  count,
  number,
  duration,
  size,
  moment,
  secret,  ///< Adds `<key>_file` and an environment variable.
  value,   ///< A text, number or word such as `true`, kept as it is written.
  values,  ///< A list of them.
  text_list,
  texts,        ///< One text, or a list of them.
  command,      ///< A list of texts, not empty, the first one a program.
  environment,  ///< A map of variable names to texts.
  networks,
  listen,
  public_url,
  provider_url,  ///< Of somebody who vouches for people: https, or http on this machine.
  link,
  below_path,  ///< A path below a server's prefix.
  colour,
  file,        ///< A file that can be read; relative to the configuration file.
  image,       ///< A file that must exist; relative to the configuration file.
  directory,   ///< Made absolute, relative to the configuration file.
  identifier,  ///< A short name that may stand in a URL.
  people,      ///< A section, or the word `all`.
  section,
  named_sections,  ///< A map of names to sections.
  section_list,
};

/// Where a key's value lives. Sections give the struct their keys are bound to.
using Slot = std::variant<std::string*,
                          bool*,
                          std::uint32_t*,
                          std::uint64_t*,
                          double*,
                          seconds*,
                          std::optional<Instant>*,
                          Secret*,
                          std::vector<std::string>*,
                          std::map<std::string, std::string>*,
                          Transport*,
                          Listen*,
                          People*,
                          void*>;

/// The elements of a list or map of sections.
struct Children {
  void* (*append)(void* owner) = nullptr;
  std::size_t (*count)(void* owner) = nullptr;
  void* (*item)(void* owner, std::size_t index) = nullptr;
  std::string* (*name)(void* item) = nullptr;  ///< named_sections only
};

/// A sentence in every language of the documentation.
struct Words {
  std::string_view en;
  std::string_view fr;
};

struct Section;

struct Key {
  std::string_view name;
  Kind kind = Kind::text;
  Slot (*slot)(void* owner) = nullptr;
  Words words;                    ///< What it is for; ends with a full stop.
  std::string_view example = {};  ///< As written in YAML, one line.
  bool required = false;
  std::string_view type = {};     ///< Exists only in entries of these `type`s, separated by spaces.
  std::string_view choices = {};  ///< choice: words, separated by spaces
  std::uint64_t least = 0;        ///< Numbers, seconds, bytes, list items.
  std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  bool star = false;                 ///< text_list: may hold "*", which means everything.
  Words when_absent = {};            ///< Says what an empty or zero default means.
  const Section* section = nullptr;  ///< Sections of all sorts, and people.
  Children children = {};

  /// Whether entries of that `type` have it.
  bool is_of(std::string_view entry_type) const noexcept;
};

struct Section {
  std::string_view title;  ///< As the reference names it: "profiles[]"
  std::span<const Key> keys;
  const Key* find(std::string_view name, std::string_view type) const noexcept;
};

/// A key that we do not have but that people write: older names, other programs' names, and what
/// comes later. Such a key is never passed over in silence (GHSA-384w-5v3f-q499).
struct Hint {
  std::string_view key;
  std::string_view advice;
};

const Section& root_section();
/// The values of `type` that named sections with this key know: "dummy"; in the table's order.
std::vector<std::string_view> types_of(const Section& section);
/// The advice for an unknown key, or an empty string.
std::string_view advice_for(std::string_view key);

/// The languages of `translated` values.
inline constexpr std::string_view kLanguages[] = {"en", "fr"};

}  // namespace passerelle::config
