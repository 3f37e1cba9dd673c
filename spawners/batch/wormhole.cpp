#include "spawners/batch/wormhole.hpp"

#include <atomic>
#include <cstring>
#include <deque>
#include <map>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.hpp"
#include "base/secrets.hpp"
#include "base/task.hpp"
#include "spawners/batch/greeting.hpp"

namespace passerelle::spawners::batch {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using Protocol = asio::local::stream_protocol;
using Socket = Protocol::socket;
using ErrorCode = boost::system::error_code;
using namespace asio::experimental::awaitable_operators;

constexpr std::size_t kMostIdle = 8;        // relays of one launch that wait
constexpr std::size_t kMostClients = 256;   // connections to one server
constexpr std::size_t kMostGreeting = 256;  // relays that have not said who they are
constexpr seconds kGreeting{5};
constexpr seconds kAnswer{2};  // to one byte
constexpr seconds kWaitForRelay{5};
constexpr seconds kTick{1};
constexpr int kTicksBetweenPings = 5;
constexpr seconds kLastBytes{30};  // from the server, once its client says no more
constexpr char kPing = 'p';
constexpr char kStart = 's';

/// A listening socket's file is ours until another process puts its own there.
struct Listening {
  std::string path;
  Protocol::acceptor acceptor;
  ino_t inode = 0;

  bool is_ours() const {
    struct stat about{};
    return ::lstat(path.c_str(), &about) == 0 && about.st_ino == inode;
  }
  void close() {
    ErrorCode ignored;
    if (acceptor.is_open() && is_ours()) ::unlink(path.c_str());
    acceptor.close(ignored);
  }
};
using ListeningPtr = std::shared_ptr<Listening>;

Result<ListeningPtr> listen_at(asio::io_context& loop, const std::string& path) {
  ErrorCode error;
  ::unlink(path.c_str());
  auto made = std::make_shared<Listening>(Listening{path, Protocol::acceptor(loop)});
  made->acceptor.open(Protocol(), error);
  if (!error) made->acceptor.bind(Protocol::endpoint(path), error);
  if (!error) made->acceptor.listen(static_cast<int>(kMostClients), error);
  struct stat about{};
  if (error || ::lstat(path.c_str(), &about) != 0)
    return Error(Errc::unavailable, path + ": " + error.message());
  made->inode = about.st_ino;
  return made;
}

using Link = std::unique_ptr<Socket>;  ///< To a relay

/// What both threads may look at.
struct Sign {
  std::atomic<bool> reachable{false};
};

struct Door {
  Door(asio::io_context& loop, ListeningPtr at) : listening(std::move(at)), arrival(loop) {
    arrival.expires_at(steady_clock::time_point::max());
  }
  std::string launch;
  std::string key_hash;
  ListeningPtr listening;
  std::deque<Link> idle;  ///< The one that answered last is the last
  std::size_t clients = 0;
  asio::steady_timer arrival;  ///< Cancelled when a relay comes, and every tick
  bool closed = false;
  bool pinging = false;
  std::shared_ptr<Sign> sign;
};
using DoorPtr = std::shared_ptr<Door>;

/// One more while it lives.
class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t& count_;
};

Task<Result<bool>> say_and_hear(Socket& relay, char word) {
  ErrorCode error;
  co_await asio::async_write(relay, asio::buffer(&word, 1),
                             asio::redirect_error(asio::use_awaitable, error));
  char heard = 0;
  if (!error)
    co_await asio::async_read(relay, asio::buffer(&heard, 1),
                              asio::redirect_error(asio::use_awaitable, error));
  co_return !error && heard == word;
}

Task<bool> answers(Socket& relay, char word) {
  auto asking = say_and_hear(relay, word);
  const auto answered = co_await with_timeout(std::move(asking), kAnswer, "the relay");
  co_return answered && *answered;
}

/// Until `from` ends, which `to` is told. False when something broke. Keeps bytes only while the
/// receiver is full.
Task<bool> carry_one_way(Socket& from, Socket& to, std::vector<char>& room) {
  ErrorCode error;
  for (;;) {
    co_await from.async_wait(Socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return false;
    const std::size_t count = from.read_some(asio::buffer(room), error);
    if (error == asio::error::would_block) continue;
    if (error == asio::error::eof) break;
    if (error) co_return false;
    std::size_t done = to.write_some(asio::buffer(room.data(), count), error);
    if (error && error != asio::error::would_block) co_return false;
    if (error) done = 0;
    if (done == count) continue;
    const std::string rest(room.data() + done, count - done);
    co_await asio::async_write(to, asio::buffer(rest),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return false;
  }
  to.shutdown(Socket::shutdown_send, error);
  co_return true;
}

Task<void> carry_up(Socket& client, Socket& relay, std::vector<char>& room) {
  const bool orderly = co_await carry_one_way(client, relay, room);
  if (orderly) co_await sleep_for(kLastBytes);
}

Task<void> carry_down(Socket& relay, Socket& client, std::vector<char>& room) {
  (void)co_await carry_one_way(relay, client, room);
}

Task<Result<std::string>> read_head(Socket& relay) {
  std::string head;
  ErrorCode error;
  std::array<char, 1024> some{};
  while (head.find("\r\n\r\n") == std::string::npos) {
    const std::size_t count = co_await relay.async_read_some(
        asio::buffer(some), asio::redirect_error(asio::use_awaitable, error));
    if (error || head.size() + count > kLongestGreeting)
      co_return Error(Errc::invalid, "no greeting");
    head.append(some.data(), count);
  }
  co_return head;
}

}  // namespace

/// All but the map of signs is its thread's own.
struct Wormhole::Inside {
  explicit Inside(std::function<void()> told) : appeared(std::move(told)), room(64U << 10U) {}

  asio::io_context loop{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{loop.get_executor()};
  const std::function<void()> appeared;
  ListeningPtr entrance;
  std::map<std::string, DoorPtr> doors;
  std::vector<char> room;
  std::size_t greeting = 0;
  std::map<std::string, std::shared_ptr<Sign>> signs;  ///< The caller's
  std::thread thread;

  Task<void> receive_relays(ListeningPtr at);
  Task<void> take_in(Socket relay);
  Task<void> receive_clients(DoorPtr door);
  Task<void> serve(DoorPtr door, Socket client);
  Task<Link> take(DoorPtr door);
  Task<void> ping(DoorPtr door);
  Task<void> keep_house();
  void shut(Door& door);
  void start(Task<void> task) { asio::co_spawn(loop, std::move(task), asio::detached); }
};

// Descriptors may run out: then those who come wait.
Task<void> Wormhole::Inside::receive_relays(ListeningPtr at) {
  while (at->acceptor.is_open()) {
    ErrorCode error;
    Socket relay =
        co_await at->acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_await sleep_for(std::chrono::milliseconds(100));
    if (error || greeting >= kMostGreeting) continue;
    start(take_in(std::move(relay)));
  }
}

Task<void> Wormhole::Inside::take_in(Socket relay) {
  const Counted one_more(greeting);
  auto reading = read_head(relay);
  const auto head = co_await with_timeout(std::move(reading), kGreeting, "the greeting");
  const auto greeted = head ? read_greeting(*head) : Result<Greeting>(head.error());
  const auto found = greeted ? doors.find(greeted->launch) : doors.end();
  const bool known = found != doors.end() && !found->second->closed &&
                     secrets::equal(secrets::sha256_hex(greeted->key), found->second->key_hash);
  constexpr int kBad = 400;
  constexpr int kForbidden = 403;
  constexpr int kFull = 503;
  std::string answer;
  if (!greeted)
    answer = refusal(kBad);
  else if (!known)
    answer = refusal(kForbidden);
  else if (found->second->idle.size() >= kMostIdle)
    answer = refusal(kFull);
  const bool welcome_here = answer.empty();
  if (welcome_here) answer = welcome(*greeted);
  if (greeted && !known) log::warn("batch", "a relay was refused", {{"launch", greeted->launch}});
  const DoorPtr door = welcome_here ? found->second : nullptr;
  ErrorCode error;
  co_await asio::async_write(relay, asio::buffer(answer),
                             asio::redirect_error(asio::use_awaitable, error));
  if (error || !door || door->closed) co_return;
  relay.non_blocking(true, error);
  door->idle.push_back(std::make_unique<Socket>(std::move(relay)));
  door->arrival.cancel();
  if (!door->sign->reachable.exchange(true)) appeared();
}

Task<void> Wormhole::Inside::receive_clients(DoorPtr door) {
  while (door->listening->acceptor.is_open()) {
    ErrorCode error;
    Socket client = co_await door->listening->acceptor.async_accept(
        asio::redirect_error(asio::use_awaitable, error));
    if (error) co_await sleep_for(std::chrono::milliseconds(100));
    if (error || door->clients >= kMostClients) continue;
    client.non_blocking(true, error);
    start(serve(door, std::move(client)));
  }
}

/// A relay that answers, waiting for one if need be; null after a while.
Task<Link> Wormhole::Inside::take(DoorPtr door) {
  const auto until = steady_clock::now() + kWaitForRelay;
  while (!door->closed && steady_clock::now() < until) {
    if (!door->idle.empty()) {
      Link link = std::move(door->idle.back());
      door->idle.pop_back();
      const bool here = co_await answers(*link, kStart);
      if (here) co_return link;
      continue;
    }
    ErrorCode ignored;
    co_await door->arrival.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_return Link();
}

Task<void> Wormhole::Inside::serve(DoorPtr door, Socket client) {
  const Counted one_more(door->clients);
  const Link link = co_await take(door);
  if (!link) co_return;
  auto up = carry_up(client, *link, room);
  auto down = carry_down(*link, client, room);
  co_await (std::move(up) || std::move(down));
}

/// The one that has been silent for longest is asked; those that are gone are dropped.
Task<void> Wormhole::Inside::ping(DoorPtr door) {
  door->pinging = true;
  bool lost = false;
  while (!door->idle.empty()) {
    Link link = std::move(door->idle.front());
    door->idle.pop_front();
    const bool here = co_await answers(*link, kPing);
    if (here && !door->closed) {
      door->idle.push_back(std::move(link));
      door->arrival.cancel();
      lost = false;
      break;
    }
    lost = true;
  }
  const bool nobody = door->idle.empty() && (lost || door->clients == 0);
  if (nobody) door->sign->reachable = false;
  door->pinging = false;
}

Task<void> Wormhole::Inside::keep_house() {
  for (int tick = 1;; ++tick) {
    co_await sleep_for(kTick);
    // Another process has taken over: relays go there, what is under way ends here.
    if (entrance->acceptor.is_open() && !entrance->is_ours()) entrance->close();
    for (const auto& [launch, door] : doors) {
      door->arrival.cancel();
      if (!door->closed && !door->listening->is_ours()) shut(*door);
      if (tick % kTicksBetweenPings == 0 && !door->closed && !door->pinging) start(ping(door));
    }
  }
}

void Wormhole::Inside::shut(Door& door) {
  door.closed = true;
  door.listening->close();
  door.idle.clear();
  door.arrival.cancel();
  door.sign->reachable = false;
}

Wormhole::Wormhole(std::string directory, std::function<void()> appeared)
    : directory_(std::move(directory)),
      entrance_(directory_ + "/in.sock"),
      appeared_(std::move(appeared)) {}

Wormhole::~Wormhole() {
  if (!inside_) return;
  inside_->loop.stop();
  inside_->thread.join();
  for (const auto& [launch, door] : inside_->doors) door->listening->close();
  inside_->entrance->close();
}

std::string Wormhole::socket_of(const std::string& launch) const {
  return directory_ + "/" + launch + ".sock";
}

Result<void> Wormhole::begin() {
  auto made = std::make_unique<Inside>(appeared_);
  auto listening = listen_at(made->loop, entrance_);
  if (!listening) return std::move(listening).error();
  made->entrance = std::move(*listening);
  made->start(made->receive_relays(made->entrance));
  made->start(made->keep_house());
  inside_ = std::move(made);
  inside_->thread = std::thread([inside = inside_.get()] { inside->loop.run(); });
  return {};
}

Result<void> Wormhole::open(const std::string& launch, const std::string& key_hash) {
  if (!inside_)
    if (auto begun = begin(); !begun) return begun;
  if (inside_->signs.contains(launch)) return {};
  auto listening = listen_at(inside_->loop, socket_of(launch));
  if (!listening) return std::move(listening).error();
  auto door = std::make_shared<Door>(inside_->loop, std::move(*listening));
  door->launch = launch;
  door->key_hash = key_hash;
  door->sign = std::make_shared<Sign>();
  inside_->signs[launch] = door->sign;
  asio::post(inside_->loop, [inside = inside_.get(), door] {
    inside->doors[door->launch] = door;
    inside->start(inside->receive_clients(door));
  });
  return {};
}

void Wormhole::close(const std::string& launch) {
  if (!inside_ || inside_->signs.erase(launch) == 0) return;
  asio::post(inside_->loop, [inside = inside_.get(), launch] {
    const auto found = inside->doors.find(launch);
    if (found == inside->doors.end()) return;
    inside->shut(*found->second);
    inside->doors.erase(found);
  });
}

bool Wormhole::reachable(const std::string& launch) const {
  if (!inside_) return false;
  const auto found = inside_->signs.find(launch);
  return found != inside_->signs.end() && found->second->reachable;
}

}  // namespace passerelle::spawners::batch
