#include "base/log.hpp"

#include <atomic>

#include <unistd.h>

#include "base/clock.hpp"
#include "base/line_writer.hpp"
#include "base/text.hpp"

namespace passerelle::log {
namespace {

constexpr std::size_t kLongestValue =
    2048;  // an untrusted value must not fill the disk (CVE-2026-54338)
bool as_json = false;

std::atomic<Level> least{Level::info};

constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};

std::string json_line(Level level, std::string_view area, std::string_view message, Fields fields) {
  std::string line = R"({"ts":")" + to_iso8601(SystemClock().now()) + R"(","level":")";
  line.append(kLevels[static_cast<int>(level)]).append(R"(","area":)");
  text::append_json_string(line, area);
  line += R"(,"message":)";
  text::append_json_string(line, message.substr(0, kLongestValue));
  for (const Field& field : fields) {
    line += ',';
    text::append_json_string(line, field.key);
    line += ':';
    if (field.quoted)
      text::append_json_string(line, std::string_view(field.value).substr(0, kLongestValue));
    else
      line += field.value;
  }
  return line += '}';
}

std::string text_line(Level level, std::string_view area, std::string_view message, Fields fields) {
  std::string line = to_iso8601(SystemClock().now()).substr(11, 12);
  line.append(" ").append(kLevels[static_cast<int>(level)]).append(" ").append(area).append(": ");
  std::string plain;
  text::append_json_string(plain, message.substr(0, kLongestValue));
  line.append(plain, 1, plain.size() - 2);
  for (const Field& field : fields) {
    line.append(" ").append(field.key).append("=");
    if (field.quoted)
      text::append_json_string(line, std::string_view(field.value).substr(0, kLongestValue));
    else
      line += field.value;
  }
  return line;
}

std::string line_of(Level level, std::string_view area, std::string_view message, Fields fields) {
  return as_json ? json_line(level, area, message, fields)
                 : text_line(level, area, message, fields);
}

LineWriter& sink() {
  static LineWriter writer(STDERR_FILENO, [](std::uint64_t count) {
    return line_of(Level::warn, "log", "lines were dropped: nobody reads them fast enough",
                   {{"lines", count}});
  });
  return writer;
}

}  // namespace

void set_up(Level new_least, const bool* json) {
  as_json = json != nullptr ? *json : isatty(STDERR_FILENO) == 0;
  least = new_least;
}

void write(Level level, std::string_view area, std::string_view message, Fields fields) {
  if (level < least.load(std::memory_order_relaxed)) return;
  sink().write(line_of(level, area, message, fields));
}

void write_raw(std::string_view line) {
  if (Level::info < least.load(std::memory_order_relaxed)) return;
  sink().write(line);
}

void flush() noexcept {
  sink().flush();
}

std::uint64_t dropped() noexcept {
  return sink().dropped();
}

}  // namespace passerelle::log
