#include "auth/claims.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "base/text.hpp"

namespace passerelle::auth::claims {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostTexts = 1000;
constexpr std::size_t kLongestText = 1024;
constexpr std::size_t kMostSteps = 16;
constexpr std::size_t kLongestGroup = 256;

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

std::vector<std::string> steps_of(std::string_view path) {
  const bool pointer = path.starts_with('/');
  if (pointer) path.remove_prefix(1);
  std::vector<std::string> steps;
  for (const std::string_view part : text::split(path, pointer ? '/' : '.')) {
    std::string step(part);
    if (pointer) {
      for (const auto& [escaped, plain] : {std::pair{"~1", "/"}, std::pair{"~0", "~"}})
        for (std::size_t at = 0; (at = step.find(escaped, at)) != std::string::npos; ++at)
          step.replace(at, 2, plain);
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

void take(const Json& value, std::vector<std::string>& out) {
  if (out.size() >= kMostTexts) return;
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() <= kLongestText && !has_control(text)) out.push_back(text);
  } else if (value.is_number_integer()) {
    out.push_back(value.dump());
  } else if (value.is_array()) {
    for (const Json& item : value)
      if (!item.is_array()) take(item, out);
  }
}

void walk(const Json& value,
          const std::vector<std::string>& steps,
          std::size_t at,
          std::vector<std::string>& out) {
  if (out.size() >= kMostTexts) return;
  if (at == steps.size()) return take(value, out);
  if (value.is_array()) {
    for (const Json& item : value)
      if (item.is_object()) walk(item, steps, at, out);
  } else if (value.is_object()) {
    if (const auto next = value.find(steps[at]); next != value.end())
      walk(*next, steps, at + 1, out);
  }
}

// Calls on_text and on_path for the parts of a pattern. False: a brace is left open.
template <class OnText, class OnPath>
bool each_part(std::string_view pattern, OnText on_text, OnPath on_path) {
  if (pattern.find_first_of("{}") == std::string_view::npos) {
    on_path(pattern);
    return true;
  }
  while (!pattern.empty()) {
    const std::size_t brace = pattern.find_first_of("{}");
    on_text(pattern.substr(0, brace));
    if (brace == std::string_view::npos) return true;
    const std::size_t end = pattern.find_first_of("{}", brace + 1);
    if (pattern[brace] == '}' || end == std::string_view::npos || pattern[end] == '{' ||
        end == brace + 1)
      return false;
    on_path(pattern.substr(brace + 1, end - brace - 1));
    pattern.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

std::vector<std::string> texts(const Json& claims, std::string_view path) {
  std::vector<std::string> out;
  if (!claims.is_object() || path.empty()) return out;
  if (const auto whole = claims.find(std::string(path)); whole != claims.end()) {
    take(*whole, out);
    return out;
  }
  const std::vector<std::string> steps = steps_of(path);
  if (steps.size() <= kMostSteps) walk(claims, steps, 0, out);
  return out;
}

std::string text(const Json& claims, std::string_view path) {
  std::vector<std::string> found = texts(claims, path);
  return found.size() == 1 ? std::move(found.front()) : std::string();
}

bool is_true(const Json& claims, std::string_view path) {
  if (!claims.is_object()) return false;
  const auto value = claims.find(std::string(path));
  return value != claims.end() && (*value == true || *value == "true");
}

Result<std::string> fill(std::string_view pattern, const Json& claims) {
  std::string out;
  std::optional<std::string> missing;
  const bool closed = each_part(
      pattern, [&](std::string_view plain) { out += plain; },
      [&](std::string_view path) {
        const std::string value = text(claims, path);
        if (value.empty() && !missing) missing = std::string(path);
        out += value;
      });
  if (!closed) return Error(Errc::invalid, "a brace is left open");
  if (missing)
    return Error(Errc::invalid, "the claim " + *missing + " is missing, or is not one text");
  return out;
}

Result<std::vector<std::string>> paths_in(std::string_view pattern) {
  std::vector<std::string> paths;
  const bool closed = each_part(
      pattern, [](std::string_view) {}, [&](std::string_view path) { paths.emplace_back(path); });
  if (!closed) return Error(Errc::invalid, "a brace is left open");
  return paths;
}

std::vector<std::string> group_names(const std::vector<std::string>& groups,
                                     std::string_view separator,
                                     std::string_view prefix) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  const auto add = [&](std::string_view raw) {
    const std::string_view trimmed = text::trim(raw);
    if (trimmed.empty() || trimmed.size() > kLongestGroup || names.size() >= kMostTexts) return;
    std::string name = std::string(prefix) + std::string(trimmed);
    if (seen.insert(name).second) names.push_back(std::move(name));
  };
  for (std::string_view rest : groups) {
    for (std::size_t at = 0;
         !separator.empty() && (at = rest.find(separator)) != std::string_view::npos;) {
      add(rest.substr(0, at));
      rest.remove_prefix(at + separator.size());
    }
    add(rest);
  }
  return names;
}

std::string mail_domain(std::string_view address) {
  const std::size_t at = address.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == address.size() ||
      address.find('@', at + 1) != std::string_view::npos ||
      address.find_first_of(" \t<>\"(),;:\\") != std::string_view::npos)
    return {};
  return text::ascii_lower(address.substr(at + 1));
}

}  // namespace passerelle::auth::claims
