// A provider on loopback that says what a test tells it to: for tokens that no real provider would
// sign. It has a thread of its own and answers one request a connection.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/jwt.hpp"
#include "base/secrets.hpp"
#include "base/text.hpp"

namespace passerelle::auth::testing {

using Json = nlohmann::json;

inline std::string pem_of(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  EVP_PKEY_free(key);
  return pem;
}

inline jwt::Key new_key(const char* kind, std::string id) {
  EVP_PKEY* made =
      std::string_view(kind) == "RSA" ? EVP_PKEY_Q_keygen(nullptr, nullptr, kind, std::size_t{2048})
      : std::string_view(kind) == "EC" ? EVP_PKEY_Q_keygen(nullptr, nullptr, kind, "P-256")
                                       : EVP_PKEY_Q_keygen(nullptr, nullptr, kind);
  jwt::Key key = jwt::read_private_key(pem_of(made)).value();
  key.id = std::move(id);
  return key;
}

inline std::string number_of(const jwt::Key& key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key.key.get(), name, &number);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(number);
  return secrets::to_base64url(bytes);
}

inline Json rsa_jwk(const jwt::Key& key) {
  return {{"kty", "RSA"},
          {"use", "sig"},
          {"kid", key.id},
          {"n", number_of(key, "n")},
          {"e", number_of(key, "e")}};
}

struct Answered {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::string more;  ///< Further header lines, each with its end.
};

struct Asked {
  std::string path;  ///< With its query.
  std::string head;
  std::string body;
};

class LoopbackServer {
 public:
  explicit LoopbackServer(std::function<Answered(const Asked&)> answer)
      : answer_(std::move(answer)), listening_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(listening_, 64);
    socklen_t size = sizeof address;
    getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~LoopbackServer() {
    ending_ = true;
    shutdown(listening_, SHUT_RDWR);
    thread_.join();
    close(listening_);
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  std::uint16_t port = 0;

 private:
  void serve() {
    while (!ending_) {
      const int one = accept(listening_, nullptr, nullptr);
      if (one < 0) return;
      serve_one(one);
      close(one);
    }
  }
  void serve_one(int one) const {
    std::string got;
    char buffer[4096];
    const auto complete = [&] {
      const std::size_t end = got.find("\r\n\r\n");
      if (end == std::string::npos) return false;
      const std::size_t at = text::ascii_lower(got.substr(0, end)).find("content-length:");
      const std::size_t length = at == std::string::npos ? 0 : std::stoul(got.substr(at + 15));
      return got.size() >= end + 4 + length;
    };
    while (!complete()) {
      const ssize_t count = recv(one, buffer, sizeof buffer, 0);
      if (count <= 0) return;
      got.append(buffer, static_cast<std::size_t>(count));
    }
    const std::size_t end = got.find("\r\n\r\n");
    Asked asked;
    const std::size_t path = got.find(' ') + 1;
    asked.path = got.substr(path, got.find(' ', path) - path);
    asked.head = got.substr(0, end);
    asked.body = got.substr(end + 4);
    const Answered answer = answer_(asked);
    const std::string out =
        "HTTP/1.1 " + std::to_string(answer.status) + " X\r\nContent-Type: " + answer.content_type +
        "\r\n" + answer.more +
        "Connection: close\r\nContent-Length: " + std::to_string(answer.body.size()) + "\r\n\r\n" +
        answer.body;
    (void)send(one, out.data(), out.size(), MSG_NOSIGNAL);
  }

  std::function<Answered(const Asked&)> answer_;
  int listening_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace passerelle::auth::testing
