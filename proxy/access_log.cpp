#include "proxy/access_log.hpp"

#include <charconv>

#include <time.h>

#include "base/log.hpp"
#include "base/text.hpp"

namespace passerelle::proxy {
namespace {

constexpr std::size_t kEnough = 16U << 10U;
constexpr std::size_t kLongestPath = 1024;
constexpr std::size_t kLongestMethod = 32;

// Paths and names are printable ASCII nearly always; only the rest pays for escaping.
void append_quoted(std::string& out, std::string_view raw) {
  for (const char byte : raw) {
    if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') continue;
    return text::append_json_string(out, raw);
  }
  out.append(1, '"').append(raw).append(1, '"');
}

}  // namespace

void AccessLog::append_time() {
  if (const std::int64_t now = loop_.unix_seconds(); now != second_) {
    second_ = now;
    const time_t at = now;
    tm parts{};
    gmtime_r(&at, &parts);
    strftime(second_text_, sizeof second_text_, "%Y-%m-%dT%H:%M:%S", &parts);
  }
  const auto milli = static_cast<unsigned int>(loop_.unix_millis() % 1000);
  const char rest[] = {'.', static_cast<char>('0' + milli / 100),
                       static_cast<char>('0' + milli / 10 % 10),
                       static_cast<char>('0' + milli % 10), 'Z'};
  lines_.append(second_text_, 19).append(rest, sizeof rest);
}

void AccessLog::append_number(std::string_view key, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  lines_.append(key).append(digits, end);
}

void AccessLog::add(const AccessEntry& entry) {
  if (!enabled_) return;
  if (lines_.empty()) {
    lines_.reserve(2 * kEnough);
    loop_.keep_ticking();
  } else {
    lines_ += '\n';
  }
  lines_ += R"({"ts":")";
  append_time();
  lines_ += R"(","area":"access","method":)";
  append_quoted(lines_, entry.method.substr(0, kLongestMethod));
  lines_ += R"(,"path":)";
  append_quoted(lines_, entry.path.substr(0, kLongestPath));
  append_number(R"(,"status":)", static_cast<std::uint64_t>(entry.status));
  append_number(R"(,"in":)", entry.bytes_in);
  append_number(R"(,"out":)", entry.bytes_out);
  append_number(R"(,"ms":)", static_cast<std::uint64_t>(entry.took));
  lines_ += R"(,"peer":)";
  append_quoted(lines_, entry.peer);
  lines_ += R"(,"upstream":)";
  append_quoted(lines_, entry.upstream);
  if (entry.trace)
    lines_.append(R"(,"trace":")").append(TraceText(entry.trace).view()).append(1, '"');
  if (!entry.end.empty()) {
    lines_ += R"(,"end":)";
    append_quoted(lines_, entry.end);
  }
  lines_ += '}';
  if (lines_.size() >= kEnough) flush();
}

void AccessLog::flush() {
  if (lines_.empty()) return log::flush();
  log::write_raw(lines_);
  lines_.clear();
}

}  // namespace passerelle::proxy
