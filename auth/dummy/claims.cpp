#include "auth/dummy/claims.hpp"

#include "base/secrets.hpp"
#include "base/text.hpp"

namespace passerelle::auth::dummy {
namespace {

constexpr std::size_t kMostSecrets = 8;
constexpr std::size_t kSecretLength = 43;  // secrets::random_token()
constexpr std::size_t kPinDigits = 8;
constexpr char kSeparator = '.';

std::vector<std::string_view> secrets_of(std::string_view cookie) {
  std::vector<std::string_view> found;
  if (cookie.size() > kMostSecrets * (kSecretLength + 1)) return found;
  for (const std::string_view secret : text::split(cookie, kSeparator))
    if (secret.size() == kSecretLength) found.push_back(secret);
  return found;
}

}  // namespace

Claim new_claim() {
  Claim claim;
  claim.secret = secrets::random_token();
  claim.credential = store::Credential{"claim", secrets::sha256_hex(claim.secret)};
  return claim;
}

std::string with_secret(std::string_view cookie, std::string_view secret) {
  std::string value(secret);
  std::size_t count = 1;
  for (const std::string_view other : secrets_of(cookie)) {
    if (other == secret || count == kMostSecrets) continue;
    value.append(1, kSeparator).append(other);
    ++count;
  }
  return value;
}

std::string known_secret(std::string_view cookie,
                         const std::vector<store::Credential>& credentials) {
  std::string known;
  for (const std::string_view secret : secrets_of(cookie)) {
    const std::string hash = secrets::sha256_hex(secret);
    for (const store::Credential& credential : credentials)
      if (credential.kind == "claim" && secrets::equal(credential.hash, hash)) known = secret;
  }
  return known;
}

Task<Result<Pin>> new_pin(WorkerPool& workers) {
  const std::string digits = secrets::random_digits(kPinDigits);
  auto work = [digits]() -> Result<std::string> { return secrets::slow_hash(digits); };
  auto hash = co_await workers.run(work);
  if (!hash) co_return std::move(hash).error();
  Pin pin;
  pin.digits = digits.substr(0, kPinDigits / 2) + " " + digits.substr(kPinDigits / 2);
  pin.credential.kind = "pin";
  pin.credential.hash = std::move(*hash);
  co_return pin;
}

Task<Result<bool>> is_pin(WorkerPool& workers,
                          std::vector<store::Credential> credentials,
                          std::string typed) {
  std::string digits;
  for (const char c : typed) {
    if (c == ' ' || c == '-') continue;
    if (c < '0' || c > '9' || digits.size() == kPinDigits) co_return false;
    digits += c;
  }
  if (digits.size() != kPinDigits) co_return false;
  auto work = [credentials = std::move(credentials), digits]() -> Result<bool> {
    bool right = false;
    for (const store::Credential& credential : credentials)
      if (credential.kind == "pin" && secrets::slow_verify(credential.hash, digits)) right = true;
    return right;
  };
  auto right = co_await workers.run(std::move(work));
  co_return right;
}

}  // namespace passerelle::auth::dummy
