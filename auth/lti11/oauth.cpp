#include "auth/lti11/oauth.hpp"

#include <algorithm>
#include <array>

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace passerelle::auth::lti11 {
namespace {

bool has_own_port(std::string_view scheme, std::string_view host) {
  return (scheme == "http" && host.ends_with(":80")) ||
         (scheme == "https" && host.ends_with(":443"));
}

std::string base64(const unsigned char* bytes, std::size_t count) {
  std::string out(4 * ((count + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes, static_cast<int>(count));
  return out;
}

// Sorted on the encoded names, then on the encoded values, bytewise (RFC 5849, 3.4.1.3.2).
std::string normalised(const text::Form& parameters) {
  text::Form encoded;
  encoded.reserve(parameters.size());
  for (const auto& [name, value] : parameters)
    if (name != "oauth_signature")
      encoded.emplace_back(text::percent_encode(name), text::percent_encode(value));
  std::sort(encoded.begin(), encoded.end());
  std::string joined;
  for (const auto& [name, value] : encoded)
    joined.append(joined.empty() ? "" : "&").append(name).append("=").append(value);
  return joined;
}

}  // namespace

std::string base_uri(std::string_view origin, std::string_view path) {
  const std::string folded = text::ascii_lower(origin);
  const std::size_t end = folded.find("://");
  if (end == std::string::npos) return std::string(path);
  const std::string_view scheme = std::string_view(folded).substr(0, end);
  std::string_view host = std::string_view(folded).substr(end + 3);
  if (has_own_port(scheme, host)) host = host.substr(0, host.rfind(':'));
  std::string uri(scheme);
  return uri.append("://").append(host).append(path.empty() ? "/" : path);
}

std::string base_string(std::string_view method,
                        std::string_view base_uri,
                        const text::Form& parameters) {
  std::string base(method);
  base.append("&").append(text::percent_encode(base_uri));
  return base.append("&").append(text::percent_encode(normalised(parameters)));
}

std::string sign(Method method, std::string_view base_string, std::string_view secret) {
  const std::string key = text::percent_encode(secret) + "&";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  HMAC(method == Method::hmac_sha1 ? EVP_sha1() : EVP_sha256(), key.data(),
       static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(base_string.data()),
       base_string.size(), digest.data(), &length);
  return base64(digest.data(), length);
}

}  // namespace passerelle::auth::lti11
