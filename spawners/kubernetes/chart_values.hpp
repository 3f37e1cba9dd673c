// A chart profile's values for somebody: what its form begins with, what the person changed, and
// nothing outside of the chart's schema. The hub's form and the spawner's launch ask here.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/spawners/kubernetes.hpp"
#include "spawners/kubernetes/chart/chart.hpp"
#include "spawners/kubernetes/chart/path.hpp"
#include "spawners/kubernetes/needs.hpp"

namespace passerelle::spawners::kubernetes {

/// A chart of the operators, read once.
struct ChartSource {
  std::string file;     ///< As the .tgz is usually called
  std::string archive;  ///< ... and its bytes
  std::string digest;   ///< Its SHA-256 in hex
  chart::Chart chart;
  chart::Json site = chart::Json::object();  ///< The operators' part of the context
  chart::Overrides overrides;
  Needs needs;
};
using ChartSourcePtr = std::shared_ptr<const ChartSource>;

/// Blocking. Errc::forbidden when the archive is not the one whose digest the profile tells.
Result<ChartSourcePtr> load_source(const config::KubernetesProfile& profile);

/// For whom; what expressions may read.
struct ForWhom {
  std::string username;
  std::string namespace_;
  std::string release;
  std::string base_path;
  std::string secret;  ///< service.oneTimePassword: what the gateway sends to the server
  std::string domain;  ///< k8s.domain
  std::string mark;    ///< k8s.randomSubdomain, of a server at a name of its own; else empty
  std::string host;    ///< That name
  std::vector<std::string> roles;
  std::map<std::string, std::vector<std::string>> claims;
  chart::Json lent =
      chart::Json::object();  ///< `s3` and `vault` (lender.hpp); wins over the site's
};

struct ChartForm {
  chart::Json schema;   ///< With $ref, overrides and the region's sliders put in
  chart::Json initial;  ///< What its form begins with
  chart::Json context;
};

/// Errc::invalid: the chart has no schema, or a place of it has no value.
Result<ChartForm> form_of(const ChartSource& source, const ForWhom& whom);

/// The initial values with the person's (texts by path: "resources.limits.cpu").
/// Cause::values_invalid names the place: one that the form does not have, or that cannot be
/// changed, or a value that does not fit.
Result<chart::Json> chosen_values(const ChartForm& form,
                                  const std::map<std::string, std::string>& given);

/// What Helm is given: chosen_values, held against the chart's whole schema, with
/// `global.suspend: false` where the chart knows it.
Result<chart::Json> helm_values(const ChartSource& source,
                                const ChartForm& form,
                                const std::map<std::string, std::string>& given);

/// The chart knows `global.suspend`.
bool can_suspend(const ChartSource& source);

/// DNS-safe, at most 52 long; two servers never share one.
std::string release_name(const std::string& chart,
                         const std::string& username,
                         const std::string& server_name);

}  // namespace passerelle::spawners::kubernetes
