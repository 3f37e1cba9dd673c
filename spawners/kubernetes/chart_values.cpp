#include "spawners/kubernetes/chart_values.hpp"

#include "base/files.hpp"
#include "base/secrets.hpp"
#include "spawners/container.hpp"
#include "spawners/kubernetes/chart/archive.hpp"
#include "spawners/kubernetes/chart/form.hpp"
#include "spawners/kubernetes/chart/initial_values.hpp"
#include "spawners/kubernetes/chart/input.hpp"
#include "spawners/kubernetes/chart/validate.hpp"

namespace passerelle::spawners::kubernetes {
namespace {

using chart::Json;
using chart::member;

std::string claim(const ForWhom& whom, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto found = whom.claims.find(name);
        found != whom.claims.end() && !found->second.empty())
      return found->second.front();
  return {};
}

/// Claims as a token has them: one value is a text, several are a list.
Json claims_of(const ForWhom& whom) {
  Json all = Json::object();
  for (const auto& [name, values] : whom.claims)
    all[name] = values.size() == 1 ? Json(values.front()) : Json(values);
  return all;
}

/// Up to six digits that stay with the release, as Onyxia's.
std::string random_subdomain(const std::string& release) {
  constexpr unsigned kMost = 1'000'000;
  const std::string digits = secrets::sha256_hex(release).substr(0, 8);
  return std::to_string(std::stoul(digits, nullptr, 16) % kMost);
}

Json context_of(const ForWhom& whom, const Json& site) {
  Json context{
      {"user",
       {{"idep", whom.username},
        {"name", claim(whom, {"name", "displayName", "cn"})},
        {"email", claim(whom, {"email", "mail"})},
        {"ip", "0.0.0.0"},
        {"darkMode", false},
        {"lang", "en"},
        {"decodedIdToken", claims_of(whom)}}},
      {"service", {{"oneTimePassword", whom.secret}}},
      {"project", {{"id", whom.namespace_}}},
      {"git",
       {{"name", claim(whom, {"name", "displayName", "cn"})},
        {"email", claim(whom, {"email", "mail"})},
        {"credentials_cache_duration", 0}}},
      {"region", Json::object()},
      {"k8s",
       {{"domain", whom.domain},
        {"ingressClassName", ""},
        {"ingress", false},
        {"route", false},
        {"istio", {{"enabled", false}, {"gateways", Json::array()}}},
        {"randomSubdomain", whom.mark.empty() ? random_subdomain(whom.release) : whom.mark},
        {"useCertManager", false}}},
      {"gateway", {{"basePath", whom.base_path}, {"host", whom.host}}}};
  return chart::merged(chart::merged(std::move(context), site), whom.lent);
}

Result<Json> site_of(const std::string& file) {
  if (file.empty()) return Json::object();
  const auto text = files::read(file, chart::Bounds{}.bytes);
  if (!text) return text.error();
  auto site = chart::parse_yaml(*text, file);
  if (site && !site->is_object()) return Error(Errc::invalid, file + ": is no object");
  return site;
}

}  // namespace

Result<ChartSourcePtr> load_source(const config::KubernetesProfile& profile) {
  auto source = std::make_shared<ChartSource>();
  auto archive = files::read(profile.archive, chart::kLargestArchive);
  if (!archive) return std::move(archive.error());
  source->archive = std::move(*archive);
  source->digest = secrets::sha256_hex(source->archive);
  if (!profile.digest.empty() && profile.digest != source->digest)
    return Error(Errc::forbidden, profile.archive + ": its SHA-256 is " + source->digest +
                                      " and not the one that `digest` tells");
  auto read = chart::load_chart(profile.archive);
  if (!read) return std::move(read.error());
  source->chart = std::move(*read);
  source->file = source->chart.name + "-" + source->chart.version + ".tgz";
  auto site = site_of(profile.context);
  if (!site) return std::move(site.error());
  source->site = std::move(*site);
  if (!profile.overrides.empty()) {
    auto overrides = chart::Overrides::load(profile.overrides);
    if (!overrides) return std::move(overrides.error());
    source->overrides = std::move(*overrides);
  }
  if (source->chart.schema) add_needs(*source->chart.schema, source->needs);
  for (const chart::Json* one : source->overrides.all()) add_needs(*one, source->needs);
  return ChartSourcePtr(std::move(source));
}

Result<ChartForm> form_of(const ChartSource& source, const ForWhom& whom) {
  if (!source.chart.schema)
    return Error(Errc::invalid, Cause::values_invalid,
                 "the chart has no values.schema.json, so no form");
  ChartForm form;
  form.context = context_of(whom, source.site);
  auto schema = chart::resolve_schema(*source.chart.schema, source.overrides, whom.roles);
  if (!schema) return std::move(schema.error());
  auto initial = chart::initial_values(*schema, source.chart.values, form.context);
  if (!initial) return std::move(initial.error());
  form.initial = std::move(*initial);
  form.schema = chart::with_region_sliders(std::move(*schema), form.context);
  return form;
}

Result<Json> chosen_values(const ChartForm& form, const std::map<std::string, std::string>& given) {
  const chart::Scope scope{form.context};
  const auto inputs = chart::inputs_of({form.schema, form.initial, scope}, given);
  if (!inputs) return inputs.error();
  return chart::with_input(form.schema, scope, form.initial, *inputs);
}

bool can_suspend(const ChartSource& source) {
  const Json* global = member(source.chart.values, "global");
  return global != nullptr && member(*global, "suspend") != nullptr;
}

Result<Json> helm_values(const ChartSource& source,
                         const ChartForm& form,
                         const std::map<std::string, std::string>& given) {
  auto values = chosen_values(form, given);
  if (!values) return values;
  auto misfits = chart::validate(form.schema, chart::merged(source.chart.values, *values));
  if (!misfits) return std::move(misfits.error());
  if (!misfits->empty())
    return Error(Errc::invalid, Cause::values_invalid,
                 misfits->front().place + ": " + misfits->front().rule);
  if (can_suspend(source)) (*values)["global"]["suspend"] = false;
  return values;
}

std::string release_name(const std::string& chart,
                         const std::string& username,
                         const std::string& server_name) {
  constexpr std::size_t kLongest = 52;  // of a StatefulSet, whose pods get a hash behind it
  constexpr std::size_t kHash = 10;
  const std::string whole = safe_name(chart) + "-" + safe_name(username, server_name);
  if (whole.size() <= kLongest) return whole;
  return whole.substr(0, kLongest - kHash - 1) + "-" + secrets::sha256_hex(whole).substr(0, kHash);
}

}  // namespace passerelle::spawners::kubernetes
