// What a server that was started elsewhere tells us: where it listens. It has no session and no
// token, but the key of its launch, which is good for this once.
#include "base/log.hpp"
#include "hub/api/models.hpp"
#include "hub/routes.hpp"

namespace passerelle::hub::api {

Task<Answer> arrived(Parts& parts, Call& call) {
  constexpr std::size_t kLongestBody = 1024;
  constexpr int kTooLarge = 413;
  constexpr int kNoContent = 204;
  if (call.request.body.size() > kLongestBody) co_return api_error(kTooLarge, "too long");
  std::string launch = call.args[0];
  std::string key(call.request.header("x-passerelle-key"));
  std::string body = call.request.body;
  auto told = co_await parts.launcher.arrived(launch, std::move(key), std::move(body));
  if (!told) {
    log::warn("launches", "a server's report was refused",
              {{"launch", launch}, {"peer", call.request.peer}, {"why", told.error().message()}});
    co_return refuse(told.error());
  }
  co_return proxy::HubResponse{kNoContent, {}, ""};
}

}  // namespace passerelle::hub::api
