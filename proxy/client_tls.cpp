#include "proxy/client_tls.hpp"

#include "base/text.hpp"
#include "proxy/tls.hpp"
#include "proxy/tls_stream.hpp"

namespace passerelle::proxy {
namespace {

/// A person who typed http:// and our port gets a word that a browser can show.
void answer_plain_http(Socket& client) noexcept {
  constexpr std::string_view kWord =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
      "This port speaks HTTPS: begin the address with https://\n";
  iovec part{const_cast<char*>(kWord.data()), kWord.size()};
  client.raw_write(std::span<iovec>(&part, 1));
}

}  // namespace

// Failures are counted, not logged: scanners fail all day.
Flow<bool> secure_client(Lane& lane, Connection& connection) {
  Socket& client = connection.client;
  TlsServer::Session session = connection.endpoint.tls->session();
  if (session.ssl == nullptr) co_return false;
  client.speak_tls(std::make_unique<TlsStream>(client, session.ssl, std::move(session.contexts)));
  TlsStream& tls = *client.tls();
  const Millis deadline = lane.loop->now() + millis(lane.settings.limits.header_timeout);
  for (;;) {
    const Io io = tls.handshake();
    if (io.state == Io::State::ok) {
      lane.counts.tls_handshakes.add();
      if (tls.resumed()) lane.counts.tls_resumed.add();
      co_return true;
    }
    if (tls.met_plain_http()) answer_plain_http(client);
    if (io.state == Io::State::failed) break;
    Wait wait(*lane.loop, Phase::idle, deadline);
    wait.on(client, tls.handshake_interest());
    const Wake wake = co_await wait;
    if (wake != Wake::ready) break;
  }
  lane.counts.tls_failed.add();
  co_return false;
}

bool misdirected(const Lane& lane, const Connection& connection, std::string_view host) noexcept {
  const TlsStream* const tls = connection.client.tls();
  if (!lane.settings.check_server_name) return false;
  if (tls == nullptr || tls->server_name().empty() || host.empty()) return false;
  host = host.substr(0, host.find(':'));
  return !text::iequals(host, tls->server_name()) && !lane.shared.trusted.contains(connection.peer);
}

}  // namespace passerelle::proxy
