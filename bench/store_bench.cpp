// The store's figures: durable puts one after the other and from many callers, and how long opening
// a full one takes. STORE_BENCH_DIR names the disk to measure (default: where it is started).
#include <cstdlib>
#include <filesystem>

#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <unistd.h>

#include "store/store.hpp"

namespace passerelle::store {
namespace {

/// A fresh database, gone at the end.
class Folder {
 public:
  Folder() {
    const char* disk = std::getenv("STORE_BENCH_DIR");
    path_ = std::filesystem::path(disk != nullptr ? disk : ".") /
            ("store_bench_" + std::to_string(::getpid()));
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string database() const { return (path_ / "store.sqlite").string(); }

 private:
  std::filesystem::path path_;
};

Task<void> put_some(Store& store, UserId user, int lane, int count) {
  for (int i = 0; i < count; ++i) {
    ServerRecord record;
    record.user = user;
    record.name = std::to_string(lane);
    record.detail = std::to_string(i);
    const Result<void> put = co_await store.servers().put(std::move(record));
    if (!put) std::abort();
  }
}

Task<void> enter_some(Store& store, int first, int count, int with_server) {
  for (int i = first; i < first + count; ++i) {
    NewUser wanted;
    wanted.authenticator = "room";
    wanted.subject = wanted.wanted_username = "learner" + std::to_string(i);
    wanted.groups = {"mooc", "spark-2026"};
    const Result<Entered> entered = co_await store.users().enter(std::move(wanted), true);
    if (!entered) std::abort();
    if (i < with_server) co_await put_some(store, entered->user.id, 0, 1);
  }
}

void put(benchmark::State& state) {
  const Folder folder;
  auto store = open_sqlite(folder.database());
  asio::io_context loop;
  asio::co_spawn(loop, enter_some(**store, 0, 1, 0), asio::detached);
  loop.run();
  const int callers = static_cast<int>(state.range(0));
  const int each = 20;
  for (auto _ : state) {
    for (int lane = 0; lane < callers; ++lane)
      asio::co_spawn(loop, put_some(**store, 1, lane, each), asio::detached);
    loop.restart();
    loop.run();
  }
  state.SetItemsProcessed(state.iterations() * callers * each);
}
BENCHMARK(put)
    ->Arg(1)
    ->Arg(64)
    ->Arg(1000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond)
    ->MinTime(1);

/// 10,000 users, 2,000 servers: opened, checked, and all rows read, as the gateway does at start.
void open_full(benchmark::State& state) {
  const Folder folder;
  asio::io_context loop;
  {
    auto store = open_sqlite(folder.database());
    for (int lane = 0; lane < 100; ++lane)
      asio::co_spawn(loop, enter_some(**store, lane * 100, 100, 2'000), asio::detached);
    loop.run();
  }
  for (auto _ : state) {
    auto store = open_sqlite(folder.database());
    asio::co_spawn(loop, (*store)->users().all(), asio::detached);
    asio::co_spawn(loop, (*store)->servers().all(), asio::detached);
    asio::co_spawn(loop, (*store)->sessions().all(), asio::detached);
    loop.restart();
    loop.run();
  }
}
BENCHMARK(open_full)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace passerelle::store

BENCHMARK_MAIN();
