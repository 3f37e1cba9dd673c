// WorkerPool: runs blocking calls (libldap, PAM, Argon2, file system) on a few threads and resumes
// the caller on its own executor. Bounded: when the queue is full the call fails at once instead of
// piling up.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "base/task.hpp"

namespace passerelle {

class WorkerPool {
 public:
  explicit WorkerPool(std::size_t threads, std::size_t longest_queue = 1024);
  ~WorkerPool();  ///< Finishes what is queued, then joins.
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Runs `work` (returns Result<T>) on a worker; Errc::exhausted if the queue is full. `work` must
  /// not throw and is not interrupted by cancellation: its caller waits for it.
  template <class Work>
  Task<std::invoke_result_t<Work>> run(Work work) {
    using Outcome = std::invoke_result_t<Work>;
    auto slot = std::make_shared<Outcome>();
    auto start = [this, slot, job = std::move(work)](auto handler) mutable {
      auto executor = asio::get_associated_executor(handler);
      auto shared = std::make_shared<decltype(handler)>(std::move(handler));
      auto guard = asio::make_work_guard(executor);
      auto task = [slot, shared, guard, run_job = std::move(job)]() mutable {
        *slot = run_job();
        asio::post(guard.get_executor(), [shared]() mutable { (*shared)(); });
      };
      if (!submit(std::move(task))) {
        *slot = Outcome(Error(Errc::exhausted, "too much is waiting for a worker thread"));
        asio::post(executor, [shared]() mutable { (*shared)(); });
      }
    };
    co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(std::move(start),
                                                                         asio::use_awaitable);
    co_return std::move(*slot);
  }

 private:
  bool submit(std::function<void()> job);
  void work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::size_t longest_queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace passerelle
