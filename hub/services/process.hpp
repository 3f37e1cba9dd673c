// ServiceProcess: the process of a managed service: started, started again when it ends (at once,
// then with growing pauses), ended with its process group. A child of ours that dies with us. Hub
// loop only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "base/result.hpp"
#include "base/task.hpp"

namespace passerelle::hub {

class ServiceProcess {
 public:
  struct Order {
    std::string name;
    std::vector<std::string> command;  ///< Not empty; the first is looked up in PATH below.
    std::map<std::string, std::string> environment;  ///< All of it.
    std::string cwd;                                 ///< Empty: ours.
    std::string user;                                ///< Empty: ours.
  };

  explicit ServiceProcess(asio::io_context& loop) : loop_(loop), pause_(loop) {}
  ServiceProcess(const ServiceProcess&) = delete;
  ServiceProcess& operator=(const ServiceProcess&) = delete;

  /// Runs it from now on. Errc::invalid: there is no such user. Errc::forbidden: only root starts
  /// something as another user. Asks the name service: at a start only.
  Result<void> start(Order order);
  /// SIGTERM, five seconds, SIGKILL; returns when it is gone.
  Task<void> stop();
  /// The same without a loop, on a thread of its own, for a process that another one has followed.
  void leave();
  /// After leave(), before this process ends: waits until it is gone.
  void finish_leaving();

  pid_t pid() const noexcept { return pid_; }  ///< 0: it does not run at this moment.

 private:
  struct Child;  ///< What is prepared before the fork.

  Task<void> keep_running();
  Result<void> spawn();
  Task<void> until_ended();
  void signal_group(int number) const noexcept;

  asio::io_context& loop_;
  asio::steady_timer pause_;
  std::shared_ptr<Child> child_;
  std::string name_;
  pid_t pid_ = 0;
  int failure_ = -1;  ///< Read end of a pipe: why the program could not be run.
  bool stopping_ = false;
  std::thread leaving_;
};

}  // namespace passerelle::hub
