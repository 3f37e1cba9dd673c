// Launcher::forecast: when a launch would start, asked before it is one. Nothing is stored, nothing
// begun.
#include "hub/launcher.hpp"
#include "spawners/forecaster.hpp"

namespace passerelle::hub {

spawners::Forecaster* Launcher::forecaster(const config::Profile& profile) const {
  const auto found = parts_.spawners.find(profile.spawner);
  if (found == parts_.spawners.end()) return nullptr;
  return dynamic_cast<spawners::Forecaster*>(found->second.get());
}

Task<Result<spawners::Forecast>> Launcher::forecast(LaunchRequest request) {
  const auto profile = admit(request);
  if (!profile) co_return profile.error();
  auto values = values_for(request, **profile);
  if (!values) co_return std::move(values).error();
  spawners::Forecaster* teller = forecaster(**profile);
  if (teller == nullptr || !teller->forecasts())
    co_return Error(Errc::unavailable, "nobody can tell before it is started");
  spawners::ServerSpec spec;
  spec.username = request.user.username;
  spec.server_name = request.server_name;
  spec.profile = **profile;
  spec.values = std::move(*values);
  if (!request.user.groups.empty()) spec.claims["groups"] = request.user.groups;
  co_await add_claims(request.user.id, spec);
  auto told = co_await teller->forecast(std::move(spec));
  co_return told;
}

}  // namespace passerelle::hub
