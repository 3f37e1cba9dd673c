#include "base/process.hpp"

#include <charconv>
#include <fstream>
#include <sstream>
#include <string_view>

namespace passerelle::process {

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  return id;
}

std::optional<std::uint64_t> start_time(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream content;
  content << file.rdbuf();
  const std::string stat = content.str();
  const std::size_t after_name = stat.rfind(')');  // the name may hold spaces and brackets
  if (after_name == std::string::npos) return std::nullopt;
  std::istringstream rest(stat.substr(after_name + 1));
  std::string word;
  for (int field = 3; field <= 22 && rest >> word; ++field) {
    if (field == 3 && (word == "Z" || word == "X")) return std::nullopt;
    if (field == 22) {
      std::uint64_t ticks = 0;
      std::from_chars(word.data(), word.data() + word.size(), ticks);
      return ticks;
    }
  }
  return std::nullopt;
}

}  // namespace passerelle::process
