#include "auth/jupyterhub_hash.hpp"

#include <array>

#include <openssl/evp.h>

#include "base/secrets.hpp"
#include "base/text.hpp"

namespace passerelle::auth {
namespace {

constexpr std::string_view kOurs = "jupyterhub";
constexpr std::size_t kDigestDigits = 128;

}  // namespace

std::optional<JupyterHubHash> parse_jupyterhub_hash(std::string_view stored) {
  const auto fields = text::split(stored, ':');
  if (fields.size() != 4 || fields[0] != kOurs || fields[1].size() != kJupyterHubPrefix ||
      fields[2].empty() || fields[3].size() != kDigestDigits)
    return std::nullopt;
  return JupyterHubHash{std::string(fields[1]), std::string(fields[2]), std::string(fields[3])};
}

std::optional<std::string> from_jupyterhub(std::string_view prefix, std::string_view hashed) {
  const auto fields = text::split(hashed, ':');
  if (fields.size() != 4 || fields[0] != "sha512" || fields[1] != "1") return std::nullopt;
  std::string ours(kOurs);
  for (const std::string_view part : {prefix, fields[2], fields[3]}) ours.append(":").append(part);
  if (!parse_jupyterhub_hash(ours)) return std::nullopt;
  return ours;
}

std::string jupyterhub_digest(std::string_view salt, std::string_view token) {
  std::string text(salt);
  text.append(token);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha512(), nullptr) != 1)
    return {};
  return secrets::to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace passerelle::auth
