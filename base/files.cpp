#include "base/files.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace passerelle::files {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Error failed(const std::string& what, const std::string& path) {
  const int code = errno;
  const Errc kind = code == ENOENT                    ? Errc::not_found
                    : code == EACCES || code == EPERM ? Errc::forbidden
                                                      : Errc::unavailable;
  return Error(kind, what + " " + path + ": " + std::generic_category().message(code));
}

}  // namespace

Result<std::string> read(const std::string& path, std::size_t most) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failed("cannot read", path);
  std::string content;
  std::string chunk(64U << 10U, '\0');
  for (;;) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("cannot read", path);
    if (got == 0) return content;
    content.append(chunk, 0, static_cast<std::size_t>(got));
    if (content.size() > most) return Error(Errc::exhausted, path + " is larger than it may be");
  }
}

Result<void> write_durable(const std::string& path, std::string_view content, mode_t mode) {
  const std::string beside = path + ".new";
  {
    const Descriptor file(
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (file.get() < 0) return failed("cannot write", beside);
    while (!content.empty()) {
      const ssize_t put = ::write(file.get(), content.data(), content.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return failed("cannot write", beside);
      content.remove_prefix(static_cast<std::size_t>(put));
    }
    if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0)
      return failed("cannot write", beside);
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return failed("cannot rename to", path);
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const Descriptor directory(
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return failed("cannot sync", parent);
  return {};
}

Result<void> make_directory(const std::string& path, mode_t mode) {
  const std::filesystem::path target(path);
  std::error_code error;
  if (target.has_parent_path()) std::filesystem::create_directories(target.parent_path(), error);
  if (error)
    return Error(Errc::unavailable,
                 "cannot make " + target.parent_path().string() + ": " + error.message());
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return failed("cannot make", path);
  return {};
}

}  // namespace passerelle::files
