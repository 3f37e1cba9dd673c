// Call: one request to the hub, read and authenticated, on its way to a handler; and the table that
// says which handler. Handlers are free functions on the hub's loop; what they stand on is Parts
// (hub/parts.hpp).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/authenticator.hpp"
#include "auth/permissions.hpp"
#include "auth/session.hpp"
#include "auth/tokens.hpp"
#include "base/task.hpp"
#include "base/text.hpp"
#include "proxy/gate.hpp"

namespace passerelle::hub {

struct Parts;
struct Endpoint;

struct Call {
  proxy::HubRequest request;
  std::shared_ptr<proxy::HubReply> reply;
  std::string path;               ///< Below base_url, begins with "/": "/hub/home".
  std::string label;              ///< Of the person's origin it came to; empty: the hub's.
  bool at_server = false;         ///< It came to a server's own name, which `label` is.
  std::vector<std::string> args;  ///< The pattern's ":name" segments, decoded.
  text::Form query;
  text::Form form;  ///< Of an application/x-www-form-urlencoded body.
  std::map<std::string, std::string, std::less<>> cookies;
  std::string_view language = "en";
  std::shared_ptr<const auth::SessionView> session;  ///< Null: no valid session cookie.
  std::optional<auth::Principal> principal;          ///< By session or API token.
  bool by_token = false;                         ///< The principal came by Authorization header.
  std::shared_ptr<const auth::TokenView> token;  ///< That token, unless it was a stand-in.
  std::string
      csrf;  ///< What a form of this browser must carry: the session's, or the sign-in form's.
  const Endpoint* endpoint = nullptr;  ///< Null: there is no such path.
  /// Whose platforms may show the answer in a frame; empty: the session's own method's.
  std::vector<auth::Authenticator*> framed_by;
  bool framed_by_us = true;  ///< Our own pages may as well, and so may what runs at our origin.
  std::string posts_to;  ///< Another site's origin that a form of the answer goes to; empty: none.
  std::vector<std::string> set_cookies;  ///< Set-Cookie values that go with whatever the answer is.

  bool is_get() const noexcept { return request.method == "GET" || request.method == "HEAD"; }
  /// A person's browser asks for a page, rather than a program for data.
  bool wants_page() const;
  std::string_view username() const noexcept {
    return principal ? std::string_view(principal->account->username) : "";
  }
};

/// Nothing: the handler answers by itself through Call::reply (streams).
using Answer = std::optional<proxy::HubResponse>;
using Handler = Task<Answer> (*)(Parts& parts, Call& call);

enum class Guard {
  open,  ///< Anybody; the handler looks after itself.
  page,  ///< A signed-in person; others are sent to the sign-in page and back.
  api,   ///< A person or a token; others get 403 as JSON.
};

struct Endpoint {
  std::string_view method;   ///< "GET" also answers HEAD
  std::string_view pattern;  ///< "/hub/api/users/:name/server"; a last segment "*" takes the rest
  Guard guard;
  Handler handler;
};

struct Found {
  const Endpoint* endpoint =
      nullptr;  ///< Null: no such path, or not with this method (`allow` is then not empty).
  std::vector<std::string> args;
  std::string allow;
};

/// First match in the table's order, hub/routes.cpp.
Found find_endpoint(std::string_view method, std::string_view path);

}  // namespace passerelle::hub
