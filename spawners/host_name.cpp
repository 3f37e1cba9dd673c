#include "spawners/host_name.hpp"

#include "base/secrets.hpp"
#include "spawners/container.hpp"

namespace passerelle::spawners {

std::string host_mark(const std::string& user, const std::string& server) {
  return secrets::sha256_hex(user + '\xff' + server).substr(0, kHostMark);
}

std::string host_label(const std::string& user, const std::string& server) {
  constexpr std::size_t kLongest = 63 - kHostMark - 1;
  std::string readable = safe_name(user, server).substr(0, kLongest);
  while (readable.ends_with('-')) readable.pop_back();
  return readable + "-" + host_mark(user, server);
}

}  // namespace passerelle::spawners
