// Journal: the log of `passerelle proxy`, in configurable-http-proxy's words and form on stdout,
// since programs and people wait for its lines. One write a line; any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/log.hpp"

namespace passerelle::chp {

class Journal {
 public:
  explicit Journal(log::Level least) noexcept : least_(least) {}

  bool tells(log::Level level) const noexcept { return level >= least_; }
  /// "2026-11-22T04:00:00.123Z [ConfigProxy] info: <words, with blanks between>". Control
  /// characters are escaped.
  void write(log::Level level, std::initializer_list<std::string_view> words) const;

 private:
  log::Level least_;
};

}  // namespace passerelle::chp
