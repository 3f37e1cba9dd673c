// A release's way up: values, remember, helm, then what the API says until its Service has somebody
// who answers. A start that fails leaves what was there before: nothing, or a suspended release.
#include "spawners/kubernetes/charts.hpp"

#include <filesystem>

#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>

#include "base/files.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "spawners/kubernetes/chart/validate.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using std::chrono::steady_clock;

constexpr auto kEndPatience = std::chrono::seconds(15);  // for a helm whose time is over

std::string text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// What may stand in a path, a selector, or helm's arguments.
bool is_name(const std::string& name) {
  return !name.empty() && name.front() != '-' && name.size() <= 63 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos;
}

bool suspended(const Release& release) {
  if (!release.values.is_object() || !release.values.contains("global")) return false;
  const Json& global = release.values["global"];
  return global.is_object() && global.value("suspend", Json(false)) == true;
}

}  // namespace

State to_state(const Installation& one) {
  return Json{{"launch", one.id},        {"release", one.release}, {"namespace", one.namespace_},
              {"service", one.service},  {"port", one.port},       {"digest", one.digest},
              {"suspends", one.suspends}}
      .dump();
}

Result<Installation> installation_of(const State& state) {
  const Json document = Json::parse(state, nullptr, false);
  Installation one;
  if (document.is_object()) {
    one = {text_in(document, "launch"),
           text_in(document, "release"),
           text_in(document, "namespace"),
           text_in(document, "service"),
           text_in(document, "port"),
           text_in(document, "digest"),
           document.value("suspends", Json(false)) == true};
  }
  const auto fits = [](const std::string& name) { return name.empty() || is_name(name); };
  const bool digest = one.digest.size() == 64 &&
                      one.digest.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (is_name(one.id) && is_name(one.release) && is_name(one.namespace_) && fits(one.service) &&
      digest)
    return one;
  return Error(Errc::invalid, Cause::internal, "kubernetes: this state is not one of ours");
}

Charts::Charts(config::KubernetesSpawner settings,
               std::shared_ptr<Projects> projects,
               std::string gateway,
               const Surroundings& around,
               ClusterPtr cluster)
    : settings_(std::move(settings)),
      projects_(std::move(projects)),
      gateway_(std::move(gateway)),
      folder_(around.data_dir + "/helm"),
      workers_(around.workers),
      cluster_(std::move(cluster)),
      helm_(std::make_shared<Helm>(around.workers,
                                   HelmSettings{.program = settings_.helm,
                                                .digest = settings_.helm_digest,
                                                .folder = folder_,
                                                .kubeconfig = settings_.kubeconfig,
                                                .context = settings_.context,
                                                .as_user = settings_.act_as,
                                                .timeout = settings_.helm_timeout,
                                                .most = settings_.helm_processes})),
      catalogues_(around.loop, around.workers, folder_),
      lender_(around.loop, settings_.s3, settings_.vault) {}

/// Cause::spawner_down for a release that somebody else has installed under this name.
Task<Result<std::optional<Release>>> Charts::own_release(Installation installation) {
  auto found = co_await find_release(cluster_->api, installation.namespace_, installation.release);
  if (found && *found && (*found)->gateway != gateway_)
    co_return Error(Errc::conflict, Cause::spawner_down,
                    "the release " + installation.release + " belongs to somebody else");
  co_return found;
}

/// The release once nobody is at work on it. What a helm that was killed left behind is undone: it
/// would refuse every operation from now on.
Task<Result<std::optional<Release>>> Charts::settled(Installation installation) {
  constexpr auto kPause = std::chrono::milliseconds(200);
  const auto until = steady_clock::now() + settings_.helm_timeout;
  for (;;) {
    // A helm of an earlier gateway may be about to make it.
    const auto at_work = helm_->at_work(installation.release, installation.namespace_);
    if (at_work.value_or(false)) {
      if (steady_clock::now() > until + kEndPatience)
        co_return Error(Errc::conflict, Cause::spawner_down,
                        "an earlier helm is still at the release " + installation.release);
      co_await sleep_for(kPause);
      continue;
    }
    auto release = co_await own_release(installation);
    if (!release || !*release) co_return release;
    // A first install that failed cannot be upgraded.
    const bool stillborn = (*release)->status == "failed" && (*release)->secret.ends_with(".v1");
    if (!(*release)->pending() && !stillborn) co_return release;
    if (!stillborn && !at_work && steady_clock::now() < until) {  // somebody else's helm
      co_await sleep_for(kPause);
      continue;
    }
    log::warn("kubernetes", "an install that did not end left this behind; it is undone",
              {{"release", installation.release}, {"status", (*release)->status}});
    Result<void> undone;
    if ((*release)->status != "pending-upgrade" && (*release)->status != "pending-rollback") {
      undone = co_await helm_->uninstall(installation.release, installation.namespace_);
    } else {
      undone = co_await cluster_->api.remove(
          "/api/v1/namespaces/" + installation.namespace_ + "/secrets/" + (*release)->secret,
          std::chrono::seconds(0));
    }
    if (!undone) co_return std::move(undone.error());
  }
}

Task<Result<Started>> Charts::start(ServerSpec spec, Progress& progress) {
  const auto executor = co_await asio::this_coro::executor;
  auto body = start_or_undo(std::move(spec), progress);
  auto started = co_await asio::co_spawn(executor, std::move(body), asio::use_awaitable);
  co_return started;
}

Task<Result<Started>> Charts::start_or_undo(ServerSpec spec, Progress& progress) {
  Result<Started> outcome = Error(Errc::cancelled, Cause::cancelled, "the start was cancelled");
  try {
    outcome = co_await try_start(spec, progress);
  } catch (const boost::system::system_error&) {
    // Cancelled: Asio says so by throwing at the next co_await.
  }
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  const bool cancelled = cancellation.cancelled() != asio::cancellation_type::none;
  if (cancelled) outcome = Error(Errc::cancelled, Cause::cancelled, "the start was cancelled");
  co_return outcome;  // what was begun, the hub stops: it was remembered before it was begun
}

Task<Result<Started>> Charts::try_start(const ServerSpec& spec, Progress& progress) {
  using namespace asio::experimental::awaitable_operators;
  progress.step("prepare");
  const auto until = steady_clock::now() + spec.start_timeout;
  auto source = co_await source_for(spec);
  if (!source) co_return std::move(source.error());
  auto project = projects_->of(spec);
  if (!project) co_return std::move(project.error());
  const Installation installation = installation_for(spec, **source);
  auto lent = co_await lender_.lend((*source)->needs, spec.username, spec.access_token, progress);
  if (!lent) co_return std::move(lent.error());
  ForWhom whom = whom_for(spec, installation);
  whom.lent = std::move(*lent);
  struct Wanted {
    std::string values;
    Demand demand;
  };
  auto compute = [source = *source, whom = std::move(whom),
                  given = values_of(spec)]() -> Result<Wanted> {
    auto form = form_of(*source, whom);
    if (!form) return std::move(form.error());
    auto values = helm_values(*source, *form, given);
    if (!values) return std::move(values.error());
    return Wanted{values->dump(), demand_of(chart::merged(source->chart.values, *values))};
  };
  auto wanted = co_await workers_.run(std::move(compute));
  if (!wanted) co_return Error(Errc::invalid, Cause::values_invalid, wanted.error().message());
  auto prepared = projects_->prepare(std::move(*project));
  auto room = co_await with_timeout(std::move(prepared), spec.start_timeout, "the project");
  if (!room) co_return Error(Errc::unavailable, Cause::spawner_down, room.error().message());
  auto asked = settled(installation);
  auto there = co_await with_timeout(std::move(asked), spec.start_timeout, "the cluster");
  if (!there) co_return Error(Errc::unavailable, Cause::spawner_down, there.error().message());
  if (!*there || suspended(**there)) {  // else what it uses counts already
    auto fits = co_await room_for(installation.namespace_, std::move(wanted->demand));
    if (!fits) co_return std::move(fits.error());
  }
  const auto remembered = co_await progress.remember(to_state(installation));
  if (!remembered) co_return remembered.error();
  progress.step("spawn");
  std::set<std::string> old;
  auto events = tell_events(installation, nullptr, old);  // before helm can have made any
  auto installing = install_until(installation, std::move(wanted->values), until);
  auto both = co_await (std::move(events) && std::move(installing));
  auto done = std::get<1>(std::move(both));
  if (!done) co_return std::move(done.error());
  progress.step("listen");
  auto ready = until_ready(installation, progress, std::move(old));
  const auto left =
      std::max(until - steady_clock::now(), steady_clock::duration(std::chrono::seconds(1)));
  auto upstream = co_await with_timeout(std::move(ready), left, "the release");
  if (upstream) co_return Started{std::move(*upstream), to_state(installation)};
  Error why = std::move(upstream.error());
  if (why.code() == Errc::timeout && !why.cause()) why = overdue(installation);
  co_return co_await with_log(installation, std::move(why));
}

Quotas& Charts::quotas_of(const std::string& in_namespace) {
  auto& quotas = quotas_[in_namespace];
  if (!quotas) quotas = std::make_shared<Quotas>(cluster_, in_namespace);
  return *quotas;
}

Task<Result<void>> Charts::room_for(std::string in_namespace, Demand demand) {
  const std::vector<Gauge> gauges = co_await quotas_of(in_namespace).now();
  const Gauge* full = too_full(gauges, demand);
  if (full != nullptr) co_return quota_error(*full, demand);
  co_return Result<void>();
}

Task<std::vector<Gauge>> Charts::quota(std::string in_namespace, bool fresh) {
  Quotas& quotas = quotas_of(in_namespace);
  auto asked = fresh ? quotas.now() : quotas.lately();
  auto gauges = co_await std::move(asked);
  co_return gauges;
}

Task<Result<std::vector<Neighbour>>> Charts::neighbours(std::string in_namespace) {
  std::vector<Neighbour> all;
  if (!projects_->is_project(in_namespace)) co_return all;
  auto secrets = co_await cluster_->api.get("/api/v1/namespaces/" + in_namespace +
                                            "/secrets?limit=50&labelSelector=owner%3Dhelm%2C"
                                            "status%21%3Dsuperseded");
  if (!secrets) co_return std::move(secrets.error());
  const Json items = secrets->value("items", Json::array());
  for (const Json& secret : items) {
    const auto release = release_of(secret);
    if (!release) continue;
    const auto ours = installation_of(release->description);
    const bool known = ours && release->gateway == gateway_;
    all.push_back({release->name, release->chart, known ? ours->id : "",
                   release->status == "deployed" && !suspended(*release)});
  }
  co_return all;
}

Task<Result<std::string>> Charts::notes(Installation installation) {
  auto release = co_await own_release(installation);
  if (!release) co_return std::move(release.error());
  if (!*release) co_return Error(Errc::not_found, "it is not installed");
  co_return std::move((*release)->notes);
}

Task<Result<void>> Charts::uninstall(ServerSpec spec) {
  auto source = co_await source_for(spec);
  if (!source) co_return std::move(source.error());
  const Installation installation = installation_for(spec, **source);
  auto release = co_await settled(installation);
  if (!release) co_return std::move(release.error());
  if (!*release) co_return Result<void>();
  auto gone = co_await helm_->uninstall(installation.release, installation.namespace_);
  co_return gone;
}

/// An API server that does not answer now may do so before the start has taken too long.
Task<Result<void>> Charts::install_until(const Installation& installation,
                                         std::string values,
                                         steady_clock::time_point until) {
  constexpr auto kPause = std::chrono::seconds(1);
  for (;;) {
    auto done = co_await install(installation, values);
    const bool again = !done && (done.error().code() == Errc::unavailable ||
                                 done.error().code() == Errc::conflict);
    if (!again || steady_clock::now() + kPause > until) co_return done;
    // A helm that was killed has left its mark.
    auto free = co_await settled(installation);
    if (!free && free.error().code() == Errc::conflict) co_return std::move(free.error());
    co_await sleep_for(kPause);
  }
}

Task<Result<void>> Charts::install(const Installation& installation, std::string values) {
  Helm::Install order{.release = installation.release,
                      .namespace_ = installation.namespace_,
                      .archive = archive_file(installation.digest),
                      .values = std::move(values),
                      .label = std::string(kGatewayLabel) + "=" + gateway_,
                      .description = to_state(installation)};
  auto done = co_await helm_->install(std::move(order));
  co_return done;
}

/// What helm may not take away, though nothing of it runs, is left to the operators: a launch that
/// may not be undone must not stand there for ever.
Task<Result<void>> Charts::stop(Installation installation) {
  auto done = co_await take_down(installation);
  const Pods& pods = cluster_->releases;
  const bool refused = !done && done.error().code() == Errc::internal;
  if (!refused || !pods.is_synced() || pods.of_launch(installation.pods()) != nullptr)
    co_return done;
  log::error("kubernetes", "helm cannot undo a release of which nothing runs",
             {{"release", installation.release}, {"why", done.error().message()}});
  co_return Result<void>();
}

Task<Result<void>> Charts::take_down(Installation installation) {
  auto release = co_await settled(installation);
  if (!release) co_return std::move(release.error());
  if (!*release) co_return Result<void>();
  Result<void> done;
  if (installation.suspends && std::filesystem::exists(archive_file(installation.digest))) {
    if (!suspended(**release)) {
      Json values = (*release)->values;
      values["global"]["suspend"] = true;
      done = co_await install(installation, values.dump());
    }
  } else {
    done = co_await helm_->uninstall(installation.release, installation.namespace_);
  }
  if (!done) co_return done;
  auto gone = co_await until_no_pods(installation);
  co_return gone;
}

Task<Result<Liveness>> Charts::poll(Installation installation) {
  Liveness liveness;
  liveness.kind = Liveness::Kind::running;
  if (helm_->at_work(installation.release, installation.namespace_).value_or(false))
    co_return liveness;
  liveness.kind = Liveness::Kind::unknown;
  auto release = co_await own_release(installation);
  if (!release && release.error().code() != Errc::conflict) co_return liveness;
  if (!release || !*release || suspended(**release)) {
    liveness.kind = Liveness::Kind::ended;
    co_return liveness;
  }
  liveness.kind = Liveness::Kind::running;
  if ((*release)->pending()) co_return liveness;
  auto address = co_await address_of(installation);
  if (address) liveness.upstream = *address;
  co_return liveness;
}

/// A pod that goes and comes is the chart's matter; a release that goes, or is suspended, is the
/// end.
Task<Result<Liveness>> Charts::wait_for_end(Installation installation) {
  constexpr auto kLook = std::chrono::seconds(60);
  for (;;) {
    co_await cluster_->releases.news(installation.pods(), kLook);
    if (!cluster_->releases.is_synced()) continue;
    if (cluster_->releases.of_launch(installation.pods()) != nullptr) continue;
    auto asked = co_await poll(installation);
    if (!asked || asked->kind == Liveness::Kind::ended) co_return asked;
    co_await sleep_for(std::chrono::seconds(1));
  }
}

/// From what we wrote into each release of ours.
Task<Result<std::vector<std::pair<std::string, State>>>> Charts::found() {
  std::vector<std::pair<std::string, State>> all;
  auto places = co_await projects_->existing();
  if (!places) co_return std::move(places.error());
  for (const std::string& place : *places) {
    auto secrets = co_await cluster_->api.get(
        "/api/v1/namespaces/" + place + "/secrets?labelSelector=owner%3Dhelm%2C" +
        text::percent_encode(kGatewayLabel) + "%3D" + gateway_);
    if (!secrets) co_return std::move(secrets.error());
    const Json items = secrets->value("items", Json::array());
    for (const Json& secret : items) {
      const auto release = release_of(secret);
      if (!release || suspended(*release) || release->status != "deployed") continue;
      const auto one = installation_of(release->description);
      if (one && one->namespace_ == place) all.emplace_back(one->id, release->description);
    }
  }
  co_return all;
}

}  // namespace passerelle::spawners::kubernetes
