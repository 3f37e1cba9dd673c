#include "spawners/kubernetes/chart/path.hpp"

#include <charconv>

namespace passerelle::spawners::chart {
namespace {

constexpr std::size_t kMostSteps = 32;
constexpr std::size_t kMostDigits = 4;

std::optional<std::size_t> index_in(std::string_view text) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && text.size() <= kMostDigits ? std::optional(index) : std::nullopt;
}

/// Takes one name, up to the next dot or bracket that is meant as one.
std::string take_name(std::string_view& text) {
  std::string name;
  while (!text.empty() && text.front() != '.' && text.front() != '[') {
    if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
    name += text.front();
    text.remove_prefix(1);
  }
  return name;
}

/// Takes "[0][1]"; false when it is broken.
bool take_indices(std::string_view& text, Path& path) {
  while (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    const auto index = index_in(text.substr(1, end - 1));
    if (!index) return false;
    path.emplace_back(*index);
    text.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

std::optional<Path> parse_path(std::string_view text) {
  Path path;
  do {
    std::string name = take_name(text);
    if (name.empty()) return std::nullopt;
    path.emplace_back(std::move(name));
    if (!take_indices(text, path) || path.size() > kMostSteps) return std::nullopt;
    if (!text.empty() && text.front() != '.') return std::nullopt;
    if (!text.empty()) text.remove_prefix(1);
  } while (!text.empty());
  return path;
}

std::string to_string(const Path& path) {
  std::string made;
  for (const Step& step : path) {
    if (const auto* index = std::get_if<std::size_t>(&step)) {
      made += "[" + std::to_string(*index) + "]";
      continue;
    }
    if (!made.empty()) made += '.';
    for (const char c : std::get<std::string>(step)) {
      if (c == '.' || c == '[' || c == '\\') made += '\\';
      made += c;
    }
  }
  return path.size() == 1 ? made + "." : made;
}

const Json* at(const Json& values, const Path& path) {
  const Json* place = &values;
  for (const Step& step : path) {
    if (const auto* name = std::get_if<std::string>(&step)) {
      place = member(*place, *name);
    } else {
      const std::size_t index = std::get<std::size_t>(step);
      place = place->is_array() && index < place->size() ? &(*place)[index] : nullptr;
    }
    if (place == nullptr) return nullptr;
  }
  return place;
}

Json* at(Json& values, const Path& path) {
  return const_cast<Json*>(at(static_cast<const Json&>(values), path));
}

const Json* schema_at(const Json& schema, const Path& path) {
  const Json* at = &schema;
  for (const Step& step : path) {
    const Json* inner =
        member(*at, std::holds_alternative<std::size_t>(step) ? "items" : "properties");
    if (inner != nullptr && std::holds_alternative<std::string>(step))
      inner = member(*inner, std::get<std::string>(step));
    if (inner == nullptr) return nullptr;
    at = inner;
  }
  return at;
}

}  // namespace passerelle::spawners::chart
