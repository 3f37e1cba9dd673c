#include "web/contract.hpp"

#include <array>
#include <optional>
#include <utility>

#include "base/text.hpp"

namespace passerelle::web {
namespace {

using Kind = Contract::Kind;
using nlohmann::json;

constexpr std::array<std::pair<std::string_view, Kind>, 7> kKinds = {{{"text", Kind::text},
                                                                      {"number", Kind::number},
                                                                      {"flag", Kind::flag},
                                                                      {"moment", Kind::moment},
                                                                      {"elapsed", Kind::elapsed},
                                                                      {"list", Kind::list},
                                                                      {"object", Kind::object}}};

std::optional<Kind> kind_of(std::string_view word) {
  for (const auto& [name, kind] : kKinds)
    if (name == word) return kind;
  return std::nullopt;
}

std::string_view first_word(std::string_view& line) {
  line = text::trim(line);
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

bool fits(const json& value, Kind kind) {
  switch (kind) {
    case Kind::text:
      return value.is_string() || value.contains("$say") || value.contains("$words");
    case Kind::number:
      return value.is_number();
    case Kind::flag:
      return value.is_boolean();
    case Kind::moment:
      return value.contains("$moment");
    case Kind::elapsed:
      return value.contains("$elapsed");
    case Kind::list:
      return value.is_array();
    case Kind::object:
      return value.is_object();
  }
  return false;
}

std::string_view name_of(Kind kind) {
  return kKinds[static_cast<std::size_t>(kind)].first;
}

}  // namespace

Result<Contract> Contract::parse(std::string_view comment) {
  Contract contract;
  bool in_view = false;
  for (std::string_view line : text::split(comment, '\n')) {
    const std::string_view path = first_word(line);
    if (!in_view || path.empty()) {
      in_view = in_view || path == "view:";
      continue;
    }
    std::string_view word = first_word(line);
    const bool optional = word.ends_with('?');
    if (optional) word.remove_suffix(1);
    const std::optional<Kind> kind = kind_of(word);
    if (!kind)
      return Error(Errc::internal,
                   "contract: " + std::string(path) + ": no such kind: " + std::string(word));
    contract.entries_[std::string(path)] = Entry{*kind, optional};
  }
  if (!in_view) return Error(Errc::internal, "contract: no line \"view:\"");
  return contract;
}

std::vector<std::string> Contract::complaints(const json& view) const {
  std::vector<std::string> out;
  if (view.is_object())
    check_object(view, "", out);
  else
    out.emplace_back("the view is not an object");
  return out;
}

void Contract::check_object(const json& object,
                            const std::string& prefix,
                            std::vector<std::string>& out) const {
  for (const auto& [path, entry] : entries_) {
    if (!path.starts_with(prefix) || path.find('.', prefix.size()) != std::string::npos) continue;
    const auto found = object.find(path.substr(prefix.size()));
    if (found == object.end() && !entry.optional) out.push_back(path + ": missing");
  }
  for (const auto& [key, value] : object.items()) check(value, prefix + key, out);
}

void Contract::check(const json& value,
                     const std::string& path,
                     std::vector<std::string>& out) const {
  const auto found = entries_.find(path);
  if (found == entries_.end()) {
    out.push_back(path + ": not in the contract");
    return;
  }
  if (value.is_null() && found->second.optional) return;
  if (!fits(value, found->second.kind)) {
    out.push_back(path + ": not a " + std::string(name_of(found->second.kind)));
    return;
  }
  if (found->second.kind == Kind::object) check_object(value, path + ".", out);
  if (found->second.kind != Kind::list) return;
  for (const json& item : value)
    if (item.is_object())
      check_object(item, path + ".", out);
    else
      out.push_back(path + ": an item is not an object");
}

bool Contract::declares(std::string_view path) const {
  if (entries_.contains(path)) return true;
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return false;
  const auto parent = entries_.find(path.substr(0, dot));
  if (parent == entries_.end()) return false;
  const std::string_view leaf = path.substr(dot + 1);
  if (parent->second.kind == Kind::elapsed) return leaf == "text" || leaf == "ms";
  return parent->second.kind == Kind::moment && (leaf == "text" || leaf == "iso" || leaf == "utc");
}

}  // namespace passerelle::web
