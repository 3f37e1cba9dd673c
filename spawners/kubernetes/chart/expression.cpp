#include "spawners/kubernetes/chart/expression.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/text.hpp"

namespace passerelle::spawners::chart {
namespace {

constexpr std::size_t kLongestText = 64U << 10U;

/// "a.b[0]['c.d']" is a, b, 0, c.d. Nothing for an unclosed bracket.
std::optional<std::vector<std::string>> names_in(std::string_view path) {
  std::vector<std::string> names(1);
  for (std::size_t at = 0; at < path.size(); ++at) {
    if (path[at] == '.') {
      names.emplace_back();
    } else if (path[at] != '[') {
      names.back() += path[at];
    } else {
      const std::size_t end = path.find(']', at);
      if (end == std::string_view::npos) return std::nullopt;
      std::string_view inside = path.substr(at + 1, end - at - 1);
      if (inside.size() >= 2 && (inside.front() == '"' || inside.front() == '\''))
        inside = inside.substr(1, inside.size() - 2);
      if (names.size() > 1 || !names.back().empty()) names.emplace_back();
      names.back() = inside;
      at = end;
    }
  }
  return names;
}

const Json* element(const Json& list, std::string_view name) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && index < list.size() ? &list[index] : nullptr;
}

const Json* look_up(std::string_view path, const Scope& scope) {
  const auto names = names_in(path);
  if (!names) return nullptr;
  const Json* at = scope.find(names->front());
  for (std::size_t i = 1; at != nullptr && i < names->size(); ++i)
    at = at->is_array() ? element(*at, (*names)[i]) : member(*at, (*names)[i]);
  return at;
}

std::optional<std::string> text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return std::string(value.get<bool>() ? "true" : "false");
  if (value.is_number()) return number_text(value);
  return std::nullopt;
}

/// Where the next "{{name}}" begins and ends; the name has no brace in it and is not empty.
struct Part {
  std::size_t begin;
  std::size_t end;
  std::string_view name(std::string_view text) const {
    return text.substr(begin + 2, end - begin - 4);
  }
};

std::optional<Part> next_part(std::string_view text, std::size_t from) {
  for (std::size_t begin = text.find("{{", from); begin != std::string_view::npos;
       begin = text.find("{{", begin + 1)) {
    const std::size_t close = text.find('}', begin);
    if (close == std::string_view::npos) return std::nullopt;
    if (close > begin + 2 && text.substr(close, 2) == "}}") return Part{begin, close + 2};
  }
  return std::nullopt;
}

std::optional<Json> filled_in(std::string_view text, const Scope& scope) {
  std::string made;
  std::size_t at = 0;
  while (const auto part = next_part(text, at)) {
    const Json* value = look_up(part->name(text), scope);
    const auto shown = value == nullptr ? std::nullopt : text_of(*value);
    if (!shown) return std::nullopt;
    made.append(text.substr(at, part->begin - at)).append(*shown);
    if (made.size() > kLongestText) return std::nullopt;
    at = part->end;
  }
  return Json(made.append(text.substr(at)));
}

std::optional<Json> evaluate_text(const std::string& text, const Scope& scope, bool inside) {
  const bool template_text = text.find("{{") != std::string::npos;
  if (!template_text && inside) return Json(text);
  const auto part = next_part(text, 0);
  const bool whole = part && part->begin == 0 && part->end == text.size();
  if (template_text && !whole) return filled_in(text, scope);
  const Json* value = look_up(whole ? part->name(text) : std::string_view(text), scope);
  return value == nullptr ? std::nullopt : std::optional<Json>(*value);
}

std::optional<Json> evaluate_at(const Json& expression, const Scope& scope, bool inside) {
  if (expression.is_string()) return evaluate_text(expression.get<std::string>(), scope, inside);
  if (!expression.is_structured()) return expression;
  Json made = expression;
  for (Json& one : made) {
    auto value = evaluate_at(one, scope, true);
    if (!value) return std::nullopt;
    one = std::move(*value);
  }
  return made;
}

}  // namespace

const Json* Scope::find(std::string_view name) const {
  if (const Json* found = member(names, name)) return found;
  return outer == nullptr ? nullptr : outer->find(name);
}

std::optional<Json> evaluate(const Json& expression, const Scope& scope) {
  return evaluate_at(expression, scope, false);
}

std::string number_text(const Json& number) {
  if (!number.is_number_float()) return number.dump();
  const double value = number.get<double>();
  const double size = std::fabs(value);
  char buffer[400];
  const bool plain = size == 0 || (size >= 1e-6 && size < 1e21);
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value,
                           plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer, end.ptr);
  if (plain) return text == "-0" ? "0" : text;
  // 1e+21 and 1e-7: no zero in front of the exponent.
  const std::size_t exponent = text.find('e') + 2;
  while (exponent + 1 < text.size() && text[exponent] == '0') text.erase(exponent, 1);
  return text;
}

}  // namespace passerelle::spawners::chart
