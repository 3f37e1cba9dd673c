// /hub/metrics: the gateway's numbers for Prometheus. JupyterHub's and configurable-http-proxy's
// names where they mean the same; all others begin with passerelle_. No label is ever a person's
// name.
#include <fstream>
#include <sstream>

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.hpp"
#include "hub/answers.hpp"
#include "hub/exposition.hpp"
#include "hub/parts.hpp"
#include "hub/routes.hpp"
#include "hub/tally.hpp"
#include "proxy/proxy.hpp"
#include "proxy/trusted.hpp"
#include "store/counts.hpp"

namespace passerelle::hub::api {
namespace {

using store::Phase;

bool may_read(const Parts& parts, const Call& call) {
  if (call.principal) return auth::allowed(*call.principal, "read:metrics", auth::Target{});
  if (call.by_token) return false;
  const auto open_to = proxy::TrustedProxies::parse(parts.settings.metrics.allow);
  return open_to && open_to->contains(call.request.peer);
}

void tell_requests(const Tally& tally, Exposition& out) {
  out.family("jupyterhub_request_duration_seconds", "histogram",
             "Requests that the hub answered itself.");
  for (const auto& [request, durations] : tally.requests) {
    const std::string code = std::to_string(request.code);
    out.histogram(durations,
                  {{"method", request.method}, {"handler", request.handler}, {"code", code}});
  }
}

void tell_launches(const Parts& parts, const Tally& tally, Exposition& out) {
  out.family("jupyterhub_server_spawn_duration_seconds", "histogram",
             "Launches, from the click to the first answer.");
  for (const std::string status : {"success", "failure", "error"}) {  // alerts need a 0
    const auto found = tally.launches.find(status);
    out.histogram(found == tally.launches.end() ? Histogram(kLaunchBounds) : found->second,
                  {{"status", status}});
  }
  for (const std::string reason : {"throttled", "too-many-users", "already-pending"}) {
    const auto found = tally.refusals.find(reason);
    std::vector<std::uint64_t> at_once(std::size(kLaunchBounds) + 1);
    at_once.front() = found == tally.refusals.end() ? 0 : found->second;
    out.histogram(Histogram(kLaunchBounds, std::move(at_once), 0),
                  {{"status", "failure"}, {"reason", reason}});
  }
  out.family("passerelle_launch_failures_total", "counter", "Launches that failed, by cause.");
  for (const auto& [cause, count] : tally.launch_failures)
    out.sample(static_cast<double>(count), {{"cause", cause}});
  std::map<Phase, int> phases = {{Phase::pending, 0}, {Phase::running, 0}};
  for (const auto& [key, server] : parts.launcher.all())
    if (server->active()) ++phases[server->record.phase];
  out.gauge("jupyterhub_running_servers", "Servers that run.", phases[Phase::running]);
  out.family("passerelle_servers", "gauge", "Servers that are not stopped, by phase.");
  for (const auto& [phase, count] : phases) out.sample(count, {{"phase", to_string(phase)}});
  out.gauge("passerelle_launches_waiting", "Launches in the queue.",
            static_cast<double>(parts.launcher.queue().waiting()));
  out.gauge("passerelle_launches_under_way", "Launches under way.",
            static_cast<double>(parts.launcher.queue().under_way()));
}

struct Family {
  std::string_view name;
  std::string_view what;  ///< Tally::took()
  std::string_view help;
  std::vector<std::string> statuses;  ///< Told from the start; {""}: it has none.
};

/// JupyterHub's others. A file of theirs that means nothing here stays at 0: there is no separate
/// proxy to poll.
void tell_hub_durations(const Tally& tally, Exposition& out) {
  static const Family kFamilies[] = {
      {"login_duration_seconds", "login", "Attempts to sign in.", {"success", "failure"}},
      {"logout_duration_seconds", "logout", "Sign-outs.", {""}},
      {"server_stop_seconds", "server_stop", "Stops of servers.", {"success", "failure"}},
      {"server_poll_duration_seconds",
       "server_poll",
       "Questions to spawners whether a server runs.",
       {"running", "stopped"}},
      {"proxy_add_duration_seconds", "proxy_add", "Routes added.", {"success", "failure"}},
      {"proxy_delete_duration_seconds", "proxy_delete", "Routes removed.", {"success", "failure"}},
      {"check_routes_duration_seconds", "check_routes", "Requests to check the routes.", {""}},
      {"proxy_poll_duration_seconds",
       "proxy_poll",
       "Always 0: the proxy is in this program.",
       {""}},
      {"hub_startup_duration_seconds", "hub_startup", "This process's start.", {""}},
      {"init_spawners_duration_seconds", "init_spawners", "Taking up servers at the start.", {""}}};
  for (const Family& family : kFamilies) {
    out.family("jupyterhub_" + std::string(family.name), "histogram", family.help);
    for (const std::string& status : family.statuses) {
      const auto found = tally.durations.find({std::string(family.what), status});
      const Histogram none(kRequestBounds);
      const Histogram& values = found == tally.durations.end() ? none : found->second;
      if (status.empty())
        out.histogram(values);
      else
        out.histogram(values, {{"status", status}});
    }
  }
  out.counter("jupyterhub_csp_reports_total", "Reports of browsers about content that was refused.",
              tally.csp_reports);
}

constexpr std::pair<std::string_view, int> kPeriods[] = {
    {"24h", 24}, {"7d", 7 * 24}, {"30d", 30 * 24}};

/// Somebody is active who signed in or whose server was used in that time.
std::vector<store::ActivePeriod> active_periods(const Parts& parts) {
  std::vector<store::ActivePeriod> periods;
  for (const auto& [period, hours] : kPeriods) {
    store::ActivePeriod active;
    active.since = parts.clock.now() - std::chrono::hours(hours);
    for (const auto& [key, server] : parts.launcher.all())
      if (last_activity(*server) >= active.since) active.also.push_back(key.user);
    periods.push_back(std::move(active));
  }
  return periods;
}

void tell_people(const store::UserCounts& counts, Exposition& out) {
  out.gauge("jupyterhub_total_users", "People who ever signed in.",
            static_cast<double>(counts.all));
  out.family("jupyterhub_active_users", "gauge", "People who were active in that time.");
  for (std::size_t i = 0; i < std::size(kPeriods); ++i)
    out.sample(static_cast<double>(counts.active[i]), {{"period", kPeriods[i].first}});
}

void tell_answers(const proxy::Counters& counters, Exposition& out) {
  out.family("requests_proxy", "counter", "Answers, by status (configurable-http-proxy's name).");
  for (std::size_t status = 100; status < counters.answers.size(); ++status)
    if (counters.answers[status] != 0)
      out.sample(static_cast<double>(counters.answers[status]),
                 {{"status", std::to_string(status)}});
  out.counter("requests_ws", "WebSockets opened (configurable-http-proxy's name).",
              counters.tunnels_opened);
  out.counter("requests_web", "Other requests to servers (configurable-http-proxy's name).",
              counters.forwarded - std::min(counters.forwarded, counters.tunnels_opened));
}

void tell_durations(const proxy::DurationSums& sums, Exposition& out) {
  static const std::vector<double> kBounds = [] {
    std::vector<double> bounds;
    for (const std::int64_t millis : proxy::kDurationBounds)
      bounds.push_back(static_cast<double>(millis) / 1000);
    return bounds;
  }();
  out.family("passerelle_proxy_request_duration_seconds", "histogram",
             "Requests to servers, from head to last byte; WebSockets apart.");
  out.histogram(Histogram(kBounds, {sums.buckets.begin(), sums.buckets.end()},
                          static_cast<double>(sums.millis) / 1000));
}

void tell_proxy(const proxy::Counters& now, Exposition& out) {
  out.gauge("passerelle_proxy_connections", "Open client connections.",
            static_cast<double>(now.connections));
  out.counter("passerelle_proxy_accepted_total", "Client connections accepted.", now.accepted);
  out.family("passerelle_proxy_refused_connections_total", "counter",
             "Client connections turned away.");
  out.sample(static_cast<double>(now.crowded_addresses), {{"reason", "address"}});
  out.sample(
      static_cast<double>(now.turned_away - std::min(now.turned_away, now.crowded_addresses)),
      {{"reason", "full"}});
  out.family("passerelle_proxy_cut_connections_total", "counter", "Client connections cut.");
  out.sample(static_cast<double>(now.too_slow), {{"reason", "too-slow"}});
  out.sample(static_cast<double>(now.shed), {{"reason", "memory"}});
  out.counter("passerelle_proxy_requests_total", "Requests with a good head.", now.requests);
  out.counter("passerelle_proxy_refused_heads_total", "Heads that were refused.",
              now.refused_heads);
  out.counter("passerelle_proxy_hub_requests_total", "Requests that the hub answered.", now.to_hub);
  out.counter("passerelle_proxy_forwarded_total", "Requests to servers.", now.forwarded);
  out.counter("passerelle_proxy_upstream_connects_total", "Connections made to servers.",
              now.upstream_connects);
  out.counter("passerelle_proxy_upstream_reuses_total", "Requests on a connection that was there.",
              now.upstream_reuses);
  out.counter("passerelle_proxy_upstream_failures_total", "Requests that a server did not answer.",
              now.upstream_failures);
  out.counter("passerelle_proxy_retries_total", "Requests sent a second time.", now.retries);
  out.counter("passerelle_proxy_tls_handshakes_total", "TLS handshakes with clients.",
              now.tls_handshakes);
  out.counter("passerelle_proxy_tls_resumed_total", "Of those: resumed.", now.tls_resumed);
  out.counter("passerelle_proxy_tls_failed_total", "TLS handshakes that failed.", now.tls_failed);
  out.gauge("passerelle_proxy_tunnels", "Open WebSockets.", static_cast<double>(now.tunnels));
  out.counter("passerelle_proxy_received_bytes_total", "Bodies and WebSockets, from clients.",
              now.bytes_in);
  out.counter("passerelle_proxy_sent_bytes_total", "Bodies and WebSockets, to clients.",
              now.bytes_out);
  out.gauge("passerelle_proxy_buffered_bytes", "Kept for sides that do not take them.",
            static_cast<double>(now.kept));
  tell_answers(now, out);
  tell_durations(now.durations, out);
}

double descriptors() {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  int count = -3;  // ".", ".." and the folder itself
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

void tell_process(const Tally& tally, Exposition& out) {
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  double resident = 0;
  statm >> pages >> resident;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const auto seconds_of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  out.family("process_cpu_seconds_total", "counter", "CPU time, user and system.");
  out.sample(seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
  out.gauge("process_resident_memory_bytes", "Resident memory.",
            resident * static_cast<double>(sysconf(_SC_PAGESIZE)));
  out.gauge("process_open_fds", "Open file descriptors.", descriptors());
  out.gauge("process_max_fds", "Most file descriptors.", static_cast<double>(files.rlim_cur));
  out.gauge("process_start_time_seconds", "Start, as Unix time.",
            now - Tally::seconds_since(tally.started));
  out.counter("passerelle_log_lines_dropped_total", "Log lines that nobody read in time.",
              log::dropped());
  out.family("passerelle_build_info", "gauge", "Always 1; the version is the label.");
  out.sample(1, {{"version", PASSERELLE_VERSION}});
}

}  // namespace

Task<Answer> metrics(Parts& parts, Call& call) {
  constexpr int kForbidden = 403;
  if (!may_read(parts, call)) co_return api_error(kForbidden, "Missing the scope read:metrics");
  auto periods = active_periods(parts);
  const auto counts = co_await store::count_users(parts.store, std::move(periods));
  Exposition out;
  tell_requests(parts.tally, out);
  tell_launches(parts, parts.tally, out);
  tell_hub_durations(parts.tally, out);
  if (counts) tell_people(*counts, out);
  out.gauge("passerelle_routes", "Routes to servers.",
            static_cast<double>(parts.routes.all().size()));
  out.gauge("passerelle_store_writable", "1 if the database takes writes.",
            parts.store.writable() ? 1 : 0);
  tell_proxy(parts.proxy->counters(), out);
  tell_process(parts.tally, out);
  proxy::HubResponse response;
  response.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"},
                      {"Cache-Control", "no-store"}};
  response.body = out.take();
  co_return response;
}

}  // namespace passerelle::hub::api
