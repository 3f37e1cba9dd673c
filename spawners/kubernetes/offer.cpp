// What a launch begins with: the chart, for whom, and its form.
#include "base/files.hpp"
#include "config/domain.hpp"
#include "spawners/host_name.hpp"
#include "spawners/kubernetes/charts.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

constexpr mode_t kOurs = 0700;
constexpr mode_t kOurFile = 0600;
constexpr std::size_t kMostSources = 16;  // of up to 16 MiB each

std::string value_in(const config::Values& values, const char* name) {
  const auto found = values.find(name);
  return found == values.end() ? std::string() : found->second;
}

std::vector<std::string> roles_of(const ServerSpec& spec) {
  const auto groups = spec.claims.find("groups");
  return groups == spec.claims.end() ? std::vector<std::string>() : groups->second;
}

}  // namespace

config::Values values_of(const ServerSpec& spec) {
  config::Values values = spec.values;
  values.erase(kChosenChart);
  values.erase(kChosenVersion);
  values.erase(kChosenProject);
  return values;
}

std::string Charts::archive_file(const std::string& digest) const {
  return folder_ + "/charts/" + digest + ".tgz";
}

/// The profile with one archive: its own, or that of the chart that was chosen.
Task<Result<config::KubernetesProfile>> Charts::settled_profile(const ServerSpec& spec) {
  config::KubernetesProfile profile = *spec.profile.kubernetes;
  if (!profile.archive.empty()) co_return profile;
  auto list = co_await catalogues_.list(profile);
  if (!list) co_return Error(Errc::unavailable, Cause::spawner_down, list.error().message());
  const std::string name = value_in(spec.values, kChosenChart);
  const std::string version = value_in(spec.values, kChosenVersion);
  const CatalogueChart* chart = chosen(**list, name, version);
  if (chart == nullptr)
    co_return Error(
        Errc::not_found, Cause::values_invalid,
        "the catalogue has no chart \"" + name.substr(0, 64) + "\" " + version.substr(0, 64));
  auto file = co_await catalogues_.archive(profile, *chart);
  if (!file) co_return Error(Errc::unavailable, Cause::spawner_down, file.error().message());
  profile.archive = std::move(*file);
  profile.digest = chart->digest;
  co_return profile;
}

/// Kept by its digest as well: a release is suspended with the chart it was installed from.
Task<Result<ChartSourcePtr>> Charts::source_for(const ServerSpec& spec) {
  auto profile = co_await settled_profile(spec);
  if (!profile) co_return std::move(profile.error());
  const std::string key = profile->archive + " " + profile->context + " " + profile->overrides;
  if (const auto known = sources_.find(key); known != sources_.end()) co_return known->second;
  auto load = [profile = *profile, folder = folder_, this]() -> Result<ChartSourcePtr> {
    auto source = load_source(profile);
    if (!source) return source;
    auto kept = files::make_directory(folder + "/charts", kOurs);
    const std::string file = archive_file((*source)->digest);
    if (kept && file != profile.archive)
      kept = files::write_durable(file, (*source)->archive, kOurFile);
    if (!kept) return kept.error();
    return source;
  };
  auto source = co_await workers_.run(std::move(load));
  if (!source) co_return Error(Errc::unavailable, Cause::spawner_down, source.error().message());
  if (sources_.size() >= kMostSources) sources_.clear();
  sources_[key] = *source;
  co_return source;
}

Task<Result<CatalogueListPtr>> Charts::listed(config::KubernetesProfile profile) {
  auto list = co_await catalogues_.list(std::move(profile));
  if (!list) co_return Error(Errc::unavailable, Cause::spawner_down, list.error().message());
  co_return list;
}

ForWhom Charts::whom_for(const ServerSpec& spec, const Installation& installation) const {
  const std::string domain = config::domain_of(spec.profile);  // of names that we route
  const bool named = !domain.empty();
  return {.username = spec.username,
          .namespace_ = installation.namespace_,
          .release = installation.release,
          .base_path = spec.base_path,
          .secret = spec.secret,
          .domain = named ? domain : settings_.domain,
          .mark = named ? host_mark(spec.username, spec.server_name) : "",
          .host = named ? host_label(spec.username, spec.server_name) + "." + domain : "",
          .roles = roles_of(spec),
          .claims = spec.claims};
}

Installation Charts::installation_for(const ServerSpec& spec, const ChartSource& source) const {
  const config::KubernetesProfile& profile = *spec.profile.kubernetes;
  const auto project = projects_->of(spec);
  Installation installation{
      .id = spec.launch_id,
      .release = release_name(source.chart.name, spec.username, spec.server_name),
      .namespace_ = project ? project->namespace_ : projects_->all_of(spec).front().namespace_,
      .service = profile.service,
      .port = profile.port,
      .digest = source.digest,
      .suspends = can_suspend(source)};
  if (const auto at = installation.service.find("{release}"); at != std::string::npos)
    installation.service.replace(at, 9, installation.release);
  return installation;
}

Task<Result<ChartOfferPtr>> Charts::offer(ServerSpec spec) {
  const auto whose = std::make_shared<const ServerSpec>(spec);
  const bool choice = spec.profile.kubernetes->archive.empty();
  if (choice && value_in(spec.values, kChosenChart).empty())
    co_return std::make_shared<const ChartOffer>(ChartOffer{whose, nullptr, {}, {}, {}, {}, {}});
  const auto project = projects_->of(spec);
  if (!project) co_return Error(Errc::not_found, project.error().message());
  auto source = co_await source_for(spec);
  if (!source) co_return std::move(source.error());
  const Installation installation = installation_for(spec, **source);
  ForWhom whom = whom_for(spec, installation);
  whom.lent = lender_.shown((*source)->needs, spec.username, spec.access_token);
  auto work = [source = *source, installation, whose, projects = projects_->all_of(spec),
               whom = std::move(whom),
               missing = lender_.out_of_reach((*source)->needs,
                                              spec.access_token)]() -> Result<ChartOfferPtr> {
    auto form = form_of(*source, whom);
    if (!form) return std::move(form.error());
    return std::make_shared<const ChartOffer>(
        ChartOffer{whose, source, std::move(*form), installation.release, installation.namespace_,
                   missing, projects});
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
