// A server that was started elsewhere has no session and no token, but the key of its launch.
#include "hub/api/launches.hpp"

#include "base/log.hpp"
#include "hub/api/models.hpp"
#include "hub/parts.hpp"
#include "spawners/forecaster.hpp"
#include "spawners/outfitter.hpp"

namespace passerelle::hub::api {
namespace {

/// Who waits for that launch's job. Spawners with a queue are Forecasters, and so found through
/// their profiles.
spawners::Outfitter* outfitter_of(Parts& parts, const std::string& launch) {
  for (const config::Profile& profile : parts.settings.profiles) {
    auto* const one = dynamic_cast<spawners::Outfitter*>(parts.launcher.forecaster(profile));
    if (one != nullptr && one->expects(launch)) return one;
  }
  return nullptr;
}

}  // namespace

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

/// What a job needs that was submitted with nothing secret in hand, once it has proved whose it is.
Task<Answer> outfit(Parts& parts, Call& call) {
  constexpr int kGood = 200;
  std::string launch = call.args[0];
  std::string proof(call.request.header("x-passerelle-key"));
  spawners::Outfitter* const outfitter = outfitter_of(parts, launch);
  Result<std::string> kit(Error(Errc::unavailable, "nobody is expected yet; ask again"));
  if (outfitter != nullptr) kit = co_await outfitter->outfit(launch, std::move(proof));
  if (kit)
    co_return proxy::HubResponse{
        kGood,
        {{"Content-Type", "text/x-shellscript"}, {"Cache-Control", "no-store"}},
        std::move(*kit)};
  if (kit.error().code() == Errc::forbidden)
    log::warn("launches", "a job was not given what its server needs",
              {{"launch", launch}, {"peer", call.request.peer}, {"why", kit.error().message()}});
  co_return refuse(kit.error());
}

}  // namespace passerelle::hub::api
