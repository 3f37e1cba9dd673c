// WorkerPool and with_timeout: results come back on the caller's loop, the queue is bounded,
// nothing is lost.
#include "base/worker_pool.hpp"

#include <future>

#include <gtest/gtest.h>

namespace passerelle {
namespace {

using namespace std::chrono_literals;

template <class T>
Result<T> run(asio::io_context& loop, Task<Result<T>> task) {
  Result<T> result;
  asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, Result<T> answer) {
    EXPECT_FALSE(thrown);
    result = std::move(answer);
  });
  loop.restart();
  loop.run();
  return result;
}

TEST(WorkerPool, WorksElsewhereAndResumesHere) {
  asio::io_context loop;
  WorkerPool pool(1);
  const auto here = std::this_thread::get_id();
  auto task = [](WorkerPool& workers, std::thread::id caller) -> Task<Result<int>> {
    auto work = [caller] { return Result<int>(std::this_thread::get_id() == caller ? 0 : 42); };
    auto result = co_await workers.run(work);
    EXPECT_EQ(std::this_thread::get_id(), caller);
    co_return result;
  };
  const auto result = run(loop, task(pool, here));
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 42);
}

TEST(WorkerPool, AFullQueueFailsAtOnce) {
  asio::io_context loop;
  std::promise<void> started;
  std::promise<void> release;
  auto released = release.get_future().share();
  WorkerPool pool(1, 2);
  int good = 0;
  std::vector<Errc> refused;
  const auto count = [&](std::exception_ptr, Result<void> answer) {
    if (answer)
      ++good;
    else
      refused.push_back(answer.error().code());
    if (good + refused.size() == 1)
      release.set_value();  // the refused one ends first: the others still wait
  };
  const std::function<Result<void>()> block = [&started, released] {
    started.set_value();
    released.wait();
    return Result<void>();
  };
  const std::function<Result<void>()> nothing = [] { return Result<void>(); };
  asio::co_spawn(loop, pool.run(block), count);
  loop.poll();
  started.get_future().wait();  // the worker is busy now: what comes next fills the queue
  for (int i = 0; i < 3; ++i) asio::co_spawn(loop, pool.run(nothing), count);
  loop.run();
  EXPECT_EQ(good, 3);
  EXPECT_EQ(refused, std::vector<Errc>{Errc::exhausted});
}

TEST(WorkerPool, FinishesWhatIsQueuedBeforeItEnds) {
  asio::io_context loop;
  std::atomic<int> done = 0;
  int resumed = 0;
  {
    WorkerPool pool(2);
    const std::function<Result<void>()> work = [&done] {
      ++done;
      return Result<void>();
    };
    for (int i = 0; i < 100; ++i)
      asio::co_spawn(loop, pool.run(work), [&](std::exception_ptr, Result<void>) { ++resumed; });
    loop.poll();
  }
  EXPECT_EQ(done, 100);
  loop.restart();
  loop.run();
  EXPECT_EQ(resumed, 100);
}

Task<Result<int>> slow(bool* destroyed, std::chrono::milliseconds time) {
  struct Mark {
    bool* flag;
    ~Mark() { *flag = true; }
  };
  const Mark mark{destroyed};
  co_await sleep_for(time);
  co_return 7;
}

TEST(WithTimeout, GivesTheResultOfAQuickTask) {
  asio::io_context loop;
  bool destroyed = false;
  const auto result = run(loop, with_timeout(slow(&destroyed, 1ms), 10s, "it"));
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, 7);
}

TEST(WithTimeout, EndsASlowTaskAndAwaitsItsEnd) {
  asio::io_context loop;
  bool destroyed = false;
  const auto begin = std::chrono::steady_clock::now();
  const auto result = run(loop, with_timeout(slow(&destroyed, 1h), 10ms, "it"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Errc::timeout);
  EXPECT_TRUE(destroyed);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1min);
}

// Work on a pool cannot be interrupted: the timeout waits for it, so that what the work refers to
// stays alive.
TEST(WithTimeout, WaitsForTheWorker) {
  asio::io_context loop;
  WorkerPool pool(1);
  std::atomic<bool> ended = false;
  std::promise<void>
      late;  // a later timer of the same loop: a stalled machine cannot let it overtake
  asio::steady_timer release(loop, 20ms);
  release.async_wait([&late](const boost::system::error_code&) { late.set_value(); });
  const std::function<Result<int>()> work = [&ended, &late] {
    late.get_future().wait();
    ended = true;
    return Result<int>(1);
  };
  const auto result = run(loop, with_timeout(pool.run(work), 1ms, "it"));
  EXPECT_TRUE(ended);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Errc::timeout);
}

}  // namespace
}  // namespace passerelle
