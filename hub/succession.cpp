// App, as it hands over to another process: a newer program, or a new configuration. In short:
// the other one gets ready beside us; we come to rest; it takes copies of the sockets and of what
// only memory knows, and opens the database; from one message on it is the gateway. Until then
// anything that goes wrong leaves us as we were.
//
// At rest means that the hub's loop does not run: each launch, stop and request to the hub stands
// still at some co_await, as if the process had been killed there. That is what the journal and
// Launcher::restore() are made for, so the successor adopts all of it in the way that a restart
// does, and there is one writer at each moment.
#include <latch>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <unistd.h>

#include "base/log.hpp"
#include "hub/answers.hpp"
#include "hub/app.hpp"
#include "hub/succession/afterlife.hpp"
#include "hub/succession/notify.hpp"

namespace passerelle::hub {
namespace {

constexpr seconds kReadyWithin{60};
constexpr seconds kTakeOverWithin{30};     // a migration of the database included
constexpr milliseconds kRestWithin{1500};  // above what an API call waits for a quick server
constexpr milliseconds kFinishedWithin{10'000};
constexpr seconds kDrain{std::chrono::hours(12)};

/// What the command is answered.
std::string said(const Error& why) {
  return Json{{"failed", why.message()}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Task<void> App::listen_to_signals() {
  asio::signal_set signals(loop_, SIGUSR2);
  for (;;) {
    co_await signals.async_wait(asio::use_awaitable);
    asio::co_spawn(loop_, replace("upgrade", [](const std::string&) {}), asio::detached);
  }
}

Task<void> App::replace(std::string what, Control::Tell tell) {
  if (replacement_) {
    tell(said(Error(Errc::conflict, "another upgrade or reload is under way")));
    co_return;
  }
  replacement_.emplace(Replacement{what, std::move(tell), {}, std::nullopt});
  log::info("succession", "another process is to take over", {{"why", what}});
  auto successor = co_await find_successor(what == "upgrade");
  if (!successor) {
    resume(successor.error());
    co_return;
  }
  auto rests = co_await come_to_rest();
  if (!rests) {
    proxy_->go_on();
    resume(rests.error());
    co_return;
  }
  replacement_->successor.emplace(std::move(*successor));
  loop_.stop();  // run() goes on
}

/// An upgrade runs what stands at our place by now; a reload runs what we are, even if that was
/// replaced or removed.
Task<Result<Successor>> App::find_successor(bool upgrade) {
  if (getpid() == 1)
    co_return Error(Errc::invalid,
                    "we are process 1 of a container, which ends with us: start another container");
  if (!upgrade && !origin_.program.has_file)
    co_return Error(Errc::invalid, "there is no configuration file to read again");
  const std::string path = upgrade ? origin_.program.path : "/proc/self/exe";
  auto started = Successor::start(path, origin_.program, settings_.data_dir);
  if (!started) co_return std::move(started).error();
  auto ready = co_await started->until_ready(kReadyWithin);
  if (!ready) co_return std::move(ready).error();
  co_return std::move(*started);
}

/// Nothing new begins, what the hub is doing for somebody ends if it ends soon, and what is only in
/// memory is written.
Task<Result<void>> App::come_to_rest() {
  proxy_->hold();
  const auto deadline = std::chrono::steady_clock::now() + kRestWithin;
  while (desk_->under_way() > 0 && std::chrono::steady_clock::now() < deadline)
    co_await sleep_for(milliseconds(2));
  co_await launcher_->save_activity();
  (void)co_await sessions_->sweep();
  (void)co_await tokens_->sweep();
  auto users = co_await store_->users().all();
  if (!users) co_return std::move(users).error();
  replacement_->rights = rights_in_use(*users, *sessions_, *tokens_);
  co_return Result<void>();
}

/// While the loop stands still: what was given to other threads is done, so that nothing of ours
/// happens any more. False if it takes too long.
bool App::finish_writing() {
  const auto left = std::make_shared<std::size_t>(kWorkers + 1);  // may outlive this call
  const auto all_busy = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(kWorkers));
  const auto count = [left](const std::exception_ptr&, const Result<void>&) { --*left; };
  for (std::size_t worker = 0; worker < kWorkers; ++worker) {
    // Each worker comes to one of these, and waits there, when it has nothing else to do.
    std::function<Result<void>()> meet = [all_busy] {
      all_busy->arrive_and_wait();
      return Result<void>();
    };
    asio::co_spawn(aside_, workers_.run(std::move(meet)), count);
  }
  // A write that changes nothing: it comes behind all others, and takes the batched ones along.
  asio::co_spawn(aside_, store_->sessions().erase("none"), count);
  aside_.restart();
  aside_.run_for(kFinishedWithin);
  return *left == 0;
}

/// No coroutine runs while this does.
Result<Link> App::hand_over() {
  if (!finish_writing())
    return Error(Errc::exhausted, "something takes too long to be finished first; try again");
  Legacy legacy;
  legacy.sockets = proxy_->sockets();
  legacy.predecessors = predecessors_->links();
  legacy.ticket_keys = certificates_->ticket_keys();
  if (auto given = replacement_->successor->give(legacy, kTakeOverWithin); !given)
    return given.error();
  return replacement_->successor->commit();
}

/// Everything is as it was.
void App::resume(const Error& why) {
  log::error("succession", "no other process takes over; this one goes on",
             {{"why", why.message()}});
  const Control::Tell tell = std::move(replacement_->tell);
  const bool rested = replacement_->successor.has_value();
  replacement_.reset();  // ends the other process
  if (rested) {
    proxy_->go_on();
    loop_.restart();
  }
  tell(said(why));
}

void App::live_on(Link link) {
  const Successor& successor = *replacement_->successor;
  proxy_->hand_over(relay_routes(settings_));
  desk_->close();
  services_->leave();
  notify_service_manager("MAINPID=" + std::to_string(successor.pid()));
  replacement_->tell(Json{{"process", successor.pid()}, {"version", successor.version()}}.dump());
  log::info("succession", "another process has taken over",
            {{"process", successor.pid()}, {"connections", proxy_->counters().connections}});
  control_->leave_file();
  loop_.end();
  control_.reset();
  predecessors_->leave();
  Afterlife(std::move(link), *proxy_, routes_, std::move(replacement_->rights), kDrain).run();
  services_->finish_leaving();
  log::flush();
  // Not by way of destructors: all that they would put in order is the successor's.
  _exit(0);
}

}  // namespace passerelle::hub
