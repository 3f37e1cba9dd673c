// What the gate pays for knowing somebody: by the session's cookie, and by the key of a person's
// origin. SESSION_BENCH_DIR: where the store's file stands (default: where it is started).
#include <cstdlib>
#include <filesystem>

#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <unistd.h>

#include "auth/origin_keys.hpp"

namespace passerelle::auth {
namespace {

/// One signed-in person.
class World {
 public:
  World() {
    const char* disk = std::getenv("SESSION_BENCH_DIR");
    folder_ = std::filesystem::path(disk != nullptr ? disk : ".") /
              ("session_bench_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    auto opened = store::open_sqlite((folder_ / "store.sqlite").string());
    if (!opened) std::abort();
    store_ = std::move(*opened);
    table_ = std::make_unique<SessionTable>(store_->sessions(), csrf_, clock_, config::Sessions());
    asio::io_context loop;
    asio::co_spawn(loop, sign_in(), asio::detached);
    loop.run();
  }
  ~World() {
    table_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  const SessionTable& table() const { return *table_; }
  const SessionTable::Issued& issued() const { return issued_; }

 private:
  Task<void> sign_in() {
    store::NewUser wanted;
    wanted.authenticator = "room";
    wanted.subject = "alice";
    wanted.wanted_username = "alice";
    auto entered = co_await store_->users().enter(wanted, true);
    if (!entered) std::abort();
    SessionTable::Issue request;
    request.account = make_account(entered->user, Admitted{{}, false});
    auto issued = co_await table_->issue(std::move(request));
    if (!issued) std::abort();
    issued_ = std::move(*issued);
  }

  std::filesystem::path folder_;
  SystemClock clock_;
  Csrf csrf_{std::string(32, 'k')};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<SessionTable> table_;
  SessionTable::Issued issued_;
};

void by_session(benchmark::State& state) {
  const World world;
  for (auto _ : state) benchmark::DoNotOptimize(world.table().verify(world.issued().secret));
}
BENCHMARK(by_session);

void by_origin_key(benchmark::State& state) {
  const World world;
  const OriginKeys keys(world.table(), std::string(32, 'o'));
  const std::string key = keys.make(*world.issued().session, "alice");
  for (auto _ : state) benchmark::DoNotOptimize(keys.verify(key, "alice"));
}
BENCHMARK(by_origin_key);

}  // namespace
}  // namespace passerelle::auth

BENCHMARK_MAIN();
