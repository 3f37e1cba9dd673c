#include "auth/stand_in.hpp"

#include <charconv>

#include "base/secrets.hpp"
#include "base/text.hpp"

namespace passerelle::auth {
namespace {

constexpr std::string_view kMark = "stand-in";

}  // namespace

std::string StandIns::sign(std::string_view what) const {
  const secrets::Digest digest = secrets::hmac_sha256(key_, what);
  return secrets::to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

// No part holds the separator but the last before the signature, which is the rest.
std::string StandIns::make(const Meant& meant) const {
  std::string text(kMark);
  text.append("~").append(std::to_string(meant.user)).append("~").append(meant.token);
  text.append("~").append(text::percent_encode(meant.server));
  return text + "~" + sign(text);
}

std::optional<StandIns::Meant> StandIns::read(std::string_view text) const {
  if (!text.starts_with(kMark)) return std::nullopt;
  const std::size_t end = text.rfind('~');
  if (end == std::string_view::npos ||
      !secrets::equal(sign(text.substr(0, end)), text.substr(end + 1)))
    return std::nullopt;
  const auto parts = text::split(text.substr(0, end), '~');
  constexpr std::size_t kParts = 4;
  if (parts.size() != kParts) return std::nullopt;
  Meant meant;
  std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), meant.user);
  meant.token = parts[2];
  meant.server = text::percent_decode(parts[3]).value_or("");
  return meant;
}

}  // namespace passerelle::auth
