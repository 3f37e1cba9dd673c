#include "base/process.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/files.hpp"

// No streams here: the supervisor, of which one runs beside every server, would carry all of
// <locale> for them.
namespace passerelle::process {

std::string boot_id() {
  const auto content = files::read("/proc/sys/kernel/random/boot_id");
  return content ? content->substr(0, content->find('\n')) : std::string();
}

std::optional<std::uint64_t> start_time(pid_t pid) {
  const auto stat = files::read("/proc/" + std::to_string(pid) + "/stat");
  if (!stat) return std::nullopt;
  const std::size_t after_name = stat->rfind(')');  // the name may hold spaces and brackets
  if (after_name == std::string::npos) return std::nullopt;
  std::string_view rest = std::string_view(*stat).substr(after_name + 1);
  for (int field = 3; field <= 22; ++field) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (field == 3 && (word == "Z" || word == "X")) return std::nullopt;
    std::uint64_t ticks = 0;
    if (field == 22 &&
        std::from_chars(word.data(), word.data() + word.size(), ticks).ec == std::errc())
      return ticks;
    rest.remove_prefix(word.size());
  }
  return std::nullopt;
}

}  // namespace passerelle::process
