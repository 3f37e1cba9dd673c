// ExecPlugin: the program of a kubeconfig that tells who we are (`users[].user.exec`; the
// client.authentication.k8s.io API, v1 and v1beta1). Run without a shell and without anybody to
// ask, when there is nothing yet, shortly before it expires, and after a 401. One loop.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/http_stream.hpp"
#include "base/task.hpp"

namespace passerelle::spawners::kubernetes {

struct ExecSettings {
  std::string api_version;         ///< client.authentication.k8s.io/v1 or /v1beta1
  std::vector<std::string> words;  ///< Command and arguments
  std::vector<std::pair<std::string, std::string>> variables;  ///< Beside our own environment
};

/// What the program wrote (an ExecCredential). Errc::invalid: nothing that opens anything.
struct ExecCredential {
  std::string token;
  std::string cert_pem;
  std::string key_pem;
  std::chrono::system_clock::time_point until = std::chrono::system_clock::time_point::max();
};
Result<ExecCredential> exec_credential(std::string_view written, const std::string& api_version);

class ExecPlugin : public std::enable_shared_from_this<ExecPlugin> {
 public:
  explicit ExecPlugin(ExecSettings settings) : settings_(std::move(settings)) {}

  /// Returns when there is something to show; runs the program if need be, one for all who wait.
  /// At most 30 s and 64 KiB. Errc::unavailable with its exit status and last words.
  Task<Result<void>> ready();
  void put_on(HttpRequest& request, HttpStreamOptions& options) const;
  /// It was not accepted: the next ready() asks anew.
  void drop() noexcept { known_ = false; }

 private:
  bool is_fresh() const;
  static Task<void> ask(std::shared_ptr<ExecPlugin> self);
  Task<Result<ExecCredential>> run();

  ExecSettings settings_;
  ExecCredential credential_;
  Result<void> last_;
  bool known_ = false;
  bool running_ = false;
  std::deque<std::shared_ptr<asio::steady_timer>> waiting_;
};

}  // namespace passerelle::spawners::kubernetes
