// A client's connection, from accept to close: one head after the other, each answered before the
// next is read. Whom a request goes to is the gate's word; how it gets there is in forward.hpp,
// hub_exchange.hpp and tunnel.hpp.
#pragma once

#include <memory>
#include <string>

#include "proxy/blocks.hpp"
#include "proxy/body.hpp"
#include "proxy/coroutine.hpp"
#include "proxy/lane.hpp"
#include "proxy/live.hpp"
#include "proxy/tunnel.hpp"

namespace passerelle::proxy {

struct Connection : Live {
  Connection(Lane& lane, int fd, std::string address, const Endpoint& its_endpoint)
      : endpoint(its_endpoint), client(*lane.loop, fd), peer(std::move(address)) {
    since = static_cast<std::uint32_t>(lane.loop->unix_seconds());
    join(lane.live);
  }

  const Endpoint& endpoint;  ///< Where it was accepted.
  Socket client;
  std::string peer;  ///< Numeric address of the connection itself, or the one that a PROXY header
                     ///< names; empty on a Unix socket.
  AddressCounts::Seat seat;
  Kept received;  ///< Read but not used: a part of a head, a body's beginning, or pipelined
                  ///< requests.
  std::uint32_t scanned = 0;       ///< That much of it was looked at and is not a whole head.
  std::unique_ptr<Tunnel> tunnel;  ///< Set by a request that ended in 101.
};

/// One request under way. Lives in the frame that serves it; what it points to stays until the end
/// of the request.
struct Request {
  RequestHead head;
  Kept bytes;  ///< What `head` and `client` point into.
  Client client;
  BodyReader body;                                       ///< As the client frames it.
  std::shared_ptr<const Route> route;                    ///< Null unless it is forwarded.
  std::shared_ptr<const std::atomic<bool>> right_ended;  ///< Forward::right_ended
  std::shared_ptr<const std::string> framed_by;          ///< Forward::framed_by
  std::string authorization;                             ///< Forward::authorization
  bool keep_alive = false;                               ///< What the answer tells the client.
  AccessEntry entry;
  Millis began = 0;
};

/// What becomes of the connection after a request.
enum class Outcome : std::uint8_t {
  next,  ///< It may serve another.
  close,
  linger,  ///< Close, but the client may still be sending: read on a little, lest a RST destroys
           ///< our answer.
  reset,   ///< Close so that the client cannot take what it has for the whole.
  tunnel,  ///< Connection::tunnel takes over.
  wait,    ///< The head is not complete yet.
};

/// Takes the descriptor over; counts itself out of the lane at its end.
Detached serve_connection(Lane& lane, int fd, std::string peer, const Endpoint& endpoint);

}  // namespace passerelle::proxy
