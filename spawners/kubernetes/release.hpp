// Release: what Helm keeps of an installed chart, read out of its Secrets without running it.
#pragma once

#include <optional>
#include <string>

#include "spawners/kubernetes/api.hpp"

namespace passerelle::spawners::kubernetes {

struct Release {
  std::string name;
  std::string secret;       ///< The Secret of this revision
  std::string gateway;      ///< Who installed it, as its label says; empty: not one of us
  std::string status;       ///< deployed, failed, pending-install, pending-upgrade, uninstalling...
  std::string description;  ///< What its installer wrote
  std::string chart;        ///< "minilab-1.2.0"
  std::string notes;        ///< NOTES.txt, as the chart wrote it
  Json values;              ///< What was given at the last install
  std::string manifest;     ///< YAML
  bool pending() const { return status.starts_with("pending") || status == "uninstalling"; }
};

/// Of a Secret of type helm.sh/release.v1. At most 16 MiB unpacked.
Result<Release> release_of(const Json& secret);

/// The newest revision; none: it is not installed.
Task<Result<std::optional<Release>>> find_release(Api& api,
                                                  std::string namespace_,
                                                  std::string name);

}  // namespace passerelle::spawners::kubernetes
