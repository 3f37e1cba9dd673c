// A table in a file that is read again when the file changes. A file that does not parse leaves the
// table as it was, and says so in the log once.
#pragma once

#include <memory>
#include <string>

#include <sys/stat.h>

#include "base/log.hpp"
#include "base/task.hpp"
#include "base/worker_pool.hpp"

namespace passerelle::auth::lti {

/// The hub's loop only; files are read on the workers.
template <class Table>
class Watched {
 public:
  using Pointer = std::shared_ptr<const Table>;
  using ReadTable = Result<Table> (*)(const std::string& path);

  /// `what`: for the log, "consumers". Errc::invalid when the file does not parse now.
  static Result<Watched> open(std::string path, std::string what, ReadTable read_table) {
    Watched watched;
    watched.path_ = std::move(path);
    watched.what_ = std::move(what);
    watched.read_table_ = read_table;
    Read first = read(watched.path_, Stamp{}, read_table);
    if (!first.table)
      return Error(Errc::invalid,
                   first.wrong.empty() ? watched.path_ + ": cannot be read" : first.wrong);
    watched.stamp_ = first.stamp;
    watched.table_ = std::move(first.table);
    return watched;
  }

  /// As of now: looks at the file first.
  Task<Pointer> current(WorkerPool& workers) {
    std::function<Result<Read>()> work = [path = path_, last = stamp_,
                                          read_table = read_table_]() -> Result<Read> {
      return read(path, last, read_table);
    };
    auto outcome = co_await workers.run(std::move(work));
    if (!outcome || outcome->stamp == stamp_) co_return table_;
    stamp_ = outcome->stamp;
    if (outcome->table) {
      table_ = std::move(outcome->table);
      log::info("lti", "read the " + what_ + " again",
                {{"file", path_}, {"entries", table_->size()}});
    } else {
      log::error("lti", "the " + what_ + " stay as they were: their file is wrong",
                 {{"file", path_}, {"why", outcome->wrong}});
    }
    co_return table_;
  }

  /// As last read.
  Pointer known() const { return table_; }

 private:
  struct Stamp {
    std::int64_t device = 0, inode = 0, size = -1, changed = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct Read {
    Stamp stamp;
    Pointer table;  ///< Null: as before, or unreadable.
    std::string wrong;
  };

  static Stamp stamp_of(const std::string& path) {
    struct stat about{};
    if (::stat(path.c_str(), &about) != 0) return {};
    constexpr std::int64_t kNanos = 1'000'000'000;
    return {static_cast<std::int64_t>(about.st_dev), static_cast<std::int64_t>(about.st_ino),
            about.st_size, about.st_mtim.tv_sec * kNanos + about.st_mtim.tv_nsec};
  }

  // The stamp is taken first: what is written meanwhile is read the next time.
  static Read read(const std::string& path, const Stamp& last, ReadTable read_table) {
    Read outcome;
    outcome.stamp = stamp_of(path);
    if (outcome.stamp == last) return outcome;
    auto table = read_table(path);
    if (table)
      outcome.table = std::make_shared<const Table>(std::move(*table));
    else
      outcome.wrong = table.error().message();
    return outcome;
  }

  std::string path_;
  std::string what_;
  ReadTable read_table_ = nullptr;
  Stamp stamp_;
  Pointer table_;
};

}  // namespace passerelle::auth::lti
