// Access: where a cluster's API server is, and who we are there: a kubeconfig file, or the account
// that a pod of the cluster finds in its files.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/http_stream.hpp"
#include "base/result.hpp"
#include "spawners/kubernetes/exec_plugin.hpp"

namespace passerelle::spawners::kubernetes {

struct Access {
  std::string server;      ///< "https://10.0.0.1:6443", without a slash at its end
  std::string namespace_;  ///< Of the context or the pod; "default" if neither says
  std::string ca_pem;      ///< Empty: what the system trusts
  std::string cert_pem;    ///< A client certificate; empty: none
  std::string key_pem;
  std::string token;
  std::string token_file;            ///< Instead of `token`: read again, because it is renewed
  std::string as_user;               ///< Impersonate; empty: nobody
  std::optional<ExecSettings> exec;  ///< A program that tells token or certificate
  bool verify = true;
};

/// The standard alphabet, with padding and line ends; nothing for anything else.
std::optional<std::string> base64_decoded(std::string text);

/// From a kubeconfig file; `context` empty: its current one. Errc::invalid names what is missing,
/// or what this client does not know (auth-provider, proxy-url, tls-server-name).
Result<Access> read_kubeconfig(const std::string& path, const std::string& context);

/// As a pod: `folder` has token, ca.crt and namespace; the address stands in the environment
/// (KUBERNETES_SERVICE_HOST and _PORT). Errc::not_found outside of a cluster.
Result<Access> read_in_cluster(
    const std::string& folder = "/var/run/secrets/kubernetes.io/serviceaccount");

/// Puts an Access on requests. The token file is read at most once a minute, and at once after a
/// 401: the cluster renews it every hour. (A file of a kilobyte in memory: read on the loop.)
class Credentials {
 public:
  explicit Credentials(Access access) : access_(std::move(access)) {}

  const Access& access() const noexcept { return access_; }
  Result<void> put_on(HttpRequest& request, HttpStreamOptions& options);
  /// The server did not know the token: whether there is another one to try.
  bool renew();

 private:
  Result<void> read_token();

  Access access_;
  std::string token_;
  std::chrono::steady_clock::time_point read_{};
};

}  // namespace passerelle::spawners::kubernetes
