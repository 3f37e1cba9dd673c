// The log: one line per event, an area, a sentence and key=value fields. JSON on a pipe, readable
// text on a terminal. Nothing secret is ever a field; untrusted text is cut and its control
// characters escaped here, once. Nobody waits for whoever reads the log: what a full pipe does not
// take is kept up to a bound, then dropped and counted (line_writer.hpp).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace passerelle::log {

enum class Level { debug, info, warn, error };

struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v), quoted(true) {}
  Field(std::string_view k, const char* v) : Field(k, std::string_view(v)) {}
  Field(std::string_view k, const std::string& v) : Field(k, std::string_view(v)) {}
  template <class N>
    requires std::is_arithmetic_v<N>
  Field(std::string_view k, N v) : key(k), value(std::to_string(v)), quoted(false) {}

  std::string_view key;
  std::string value;
  bool quoted;
};
using Fields = std::initializer_list<Field>;

/// Any thread. `json` null: decided by whether stderr is a terminal.
void set_up(Level least, const bool* json = nullptr);
void write(Level level, std::string_view area, std::string_view message, Fields fields = {});
/// A line that is complete JSON already (the access log); bypasses formatting.
void write_raw(std::string_view json_line);
/// Any thread, now and then: tries again with lines that a full pipe did not take. Cheap when there
/// are none.
void flush() noexcept;
std::uint64_t dropped() noexcept;  ///< Lines lost since the start.

inline void debug(std::string_view area, std::string_view message, Fields fields = {}) {
  write(Level::debug, area, message, fields);
}
inline void info(std::string_view area, std::string_view message, Fields fields = {}) {
  write(Level::info, area, message, fields);
}
inline void warn(std::string_view area, std::string_view message, Fields fields = {}) {
  write(Level::warn, area, message, fields);
}
inline void error(std::string_view area, std::string_view message, Fields fields = {}) {
  write(Level::error, area, message, fields);
}

}  // namespace passerelle::log
