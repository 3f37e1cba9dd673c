#include "config/form.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <regex>
#include <utility>

#include "base/text.hpp"
#include "config/scalars.hpp"

namespace passerelle::config {
namespace {

constexpr std::size_t kMostDigits = 15;  ///< A double holds every integer that long.

std::optional<double> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value) || text.find_first_of("xXnN") != std::string_view::npos)
    return std::nullopt;
  return value;
}

std::string number_text(double value) {
  std::array<char, 40> out{};
  std::snprintf(out.data(), out.size(), "%.15g", value == 0 ? 0.0 : value);
  return out.data();
}

/// One field's value on its way: `value` becomes what is used, or `problem` says why not.
class Check {
 public:
  Check(const FormField& field, std::string given) : field_(field), value_(std::move(given)) {}

  std::optional<ValueProblem> run() {
    if (value_.empty()) value_ = standard_value(field_);
    if (value_.empty() && field_.type != "string") return wrong("missing");
    if (field_.type == "integer" || field_.type == "number") return number();
    if (field_.type == "boolean")
      return value_ == "true" || value_ == "false" ? std::nullopt : wrong("not-boolean");
    if (field_.type == "enum") return choice();
    return text();
  }
  std::string take() { return std::move(value_); }

 private:
  std::optional<ValueProblem> wrong(std::string_view reason, std::string bound = {}) const {
    return ValueProblem{field_.name, reason, std::move(bound)};
  }

  std::optional<ValueProblem> number() {
    const bool whole = field_.type == "integer";
    if (whole && !is_integer(value_)) return wrong("not-integer");
    const auto parsed = number_of(value_);
    if (!parsed) return wrong("not-number");
    value_ = number_text(*parsed);
    const auto least = number_of(field_.minimum);
    if (least && *parsed < *least) return wrong("too-small", field_.minimum);
    const auto most = number_of(field_.maximum);
    if (most && *parsed > *most) return wrong("too-large", field_.maximum);
    return choice();
  }

  std::optional<ValueProblem> choice() {
    const auto& known = field_.choices;
    const bool free = known.empty() && field_.type != "enum";
    if (free || std::find(known.begin(), known.end(), value_) != known.end()) return std::nullopt;
    return wrong("not-a-choice");
  }

  std::optional<ValueProblem> text() {
    if (value_.empty()) return field_.required ? wrong("missing") : std::nullopt;
    if (!text::is_utf8(value_) || has_control(value_)) return wrong("bad-text");
    if (character_count(value_) > field_.max_length)
      return wrong("too-long", std::to_string(field_.max_length));
    if (!field_.pattern.empty() && !std::regex_match(value_, std::regex(field_.pattern)))
      return wrong("no-match");
    return choice();
  }

  const FormField& field_;
  std::string value_;
};

}  // namespace

bool is_integer(std::string_view text) noexcept {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && text.size() <= kMostDigits &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_number(std::string_view text) noexcept {
  return number_of(text).has_value();
}

std::string standard_value(const FormField& field) {
  if (!field.standard.empty()) return field.standard;
  if (field.type == "boolean") return "false";
  if (field.type == "enum" && !field.choices.empty()) return field.choices.front();
  return {};
}

std::variant<Values, ValueProblem> checked_values(const std::vector<FormField>& form,
                                                  const Values& given) {
  Values used;
  for (const FormField& field : form) {
    const auto found = given.find(field.name);
    Check check(field, found == given.end() ? std::string() : found->second);
    if (auto problem = check.run()) return *problem;
    used[field.name] = check.take();
  }
  for (const auto& [name, value] : given)
    if (!used.contains(name)) return ValueProblem{std::string(name.substr(0, 64)), "unknown", {}};
  return used;
}

std::string sentence(const ValueProblem& problem) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kSentences = {{
      {"missing", "a value is needed"},
      {"unknown", "this profile has no such field"},
      {"not-integer", "must be a whole number"},
      {"not-number", "must be a number"},
      {"not-boolean", "must be true or false"},
      {"too-small", "must be at least "},
      {"too-large", "must be at most "},
      {"too-long", "must not have more characters than "},
      {"not-a-choice", "is none of the choices"},
      {"bad-text", "has a line break or another control character in it"},
      {"no-match", "does not have the form that is asked for"},
  }};
  for (const auto& [reason, words] : kSentences)
    if (reason == problem.reason) return problem.field + ": " + std::string(words) + problem.bound;
  return problem.field + ": " + std::string(problem.reason);
}

}  // namespace passerelle::config
