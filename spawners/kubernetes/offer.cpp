// What a launch begins with: the chart, for whom, and its form.
#include "base/files.hpp"
#include "spawners/kubernetes/charts.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

constexpr mode_t kOurs = 0700;
constexpr mode_t kOurFile = 0600;

std::vector<std::string> roles_of(const ServerSpec& spec) {
  const auto groups = spec.claims.find("groups");
  return groups == spec.claims.end() ? std::vector<std::string>() : groups->second;
}

}  // namespace

std::string Charts::archive_file(const std::string& digest) const {
  return folder_ + "/charts/" + digest + ".tgz";
}

/// Kept by its digest as well: a release is suspended with the chart it was installed from.
Task<Result<ChartSourcePtr>> Charts::source_for(const config::KubernetesProfile& profile) {
  if (const auto known = sources_.find(profile.archive); known != sources_.end())
    co_return known->second;
  auto load = [profile, folder = folder_, this]() -> Result<ChartSourcePtr> {
    auto source = load_source(profile);
    if (!source) return source;
    auto kept = files::make_directory(folder + "/charts", kOurs);
    if (kept)
      kept = files::write_durable(archive_file((*source)->digest), (*source)->archive, kOurFile);
    if (!kept) return kept.error();
    return source;
  };
  auto source = co_await workers_.run(std::move(load));
  if (source) sources_[profile.archive] = *source;
  co_return source;
}

ForWhom Charts::whom_for(const ServerSpec& spec, const Installation& installation) const {
  return {.username = spec.username,
          .namespace_ = installation.namespace_,
          .release = installation.release,
          .base_path = spec.base_path,
          .secret = spec.secret,
          .domain = settings_.domain,
          .roles = roles_of(spec),
          .claims = spec.claims};
}

Installation Charts::installation_for(const ServerSpec& spec, const ChartSource& source) const {
  const config::KubernetesProfile& profile = *spec.profile.kubernetes;
  Installation installation{
      .id = spec.launch_id,
      .release = release_name(source.chart.name, spec.username, spec.server_name),
      .namespace_ = namespace_,
      .service = profile.service,
      .port = profile.port,
      .digest = source.digest,
      .suspends = can_suspend(source)};
  if (const auto at = installation.service.find("{release}"); at != std::string::npos)
    installation.service.replace(at, 9, installation.release);
  return installation;
}

Task<Result<ChartOfferPtr>> Charts::offer(ServerSpec spec) {
  auto source = co_await source_for(*spec.profile.kubernetes);
  if (!source) co_return Error(Errc::unavailable, Cause::spawner_down, source.error().message());
  const Installation installation = installation_for(spec, **source);
  auto work = [source = *source, installation,
               whom = whom_for(spec, installation)]() -> Result<ChartOfferPtr> {
    auto form = form_of(*source, whom);
    if (!form) return std::move(form.error());
    return std::make_shared<const ChartOffer>(
        ChartOffer{source, std::move(*form), installation.release, installation.namespace_});
  };
  auto made = co_await workers_.run(std::move(work));
  co_return made;
}

Task<Result<FilledForm>> Charts::filled(ChartOfferPtr offer, Filling filling) {
  auto work = [offer = std::move(offer), filling = std::move(filling)] {
    return Result<FilledForm>(fill(*offer, filling));
  };
  auto made = co_await workers_.run(std::move(work));
  co_return made;
}

}  // namespace passerelle::spawners::kubernetes
