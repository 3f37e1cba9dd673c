#include "proxy/forward.hpp"

#include <algorithm>
#include <optional>

#include "proxy/answer.hpp"
#include "proxy/hub_exchange.hpp"
#include "proxy/pace.hpp"
#include "proxy/route_policy.hpp"
#include "proxy/websocket.hpp"

namespace passerelle::proxy {
namespace {

constexpr Millis kContinuePatience =
    1'000;  // then we ask for the body ourselves (RFC 9110, 10.1.1)
constexpr int kMostInterim = 16;

/// What the wait for the upstream's answer came to.
enum class Answer : std::uint8_t {
  none,      ///< Not yet.
  final,     ///< Its head is on the way to the client.
  switched,  ///< 101
  closed,    ///< The connection ended before the answer.
  invalid,
  timeout,
  body_bad,  ///< The client's body, that is.
  body_long,
  body_late,
  gone,  ///< The client left, its right ended, or the proxy stops.
};

class Forwarding {
 public:
  Forwarding(Lane& lane, Connection& connection, Request& request)
      : lane_(lane),
        connection_(connection),
        request_(request),
        route_(request.route),
        in_flight_(*route_) {}

  // Up to the upstream.
  bool take_pooled();
  Flow<Connect> connect();
  bool send_head();
  bool may_try_again(bool sent) const noexcept;
  // Until its answer.
  Flow<Answer> wait_for_answer();

  // The answer.
  Flow<> relay();
  bool relaying() const noexcept { return download_->moving(); }
  Outcome relayed();

  // When there is none.
  Outcome too_long();
  Flow<Outcome> fail(Answer why);
  Flow<Outcome> fail_to_connect(Connect why);

  /// The request as such is activity, unless a policy says otherwise.
  void touch() const noexcept {
    if (!route_->policy)
      route_->last_activity.store(lane_.loop->unix_seconds(), std::memory_order_relaxed);
  }

 private:
  bool may_repeat() const noexcept;
  Answer body_trouble() const noexcept;
  Answer try_head();
  Answer take_head(std::span<char> bytes, std::size_t used);
  void pass_interim(const ResponseHead& head);
  void answer_expectation();
  Millis answer_deadline(Millis sent) const noexcept;
  void begin_answer(const ResponseHead& head, std::span<char> rest);
  Answer begin_tunnel(const ResponseHead& head, std::span<char> rest);
  Flow<Outcome> fail_by_hub(std::string_view reason);
  std::size_t build_head();
  void touch_by_policy(bool client_spoke) noexcept;
  bool too_slow(Pace::Owes owes) noexcept;
  Socket& upstream() noexcept { return lease_->socket; }

  Lane& lane_;
  Connection& connection_;
  Request& request_;
  const std::shared_ptr<const Route>& route_;
  const InFlight in_flight_;
  UpstreamLease lease_;
  Kept partial_;  ///< What came of the answer's head so far, and then what came after its end.
  std::size_t scanned_ = 0;
  std::optional<BodyPump> upload_;
  std::optional<BodyPump> download_;
  Pace pace_;
  Millis last_event_ = 0;  ///< Silence is counted from here.
  int interim_ = 0;
  bool continue_owed_ = false;  ///< The client waits for a 100.
  bool reusable_ = false;       ///< The upstream will take another request on this connection.
};

bool Forwarding::take_pooled() {
  lease_ = lane_.pool.take(*route_, !may_repeat());
  if (lease_) lane_.counts.upstream_reuses.add();
  return lease_ != nullptr;
}

Flow<Connect> Forwarding::connect() {
  lane_.counts.upstream_connects.add();
  lease_.reset();
  return lane_.pool.connect(*route_, lease_);
}

bool Forwarding::may_repeat() const noexcept {
  return request_.head.idempotent() && !request_.head.has_body();
}

/// After a connection closed without an answer: it had served before, so its end may have nothing
/// to do with us.
bool Forwarding::may_try_again(bool sent) const noexcept {
  const bool untouched = lease_->reused && partial_.empty() && interim_ == 0;
  return untouched && (!sent || may_repeat()) && !route_->closed.load(std::memory_order_relaxed);
}

std::size_t Forwarding::build_head() {
  ToUpstream wish{request_.client, route_->set_headers, lane_.shared.own_cookies};
  wish.via = lane_.shared.rules.via_line();
  wish.stripped = lane_.shared.settings.stripped_headers;
  wish.authorization = request_.authorization;
  const RoutePolicy* const policy = route_->policy.get();
  if (policy == nullptr) return build_upstream_head(request_.head, wish, lane_.head_room);
  const std::string target = policy->target_of(request_.head);
  return build_policy_head(request_.head, wish, *policy, target, lane_.head_room);
}

/// A policy counts what the client sends, and answers that were a success.
void Forwarding::touch_by_policy(bool client_spoke) noexcept {
  if (route_->policy && client_spoke) route_->policy->touch(lane_.loop->unix_millis());
}

/// False if the upstream took not a byte of it.
bool Forwarding::send_head() {
  const std::size_t size = build_head();
  upload_.emplace(connection_.client, upstream(), connection_.received);
  download_.emplace(upstream(), connection_.client, partial_);
  upload_->set(request_.body, request_.head.chunked());
  upload_->splice_with(lane_.pipes);
  download_->splice_with(lane_.pipes);
  if (const std::uint64_t most = lane_.settings.limits.max_body; most != 0) upload_->limit(most);
  continue_owed_ = request_.head.expect_continue() && request_.head.minor_version() > 0;
  if (size != 0) upload_->send({lane_.head_room.data(), size});
  return size != 0 && upload_->moving();
}

Flow<Answer> Forwarding::wait_for_answer() {
  const Millis sent = last_event_ = lane_.loop->now();
  for (;;) {
    const std::uint64_t before = upload_->moved();
    const bool waits = upload_->step(lane_.read_room);
    touch_by_policy(upload_->moved() != before);
    if (const Answer trouble = body_trouble(); trouble != Answer::none) co_return trouble;
    if (upload_->moved() > 0) continue_owed_ = false;
    if (const Answer answer = try_head(); answer != Answer::none) co_return answer;
    if (too_slow(upload_->waits_for_source() ? Pace::Owes::to_send : Pace::Owes::nothing))
      co_return Answer::body_late;
    const Millis limit = answer_deadline(sent);
    const Millis until = std::min(limit, pace_.deadline());
    Wait wait(*lane_.loop, Phase::busy, waits ? until : lane_.loop->now());
    if (waits) {  // otherwise it only lets the others have their turn
      wait.on(connection_.client,
              kBroken | upload_->source_interest() | download_->sink_interest());
      wait.on(upstream(), kToRead | upload_->sink_interest());
    }
    wait.cut_by(route_->closed);
    if (request_.right_ended) wait.cut_by(*request_.right_ended);
    const Wake wake = co_await wait;
    if (wake == Wake::ready) last_event_ = lane_.loop->now();
    if (wake == Wake::timeout && lane_.loop->now() < limit) continue;
    if (wake == Wake::timeout && continue_owed_) {
      answer_expectation();
      continue;
    }
    if (wake == Wake::timeout)
      co_return upload_->moving() && !upload_->blocked() ? Answer::body_late : Answer::timeout;
    if (wake == Wake::cut || wake == Wake::shed) {
      request_.entry.end = wake == Wake::cut ? "cut" : "shed";
      co_return Answer::gone;
    }
    if (wake == Wake::stop || connection_.client.broken()) co_return Answer::gone;
    if (download_->blocked()) download_->step(lane_.read_room);
  }
}

/// Before each wait; notes what can be told of the request meanwhile.
bool Forwarding::too_slow(Pace::Owes owes) noexcept {
  request_.entry.bytes_in = upload_->moved();
  request_.entry.bytes_out = download_->moved();
  connection_.held = static_cast<std::uint32_t>(upload_->held() + download_->held());
  if (!pace_.too_slow(lane_.settings.limits, connection_.client, owes, lane_.loop->now()))
    return false;
  lane_.counts.too_slow.add();
  request_.entry.end = "too-slow";
  return true;
}

Answer Forwarding::body_trouble() const noexcept {
  switch (upload_->state()) {
    case BodyPump::State::source_bad:
      return Answer::body_bad;
    case BodyPump::State::source_lost:
      return Answer::gone;
    case BodyPump::State::too_long:
      return Answer::body_long;
    default:
      return Answer::none;  // an upstream that takes no more may still have an answer for us to
                            // read
  }
}

Millis Forwarding::answer_deadline(Millis sent) const noexcept {
  const config::Proxy& limits = lane_.settings.limits;
  if (continue_owed_) return sent + kContinuePatience;
  if (upload_->moving()) return last_event_ + millis(limits.body_timeout);
  return sent + millis(limits.response_timeout);
}

void Forwarding::answer_expectation() {
  continue_owed_ = false;
  download_->send("HTTP/1.1 100 Continue\r\n\r\n");
}

/// Reads what the upstream has said, and answers `none` when there is no whole head in it yet.
Answer Forwarding::try_head() {
  while (upstream().readable()) {
    std::span<char> bytes(lane_.read_room);
    const Io io = upstream().read(bytes);
    if (io.state == Io::State::again) return Answer::none;
    if (io.state != Io::State::ok) return Answer::closed;
    bytes = bytes.first(io.count);
    if (!partial_.empty()) {
      partial_.append({bytes.data(), bytes.size()});
      bytes = partial_.bytes();
    }
    const Asked asked{request_.head.is_head(), request_.head.upgrade_websocket()};
    for (;;) {
      const Scan scan = scan_response(bytes, scanned_, asked, lane_.response_head);
      if (scan.state == Scan::State::refused) return Answer::invalid;
      if (scan.state == Scan::State::incomplete) break;
      scanned_ = 0;
      if (const Answer answer = take_head(bytes, scan.used); answer != Answer::none) return answer;
      bytes = bytes.subspan(scan.used);
    }
    scanned_ = bytes.size();
    if (bytes.size() > kMostHead) return Answer::invalid;
    partial_.assign({bytes.data(), bytes.size()});
  }
  return Answer::none;
}

Answer Forwarding::take_head(std::span<char> bytes, std::size_t used) {
  const ResponseHead& head = lane_.response_head;
  if (head.interim()) {
    if (++interim_ > kMostInterim) return Answer::invalid;
    pass_interim(head);
    return Answer::none;
  }
  // The rest may lie in partial_, which receives what comes after the body: keep it alive until it
  // is passed on.
  const Kept holder = std::move(partial_);
  const std::span<char> rest = bytes.subspan(used);
  if (head.status() == 101) return begin_tunnel(head, rest);
  begin_answer(head, rest);
  // A body that is none from its first bytes on: its head has not been sent either.
  return download_->state() == BodyPump::State::source_bad ? Answer::invalid : Answer::final;
}

void Forwarding::pass_interim(const ResponseHead& head) {
  if (request_.head.minor_version() == 0) return;
  if (head.status() == 100) {
    if (!continue_owed_) return;  // not asked for, or given already
    continue_owed_ = false;
  }
  const ToClient wish{.own_cookies = lane_.shared.own_cookies,
                      .by_policy = route_->policy != nullptr};
  const std::size_t size = build_client_head(head, wish, lane_.head_room);
  download_->send({lane_.head_room.data(), size});
}

void Forwarding::begin_answer(const ResponseHead& head, std::span<char> rest) {
  const int minor = request_.head.minor_version();
  const Reframe reframe = reframe_for(head, minor);
  // An answer before the body's end: where the next request begins is the client's secret now.
  if (upload_->state() != BodyPump::State::done || reframe == Reframe::until_close ||
      lane_.draining)
    request_.keep_alive = false;
  const Client& client = request_.client;
  ToClient wish{
      reframe,           request_.keep_alive, minor,      lane_.date(), lane_.shared.own_cookies,
      &route_->upstream, client.scheme,       client.host};
  std::string location;
  if (const RoutePolicy* const policy = route_->policy.get(); policy != nullptr) {
    const std::string_view told = head.value(FieldId::location);
    location = policy->location_of(head.status(), told, request_.head.host());
    wish.by_policy = true;
    if (policy->answers != nullptr) policy->answers->add(head.status());
    wish.location = location;
  }
  if (request_.framed_by) wish.framed_by = *request_.framed_by;
  const std::size_t size = build_client_head(head, wish, lane_.head_room);
  request_.entry.status = head.status();
  reusable_ = head.keep_alive() && head.framing() != Framing::until_close;
  download_->set(BodyReader(head.framing(), head.length()), reframe == Reframe::chunked);
  if (reframe == Reframe::chunked && request_.head.accepts_trailers()) download_->pass_trailers();
  download_->feed({lane_.head_room.data(), size}, rest);
}

Answer Forwarding::begin_tunnel(const ResponseHead& head, std::span<char> rest) {
  if (!accepts_key(head.value(FieldId::sec_websocket_accept),
                   request_.head.value(FieldId::sec_websocket_key)))
    return Answer::invalid;
  const ToClient wish{.own_cookies = lane_.shared.own_cookies,
                      .by_policy = route_->policy != nullptr};
  const std::size_t size = build_client_head(head, wish, lane_.head_room);
  auto tunnel = std::make_unique<Tunnel>(route_, request_.right_ended, std::move(lease_));
  tunnel->to_client.append({lane_.head_room.data(), size});
  tunnel->to_client.append({rest.data(), rest.size()});
  const AccessEntry& entry = request_.entry;
  tunnel->label.assign(std::string(entry.path).append(" ").append(entry.peer));
  tunnel->began = request_.began;
  tunnel->trace = entry.trace;
  connection_.tunnel = std::move(tunnel);
  return Answer::switched;
}

Flow<> Forwarding::relay() {
  last_event_ = lane_.loop->now();
  while (download_->moving()) {
    const bool down_waits = download_->step(lane_.read_room);
    const std::uint64_t before = upload_->moved();
    const bool up_waits = upload_->step(lane_.read_room);
    touch_by_policy(upload_->moved() != before);
    if (!download_->moving()) break;
    if (body_trouble() != Answer::none || connection_.client.broken()) {
      download_->stop(BodyPump::State::sink_lost);
      break;
    }
    if (too_slow(download_->blocked() ? Pace::Owes::to_take : Pace::Owes::nothing)) {
      download_->stop(BodyPump::State::sink_lost);
      break;
    }
    // A silent client is given up; a silent upstream may be thinking, and its own limits are
    // longer.
    const config::Proxy& limits = lane_.settings.limits;
    const seconds silence = download_->blocked() ? limits.body_timeout : limits.response_timeout;
    const bool waits = down_waits && up_waits;
    const Millis limit = last_event_ + millis(silence);
    const Millis until = std::min(limit, pace_.deadline());
    Wait wait(*lane_.loop, Phase::busy, waits ? until : lane_.loop->now());
    if (waits) {
      wait.on(connection_.client,
              kBroken | upload_->source_interest() | download_->sink_interest());
      wait.on(upstream(), download_->source_interest() | upload_->sink_interest());
    }
    wait.cut_by(route_->closed);
    if (request_.right_ended) wait.cut_by(*request_.right_ended);
    const Wake wake = co_await wait;
    if (wake == Wake::timeout && lane_.loop->now() < limit) continue;
    last_event_ = lane_.loop->now();
    if (wake != Wake::ready) {
      request_.entry.end = wake == Wake::timeout ? "timeout"
                           : wake == Wake::cut   ? "cut"
                           : wake == Wake::shed  ? "shed"
                                                 : "stopping";
      download_->stop(download_->blocked() ? BodyPump::State::sink_lost
                                           : BodyPump::State::source_lost);
    }
  }
}

Outcome Forwarding::relayed() {
  AccessEntry& entry = request_.entry;
  entry.bytes_in = upload_->moved();
  entry.bytes_out = download_->moved();
  const bool all_sent = upload_->state() == BodyPump::State::done;
  if (download_->state() == BodyPump::State::done) {
    touch_by_policy(entry.status < 300);
    if (all_sent && reusable_ && partial_.empty()) lane_.pool.give(route_, std::move(lease_));
    if (!all_sent) return Outcome::linger;
    return request_.keep_alive ? Outcome::next : Outcome::close;
  }
  if (download_->state() == BodyPump::State::sink_lost) {
    if (entry.end.empty()) entry.end = "client-gone";
    return Outcome::reset;
  }
  lane_.counts.upstream_failures.add();
  if (entry.end.empty()) entry.end = "upstream-truncated";
  return Outcome::reset;
}

Outcome Forwarding::too_long() {
  return answer_plain(lane_, connection_, request_.entry.status = 413, "");
}

Flow<Outcome> Forwarding::fail_to_connect(Connect why) {
  if (why == Connect::stopped) co_return Outcome::close;
  if (why == Connect::no_room) {
    request_.entry.end = "no-room";
    co_return answer_plain(lane_, connection_, request_.entry.status = 503, "",
                           "Retry-After: 5\r\n");
  }
  const bool late = why == Connect::timeout;
  const Outcome outcome = co_await fail_by_hub(late ? "upstream-timeout" : "upstream-unreachable");
  co_return outcome;
}

Flow<Outcome> Forwarding::fail(Answer why) {
  AccessEntry& entry = request_.entry;
  entry.bytes_in = upload_->moved();
  if (upload_->state() == BodyPump::State::done) request_.body = BodyReader();
  const bool clean = !download_->blocked();
  lease_.reset();
  switch (why) {
    case Answer::body_bad:
      co_return answer_plain(lane_, connection_, entry.status = 400,
                             "the body's chunks are malformed");
    case Answer::body_long:
      co_return too_long();
    case Answer::body_late:
      co_return answer_plain(lane_, connection_, entry.status = 408, "the body did not come");
    case Answer::gone:
      if (entry.end.empty()) entry.end = lane_.draining ? "stopping" : "client-gone";
      co_return Outcome::reset;
    default:
      break;
  }
  lane_.counts.upstream_failures.add();
  if (!clean) co_return Outcome::reset;
  const std::string_view reason = why == Answer::timeout   ? "upstream-timeout"
                                  : why == Answer::invalid ? "upstream-invalid"
                                                           : "upstream-closed";
  const Outcome outcome = co_await fail_by_hub(reason);
  co_return outcome;
}

Flow<Outcome> Forwarding::fail_by_hub(std::string_view reason) {
  request_.entry.end = reason;
  const Outcome outcome = co_await answer_by_hub(lane_, connection_, request_, 0, reason);
  co_return outcome;
}

}  // namespace

Flow<Outcome> forward_request(Lane& lane, Connection& connection, Request& request) {
  lane.counts.forwarded.add();
  request.entry.upstream = request.route->prefix;
  Forwarding forwarding(lane, connection, request);
  forwarding.touch();
  const std::uint64_t most = lane.settings.limits.max_body;
  if (most != 0 && request.head.content_length().value_or(0) > most)
    co_return forwarding.too_long();
  Outcome outcome{};
  for (bool again = false;; again = true) {
    if (again || !forwarding.take_pooled()) {
      const Connect connect = co_await forwarding.connect();
      if (connect != Connect::ok) {
        outcome = co_await forwarding.fail_to_connect(connect);
        break;
      }
    }
    const bool sent = forwarding.send_head();
    Answer answer = Answer::closed;
    if (sent) answer = co_await forwarding.wait_for_answer();
    if (answer == Answer::closed && forwarding.may_try_again(sent)) {
      lane.counts.retries.add();
      continue;
    }
    if (answer == Answer::switched) co_return Outcome::tunnel;
    if (answer != Answer::final) {
      outcome = co_await forwarding.fail(answer);
      break;
    }
    if (forwarding.relaying()) co_await forwarding.relay();
    outcome = forwarding.relayed();
    break;
  }
  forwarding.touch();
  co_return outcome;
}

}  // namespace passerelle::proxy
