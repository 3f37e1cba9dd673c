#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.hpp"
#include "config/describe.hpp"
#include "config/values.hpp"

namespace passerelle::config {
namespace {

constexpr std::string_view kMasked = "\"********\"";

bool is_plain(std::string_view text) {
  constexpr std::array<std::string_view, 9> kWords{"true", "false", "null", "yes", "no",
                                                   "on",   "off",   "y",    "n"};
  if (text.empty() || text.size() > 200) return false;
  if (std::any_of(kWords.begin(), kWords.end(),
                  [&](auto word) { return text::iequals(word, text); }))
    return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!letter(text.front()) && text.front() != '/') return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/';
  });
}

std::string list_text(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const std::string& item : list) out += (out.size() > 1 ? ", " : "") + yaml_text(item);
  return out + "]";
}

std::string map_text(const std::map<std::string, std::string>& map, bool masked) {
  std::string out = "{";
  for (const auto& [name, value] : map) {
    out += (out.size() > 1 ? ", " : "") + yaml_text(name) + ": " +
           (masked ? std::string(kMasked) : yaml_text(value));
  }
  return out + "}";
}

std::string people_text(const People& people) {
  if (people.everyone) return "all";
  if (people.empty()) return {};
  return "{users: " + list_text(people.users) + ", groups: " + list_text(people.groups) + "}";
}

std::string number_text(double number) {
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "%.10g", number);
  return out.data();
}

/// Writes one value; what is empty or zero by its key's leave is not set.
struct Writer {
  const Key& key;

  bool unset_at_zero() const { return !key.when_absent.en.empty(); }
  std::string operator()(const std::string* text) const {
    return text->empty() ? "" : yaml_text(*text);
  }
  std::string operator()(const bool* flag) const { return *flag ? "true" : "false"; }
  std::string operator()(const std::uint32_t* count) const {
    return *count == 0 && unset_at_zero() ? "" : std::to_string(*count);
  }
  std::string operator()(const std::uint64_t* size) const {
    return *size == 0 ? "" : size_text(*size);
  }
  std::string operator()(const double* number) const {
    return *number == 0 ? "" : number_text(*number);
  }
  std::string operator()(const seconds* time) const {
    return *time == seconds(0) && unset_at_zero() ? "" : duration_text(*time);
  }
  std::string operator()(const std::optional<Instant>* moment) const {
    return *moment ? to_iso8601(**moment).substr(0, 19) + "Z" : "";
  }
  std::string operator()(const Secret* secret) const {
    return secret->empty() ? "" : std::string(kMasked);
  }
  std::string operator()(const std::vector<std::string>* list) const {
    return list->empty() ? "" : list_text(*list);
  }
  std::string operator()(const std::map<std::string, std::string>* map) const {
    return map->empty() ? "" : map_text(*map, key.kind == Kind::environment);
  }
  std::string operator()(const Transport* transport) const {
    return *transport == Transport::tcp ? "tcp" : "unix";
  }
  std::string operator()(const Listen* listen) const { return yaml_text(listen_text(*listen)); }
  std::string operator()(const People* people) const { return people_text(*people); }
  std::string operator()(void* /*section*/) const { return {}; }
};

class Dump {
 public:
  std::string section(const Section& table, void* owner, std::size_t indent) {
    const Key* type_key = table.find("type", {});
    const std::string type =
        type_key == nullptr ? "" : *std::get<std::string*>(type_key->slot(owner));
    std::string out;
    for (const Key& key : table.keys) {
      if (key.is_of(type)) out += one_key(key, owner, indent);
    }
    return out;
  }

 private:
  std::string one_key(const Key& key, void* owner, std::size_t indent) {
    const std::string margin(indent, ' ');
    const std::string name(key.name);
    if (key.kind == Kind::named_sections || key.kind == Kind::section_list)
      return children(key, owner, indent);
    if (key.kind == Kind::section && is_absent(key, owner))
      return margin + "# " + name + ": none\n";
    if (key.kind == Kind::section) {
      const std::string inner = section(*key.section, std::get<void*>(key.slot(owner)), indent + 2);
      return margin + name + (all_comments(inner) ? ": {}\n" : ":\n") + inner;
    }
    const std::string value = written(key, key.slot(owner));
    if (!value.empty()) return margin + name + ": " + value + '\n';
    return margin + "# " + name + ": " +
           (key.when_absent.en.empty() ? "none" : std::string(key.when_absent.en)) + '\n';
  }

  /// A section that cannot be written without a key that has no value.
  static bool is_absent(const Key& key, void* owner) {
    void* const inside = std::get<void*>(key.slot(owner));
    for (const Key& its : key.section->keys) {
      const bool text = its.kind == Kind::file || its.kind == Kind::text;
      const bool needed = its.required && text;
      if (needed && std::get<std::string*>(its.slot(inside))->empty()) return true;
    }
    return false;
  }

  static bool all_comments(const std::string& lines) {
    for (const std::string_view line : text::split(lines, '\n')) {
      const std::string_view trimmed = text::trim(line);
      if (!trimmed.empty() && trimmed.front() != '#') return false;
    }
    return true;
  }

  std::string children(const Key& key, void* owner, std::size_t indent) {
    void* list = std::get<void*>(key.slot(owner));
    const std::size_t count = key.children.count(list);
    const std::string margin(indent, ' ');
    if (count == 0) return margin + "# " + std::string(key.name) + ": none\n";
    std::string out = margin + std::string(key.name) + ":\n";
    for (std::size_t i = 0; i < count; ++i) {
      void* item = key.children.item(list, i);
      std::string inner = section(*key.section, item, indent + 4);
      if (key.children.name != nullptr) {
        out += margin + "  " + yaml_text(*key.children.name(item)) + ":\n";
      } else {
        inner[indent + 2] =
            '-';  // The first key of every list's sections is required, so its line is no comment.
      }
      out += inner;
    }
    return out;
  }
};

}  // namespace

std::string yaml_text(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string out;
  text::append_json_string(out, text);
  return out;
}

std::string written(const Key& key, const Slot& slot) {
  return std::visit(Writer{key}, slot);
}

std::string effective_yaml(Settings settings) {
  return Dump().section(root_section(), &settings, 0);
}

}  // namespace passerelle::config
