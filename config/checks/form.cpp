#include "config/checks/form.hpp"

#include <algorithm>
#include <array>
#include <regex>
#include <string_view>

#include "config/values.hpp"

namespace passerelle::config {
namespace {

/// Names that stand for something else in templates.
constexpr std::array<std::string_view, 12> kTaken = {
    "username", "server_name", "base_url", "socket", "port",  "workspace",
    "memory",   "token",       "secret",   "user",   "group", "launch"};

class FieldChecks {
 public:
  FieldChecks(const FormField& field, std::string path, const Marks& marks, Problems& problems)
      : field_(field), path_(std::move(path)), marks_(marks), problems_(problems) {}

  void run() {
    name();
    bounds();
    if (!pattern()) return;
    if (field_.type == "enum" && field_.choices.empty())
      return error("", "has nothing to choose from; write `enum: [one, other]`");
    choices();
    standard();
  }

 private:
  void error(const std::string& key, const std::string& why) {
    problems_.error(marks_.of(path_ + key), path_ + key + ": " + why);
  }

  void name() {
    const bool plain =
        field_.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
    if (!plain)
      error("", "a field's name stands in templates as `{name}`; write a-z, 0-9 and `_` only");
    if (std::find(kTaken.begin(), kTaken.end(), field_.name) != kTaken.end())
      error("", "this name has a meaning of its own in templates; choose another one");
  }

  void bounds() {
    for (const auto& [key, bound] :
         {std::pair{".minimum", &field_.minimum}, std::pair{".maximum", &field_.maximum}}) {
      if (bound->empty() || fits_type(*bound)) continue;
      error(key, shown(*bound) + " is no " + field_.type + "; write a number");
    }
    if (is_number(field_.minimum) && is_number(field_.maximum) &&
        std::stod(field_.minimum) > std::stod(field_.maximum))
      error(".maximum", "is less than `minimum`; write a larger one");
  }

  bool fits_type(const std::string& text) const {
    return field_.type == "integer" ? is_integer(text) : is_number(text);
  }

  bool pattern() {
    if (field_.pattern.empty()) return true;
    try {
      const std::regex compiled(field_.pattern);
      return true;
    } catch (const std::regex_error&) {
      error(".pattern", "is no regular expression; write one such as `[a-z0-9-]+`");
      return false;
    }
  }

  void choices() {
    for (std::size_t i = 0; i < field_.choices.size(); ++i)
      possible(".enum[" + std::to_string(i) + "]", field_.choices[i]);
  }

  void standard() {
    if (!field_.standard.empty()) possible(".default", field_.standard);
  }

  /// A choice or default that the form itself would refuse.
  void possible(const std::string& key, const std::string& value) {
    const auto checked = checked_values({field_}, {{field_.name, value}});
    if (const auto* problem = std::get_if<ValueProblem>(&checked))
      return error(key, shown(value) + " would be refused (" + sentence(*problem) +
                            "); write a value that is possible");
    if (std::get<Values>(checked).at(field_.name) != value)
      error(key,
            "write `" + std::get<Values>(checked).at(field_.name) + "` instead of " + shown(value));
  }

  const FormField& field_;
  const std::string path_;
  const Marks& marks_;
  Problems& problems_;
};

}  // namespace

void check_form(const std::vector<FormField>& form,
                const std::string& path,
                const Marks& marks,
                Problems& problems) {
  for (const FormField& field : form)
    FieldChecks(field, path + "." + field.name, marks, problems).run();
}

}  // namespace passerelle::config
