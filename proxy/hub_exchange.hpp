// A request that the hub answers: reads its body, hands the whole over, and relays the answer or
// stream that comes back from the hub's threads through the lane's mailbox.
#pragma once

#include <string_view>

#include "proxy/connection.hpp"
#include "proxy/coroutine.hpp"

namespace passerelle::proxy {

/// `most_body` 0: the request's body is not read (the connection then ends after the answer, if
/// there is one). `reason` reaches the hub as HubRequest::reason; static text.
Flow<Outcome> answer_by_hub(Lane& lane,
                            Connection& connection,
                            Request& request,
                            std::size_t most_body,
                            std::string_view reason);

}  // namespace passerelle::proxy
