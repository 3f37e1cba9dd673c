// Cluster: what we know of one batch system. One status command for all jobs at a fixed pace while
// anybody is interested, however many servers there are; every command has a deadline; no answer
// never means that a job is gone. Jobs that nobody wants any more are followed until they have
// ended, beside everything else ("buried"). The hub's loop only; commands run on threads of its
// own: four that act for people, one that looks.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/worker_pool.hpp"
#include "config/spawners/batch.hpp"
#include "spawners/batch/adapter.hpp"
#include "spawners/batch/remote.hpp"

namespace passerelle::spawners::batch {

/// A job that somebody follows.
struct Watched {
  std::string name;
  std::string id;          ///< Empty: not known yet
  std::string owner;       ///< Who has it on the cluster: anybody may give a job the same name
  std::optional<Job> job;  ///< As last seen
  bool ended = false;      ///< The scheduler says so
  bool gone = false;       ///< It does not know such a job, and has said so twice
  // Cluster's own:
  int missing = 0;
  int unexplained = 0;
};
using Watch = std::shared_ptr<Watched>;

class Cluster : public std::enable_shared_from_this<Cluster> {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  /// `prefix`: what the names of our jobs begin with. `helper`: the program passerelle-submit;
  /// `remote` instead of it, if there is one.
  /// `graves`: our directory; what is to be buried stands there until it is.
  Cluster(asio::io_context& loop,
          const Adapter& adapter,
          config::BatchSpawner settings,
          std::string prefix,
          std::string helper,
          std::shared_ptr<const Remote> remote,
          std::string graves);

  /// Follows a job of `user`'s as long as the result is held.
  Watch watch(const std::string& name, const std::string& id, const std::string& user);
  /// Whether it may be the one that we submitted for `user`.
  bool is_of(const Job& job, const std::string& user) const;
  /// Returns after the next look, good or bad; `soon`: do not wait for its turn.
  Task<void> next_look(bool soon = false);
  /// Wakes whoever waits in next_look, without a look.
  void wake() { looked_.cancel(); }
  void look_soon() { pause_.cancel(); }

  /// Since when the scheduler does not answer; nothing when it does.
  std::optional<SteadyTime> silent_since() const noexcept { return silent_since_; }
  const std::string& last_problem() const noexcept { return last_problem_; }
  /// It has answered within the time of two looks.
  bool answered_lately() const noexcept;

  /// Runs a verb of the helper for `user`. Errc::timeout and Errc::unavailable: nobody knows what
  /// became of it.
  Task<Result<Answer>> act(nlohmann::json order, std::string user);
  Task<Result<Jobs>> find(std::string name);
  /// Our jobs that have not ended, whoever started them.
  Task<Result<Jobs>> ours();

  /// When such a job of `user`'s would start. A few at once and a few seconds at most.
  Task<Result<Estimate>> estimate(const Wish& wish, std::string user);

  /// What is free, as last counted: every few minutes, more often while somebody asks.
  const std::vector<Census>& census();
  /// Begins to count.
  void count_cores();

  /// Deletes the job as often as needed and removes what it left, in the background, and by the
  /// next gateway if this one ends before.
  void bury(std::string name, std::string id, std::string user, std::string launch);
  /// Goes on with what an earlier gateway had to bury.
  void recall();
  const Adapter& adapter() const noexcept { return adapter_; }

 private:
  struct Grave {
    std::string name;
    std::string id;
    std::string user;
    std::string launch;
    Watch watch;
    std::optional<SteadyTime> asked;  ///< When something was tried last
    SteadyTime since;
    int cleanings = 0;
    bool busy = false;
    bool closed = false;
  };
  using GravePtr = std::shared_ptr<Grave>;

  Task<Result<Answer>> run(nlohmann::json order,
                           std::string user,
                           WorkerPool& threads,
                           std::chrono::seconds deadline);
  Argv helper_for(const std::string& user) const;
  Task<void> keep_looking();
  Task<void> keep_counting();
  Task<void> count();
  Task<void> look();
  void read(const Jobs& jobs);
  Task<void> read_details();
  bool is_told(const Watched& one) const;
  void explain(const Jobs& jobs, const std::vector<Watch>& asked, bool last_way);
  void notice_strangers(const Jobs& jobs);
  void bury(Grave grave);
  void tend_graves();
  Task<void> dig();
  GravePtr next_grave();
  static bool is_over(const Grave& grave);
  Task<void> tend(GravePtr grave);
  std::string file_of(const Grave& grave) const;
  bool interested();
  std::vector<Watch> watched();

  const Adapter& adapter_;
  const config::BatchSpawner settings_;
  const std::string prefix_;
  const std::string helper_;
  const std::shared_ptr<const Remote> remote_;  ///< Null: the helper
  const std::string graves_directory_;
  const std::string ourselves_;  ///< act_as self: the account that owns all jobs
  WorkerPool hands_{4};
  WorkerPool eyes_{1};
  WorkerPool wonders_{2, 2};   ///< For those who only want to know
  asio::steady_timer pause_;   ///< Until the next look
  asio::steady_timer looked_;  ///< Cancelled after each
  bool looking_ = false;
  asio::steady_timer recount_;  ///< Until the next census
  std::vector<Census> census_;
  SteadyTime counted_;
  SteadyTime asked_;
  std::map<std::string, std::weak_ptr<Watched>> watched_;
  std::vector<GravePtr> graves_;
  int digging_ = 0;
  std::map<std::string, SteadyTime> strangers_;
  std::optional<SteadyTime> silent_since_;
  std::optional<SteadyTime> answered_;
  std::string last_problem_;
};

}  // namespace passerelle::spawners::batch
