#include "store/sqlite/writer.hpp"

#include "base/log.hpp"

namespace passerelle::store::sqlite {
namespace {

constexpr std::size_t kLongestQueue = 8192;
constexpr std::size_t kLargestGroup =
    1024;  // bounds how long the first of a group waits for the last

}  // namespace

Writer::Writer(std::unique_ptr<Database> database, Backlog& backlog, Delays delays)
    : database_(std::move(database)),
      backlog_(backlog),
      delays_(delays),
      thread_([this] { work(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Writer::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() < kLongestQueue) {
      queue_.push_back(std::move(job));
      wake_.notify_one();
      return;
    }
  }
  job.refuse(Error(Errc::exhausted, "too many writes wait for the database"));
  job.resume();
}

void Writer::note_backlog() {
  const std::lock_guard lock(mutex_);
  if (due_) return;
  due_ = std::chrono::steady_clock::now() + delays_.batch;
  wake_.notify_one();
}

void Writer::work() {
  for (bool last = false; !last;) {
    Group group = next_group(last);
    const bool durable = !group.empty();
    if (!last) run_group(std::move(group), durable);
  }
  write_rest();
}

void Writer::write_rest() {
  do {
    if (!backlog_.empty()) run_group({}, true);
  } while (!backlog_.empty() && writable_);
}

/// Waits for jobs, for the backlog's time, or for the end; an empty group means one of the latter
/// two.
Writer::Group Writer::next_group(bool& last) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return stopping_ || !queue_.empty(); };
  while (!ready()) {
    if (!due_)
      wake_.wait(lock, [&] { return ready() || due_; });
    else if (wake_.wait_until(lock, *due_) == std::cv_status::timeout)
      break;
  }
  due_.reset();  // whatever is in the backlog rides along now
  Group group;
  while (!queue_.empty() && group.size() < kLargestGroup) {
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  last = stopping_ && group.empty();
  return group;
}

void Writer::run_group(Group group, bool durable) {
  const std::optional<Error> failed = commit(group, durable);
  backlog_.settle(!failed);
  note_outcome(failed);
  if (!failed) writes_ += group.size();
  for (const Job& job : group) {
    // The whole group: one that was refused for a neighbour's sake must not keep that answer when
    // both are undone.
    if (failed) job.refuse(*failed);
    job.resume();
  }
}

std::optional<Error> Writer::commit(Group& group, bool durable) try {
  // After a failure every try syncs: without, a disk that only refuses fsync would look healed.
  database_->execute(durable || !writable_ ? "PRAGMA synchronous=FULL"
                                           : "PRAGMA synchronous=NORMAL");
  database_->execute("BEGIN IMMEDIATE");
  backlog_.apply(*database_);  // first: a clean-up of idle sessions must see the latest activity
  // After a failure something must be written to learn that writing works again.
  if (!writable_) Query(*database_, "UPDATE health SET written = written + 1").run();
  for (Job& job : group) run_one(job);
  database_->execute("COMMIT");
  return std::nullopt;
} catch (const SQLite::Exception& thrown) {
  roll_back();
  return to_error(thrown);
} catch (const std::exception& thrown) {
  roll_back();
  return Error(Errc::internal, std::string("store: ") + thrown.what());
}

void Writer::run_one(Job& job) {
  Query(*database_, "SAVEPOINT one").run();
  bool keep = false;
  try {
    keep = job.run(*database_);
  } catch (const SQLite::Exception& thrown) {
    if (is_storage_failure(thrown)) throw;
    job.refuse(to_error(thrown));
  } catch (const std::exception& thrown) {
    job.refuse(Error(Errc::internal, std::string("store: ") + thrown.what()));
  }
  if (!keep) Query(*database_, "ROLLBACK TO one").run();
  Query(*database_, "RELEASE one").run();
}

void Writer::roll_back() noexcept {
  try {
    if (database_->in_transaction()) database_->execute("ROLLBACK");
  } catch (const SQLite::Exception& thrown) {
    log::error("store", "the database cannot roll back", {{"reason", thrown.what()}});
  }
}

void Writer::note_outcome(const std::optional<Error>& failed) {
  const bool was_writable = writable_.exchange(!failed);
  if (failed) {
    ++failures_;
    if (was_writable)
      log::error("store", "the database cannot be written; trying again",
                 {{"reason", failed->message()}});
  } else {
    ++transactions_;
    if (!was_writable) log::info("store", "the database can be written again");
  }
  const std::lock_guard lock(mutex_);
  if (failed)
    due_ = std::chrono::steady_clock::now() + delays_.retry;
  else if (!due_ && !backlog_.empty())
    due_ = std::chrono::steady_clock::now();  // it holds more than one transaction takes
}

}  // namespace passerelle::store::sqlite
