#include "spawners/local/supervisor/log_file.hpp"

#include <cstdio>

#include <fcntl.h>

namespace passerelle::spawners::local {
namespace {
constexpr std::size_t kRotateAt = 1U << 20U;
constexpr std::size_t kRemembered = 8U << 10U;
constexpr int kTailLines = 20;
}  // namespace

LogFile::LogFile(std::string path, std::string secret)
    : path_(std::move(path)), secret_(std::move(secret)) {
  rotate();
}

void LogFile::append(std::string_view bytes) {
  recent_.append(bytes);
  if (recent_.size() > 2 * kRemembered) recent_.erase(0, recent_.size() - kRemembered);
  if (size_ + bytes.size() > kRotateAt) rotate();
  size_ += bytes.size();
  while (file_ && !bytes.empty()) {
    const ssize_t put = ::write(file_.get(), bytes.data(), bytes.size());
    if (put <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::string LogFile::tail() const {
  std::string_view text = recent_;
  if (text.size() > kRemembered) {
    text.remove_prefix(text.size() - kRemembered);
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::size_t start = text.size();
  for (int line = 0; line < kTailLines && start != std::string_view::npos; ++line)
    start = start == 0 ? std::string_view::npos : text.rfind('\n', start - 1);
  if (start != std::string_view::npos) text.remove_prefix(start + 1);
  return without_secret(std::string(text));
}

std::string LogFile::without_secret(std::string text) const {
  if (secret_.empty()) return text;
  for (std::size_t at = text.find(secret_); at != std::string::npos; at = text.find(secret_, at))
    text.replace(at, secret_.size(), "...");
  return text;
}

void LogFile::rotate() {
  std::rename(path_.c_str(), (path_ + ".1").c_str());
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
  file_.reset(::open(path_.c_str(), kFlags, 0600));
  size_ = 0;
}

}  // namespace passerelle::spawners::local
