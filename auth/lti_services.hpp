// Addresses that a platform gives us to call (grades, rosters). They come from outside, so they
// are only called where the operators expect the platform to be: no launch makes us call our own
// network (SSRF).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/authenticator.hpp"

namespace passerelle::auth::lti {

/// "host" or "host:port" of an http or https address, in lower case, without the port that the
/// scheme has by itself; empty if it is none, or holds a user name.
std::string host_of(std::string_view url);

/// Whether it is a whole http or https address that can stand in a header or a page as it is:
/// printable, no blanks or quotes, a path or query behind the host.
bool is_address(std::string_view url);

/// Whether `url` may be called: https, at one of `hosts`; http only at a host of this machine that
/// stands there with its port ("127.0.0.1:8080").
bool may_call(std::string_view url, const std::vector<std::string>& hosts);

/// What an HTTP answer means for something that was sent: 2xx taken; 408, 425, 429 and 5xx later;
/// anything else refused.
Delivered delivered(int status, const std::string& what);

}  // namespace passerelle::auth::lti
