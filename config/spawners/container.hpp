// `profiles[].container`: what a profile says of the container that its server runs in, whoever
// runs it; and of the host name that any server has (here because few files include this).
#pragma once

#include <cstdint>
#include <string>

namespace passerelle::config {

struct ContainerProfile {
  std::string
      image;  ///< A template: with `{name}` of the form, the spawner's `images` must allow it.
  std::uint32_t port = 8888;          ///< Where the server listens inside.
  std::string home = "/home/jovyan";  ///< Where the person's volume is; Jupyter starts there.
  std::string user;                   ///< "1000" or "1000:100"; empty: the image's own.
  /// `profiles[].domain`, of profiles without a container as well: each server at a host name of
  /// its own below it, where it answers at "/"; empty: below "/user/NAME/".
  std::string domain;
};

}  // namespace passerelle::config
