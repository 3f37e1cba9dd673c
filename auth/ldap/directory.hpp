// Directory: the servers of one authenticator, asked in turn on threads of their own, so that a
// slow one keeps neither the hub's loop nor its workers (SQLite, Argon2).
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include "auth/ldap/breaker.hpp"
#include "auth/ldap/connection.hpp"
#include "base/task.hpp"
#include "base/worker_pool.hpp"
#include "config/authenticators/ldap.hpp"

namespace passerelle::auth::ldap {

/// The servers as the configuration names them; Errc::invalid for what is no address.
Result<std::vector<Target>> targets_of(const config::LdapAuthenticator& settings);

class Directory {
 public:
  Directory(std::string name,
            const config::LdapAuthenticator& settings,
            std::vector<Target> targets,
            const Clock& clock);
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  /// Runs `work` on a worker with a fresh connection, which ends with it. A server that cannot be
  /// reached, or fails under way, hands over to the next; `work` may so be begun again. The
  /// deadline counts from now, the wait for a thread included. Errc::unavailable, Errc::timeout: no
  /// server could tell; logged here.
  template <class T>
  Task<Result<T>> ask(std::function<Result<T>(Connection&, Deadline)> work) {
    const Deadline deadline = std::chrono::steady_clock::now() + settings_.timeout;
    auto job = [this, work = std::move(work), deadline]() -> Result<T> {
      Result<T> outcome = Error(Errc::unavailable, "not asked");
      each_server(
          deadline,
          [&](Connection& connection) -> Result<void> {
            outcome = work(connection, deadline);
            return outcome ? Result<void>() : Result<void>(outcome.error());
          },
          [&](Error error) { outcome = std::move(error); });
      return outcome;
    };
    auto outcome = co_await workers_.run(std::move(job));
    co_return outcome;
  }

  /// Something else of its own, blocking, on the same threads.
  template <class Work>
  auto run(Work work) {
    return workers_.run(std::move(work));
  }

  const std::vector<Target>& targets() const noexcept { return targets_; }

 private:
  using Step = std::function<Result<void>(Connection&)>;
  using Fail = std::function<void(Error)>;
  void each_server(Deadline deadline, const Step& step, const Fail& fail);
  std::vector<std::size_t> order() const;
  void mark(std::size_t target, bool good);

  const std::string name_;
  const config::LdapAuthenticator& settings_;
  const std::vector<Target> targets_;
  const Clock& clock_;
  Breaker breaker_;
  mutable std::mutex mutex_;
  std::vector<Instant> shunned_until_;  ///< By target; tried last until then.
  std::atomic<bool> stopping_{false};
  WorkerPool workers_;  ///< Last: its threads use the rest.
};

}  // namespace passerelle::auth::ldap
