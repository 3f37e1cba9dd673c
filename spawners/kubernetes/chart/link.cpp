#include "spawners/kubernetes/chart/link.hpp"

#include "spawners/kubernetes/chart/input.hpp"

namespace passerelle::spawners::chart {
namespace {

constexpr std::string_view kOpen = "\u00AB";   // «
constexpr std::string_view kClose = "\u00BB";  // »
constexpr std::string_view kRemove = "-";

bool is_place(std::string_view key) {
  return key.find('.') != std::string_view::npos && !key.starts_with("oidc-spa.");
}

std::string_view without_marks(std::string_view text) {
  if (text.size() < kOpen.size() + kClose.size()) return text;
  if (!text.starts_with(kOpen) || !text.ends_with(kClose)) return text;
  return text.substr(kOpen.size(), text.size() - kOpen.size() - kClose.size());
}

/// As Onyxia tells apart what is a text and what is not.
std::string marked(const Json& value) {
  if (value.is_string()) return std::string(kOpen) + value.get<std::string>() + std::string(kClose);
  return value.dump();
}

}  // namespace

Changes changes_in(const text::Form& query) {
  Changes changes;
  for (const auto& [key, value] : query) {
    if (!is_place(key) && key.find('[') == std::string::npos) continue;
    const auto path = parse_path(key);
    const bool item = path && std::holds_alternative<std::size_t>(path->back());
    if (value == kRemove) {
      if (item) changes[removal_of(*path)] = "";
      continue;
    }
    changes[path ? to_string(*path) : key] = without_marks(value);
  }
  return changes;
}

std::string link_of(const FormParts& parts, const Changes& changes) {
  std::string link;
  const auto add = [&link](const std::string& key, const std::string& value) {
    if (!link.empty()) link += '&';
    link += text::percent_encode(key) + "=" + text::percent_encode(value);
  };
  const auto inputs = inputs_of(parts, changes);
  if (!inputs) return link;
  const Json shown = covered(parts, apply_changes(parts, changes).values);
  for (const Input& input : *inputs) {
    if (!input.value) {
      add(to_string(input.path), std::string(kRemove));
      continue;
    }
    const Json* there = at(shown, input.path);
    if (there == nullptr) continue;
    const Json* schema = schema_at(parts.schema, input.path);
    if (schema == nullptr || is_secret(*schema)) continue;
    if (*there != *input.value && there->is_string() && input.value->is_string()) continue;
    const bool whole = there->is_structured();  // written as YAML, which JSON is
    add(to_string(input.path), marked(whole ? Json(there->dump()) : *there));
  }
  return link;
}

}  // namespace passerelle::spawners::chart
