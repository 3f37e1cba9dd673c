#include "tests/wire/proxy/tls_peers.hpp"

#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "proxy/tls.hpp"

namespace passerelle::proxy::wire {
namespace {

void add_extension(X509* cert, int id, const std::string& value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
  X509_add_ext(cert, extension, -1);
  X509_EXTENSION_free(extension);
}

template <class Write>
void write_file(const std::string& path, Write write) {
  FILE* const file = std::fopen(path.c_str(), "w");
  if (file == nullptr) throw std::runtime_error("cannot write " + path);
  write(file);
  std::fclose(file);
}

}  // namespace

Folder::Folder() {
  char name[] = "/tmp/passerelle-test-XXXXXX";
  path_ = mkdtemp(name);
}

Folder::~Folder() {
  std::filesystem::remove_all(path_);
}

CertificateFiles make_certificate(const Folder& folder,
                                  const std::string& name,
                                  const std::vector<std::string>& names) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const cert = X509_new();
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert),
                   static_cast<long>(std::hash<std::string>{}(name) & 0xffffff));
  X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert), 3600L * 24);
  X509_set_pubkey(cert, key);
  X509_NAME* const subject = X509_get_subject_name(cert);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(cert, subject);
  std::string list;
  for (const std::string& its : names)
    list += (list.empty() ? "" : ",") +
            std::string(its[0] >= '0' && its[0] <= '9' ? "IP:" : "DNS:") + its;
  add_extension(cert, NID_subject_alt_name, list);
  add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(cert, key, EVP_sha256());
  CertificateFiles files{folder / (name + ".crt"), folder / (name + ".key"), ""};
  write_file(files.cert, [&](FILE* file) { PEM_write_X509(file, cert); });
  write_file(files.key, [&](FILE* file) {
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  X509_free(cert);
  EVP_PKEY_free(key);
  return files;
}

TlsPeer::TlsPeer(std::uint16_t port, const Wish& wish)
    : peer_(Peer::connect(port)), context_(SSL_CTX_new(TLS_client_method())), ssl_(nullptr) {
  const timeval limit{10, 0};
  setsockopt(peer_.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (wish.version != 0) {
    SSL_CTX_set_min_proto_version(context_, wish.version);
    SSL_CTX_set_max_proto_version(context_, wish.version);
    SSL_CTX_set_cipher_list(context_, "ALL:@SECLEVEL=0");
  }
  if (!wish.own.cert.empty()) {
    SSL_CTX_use_certificate_chain_file(context_, wish.own.cert.c_str());
    SSL_CTX_use_PrivateKey_file(context_, wish.own.key.c_str(), SSL_FILETYPE_PEM);
  }
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, peer_.fd());
  if (!wish.server_name.empty()) SSL_set_tlsext_host_name(ssl_, wish.server_name.c_str());
  if (!wish.alpn.empty()) {
    const std::string list = static_cast<char>(wish.alpn.size()) + wish.alpn;
    SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned>(list.size()));
  }
  if (wish.session != nullptr) SSL_set_session(ssl_, wish.session);
  good_ = peer_.send(wish.before) && SSL_connect(ssl_) == 1;
}

TlsPeer::~TlsPeer() {
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN);  // or its session would not be good for resumption
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

bool TlsPeer::send(std::string_view bytes) {
  return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) ==
         static_cast<int>(bytes.size());
}

bool TlsPeer::fill() {
  char room[16384];
  const int got = SSL_read(ssl_, room, sizeof room);
  if (got > 0) buffer_.append(room, static_cast<std::size_t>(got));
  orderly_ = got <= 0 && SSL_get_error(ssl_, got) == SSL_ERROR_ZERO_RETURN;
  return got > 0;
}

std::string TlsPeer::read_until(std::string_view end) {
  std::size_t at = buffer_.find(end);
  while (at == std::string::npos && fill()) at = buffer_.find(end);
  const std::size_t size = at == std::string::npos ? buffer_.size() : at + end.size();
  std::string taken = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return taken;
}

std::string TlsPeer::read_some() {
  if (buffer_.empty()) fill();
  return std::exchange(buffer_, {});
}

std::string TlsPeer::read_all() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

void TlsPeer::half_close() {
  SSL_shutdown(ssl_);
}

bool TlsPeer::resumed() const {
  return SSL_session_reused(ssl_) == 1;
}

std::string TlsPeer::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string TlsPeer::common_name() const {
  X509* const cert = SSL_get0_peer_certificate(ssl_);
  char name[256] = {};
  if (cert != nullptr)
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof name);
  return name;
}

SSL_SESSION* TlsPeer::session() const {
  return SSL_get1_session(ssl_);
}

}  // namespace passerelle::proxy::wire
