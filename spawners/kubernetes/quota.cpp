#include "spawners/kubernetes/quota.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "spawners/kubernetes/object.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using std::chrono::steady_clock;

constexpr double kMebi = 1024.0 * 1024.0;
constexpr double kNoise = 1e-9;  // 0.1 + 0.2 is no more than 0.3

struct Suffix {
  std::string_view text;
  double factor;
};
constexpr std::array<Suffix, 13> kSuffixes = {{{"Ki", 1024.0},
                                               {"Mi", kMebi},
                                               {"Gi", kMebi * 1024},
                                               {"Ti", kMebi* kMebi},
                                               {"Pi", kMebi* kMebi * 1024},
                                               {"n", 1e-9},
                                               {"u", 1e-6},
                                               {"m", 1e-3},
                                               {"k", 1e3},
                                               {"M", 1e6},
                                               {"G", 1e9},
                                               {"T", 1e12},
                                               {"P", 1e15}}};

bool is_bytes(const std::string& resource) {
  return resource.ends_with("memory") || resource.ends_with("storage");
}

bool is_cpu(const std::string& resource) {
  return resource.ends_with("cpu");
}

double left_of(const Gauge& gauge) {
  return quantity(gauge.hard).value_or(0) - quantity(gauge.used).value_or(0);
}

std::optional<double> amount_in(const Json& resources, const std::string& name) {
  const Json& value = part(resources, name);
  if (value.is_number()) return value.get<double>();
  return value.is_string() ? quantity(value.get<std::string>()) : std::nullopt;
}

/// A quota's short names mean requests.
void ask_for(Demand& demand, const std::string& name, double amount) {
  demand["requests." + name] = amount;
  if (name == "cpu" || name == "memory") demand[name] = amount;
}

}  // namespace

std::optional<double> quantity(const std::string& text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, wrong] = std::from_chars(text.data(), end, number);
  if (wrong != std::errc() || !std::isfinite(number)) return std::nullopt;
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  if (suffix.empty()) return number;
  for (const Suffix& known : kSuffixes)
    if (suffix == known.text) return number * known.factor;
  return std::nullopt;
}

std::string quantity_text(const std::string& resource, double amount) {
  constexpr double kMilli = 1000;
  const auto whole = [](double number) { return std::to_string(std::llround(number)); };
  if (is_bytes(resource)) return whole(std::ceil(amount / kMebi)) + "Mi";
  if (is_cpu(resource) && amount != std::floor(amount)) return whole(amount * kMilli) + "m";
  return whole(amount);
}

std::vector<Gauge> gauges_of(const Json& list) {
  std::vector<Gauge> gauges;
  for (const Json& quota : list_in(list, "items")) {
    const Json& spec = part(quota, "spec");
    if (!list_in(spec, "scopes").empty() || !part(spec, "scopeSelector").empty()) continue;
    const Json& status = part(quota, "status");
    const Json& hard = part(status, "hard");
    if (!hard.is_object()) continue;
    for (const auto& [resource, most] : hard.items()) {
      if (!most.is_string()) continue;
      const std::string used = text_in(part(status, "used"), resource);
      Gauge gauge{text_in(part(quota, "metadata"), "name"), resource, used.empty() ? "0" : used,
                  most.get<std::string>()};
      const auto all = quantity(gauge.hard);
      const auto some = quantity(gauge.used);
      if (!all || !some) continue;
      gauge.share = *all > 0 ? std::clamp(*some / *all, 0.0, 1.0) : 1.0;
      const auto same = std::find_if(gauges.begin(), gauges.end(),
                                     [&](const Gauge& one) { return one.resource == resource; });
      if (same == gauges.end())
        gauges.push_back(std::move(gauge));
      else if (left_of(gauge) < left_of(*same))
        *same = std::move(gauge);
    }
  }
  return gauges;
}

Demand demand_of(const Json& values) {
  Demand demand{{"pods", 1}};
  const Json& limits = part(part(values, "resources"), "limits");
  const Json& requests = part(part(values, "resources"), "requests");
  for (const Json* some :
       {&limits, &requests}) {  // what is not requested is requested up to the limit
    if (!some->is_object()) continue;
    for (const auto& [name, value] : some->items())
      if (const auto amount = amount_in(*some, name)) ask_for(demand, name, *amount);
  }
  for (const char* name : {"cpu", "memory"})
    if (const auto amount = amount_in(limits, name))
      demand["limits." + std::string(name)] = *amount;
  return demand;
}

const Gauge* too_full(const std::vector<Gauge>& gauges, const Demand& demand) {
  for (const Gauge& gauge : gauges) {
    const auto asked = demand.find(gauge.resource);
    if (asked == demand.end() || asked->second <= 0) continue;
    if (asked->second > left_of(gauge) * (1 + kNoise) + kNoise) return &gauge;
  }
  return nullptr;
}

Error quota_error(const Gauge& gauge, const Demand& demand) {
  const auto asked = demand.find(gauge.resource);
  const double amount = asked == demand.end() ? 0 : asked->second;
  const std::string is = gauge.resource + "=";
  return {Errc::forbidden, Cause::quota_user,
          "exceeded quota: " + gauge.quota + ", requested: " + is +
              quantity_text(gauge.resource, amount) + ", used: " + is + gauge.used +
              ", limited: " + is + gauge.hard};
}

Task<Result<void>> Quotas::ask() {
  auto list = co_await cluster_->api.get("/api/v1/namespaces/" + namespace_ + "/resourcequotas");
  asked_ = steady_clock::now();
  known_ = list ? gauges_of(*list) : std::vector<Gauge>();
  co_return Result<void>();
}

Task<void> Quotas::ask_behind(std::shared_ptr<Quotas> self) {
  auto asked = self->ask();
  static_cast<void>(co_await with_timeout(std::move(asked), std::chrono::seconds(10), "the quota"));
  self->asking_ = false;
}

Task<std::vector<Gauge>> Quotas::now() {
  auto asking = ask();
  const auto asked = co_await with_timeout(std::move(asking), std::chrono::seconds(2), "the quota");
  co_return asked ? known_ : std::vector<Gauge>();
}

Task<std::vector<Gauge>> Quotas::lately() {
  constexpr auto kFresh = std::chrono::seconds(5);
  constexpr auto kFirst = std::chrono::milliseconds(500);
  const auto executor = co_await asio::this_coro::executor;
  const auto now = steady_clock::now();
  if (!asked_) {
    auto asking = ask();
    static_cast<void>(co_await with_timeout(std::move(asking), kFirst, "the quota"));
    asked_ = now;
  } else if (now - *asked_ > kFresh && !asking_) {
    asking_ = true;
    asio::co_spawn(executor, ask_behind(shared_from_this()), asio::detached);
  }
  co_return known_;
}

}  // namespace passerelle::spawners::kubernetes
