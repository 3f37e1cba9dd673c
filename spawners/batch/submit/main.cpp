// passerelle-submit: what the gateway runs as somebody else. One JSON document on standard input
// says what to do (order.hpp), one on standard output says what came of it. It takes no arguments,
// so that one line of sudoers names exactly this; it never runs as root or for a system's account,
// and runs nothing but the batch system's commands.
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <iterator>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "spawners/batch/submit/order.hpp"
#include "spawners/batch/submit/run.hpp"

namespace passerelle::spawners::batch::submit {
namespace {

using nlohmann::json;

constexpr uid_t kFirstPerson = 1000;
constexpr std::size_t kMostInput = 1U << 20U;

int refuse(const std::string& why) {
  std::cout << json({{"refused", why}}).dump(-1, ' ', false, json::error_handler_t::replace)
            << '\n';
  return 1;
}

int tell(const Answer& answer, const Argv& argv) {
  const json out = {{"timed_out", answer.timed_out},
                    {"status", answer.status},
                    {"out", answer.out},
                    {"err", answer.err},
                    {"command", argv}};
  std::cout << out.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
  return 0;
}

/// Accounts of the system must not be anybody's: a name from a sign-in page could be "root".
std::string why_not_a_person(const passwd& who) {
  if (who.pw_uid < kFirstPerson) return "is an account of the system";
  for (const char* shell : {"nologin", "false", "sync"})
    if (std::string_view(who.pw_shell).ends_with(std::string("/") + shell)) return "may not log in";
  return {};
}

/// ~/.local/state/passerelle/<launch>, each part ours, none a link.
class Place {
 public:
  static Result<Place> of(const passwd& who, const std::string& launch, bool make) {
    std::string path = who.pw_dir;
    constexpr std::string_view kPlain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./@+-";
    if (path.find_first_not_of(kPlain) != std::string::npos)
      return Error(Errc::invalid, "the home directory has a name that cannot be used");
    for (const std::string& part :
         {std::string(".local"), std::string("state"), std::string("passerelle"), launch}) {
      path += "/" + part;
      if (make && ::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return Error(Errc::unavailable, path + ": " + std::strerror(errno));
      struct stat about{};
      if (::lstat(path.c_str(), &about) != 0) return Error(Errc::not_found, path + " is not there");
      if (!S_ISDIR(about.st_mode) || about.st_uid != who.pw_uid)
        return Error(Errc::forbidden, path + " is no directory of " + who.pw_name);
    }
    if (::chmod(path.c_str(), 0700) != 0) return Error(Errc::unavailable, "cannot close " + path);
    return Place(path);
  }
  const std::string& path() const { return path_; }

  Result<void> write(const std::string& name, const std::string& content, mode_t mode) const {
    const std::string file = path_ + "/" + name;
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) return Error(Errc::unavailable, file + ": " + std::strerror(errno));
    const bool whole =
        ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size());
    const bool closed = ::close(fd) == 0;
    if (whole && closed) return {};
    return Error(Errc::unavailable, file + " cannot be written: is the disk full?");
  }

 private:
  explicit Place(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<void> lay_out(const Place& place, const Order& order) {
  if (auto done = place.write("settings", settings_file(order), 0600); !done) return done;
  if (auto done = place.write("command", command_file(order), 0600); !done) return done;
  for (const auto& [name, content] : order.files)
    if (auto done = place.write(name, content, 0600); !done) return done;
  const auto hidden = order.settings.find("WORMHOLE");
  if (hidden != order.settings.end() && !hidden->second.empty())
    if (auto done = place.write("relay", kRelayScript, 0600); !done) return done;
  return place.write("start", kStartScript, 0700);
}

int submit(const Order& order, const passwd& who) {
  auto place = Place::of(who, order.launch, true);
  if (!place) return refuse(place.error().message());
  if (auto done = lay_out(*place, order); !done) return refuse(done.error().message());
  if (::chdir(place->path().c_str()) != 0) return refuse("cannot enter " + place->path());
  const Argv argv = order.system->submit(order.wish, place->path(), place->path() + "/start");
  return tell(run(argv, {}, order.deadline), argv);
}

/// The last lines of what the job printed.
int read_log(const Order& order, const passwd& who) {
  constexpr off_t kMost = 16384;
  const auto place = Place::of(who, order.launch, false);
  Answer answer;
  if (!place) return tell(answer, {});
  const int fd = ::open((place->path() + "/log").c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return tell(answer, {});
  const off_t size = ::lseek(fd, 0, SEEK_END);
  ::lseek(fd, size > kMost ? size - kMost : 0, SEEK_SET);
  std::array<char, kMost> buffer{};
  const ssize_t count = ::read(fd, buffer.data(), buffer.size());
  ::close(fd);
  if (count > 0) answer.out.assign(buffer.data(), static_cast<std::size_t>(count));
  return tell(answer, {});
}

int clean(const Order& order, const passwd& who) {
  const auto place = Place::of(who, order.launch, false);
  std::error_code ignored;
  if (place) std::filesystem::remove_all(place->path(), ignored);
  return tell({}, {});
}

int carry_out(const Order& order, const passwd& who) {
  switch (order.verb) {
    case Verb::submit:
      return submit(order, who);
    case Verb::log:
      return read_log(order, who);
    case Verb::clean:
      return clean(order, who);
    default:
      break;
  }
  Argv argv;
  if (order.verb == Verb::list) argv = order.system->list();
  if (order.verb == Verb::find) argv = order.system->find(order.name);
  if (order.verb == Verb::remove) argv = order.system->remove(order.job);
  if (order.verb == Verb::estimate) argv = order.system->estimate(order.wish);
  if (order.verb == Verb::signal) argv = order.system->signal(order.job, order.signal);
  if (order.verb == Verb::details || order.verb == Verb::census) {
    const auto ways =
        order.verb == Verb::census ? order.system->census() : order.system->details(order.ids);
    if (order.way >= ways.size()) return refuse("there is no such way to ask");
    argv = ways[order.way];
  }
  if (argv.empty()) return refuse("the batch system has no such command");
  return tell(run(argv, {}, order.deadline), argv);
}

/// On a login node: the account that the gateway comes in with hands on what is somebody else's.
int hand_on(const std::string& text, const std::string& user, std::chrono::seconds deadline) {
  std::error_code error;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe", error).string();
  const Argv argv = {"sudo", "-n", "-u", user, "--", self};
  const Answer answer = run(argv, text, deadline + std::chrono::seconds(2));
  if (answer.timed_out) return tell(answer, {});
  if (answer.out.empty())
    return refuse("sudo: " +
                  (answer.err.empty() ? std::string("no answer") : answer.err.substr(0, 300)));
  std::cout << answer.out;
  return 0;
}

bool is_account(std::string_view name) {
  return !name.empty() && name.size() <= 64 && !name.starts_with('-') &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-@") ==
             std::string_view::npos;
}

/// Who only asks needs no rights: a gateway that runs as root, for other spawners' sake, asks as
/// its own account, or as nobody.
bool give_up_root() {
  if (::geteuid() != 0 && ::getuid() != 0) return true;
  const passwd* account = ::getpwnam("passerelle");
  if (account == nullptr || account->pw_uid == 0) account = ::getpwnam("nobody");
  if (account == nullptr || account->pw_uid == 0) return false;
  const uid_t uid = account->pw_uid;
  const gid_t gid = account->pw_gid;
  if (::initgroups(account->pw_name, gid) != 0 || ::setresgid(gid, gid, gid) != 0 ||
      ::setresuid(uid, uid, uid) != 0)
    return false;
  return ::geteuid() == uid && ::getegid() == gid && ::setuid(0) != 0;
}

int serve() {
  ::umask(077);
  ::signal(SIGPIPE, SIG_IGN);
  std::string text;
  std::istreambuf_iterator<char> in(std::cin);
  for (const std::istreambuf_iterator<char> end; in != end; ++in) {
    text += *in;
    if (text.size() > kMostInput) return refuse("the order is too long");
  }
  const auto order = order_from_json(text);
  if (!order) return refuse(order.error().message());
  const bool asks_only = order->verb == Verb::list || order->verb == Verb::details ||
                         order->verb == Verb::find || order->verb == Verb::census;
  if (asks_only && !give_up_root())
    return refuse("this asks nothing as root, and there is no account 'nobody'");
  const passwd* found = ::getpwuid(::getuid());
  if (found == nullptr) return refuse("who runs this has no account");
  const passwd who = *found;
  if (asks_only) return carry_out(*order, who);
  if (!order->user.empty() && order->user != who.pw_name) {
    if (!is_account(order->user)) return refuse("no account can have such a name");
    return hand_on(text, order->user, order->deadline);
  }
  if (::geteuid() != ::getuid() || ::getuid() == 0) return refuse("this never runs as root");
  if (const std::string why = why_not_a_person(who); !why.empty() && !order->user.empty())
    return refuse(std::string(who.pw_name) + " " + why);
  ::openlog("passerelle-submit", LOG_PID, LOG_AUTH);
  ::syslog(LOG_INFO, "user=%s verb=%d launch=%s job=%s", who.pw_name, static_cast<int>(order->verb),
           order->launch.c_str(), order->job.c_str());
  return carry_out(*order, who);
}

}  // namespace
}  // namespace passerelle::spawners::batch::submit

int main(int count, char** /*arguments*/) {
  using namespace passerelle::spawners::batch::submit;
  if (count > 1) {
    std::cerr << "passerelle-submit takes no arguments; it reads an order from standard input\n";
    return 2;
  }
  try {
    return serve();
  } catch (const std::exception& error) {
    return refuse(error.what());
  }
}
