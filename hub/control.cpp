#include "hub/control.hpp"

#include <cerrno>
#include <cstring>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.hpp"
#include "base/text.hpp"
#include "hub/people.hpp"
#include "hub/status.hpp"

namespace passerelle::hub {
namespace {

constexpr std::string_view kName = "control.sock";
constexpr int kMostTalking = 16;
constexpr std::size_t kLongestQuestion = 4096;

/// A socket's address has room for 107 bytes and a data_dir may be longer: it is named by its
/// descriptor.
class Folder {
 public:
  explicit Folder(const std::string& path)
      : fd_(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}
  ~Folder() {
    if (fd_ >= 0) close(fd_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path() const {
    return "/proc/self/fd/" + std::to_string(fd_) + "/" + std::string(kName);
  }
  int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

std::uint64_t inode_of(const std::string& path) {
  struct stat about{};
  return stat(path.c_str(), &about) == 0 ? about.st_ino : 0;
}

void tell_and_close(asio::local::stream_protocol::socket& client, const std::string& document) {
  boost::system::error_code gone;
  client.native_non_blocking(false, gone);
  send(client.native_handle(), document.data(), document.size(), MSG_NOSIGNAL);
  client.close(gone);
}

Error cannot(const std::string& what) {
  return {Errc::unavailable, what + ": " + std::strerror(errno)};
}

}  // namespace

Control::Control(Parts& parts,
                 const Predecessors& predecessors,
                 asio::local::stream_protocol::acceptor acceptor,
                 Replace replace)
    : parts_(parts),
      predecessors_(predecessors),
      acceptor_(std::move(acceptor)),
      replace_(std::move(replace)),
      inode_(inode_of(parts.settings.data_dir + "/" + std::string(kName))) {}

Control::~Control() {
  const std::string path = parts_.settings.data_dir + "/" + std::string(kName);
  if (inode_ != 0 && inode_of(path) == inode_) unlink(path.c_str());
}

Result<std::unique_ptr<Control>> Control::make(Parts& parts,
                                               const Predecessors& predecessors,
                                               Replace replace) {
  const Folder folder(parts.settings.data_dir);
  unlinkat(folder.fd(), std::string(kName).c_str(), 0);
  boost::system::error_code failed;
  asio::local::stream_protocol::acceptor acceptor(parts.loop);
  acceptor.open(asio::local::stream_protocol(), failed);
  if (!failed) {
    const mode_t before = umask(0177);  // before the socket is there, so that nobody is quicker
    acceptor.bind(asio::local::stream_protocol::endpoint(folder.path()), failed);
    umask(before);
  }
  if (!failed) acceptor.listen(kMostTalking, failed);
  if (failed) return Error(Errc::unavailable, "no control socket: " + failed.message());
  return std::unique_ptr<Control>(
      new Control(parts, predecessors, std::move(acceptor), std::move(replace)));
}

Task<void> Control::serve() {
  for (;;) {
    boost::system::error_code failed;
    Socket client =
        co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failed));
    if (failed == asio::error::operation_aborted) co_return;
    if (failed) {  // no descriptor is left, say: later, not at once again
      co_await sleep_for(seconds(1));
      continue;
    }
    if (talking_ >= kMostTalking) continue;
    ++talking_;
    asio::co_spawn(parts_.loop, talk(std::make_shared<Socket>(std::move(client))), asio::detached);
  }
}

Task<void> Control::talk(std::shared_ptr<Socket> client) {
  asio::steady_timer patience(parts_.loop, seconds(10));
  patience.async_wait([client](const boost::system::error_code& over) {
    if (!over) client->close();
  });
  boost::system::error_code failed;
  std::string question;
  auto into = asio::dynamic_buffer(question, kLongestQuestion);
  const std::size_t size = co_await asio::async_read_until(
      *client, into, '\n', asio::redirect_error(asio::use_awaitable, failed));
  if (!failed) question.resize(size - 1);
  const bool replaces = question == "upgrade" || question == "reload";
  if (!failed && replaces) {
    patience.cancel();
    Tell tell = [client](const std::string& document) { tell_and_close(*client, document); };
    replace_(std::move(question), std::move(tell));
  }
  if (!failed && !replaces) {
    const bool of_user = question.starts_with("user ");
    std::string answer;
    if (of_user)
      answer = co_await user_command(parts_, question.substr(5));
    else
      answer = co_await status_report(parts_, predecessors_, question);
    const auto bytes = asio::buffer(answer);
    co_await asio::async_write(*client, bytes, asio::redirect_error(asio::use_awaitable, failed));
  }
  --talking_;
}

Result<std::string> ask_gateway(const std::string& data_dir, const std::string& question) {
  const Folder folder(data_dir);
  if (folder.fd() < 0) return cannot(data_dir);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder.path();
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return cannot("no socket");
  std::string answer;
  const std::string line = question + "\n";
  bool good = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (!good && (errno == ENOENT || errno == ECONNREFUSED)) errno = ESRCH;
  good =
      good && send(fd, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size());
  char room[65536];
  for (ssize_t got = 1; good && got > 0;) {
    got = recv(fd, room, sizeof room, 0);
    good = got >= 0;
    if (got > 0) answer.append(room, static_cast<std::size_t>(got));
  }
  const int why = errno;
  close(fd);
  errno = why;
  if (!good && why == ESRCH) return Error(Errc::unavailable, "no gateway runs on " + data_dir);
  if (!good) return cannot("the gateway on " + data_dir);
  return answer;
}

}  // namespace passerelle::hub
