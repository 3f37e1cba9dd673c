// Problem: one thing that is wrong in a configuration file, where it stands, and what to write
// instead. All of them are collected before anything is said, so that one run of check-config is
// enough.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace passerelle::config {

/// A place in the file, counted from 1; columns count characters, not bytes. {0, 0}: the file as a
/// whole.
struct Mark {
  int line = 0;
  int column = 0;
  auto operator<=>(const Mark&) const = default;
};

enum class Severity { error, warning };

struct Problem {
  Severity severity = Severity::error;
  Mark mark;
  std::string message;  ///< One sentence or two; never holds a secret.
};

/// Collects problems; keeps at most kMost and says so, so that a hostile file cannot fill the
/// memory.
class Problems {
 public:
  static constexpr std::size_t kMost = 200;

  void error(Mark mark, std::string message);
  void warning(Mark mark, std::string message);
  std::size_t errors() const noexcept { return errors_; }
  /// What comes now is counted, but nobody will read its message.
  bool full() const noexcept { return list_.size() >= kMost; }
  /// In the order of the file. Empties the collection.
  std::vector<Problem> take();

 private:
  void add(Severity severity, Mark mark, std::string message);

  std::vector<Problem> list_;
  std::size_t errors_ = 0;
  std::size_t dropped_ = 0;
};

/// "file:line:column: message", warnings as "file:line:column: warning: message"; without a
/// newline.
std::string to_string(const Problem& problem, std::string_view file);

/// A value as a message may show it: `value`, at most 60 bytes, control characters replaced.
std::string shown(std::string_view value);
/// "; did you mean `x`?", or else "; " and `otherwise` (nothing if that is empty).
std::string did_you_mean(std::string_view word,
                         const std::vector<std::string_view>& known,
                         std::string_view otherwise = {});
/// "`a`, `b` or `c`".
std::string one_of(const std::vector<std::string_view>& words);

}  // namespace passerelle::config
