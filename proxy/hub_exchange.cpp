#include "proxy/hub_exchange.hpp"

#include "base/text.hpp"
#include "proxy/answer.hpp"
#include "proxy/exchange.hpp"
#include "proxy/pace.hpp"

namespace passerelle::proxy {

std::string_view HubRequest::header(std::string_view lower_name) const noexcept {
  for (const auto& [name, value] : headers)
    if (name == lower_name) return value;
  return {};
}

namespace {

HubRequest whole_request(const Connection& connection,
                         const Request& request,
                         std::string_view reason) {
  HubRequest whole;
  whole.method = request.head.method();
  whole.path = request.head.path();
  whole.query = request.head.query();
  std::size_t cookies = SIZE_MAX;
  const Fields& fields = request.head.fields();
  for (std::size_t at = 0; at < fields.size(); ++at) {
    const Field field = fields[at];
    if (field.id == FieldId::cookie && cookies != SIZE_MAX) {
      whole.headers[cookies].second.append("; ").append(field.value);
      continue;
    }
    if (field.id == FieldId::cookie) cookies = whole.headers.size();
    whole.headers.emplace_back(text::ascii_lower(field.name), field.value);
  }
  whole.peer = request.client.address;
  whole.direct_peer = connection.peer;
  whole.scheme = request.client.scheme;
  whole.host = request.client.host;
  whole.reason = reason;
  whole.trace = TraceText(request.entry.trace).view();
  return whole;
}

/// Why a body could not be read.
enum class BodyEnd : std::uint8_t { whole, too_long, bad, lost, timeout };

Flow<BodyEnd> read_body(
    Lane& lane, Connection& connection, Request& request, std::size_t most, std::string& body) {
  if (request.head.expect_continue() && connection.received.empty()) {
    const bool sent = co_await send_all(lane, connection, "HTTP/1.1 100 Continue\r\n\r\n");
    if (!sent) co_return BodyEnd::lost;
  }
  const config::Proxy& limits = lane.settings.limits;
  Millis limit = lane.loop->now() + millis(limits.body_timeout);
  Pace pace;
  while (!request.body.finished()) {
    std::span<char> input(lane.read_room);
    Kept taken = std::move(connection.received);
    if (!taken.empty()) {
      input = taken.bytes();
    } else {
      const Io io = connection.client.read(input);
      if (io.state == Io::State::again) {
        if (pace.too_slow(limits, connection.client, Pace::Owes::to_send, lane.loop->now())) {
          lane.counts.too_slow.add();
          co_return BodyEnd::timeout;
        }
        Wait wait(*lane.loop, Phase::busy, std::min(limit, pace.deadline()));
        wait.on(connection.client, kToRead);
        const Wake wake = co_await wait;
        if (wake == Wake::ready) limit = lane.loop->now() + millis(limits.body_timeout);
        if (wake == Wake::ready || (wake == Wake::timeout && lane.loop->now() < limit)) continue;
        co_return wake == Wake::timeout ? BodyEnd::timeout : BodyEnd::lost;
      }
      if (io.state != Io::State::ok) co_return BodyEnd::lost;
      input = input.first(io.count);
    }
    const BodyReader::Piece piece = request.body.next(input);
    if (piece.bad) co_return BodyEnd::bad;
    if (body.size() + piece.data.size() > most) co_return BodyEnd::too_long;
    body += piece.data;
    const std::span<char> rest = input.subspan(piece.used);
    connection.received.assign({rest.data(), rest.size()});
  }
  request.entry.bytes_in = body.size();
  co_return BodyEnd::whole;
}

/// Waits for the hub. Between the parts of a stream a client that closes its side has left (a
/// browser does nothing else when its tab closes); before an answer it may just have nothing more
/// to say.
Flow<Wake> wait_for_news(
    Lane& lane, Connection& connection, Exchange& exchange, bool streaming, Millis deadline) {
  Wait wait(*lane.loop, Phase::busy, deadline);
  int interest = kBroken;
  if (streaming && !connection.client.readable()) interest |= kToRead;
  wait.on(connection.client, interest);
  exchange.wait_with(&wait);
  const Wake wake = co_await wait;
  exchange.wait_with(nullptr);
  co_return wake;
}

std::string framed(std::string bytes, bool chunked, bool last) {
  if (!chunked) return bytes;
  std::string out;
  if (!bytes.empty()) out.append(ChunkPrefix(bytes.size()).text()).append(bytes).append("\r\n");
  if (last) out += kLastChunk;
  return out;
}

/// Carries the hub's answer to the client.
class Relay {
 public:
  Relay(Lane& lane, Connection& connection, Request& request, Exchange& exchange)
      : lane_(lane), connection_(connection), request_(request), exchange_(exchange) {}

  Flow<Outcome> run() {
    const Millis deadline = lane_.loop->now() + millis(lane_.settings.limits.response_timeout);
    for (;;) {
      Exchange::News news = exchange_.collect();
      if (news.any()) {
        const bool sent = co_await pass_on(news);
        if (!sent) co_return gone();
        if (news.abandoned) co_return broken_off();
        if (news.finished) co_return finished();
        continue;
      }
      const Millis until = begun_ ? kNever : deadline;
      const Wake wake = co_await wait_for_news(lane_, connection_, exchange_, begun_, until);
      if (wake == Wake::timeout) co_return too_late();
      if (wake == Wake::stop || connection_.client.broken()) co_return gone();
      if (begun_ && connection_.client.readable() && connection_.client.left()) co_return gone();
    }
  }

 private:
  Flow<bool> pass_on(Exchange::News& news) {
    std::string out;
    if (news.head) out = begin(*news.head, news.streams);
    request_.entry.bytes_out += news.bytes.size();
    if (!request_.head.is_head()) out += framed(std::move(news.bytes), chunked_, news.finished);
    const bool sent = co_await send_all(lane_, connection_, out);
    co_return sent;
  }

  std::string begin(HubResponse& head, bool streams) {
    begun_ = true;
    request_.entry.status = head.status;
    const bool bodiless = request_.head.is_head() || head.status == 204 || head.status == 304;
    const bool old = request_.head.minor_version() == 0;
    chunked_ = streams && !old && !bodiless;
    if ((streams && old) || head.close) request_.keep_alive = false;
    const Ends ends = chunked_ ? Ends::by_chunks : streams ? Ends::by_close : Ends::by_length;
    std::string out = response_text(head, request_, lane_.date(), ends);
    if (!bodiless && !streams) out += head.body;
    request_.entry.bytes_out = head.body.size();
    return out;
  }

  Outcome finished() const noexcept {
    if (!request_.body.finished()) return Outcome::linger;
    return request_.keep_alive ? Outcome::next : Outcome::close;
  }

  Outcome gone() {
    exchange_.client_gone();
    request_.entry.end = lane_.draining ? "stopping" : "client-gone";
    return begun_ ? Outcome::reset : Outcome::close;
  }

  Outcome too_late() {
    exchange_.client_gone();
    request_.entry.end = "no-answer";
    return answer_plain(lane_, connection_, request_.entry.status = 504, "");
  }

  Outcome broken_off() {
    request_.entry.end = "no-answer";
    if (begun_) return Outcome::reset;
    if (lane_.duty == Duty::relaying)  // our hub is no more, and the successor knows nothing of it
      return answer_plain(lane_, connection_, request_.entry.status = 503, "",
                          "Retry-After: 1\r\n");
    return answer_plain(lane_, connection_, request_.entry.status = 500, "");
  }

  Lane& lane_;
  Connection& connection_;
  Request& request_;
  Exchange& exchange_;
  bool begun_ = false;
  bool chunked_ = false;
};

Outcome refuse_body(Lane& lane, Connection& connection, Request& request, BodyEnd why) {
  AccessEntry& entry = request.entry;
  switch (why) {
    case BodyEnd::too_long:
      return answer_plain(lane, connection, entry.status = 413, "");
    case BodyEnd::bad:
      return answer_plain(lane, connection, entry.status = 400, "the body's chunks are malformed");
    case BodyEnd::timeout:
      return answer_plain(lane, connection, entry.status = 408, "the body did not come");
    default:
      entry.end = "client-gone";
      return Outcome::close;
  }
}

}  // namespace

Flow<Outcome> answer_by_hub(Lane& lane,
                            Connection& connection,
                            Request& request,
                            std::size_t most_body,
                            std::string_view reason) {
  lane.counts.to_hub.add();
  request.entry.upstream = "hub";
  HubRequest whole = whole_request(connection, request, reason);
  if (most_body != 0 && !request.body.finished()) {
    BodyEnd end = BodyEnd::too_long;
    if (request.head.content_length().value_or(0) <= most_body)
      end = co_await read_body(lane, connection, request, most_body, whole.body);
    if (end != BodyEnd::whole) co_return refuse_body(lane, connection, request, end);
  }
  if (!request.body.finished()) request.keep_alive = false;
  const auto exchange = std::make_shared<Exchange>(lane.loop->mailbox());
  lane.shared.hub.handle(std::move(whole), exchange->reply());
  Relay relay(lane, connection, request, *exchange);
  const Outcome outcome = co_await relay.run();
  co_return outcome;
}

}  // namespace passerelle::proxy
