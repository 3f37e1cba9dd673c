#include "base/log.hpp"

#include <unistd.h>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.hpp"
#include "base/text.hpp"

namespace passerelle::log {
namespace {

constexpr std::size_t kLongestValue = 2048;  // an untrusted value must not fill the disk (CVE-2026-54338)
bool as_json = false;

spdlog::logger& sink() {
  static spdlog::logger logger("passerelle", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  return logger;
}

constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};
constexpr spdlog::level::level_enum kSpdlog[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                 spdlog::level::err};

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

}  // namespace

void set_up(Level least, const bool* json) {
  as_json = json != nullptr ? *json : isatty(STDERR_FILENO) == 0;
  sink().set_pattern("%v");
  sink().set_level(kSpdlog[static_cast<int>(least)]);
  sink().flush_on(spdlog::level::warn);
}

void write(Level level, std::string_view area, std::string_view message, Fields fields) {
  const auto spdlog_level = kSpdlog[static_cast<int>(level)];
  if (!sink().should_log(spdlog_level)) return;
  sink().log(spdlog_level, as_json ? json_line(level, area, message, fields) : text_line(level, area, message, fields));
}

void write_raw(std::string_view line) { sink().log(spdlog::level::info, line); }

}  // namespace passerelle::log
