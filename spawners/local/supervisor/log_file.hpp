// LogFile: what a server prints, kept in its directory: at most two files of 1 MiB, and the last
// lines in memory for whoever asks why it ended. One thread; a full disk loses lines, never the
// server.
#pragma once

#include <string>
#include <string_view>

#include "spawners/local/descriptor.hpp"

namespace passerelle::spawners::local {

class LogFile {
 public:
  /// `secret` never appears in tail(), even if the server prints it.
  LogFile(std::string path, std::string secret);

  void append(std::string_view bytes);
  /// The last 20 lines, at most 8 KiB.
  std::string tail() const;
  std::string without_secret(std::string text) const;

 private:
  void rotate();

  std::string path_;
  std::string secret_;
  Descriptor file_;
  std::size_t size_ = 0;
  std::string recent_;
};

}  // namespace passerelle::spawners::local
