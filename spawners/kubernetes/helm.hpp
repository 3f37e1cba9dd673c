// Helm: one run of the helm program, for what only it can do: install, upgrade and uninstall a
// chart. No shell, no network but the API server's; values in a file that nobody else reads. So
// many at once; whoever comes later waits.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/worker_pool.hpp"
#include "spawners/kubernetes/api.hpp"
#include "spawners/kubernetes/workplace.hpp"

namespace passerelle::spawners::kubernetes {

struct HelmSettings {
  std::string program;     ///< A file
  std::string digest;      ///< SHA-256 of it in hex; empty: any
  std::string folder;      ///< Ours alone: its own files, and what we hand it
  std::string kubeconfig;  ///< Empty: the account of the pod that the gateway runs in
  std::string context;
  std::string as_user;  ///< Impersonate; empty: nobody
  std::chrono::seconds timeout{60};
  std::size_t most = 2;
};

class Helm : public std::enable_shared_from_this<Helm> {
 public:
  Helm(WorkerPool& workers, HelmSettings settings);

  struct Install {
    std::string release;
    std::string namespace_;
    std::string archive;      ///< The .tgz, a file of ours
    std::string values;       ///< JSON
    std::string label;        ///< "name=value", on the release's Secret: whose it is
    std::string description;  ///< Stands in the release
  };
  /// `helm upgrade --install`, without waiting for pods. The Error carries helm's own words;
  /// Errc::conflict: another operation holds this release; Errc::unavailable: the API server does
  /// not answer. An operation that has begun goes on when its caller is cancelled, or its gateway
  /// is killed; the next one of that release waits for it.
  Task<Result<void>> install(Install order);
  /// Already gone is success.
  Task<Result<void>> uninstall(std::string release, std::string namespace_);

  /// Whether a helm is at it: of this gateway, or of an earlier one that was killed. False: what a
  /// release says of an operation under way, a helm that was killed has left. Nothing: no helm of
  /// ours has ever been at it.
  std::optional<bool> at_work(const std::string& release, const std::string& namespace_) const;
  const HelmSettings& settings() const noexcept { return settings_; }

 private:
  Task<Result<void>> in_turn(std::string release, Task<Result<void>> work);
  Task<Result<void>> install_now(Install order);
  Task<Result<void>> uninstall_now(std::string release, std::string namespace_);
  Task<Result<Workplace>> entered(std::string release, std::string namespace_);
  Task<Result<void>> run(std::vector<std::string> words, const Workplace& place);
  std::string folder_of(const std::string& release, const std::string& namespace_) const;
  Task<Result<void>> check_program();
  std::vector<std::string> environment() const;

  WorkerPool& workers_;
  HelmSettings settings_;
  Seats seats_;
  std::string genuine_;  ///< The program that had the right digest: its inode, size and times
  std::map<std::string, std::shared_ptr<Seats>> lines_;  ///< By release: one operation at a time
};

/// Helm's last words as one of our errors.
Error helm_error(const std::string& words);

}  // namespace passerelle::spawners::kubernetes
