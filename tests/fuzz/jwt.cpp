// Tokens and key sets: whatever comes, nothing opens that was not signed, and what is refused says
// why without a piece of it. The first line of the input is a key set, the rest a token.
#include "auth/jwt.hpp"

#include "auth/json.hpp"
#include "auth/jwks.hpp"
#include "base/secrets.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace passerelle::auth {
namespace {

void require_strict(std::string_view text) {
  const auto raw = jwt::decode_base64url(text);
  if (raw) REQUIRE(secrets::to_base64url(*raw) == text);
}

void run(std::string_view input) {
  const std::size_t line = input.find('\n');
  const auto keys = read_key_set(input.substr(0, line));
  const std::string_view rest =
      line == std::string_view::npos ? std::string_view() : input.substr(line + 1);
  require_strict(rest);
  const std::vector<std::string> allowed = {"RS256", "PS256", "ES256", "EdDSA"};
  const auto token = jwt::take_apart(rest, allowed);
  if (!token) {
    REQUIRE(token.error().code() == Errc::invalid && token.error().message().size() < 100);
    return;
  }
  REQUIRE(jwt::is_known_algorithm(token->algorithm) && !token->signature.empty());
  REQUIRE(rest.starts_with(token->signed_part));
  if (!keys) return;
  for (const jwt::Key& key : *keys) {
    const auto claims = jwt::open(*token, key);
    // The seeds hold one right signature; no other can be found.
    if (claims) REQUIRE(claims->is_object() && jwt::fits(key, token->algorithm));
  }
}

}  // namespace
}  // namespace passerelle::auth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  passerelle::auth::run(passerelle::fuzz::text_of(data, size));
  return 0;
}
