// Writer: the one thread that writes. Everything queued at a moment goes into one transaction and
// is paid for with one fsync; each write has a savepoint of its own, so that one that is refused
// does not take its neighbours along.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "base/task.hpp"
#include "store/sqlite/backlog.hpp"
#include "store/sqlite/database.hpp"

namespace passerelle::store::sqlite {

struct WriterStats {
  std::uint64_t transactions = 0;  ///< Committed.
  std::uint64_t writes = 0;        ///< Jobs in them, refused ones too.
  std::uint64_t failures = 0;      ///< Transactions that the storage refused.
};

class Writer {
 public:
  struct Delays {
    std::chrono::milliseconds batch{
        1000};  ///< The backlog waits at most this long for a write to ride along with.
    std::chrono::milliseconds retry{2000};  ///< After a failure.
  };

  /// `backlog` outlives it.
  Writer(std::unique_ptr<Database> database, Backlog& backlog, Delays delays);
  ~Writer();  ///< Writes what is queued and the backlog, then closes the database.
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Runs `work(Database&)`, which gives a Result<T>, in the next transaction. The caller resumes
  /// on its own executor once that is committed with synchronous=FULL. Not interrupted by
  /// cancellation. Errc::exhausted when 8,192 wait.
  template <class Work>
  Task<std::invoke_result_t<Work, Database&>> run(Work work) {
    using Outcome = std::invoke_result_t<Work, Database&>;
    auto slot = std::make_shared<Outcome>();
    auto start = [this, slot, job = std::move(work)](auto handler) mutable {
      auto executor = asio::get_associated_executor(handler);
      auto shared = std::make_shared<decltype(handler)>(std::move(handler));
      auto guard = asio::make_work_guard(executor);
      Job queued;
      queued.run = [slot, run_job = std::move(job)](Database& database) mutable {
        *slot = run_job(database);
        return slot->has_value();
      };
      queued.refuse = [slot](const Error& error) { *slot = Outcome(error); };
      queued.resume = [shared = std::move(shared), guard]() mutable {
        asio::post(guard.get_executor(), [resumed = std::move(shared)]() mutable { (*resumed)(); });
      };
      submit(std::move(queued));
    };
    co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(std::move(start),
                                                                         asio::use_awaitable);
    co_return std::move(*slot);
  }

  /// The backlog has something: it is written within Delays::batch, with synchronous=NORMAL if it
  /// goes alone (a power cut may then take the last second of it, never a durable write).
  void note_backlog();

  bool writable() const noexcept { return writable_; }
  WriterStats stats() const noexcept { return {transactions_, writes_, failures_}; }

 private:
  struct Job {
    std::function<bool(Database&)> run;        // whether its changes are kept
    std::function<void(const Error&)> refuse;  // its outcome is this error
    std::function<void()> resume;
  };
  using Group = std::vector<Job>;
  using SteadyTime = std::chrono::steady_clock::time_point;

  void submit(Job job);
  void work();
  Group next_group(bool& last);
  void run_group(Group group, bool durable);
  void write_rest();
  std::optional<Error> commit(Group& group, bool durable);
  void run_one(Job& job);
  void roll_back() noexcept;
  void note_outcome(const std::optional<Error>& failed);

  std::unique_ptr<Database> database_;
  Backlog& backlog_;
  const Delays delays_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;
  std::optional<SteadyTime> due_;  // when to write without being asked
  bool stopping_ = false;

  std::atomic<bool> writable_ = true;
  std::atomic<std::uint64_t> transactions_ = 0;
  std::atomic<std::uint64_t> writes_ = 0;
  std::atomic<std::uint64_t> failures_ = 0;
  std::thread thread_;
};

}  // namespace passerelle::store::sqlite
