#include "config/secret_source.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/stat.h>

#include "base/files.hpp"

namespace passerelle::config {

Result<SecretFile> read_secret_file(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) {
    return Error(Errc::not_found,
                 "the file cannot be read (" + std::generic_category().message(errno) + ")");
  }
  // A pipe or device could keep us waiting for ever.
  if (!S_ISREG(about.st_mode)) return Error(Errc::invalid, "this is no regular file");
  auto content = files::read(path, 64U << 10U);
  if (!content) {
    const bool large = content.error().code() == Errc::exhausted;
    return Error(content.error().code(),
                 large ? "the file is larger than 64 KiB" : "the file cannot be read by this user");
  }
  SecretFile secret{std::move(*content), (about.st_mode & 0137U) != 0};
  if (secret.value.ends_with('\n')) secret.value.pop_back();
  if (secret.value.ends_with('\r')) secret.value.pop_back();
  return secret;
}

std::string variable_name(std::string_view path) {
  std::string name = "PASSERELLE_";
  for (const char c : path) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += lower ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
  }
  return name;
}

}  // namespace passerelle::config
