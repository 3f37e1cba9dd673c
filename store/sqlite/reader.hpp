// Reader: one read-only connection on a thread of its own. WAL lets it read while the writer
// writes; each read sees every write that returned before it was asked.
#pragma once

#include <memory>

#include "base/worker_pool.hpp"
#include "store/sqlite/database.hpp"

namespace passerelle::store::sqlite {

class Reader {
 public:
  explicit Reader(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  /// Runs `work(Database&)`, which gives a Result<T>, and resumes the caller on its own executor.
  template <class Work>
  Task<std::invoke_result_t<Work, Database&>> run(Work work) {
    return pool_.run([this, job = std::move(work)]() mutable { return guarded(*database_, job); });
  }

 private:
  std::unique_ptr<Database> database_;
  WorkerPool pool_{1, 8192};  // one thread, as the connection wants; ends before the connection
};

}  // namespace passerelle::store::sqlite
