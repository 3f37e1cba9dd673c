// Consumers: the table of config/lti_consumers.hpp, read again when its file changes. A file that
// does not parse leaves the table as it was, and says so in the log once.
#pragma once

#include <memory>
#include <string>

#include "base/task.hpp"
#include "base/worker_pool.hpp"
#include "config/lti_consumers.hpp"

namespace passerelle::auth::lti11 {

using ConsumersPointer = std::shared_ptr<const config::LtiConsumers>;

/// The hub's loop only; files are read on `workers`.
class Consumers {
 public:
  static Result<Consumers> open(std::string path);

  /// As of now: looks at the file first.
  Task<ConsumersPointer> current(WorkerPool& workers);
  /// As last read.
  ConsumersPointer known() const { return table_; }

 private:
  struct Stamp {
    std::int64_t device = 0, inode = 0, size = -1, changed = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct Read {
    Stamp stamp;
    ConsumersPointer table;  ///< Null: as before, or unreadable.
    std::string wrong;
  };
  static Stamp stamp_of(const std::string& path);
  static Read read(const std::string& path, const Stamp& last);

  std::string path_;
  Stamp stamp_;
  ConsumersPointer table_;
};

}  // namespace passerelle::auth::lti11
