#include "proxy/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/text.hpp"
#include "proxy/tickets.hpp"

namespace passerelle::proxy {
namespace {

constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

struct FreeContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

Error trouble(const std::string& what) {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return {Errc::invalid, what + ": " + (reason != nullptr ? reason : "not usable")};
}

Context new_context(const SSL_METHOD* method) {
  Context context(SSL_CTX_new(method));
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets do without
  return context;
}

int give_passphrase(char* into, int size, int, void* passphrase) {
  const auto& text = *static_cast<const std::string*>(passphrase);
  if (text.empty() || static_cast<int>(text.size()) > size) return 0;
  text.copy(into, text.size());
  return static_cast<int>(text.size());
}

Result<void> load_certificate(SSL_CTX* context, const CertificateFiles& files) {
  const std::string& key = files.key.empty() ? files.cert : files.key;
  SSL_CTX_set_default_passwd_cb(context, give_passphrase);
  SSL_CTX_set_default_passwd_cb_userdata(context, const_cast<std::string*>(&files.passphrase));
  const bool cert_good = SSL_CTX_use_certificate_chain_file(context, files.cert.c_str()) == 1;
  if (!cert_good) return trouble("the certificate in " + files.cert);
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return trouble("the key in " + key);
  if (SSL_CTX_check_private_key(context) != 1)
    return trouble("the key in " + key + " and the certificate in " + files.cert);
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  return {};
}

/// The DNS names a certificate is for, in lower case; "*.example.fr" as it stands.
std::vector<std::string> names_of(const SSL_CTX* context) {
  std::vector<std::string> names;
  X509* const cert = SSL_CTX_get0_certificate(context);
  auto* const all =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(cert, NID_subject_alt_name, nullptr, nullptr));
  for (int at = 0; at < sk_GENERAL_NAME_num(all); ++at) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all, at);
    if (name->type != GEN_DNS) continue;
    const auto* const bytes = ASN1_STRING_get0_data(name->d.dNSName);
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName));
    names.push_back(text::ascii_lower({reinterpret_cast<const char*>(bytes), size}));
  }
  GENERAL_NAMES_free(all);
  return names;
}

Instant end_of(const SSL_CTX* context) {
  tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &parts) != 1)
    return Instant{};
  return Instant(std::chrono::duration_cast<Instant::duration>(seconds(timegm(&parts))));
}

}  // namespace

class TlsContexts {
 public:
  struct Entry {
    Context context;
    std::vector<std::string> names;
  };
  TlsContexts(bool http2, std::shared_ptr<TicketKeys> its_tickets)
      : offers_http2(http2), tickets(std::move(its_tickets)) {}

  SSL_CTX* first() const noexcept { return entries.front().context.get(); }
  /// The certificate for that name, or null. An exact name wins over a pattern.
  SSL_CTX* find(std::string_view name) const;
  Instant expires() const;

  const bool offers_http2;
  const std::shared_ptr<TicketKeys> tickets;
  std::vector<Entry> entries;
};

SSL_CTX* TlsContexts::find(std::string_view name) const {
  const std::string lower = text::ascii_lower(name);
  const std::size_t dot = lower.find('.');
  const std::string pattern = dot == std::string::npos ? "" : "*" + lower.substr(dot);
  SSL_CTX* by_pattern = nullptr;
  for (const Entry& entry : entries) {
    for (const std::string& its : entry.names) {
      if (its == lower) return entry.context.get();
      if (its == pattern && by_pattern == nullptr) by_pattern = entry.context.get();
    }
  }
  return by_pattern;
}

Instant TlsContexts::expires() const {
  Instant first = Instant::max();
  for (const Entry& entry : entries) first = std::min(first, end_of(entry.context.get()));
  return first;
}

namespace {

const TlsContexts& contexts_of(const SSL* ssl) {
  return *static_cast<const TlsContexts*>(SSL_get_app_data(ssl));
}

int choose_certificate(SSL* ssl, int*, void*) {
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  if (SSL_CTX* const found = contexts_of(ssl).find(name)) SSL_set_SSL_CTX(ssl, found);
  return SSL_TLSEXT_ERR_OK;
}

bool offers(const unsigned char* list, unsigned int size, std::string_view wanted) {
  std::string_view rest(reinterpret_cast<const char*>(list), size);
  while (!rest.empty()) {
    const auto length = static_cast<unsigned char>(rest.front());
    if (rest.substr(1, length) == wanted) return true;
    rest.remove_prefix(std::min<std::size_t>(rest.size(), 1U + length));
  }
  return false;
}

// A client that speaks neither is not a browser that lost its way: another protocol's bytes must
// not be read as HTTP (ALPACA).
int choose_protocol(SSL* ssl,
                    const unsigned char** out,
                    unsigned char* out_size,
                    const unsigned char* in,
                    unsigned int in_size,
                    void*) {
  const bool http2 = contexts_of(ssl).offers_http2 && offers(in, in_size, "h2");
  if (!http2 && !offers(in, in_size, "http/1.1")) return SSL_TLSEXT_ERR_ALERT_FATAL;
  const std::string_view chosen = http2 ? "h2" : "http/1.1";
  *out = reinterpret_cast<const unsigned char*>(chosen.data());
  *out_size = static_cast<unsigned char>(chosen.size());
  return SSL_TLSEXT_ERR_OK;
}

int seal_ticket(SSL* ssl,
                unsigned char* name,
                unsigned char* iv,
                EVP_CIPHER_CTX* cipher,
                EVP_MAC_CTX* mac,
                int sealing) {
  return contexts_of(ssl).tickets->apply(name, iv, cipher, mac, sealing == 1);
}

Result<void> set_client_rules(SSL_CTX* context, const TlsServerSettings& settings) {
  if (!settings.ask_client && !settings.require_client) return {};
  if (!settings.client_ca.empty()) {
    if (SSL_CTX_load_verify_locations(context, settings.client_ca.c_str(), nullptr) != 1)
      return trouble("the authorities in " + settings.client_ca);
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(settings.client_ca.c_str()));
  }
  const int require = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  if (settings.require_client)
    SSL_CTX_set_verify(context, require, nullptr);
  else
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  return {};
}

Result<Context> server_context(const TlsServerSettings& settings, const CertificateFiles& files) {
  Context context = new_context(TLS_server_method());
  SSL_CTX* const it = context.get();
  SSL_CTX_set_options(it, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (settings.least_version != 0) SSL_CTX_set_min_proto_version(it, settings.least_version);
  if (settings.most_version != 0) SSL_CTX_set_max_proto_version(it, settings.most_version);
  const char* const ciphers = settings.ciphers.empty() ? kCiphers : settings.ciphers.c_str();
  if (SSL_CTX_set_cipher_list(it, ciphers) != 1) return trouble("the ciphers " + settings.ciphers);
  constexpr unsigned char kName[] = "passerelle";  // tickets are good for all our certificates
  SSL_CTX_set_session_id_context(it, kName, sizeof kName - 1);
  SSL_CTX_set_tlsext_servername_callback(it, choose_certificate);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(it, seal_ticket);
  SSL_CTX_set_alpn_select_cb(it, choose_protocol, nullptr);
  if (auto loaded = load_certificate(it, files); !loaded) return std::move(loaded).error();
  if (auto rules = set_client_rules(it, settings); !rules) return std::move(rules).error();
  return context;
}

Result<std::shared_ptr<const TlsContexts>> make_contexts(const TlsServerSettings& settings,
                                                         std::shared_ptr<TicketKeys> tickets) {
  auto contexts = std::make_shared<TlsContexts>(settings.http2, std::move(tickets));
  for (const CertificateFiles& files : settings.certificates) {
    Result<Context> context = server_context(settings, files);
    if (!context) return std::move(context).error();
    std::vector<std::string> names = names_of(context->get());
    contexts->entries.push_back({std::move(*context), std::move(names)});
  }
  if (contexts->entries.empty()) return Error(Errc::invalid, "TLS needs a certificate");
  return std::shared_ptr<const TlsContexts>(std::move(contexts));
}

}  // namespace

Result<std::shared_ptr<TlsServer>> TlsServer::load(TlsServerSettings settings) {
  auto tickets = std::make_shared<TicketKeys>();
  auto contexts = make_contexts(settings, tickets);
  if (!contexts) return std::move(contexts).error();
  return std::make_shared<TlsServer>(std::move(settings), std::move(*contexts), std::move(tickets));
}

TlsServer::TlsServer(TlsServerSettings settings,
                     std::shared_ptr<const TlsContexts> contexts,
                     std::shared_ptr<TicketKeys> tickets)
    : settings_(std::move(settings)),
      tickets_(std::move(tickets)),
      contexts_(std::move(contexts)) {}

TlsServer::~TlsServer() = default;

Result<void> TlsServer::reload() {
  auto contexts = make_contexts(settings_, tickets_);
  if (!contexts) return std::move(contexts).error();
  const std::lock_guard lock(mutex_);
  contexts_.swap(*contexts);
  return {};
}

std::string TlsServer::ticket_keys() const {
  return tickets_->save();
}

void TlsServer::take_keys(std::string_view saved) {
  tickets_->load(saved);
}

std::shared_ptr<const TlsContexts> TlsServer::contexts() const {
  const std::lock_guard lock(mutex_);
  return contexts_;
}

Instant TlsServer::expires() const {
  return contexts()->expires();
}

TlsServer::Session TlsServer::session() const {
  Session session{nullptr, contexts()};
  session.ssl = SSL_new(session.contexts->first());
  if (session.ssl == nullptr) return session;
  SSL_set_app_data(session.ssl, const_cast<TlsContexts*>(session.contexts.get()));
  SSL_set_accept_state(session.ssl);
  return session;
}

// --- TlsClient

Result<std::shared_ptr<const TlsClient>> TlsClient::load(const TlsClientSettings& settings) {
  Context context = new_context(TLS_client_method());
  SSL_CTX* const it = context.get();
  if (!settings.own.cert.empty())
    if (auto loaded = load_certificate(it, settings.own); !loaded) return std::move(loaded).error();
  if (settings.verify && settings.ca.empty())
    SSL_CTX_set_default_verify_paths(it);
  else if (settings.verify && SSL_CTX_load_verify_locations(it, settings.ca.c_str(), nullptr) != 1)
    return trouble("the authorities in " + settings.ca);
  SSL_CTX_set_verify(it, settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  return std::make_shared<const TlsClient>(context.release(), settings.verify);
}

TlsClient::~TlsClient() {
  SSL_CTX_free(static_cast<SSL_CTX*>(context_));
}

SSL* TlsClient::session(const std::string& name) const {
  SSL* const ssl = SSL_new(static_cast<SSL_CTX*>(context_));
  if (ssl == nullptr) return nullptr;
  SSL_set_connect_state(ssl);
  const bool address = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  if (address) return ssl;
  SSL_set_tlsext_host_name(ssl, name.c_str());
  if (verify_) SSL_set1_host(ssl, name.c_str());
  return ssl;
}

}  // namespace passerelle::proxy
