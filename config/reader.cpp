#include "config/reader.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <utility>

#include "base/text.hpp"
#include "config/scalars.hpp"
#include "config/secret_source.hpp"
#include "config/values.hpp"

namespace passerelle::config {
namespace {

std::string child(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + '.' + std::string(name);
}

std::string child(const std::string& path, std::size_t index) {
  return path + '[' + std::to_string(index) + ']';
}

/// The section that has a key of this name, for "it belongs into `limits`"; empty if there
/// is none.
std::string home_of(std::string_view name, const Section& section) {
  for (const Key& key : section.keys) {
    if (key.section == nullptr || key.kind == Kind::people) continue;
    for (const Key& inner : key.section->keys) {
      if (inner.name == name) return std::string(key.section->title);
    }
    if (std::string deeper = home_of(name, *key.section); !deeper.empty()) return deeper;
  }
  return {};
}

class Reader {
 public:
  Reader(const std::string& directory, const Environment& environment, Problems& problems)
      : scalars_(directory, problems, marks_),
        directory_(directory),
        environment_(environment),
        problems_(problems) {}

  ReadOutcome read(const Value& document) {
    ReadOutcome out;
    marks_.set("", {1, 1});
    section(root_section(), document, &out.settings, "", {1, 1});
    unread_variables();
    out.marks = std::move(marks_);
    return out;
  }

 private:
  void section(
      const Section& table, const Value& value, void* owner, const std::string& path, Mark where) {
    marks_.set(path, where);
    if (value.kind != Value::Kind::map) {
      problems_.error(value.kind == Value::Kind::null ? where : value.mark,
                      (path.empty() ? "the file" : path) +
                          ": keys and their values must stand here; write for example `" +
                          sample(table) + "`");
      return;
    }
    std::string type;
    if (!read_type(table, value, path, where, type)) return;
    for (const Entry& entry : value.entries) known_or_problem(table, entry, type, path);
    for (const Key& key : table.keys) {
      if (key.is_of(type)) one_key(key, value, owner, path, where);
    }
  }

  /// "key: example" of the section's first key that has an example.
  static std::string sample(const Section& table) {
    for (const Key& key : table.keys) {
      if (!key.example.empty()) return std::string(key.name) + ": " + std::string(key.example);
    }
    return std::string(table.keys.front().name) + ": ...";
  }

  /// False if the section has types and this is none of them: its other keys then mean nothing.
  bool read_type(const Section& table,
                 const Value& value,
                 const std::string& path,
                 Mark where,
                 std::string& type) {
    const auto known = types_of(table);
    if (known.empty()) return true;
    const Value* given = value.find("type");
    if (given == nullptr || given->kind != Value::Kind::scalar) {
      problems_.error(given == nullptr ? where : given->mark,
                      path + ": `type` is missing; write `type:` with " + one_of(known));
      return false;
    }
    type = given->text;
    if (std::find(known.begin(), known.end(), type) != known.end()) return true;
    problems_.error(given->mark, child(path, "type") + ": unknown type " + shown(type) +
                                     did_you_mean(type, known, "write " + one_of(known)));
    return false;
  }

  void known_or_problem(const Section& table,
                        const Entry& entry,
                        const std::string& type,
                        const std::string& path) {
    if (table.find(entry.key, type) != nullptr) return;
    if (problems_.full()) return problems_.error(entry.mark, {});
    std::vector<std::string_view> known;
    std::vector<std::string> files;
    for (const Key& key : table.keys) {
      if (!key.is_of(type)) continue;
      known.push_back(key.name);
      if (key.kind == Kind::secret) files.push_back(std::string(key.name) + "_file");
    }
    known.insert(known.end(), files.begin(), files.end());
    if (std::find(files.begin(), files.end(), entry.key) != files.end()) return;
    std::string what = (path.empty() ? "" : path + ": ") + "unknown key " + shown(entry.key);
    const std::string_view advice = advice_for(entry.key);
    std::string home = home_of(entry.key, table);
    if (home.empty()) home = home_of(entry.key, root_section());
    if (!advice.empty()) {
      what += "; " + std::string(advice);
    } else {
      what += did_you_mean(
          entry.key, known,
          home.empty() ? "the keys here are " + one_of(known) : "it belongs into `" + home + "`");
    }
    problems_.error(entry.mark, std::move(what));
  }

  void one_key(
      const Key& key, const Value& parent, void* owner, const std::string& path, Mark where) {
    const std::string here = child(path, key.name);
    const auto entry = std::find_if(parent.entries.begin(), parent.entries.end(),
                                    [&](const Entry& e) { return e.key == key.name; });
    const Entry* given = entry == parent.entries.end() ? nullptr : &*entry;
    if (key.kind == Kind::secret)
      return secret(key, parent, given, *std::get<Secret*>(key.slot(owner)), here, where);
    if (given != nullptr) return value(key, *given, owner, here);
    if (key.required) missing(key, here, where);
  }

  void missing(const Key& key, const std::string& here, Mark where) {
    if (key.name == "allow") {
      problems_.error(where,
                      "nobody could sign in: `access.allow` is missing; write `allow: all`, or "
                      "`allow: {users: [...], groups: [...]}`");
      return;
    }
    const std::string example = key.example.empty() && key.section != nullptr
                                    ? std::string(key.name) + ": " + sample_entry(key)
                                    : std::string(key.name) + ": " + std::string(key.example);
    if (key.name == "access") {
      problems_.error(where,
                      "nobody could sign in: `access` is missing; write for example `access: "
                      "{allow: {groups: [staff]}}`, or `{allow: all}`");
      return;
    }
    problems_.error(where, "`" + here + "` is missing; write for example `" + example + "`");
  }

  static std::string sample_entry(const Key& key) {
    const std::string inner = "{" + sample(*key.section) + ", ...}";
    if (key.kind == Kind::named_sections) return "{name: " + inner + "}";
    return key.kind == Kind::section_list ? "[" + inner + "]" : inner;
  }

  void no_value(const Key& key, Mark at, const std::string& here) {
    if (key.kind == Kind::people) return names_nobody(key, at, here);
    // YAML drops what stands behind a `#`.
    const bool comment = key.kind == Kind::colour;
    problems_.error(at, here + ": has no value; " +
                            (comment ? "put the colour in quotes, `#` begins a comment"
                                     : "write one, or remove the key"));
  }

  void value(const Key& key, const Entry& entry, void* owner, const std::string& here) {
    marks_.set(here, entry.value.mark);
    if (entry.value.kind == Value::Kind::null) {
      no_value(key, entry.mark, here);
      return;
    }
    switch (key.kind) {
      case Kind::section:
        return section(*key.section, entry.value, std::get<void*>(key.slot(owner)), here,
                       entry.mark);
      case Kind::people:
        return people(key, entry, *std::get<People*>(key.slot(owner)), here);
      case Kind::named_sections:
        return named_sections(key, entry, owner, here);
      case Kind::section_list:
        return section_list(key, entry, owner, here);
      default:
        return scalars_.read(key, entry.value, key.slot(owner), here);
    }
  }

  void people(const Key& key, const Entry& entry, People& out, const std::string& here) {
    if (entry.value.kind == Value::Kind::map) {
      const std::size_t errors = problems_.errors();
      section(*key.section, entry.value, &out, here, entry.mark);
      if (out.empty() && errors == problems_.errors()) names_nobody(key, entry.mark, here);
      return;
    }
    if (entry.value.kind == Value::Kind::scalar && entry.value.text == "all") {
      out.everyone = true;
      return;
    }
    problems_.error(entry.value.mark, here + ": write `all`, or `{users: [...], groups: [...]}`");
  }

  void names_nobody(const Key& key, Mark at, const std::string& here) {
    problems_.error(
        at,
        key.required
            ? "nobody could sign in: `" + here +
                  "` names nobody; write `allow: all`, or some users or groups"
            : here + ": names nobody; write some users or groups, or remove the key for everybody");
  }

  void named_sections(const Key& key, const Entry& entry, void* owner, const std::string& here) {
    marks_.set(here, entry.mark);
    if (entry.value.kind != Value::Kind::map) {
      problems_.error(entry.value.mark, here + ": a map of names must stand here; write `name: {" +
                                            sample(*key.section) + ", ...}`");
      return;
    }
    if (!right_number(key, entry.value.entries.size(), here, entry.mark)) return;
    for (const Entry& named : entry.value.entries) {
      const std::string path = child(here, named.key);
      if (!is_identifier(named.key)) {
        problems_.error(named.mark, here + ": " + shown(named.key) + " is no name; write " +
                                        std::string(kIdentifierRule));
        continue;
      }
      void* item = key.children.append(owner);
      *key.children.name(item) = named.key;
      section(*key.section, named.value, item, path, named.mark);
    }
  }

  void section_list(const Key& key, const Entry& entry, void* owner, const std::string& here) {
    marks_.set(here, entry.mark);
    if (entry.value.kind != Value::Kind::list) {
      problems_.error(entry.value.mark, here + ": a list must stand here; write `- {" +
                                            sample(*key.section) + ", ...}`");
      return;
    }
    if (!right_number(key, entry.value.items.size(), here, entry.mark)) return;
    for (std::size_t i = 0; i < entry.value.items.size(); ++i) {
      const Value& item = entry.value.items[i];
      section(*key.section, item, key.children.append(owner), child(here, i), item.mark);
    }
  }

  bool right_number(const Key& key, std::size_t count, const std::string& here, Mark where) {
    if (count >= key.least && count <= key.most) return true;
    problems_.error(
        where, here + (count < key.least ? ": is empty; write at least one, for example `" +
                                               sample_entry(key) + "`"
                                         : ": has " + std::to_string(count) + " entries; at most " +
                                               std::to_string(key.most) + " are possible"));
    return false;
  }

  void secret(const Key& key,
              const Value& parent,
              const Entry* given,
              Secret& out,
              const std::string& here,
              Mark where) {
    const Value* file = parent.find(std::string(key.name) + "_file");
    const std::string variable = variable_name(here);
    const auto set = environment_.variables.find(variable);
    const bool in_environment = set != environment_.variables.end();
    const bool first_reader = variables_.insert(variable).second;
    const Mark at = file != nullptr ? file->mark : given != nullptr ? given->value.mark : where;
    marks_.set(here, at);
    if (in_environment && !first_reader) {
      problems_.error(where, here + ": the variable " + variable +
                                 " would be read by two entries; rename one of them");
    } else if ((given != nullptr) + (file != nullptr) + in_environment > 1) {
      problems_.error(at, here + ": given twice; keep one of `" + std::string(key.name) + "`, `" +
                              std::string(key.name) + "_file` and the variable " + variable);
    } else if (in_environment) {
      accept_secret(key, set->second, out, here, where);
    } else if (file != nullptr) {
      secret_file(key, *file, out, here + "_file");
    } else if (given != nullptr) {
      inline_secret(key, *given, out, here);
    } else if (key.required) {
      problems_.error(where, "`" + here + "` is missing; write `" + std::string(key.name) +
                                 "_file: ./" + std::string(key.name) +
                                 ".txt`, or set the variable " + variable);
    }
  }

  void inline_secret(const Key& key, const Entry& given, Secret& out, const std::string& here) {
    if (given.value.kind != Value::Kind::scalar) {
      problems_.error(given.value.kind == Value::Kind::null ? given.mark : given.value.mark,
                      here + ": must be a text; put it in quotes");
      return;
    }
    accept_secret(key, given.value.text, out, here, given.value.mark);
  }

  void secret_file(const Key& key, const Value& file, Secret& out, const std::string& here) {
    if (file.kind != Value::Kind::scalar || file.text.empty() ||
        file.text.find('\0') != std::string::npos) {
      problems_.error(file.mark, here + ": must be the name of a file");
      return;
    }
    const auto path = std::filesystem::path(directory_) / file.text;
    auto content = read_secret_file(path.string());
    if (!content) {
      problems_.error(file.mark, here + ": " + content.error().message() +
                                     "; write the path of a file, relative paths start at " +
                                     directory_);
      return;
    }
    if (content->open_to_others) {
      problems_.warning(
          file.mark,
          here +
              ": other users of this machine can read or change the file; run `chmod 640` on it");
    }
    accept_secret(key, content->value, out, here, file.mark);
  }

  void accept_secret(
      const Key& key, const std::string& text, Secret& out, const std::string& here, Mark at) {
    if (text.empty()) {
      problems_.error(
          at, here + ": is empty; write at least " + std::to_string(key.least) + " characters");
    } else if (character_count(text) < key.least) {
      problems_.error(
          at, here + ": is too short; write at least " + std::to_string(key.least) + " characters");
    } else if (text.size() > 4096 || has_control(text)) {
      problems_.error(at, here +
                              ": has a line break or control character in it, or is longer than "
                              "4096 bytes; write one line");
    } else {
      out.value = text;
    }
  }

  /// A misspelt variable must not be passed over in silence: it was meant to hold a secret.
  void unread_variables() {
    const std::vector<std::string_view> known(variables_.begin(), variables_.end());
    for (const auto& variable : environment_.variables) {
      const std::string& name = variable.first;
      if (variables_.contains(name)) continue;
      const bool ours = std::any_of(root_section().keys.begin(), root_section().keys.end(),
                                    [&, variable = std::string_view(name)](const Key& key) {
                                      return key.children.name != nullptr &&
                                             variable.starts_with(variable_name(key.name) + "_");
                                    });
      if (ours)
        problems_.warning({}, "the variable " + shown(name) + " is set, but nothing reads it" +
                                  did_you_mean(name, known));
    }
  }

  Marks marks_;
  Scalars scalars_;
  const std::string& directory_;
  const Environment& environment_;
  Problems& problems_;
  std::set<std::string> variables_;  ///< Names of variables that this file's secrets may come from.
};

}  // namespace

ReadOutcome read_settings(const Value& document,
                          const std::string& directory,
                          const Environment& environment,
                          Problems& problems) {
  return Reader(directory, environment, problems).read(document);
}

}  // namespace passerelle::config
