// Form: what a person chooses before a launch. The fields stand in the profile; the values that
// come from a page or over the API are checked here, once, against them: everybody behind may take
// them as they are.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace passerelle::config {

using Values = std::map<std::string, std::string>;  ///< By the field's name.

struct FormField {
  std::string name;                          ///< {name} in what the profile writes down.
  std::string type;                          ///< integer, number, string, boolean, enum
  std::map<std::string, std::string> title;  ///< By language; empty: the name.
  std::map<std::string, std::string> description;
  std::string minimum;               ///< integer, number: as written; empty: none.
  std::string maximum;               ///< Likewise.
  std::string pattern;               ///< string: ECMAScript, the whole value; empty: any.
  std::uint32_t max_length = 200;    ///< string: characters.
  bool required = false;             ///< string: may not be empty.
  std::vector<std::string> choices;  ///< `enum`: nothing else is possible; empty: anything is.
  std::string standard;  ///< `default`; empty: none (enum: the first choice, boolean: false).
};

/// Why a value is refused; web/messages has words for each reason ("form.<reason>").
struct ValueProblem {
  std::string field;
  /// missing, unknown, not-integer, not-number, not-boolean, too-small, too-large, too-long,
  /// not-a-choice, bad-text, no-match
  std::string_view reason;
  std::string bound;  ///< The least, the most, the longest; else empty.
};

/// The values as they are to be used: each field has one, numbers are written in one way only
/// ("+08" is "8"), and what was not given is the default. A text is UTF-8 without control
/// characters.
std::variant<Values, ValueProblem> checked_values(const std::vector<FormField>& form,
                                                  const Values& given);

/// What a page shows before somebody has typed anything.
std::string standard_value(const FormField& field);

/// "cores: at most 32"; for programs. People get the words of web/messages.
std::string sentence(const ValueProblem& problem);

/// The bounds of a value as a number; nothing for what is none ("", "many").
bool is_integer(std::string_view text) noexcept;
bool is_number(std::string_view text) noexcept;

}  // namespace passerelle::config
