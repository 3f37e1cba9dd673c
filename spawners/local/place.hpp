// Place: the directory of one launch, data_dir/run/<launch id>, and the names in it. The directory
// is the gateway's; `server/` in it belongs to whoever the server runs as. It lies there from
// before the start until stop().
#pragma once

#include <string>
#include <string_view>

namespace passerelle::spawners::local {

inline constexpr std::size_t kLongestSocketPath =
    107;  ///< sockaddr_un.sun_path without its final zero
inline constexpr std::size_t kLaunchIdLength = 16;

struct Place {
  std::string directory;

  std::string lock() const {
    return directory + "/lock";
  }  ///< flock held as long as a supervisor lives
  std::string control() const { return directory + "/control"; }
  std::string started() const { return directory + "/started.json"; }
  std::string ended() const { return directory + "/exit.json"; }
  std::string log() const { return directory + "/log"; }
  std::string server() const { return directory + "/server"; }  ///< Runtime directory of the server
  std::string socket() const { return server() + "/socket"; }
};

/// 16 lower-case hex digits: the only names that become paths.
inline bool is_launch_id(std::string_view text) noexcept {
  return text.size() == kLaunchIdLength &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace passerelle::spawners::local
