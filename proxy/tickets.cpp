#include "proxy/tickets.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace passerelle::proxy {
namespace {

constexpr int kIvSize = 16;

void fill(unsigned char* bytes, std::size_t size) {
  if (RAND_bytes(bytes, static_cast<int>(size)) != 1)
    throw std::runtime_error("no random bytes for session tickets");
}

}  // namespace

TicketKeys::Key TicketKeys::make() {
  Key key;
  fill(key.name.data(), key.name.size());
  fill(key.cipher.data(), key.cipher.size());
  fill(key.mac.data(), key.mac.size());
  return key;
}

TicketKeys::TicketKeys(Instant now) : turned_(now) {
  for (Key& key : keys_) key = make();
}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(keys_.data(), sizeof keys_);
}

std::string TicketKeys::save() const {
  const std::lock_guard lock(mutex_);
  const std::int64_t turned = to_micros(turned_);
  std::string saved(reinterpret_cast<const char*>(&turned), sizeof turned);
  return saved.append(reinterpret_cast<const char*>(keys_.data()), sizeof keys_);
}

void TicketKeys::load(std::string_view saved) {
  std::int64_t turned = 0;
  if (saved.size() != sizeof turned + sizeof keys_) return;
  const std::lock_guard lock(mutex_);
  std::memcpy(&turned, saved.data(), sizeof turned);
  std::memcpy(keys_.data(), saved.data() + sizeof turned, sizeof keys_);
  turned_ = from_micros(turned);
}

void TicketKeys::turn(Instant now) {
  if (now < turned_ + kTurn) return;
  turned_ = now;
  keys_[2] = keys_[1];
  keys_[1] = keys_[0];
  keys_[0] = make();
}

int TicketKeys::apply(unsigned char* name,
                      unsigned char* iv,
                      EVP_CIPHER_CTX* cipher,
                      EVP_MAC_CTX* mac,
                      bool sealing,
                      Instant now) {
  const std::lock_guard lock(mutex_);
  turn(now);
  auto key = keys_.begin();
  if (sealing) {
    std::memcpy(name, key->name.data(), key->name.size());
    if (RAND_bytes(iv, kIvSize) != 1) return -1;
  } else {
    key = std::find_if(keys_.begin(), keys_.end(), [&](const Key& its) {
      return std::memcmp(its.name.data(), name, its.name.size()) == 0;
    });
    if (key == keys_.end()) return 0;
  }
  char digest[] = "sha256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac.data(), key->mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  const bool good = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv,
                                      sealing ? 1 : 0) == 1 &&
                    EVP_MAC_CTX_set_params(mac, params) == 1;
  if (!good) return -1;
  return key == keys_.begin() ? 1 : 2;
}

}  // namespace passerelle::proxy
