// Marks: where each value of the file stood, so that a check of the finished Settings can still
// name line and column.
#pragma once

#include <map>
#include <string>

#include "config/problem.hpp"

namespace passerelle::config {

/// By the value's path: "profiles[0].spawner". What was not written has no mark.
class Marks {
 public:
  void set(const std::string& path, Mark mark) { marks_[path] = mark; }
  bool has(const std::string& path) const { return marks_.contains(path); }

  /// The value's mark, or that of the nearest section around it.
  Mark of(std::string path) const {
    for (;;) {
      const auto found = marks_.find(path);
      if (found != marks_.end()) return found->second;
      const std::size_t cut = path.find_last_of(".[");
      if (cut == std::string::npos) return {1, 1};
      path.resize(cut);
    }
  }

 private:
  std::map<std::string, Mark> marks_;
};

}  // namespace passerelle::config
