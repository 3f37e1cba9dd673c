// Catalogue: charts by name and version, out of a folder of archives or a Helm repository
// (index.yaml over HTTP or HTTPS). What is listed comes from strangers: read within bounds; an
// archive is only taken with the digest that the index tells.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/http_client.hpp"
#include "base/worker_pool.hpp"
#include "config/spawners/kubernetes.hpp"

namespace passerelle::spawners::kubernetes {

struct CatalogueChart {
  std::string name;
  std::string version;
  std::string about;   ///< The chart's own description
  std::string place;   ///< A file, or a URL
  std::string digest;  ///< SHA-256 in hex
};
/// By name; of one name the newest first. At most as many versions of each as the profile wants.
using CatalogueList = std::vector<CatalogueChart>;
using CatalogueListPtr = std::shared_ptr<const CatalogueList>;

/// `location` is what relative URLs stand below. Charts that are not wanted, have no digest, or a
/// name or version that is none, are left out: one bad entry does not hide the others.
Result<CatalogueList> read_index(std::string_view yaml,
                                 const std::string& location,
                                 const config::KubernetesProfile& wanted);
/// All .tgz in a folder. Blocking.
Result<CatalogueList> read_folder(const config::KubernetesProfile& wanted);

/// Semantic versions: 1.10.0 is newer than 1.9.0, 2.0.0 newer than 2.0.0-rc.1.
bool newer(std::string_view a, std::string_view b);

/// The newest of that name, or that version; a version that is not listed is not found.
const CatalogueChart* chosen(const CatalogueList& list,
                             const std::string& name,
                             const std::string& version);

/// One loop.
class Catalogues {
 public:
  /// `folder`: where archives and the last index of each repository are kept.
  Catalogues(asio::io_context& loop, WorkerPool& workers, std::string folder);

  /// From memory for five minutes; a repository that does not answer is shown as it was last seen,
  /// from before a restart too. Errc::unavailable: it was never seen.
  Task<Result<CatalogueListPtr>> list(config::KubernetesProfile profile);
  /// Its file on this machine, with the right digest. Errc::forbidden: another digest.
  Task<Result<std::string>> archive(config::KubernetesProfile profile, CatalogueChart chart);

 private:
  struct Known {
    CatalogueListPtr list;
    std::chrono::steady_clock::time_point at;
  };
  Task<Result<std::string>> fetch(config::KubernetesProfile profile,
                                  std::string url,
                                  std::size_t most);
  Task<Result<CatalogueListPtr>> read(config::KubernetesProfile profile);

  HttpClient http_;
  WorkerPool& workers_;
  std::string folder_;
  std::map<std::string, Known> known_;  ///< By where they are
};

}  // namespace passerelle::spawners::kubernetes
