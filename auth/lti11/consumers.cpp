#include "auth/lti11/consumers.hpp"

#include <sys/stat.h>

#include "base/log.hpp"

namespace passerelle::auth::lti11 {

Consumers::Stamp Consumers::stamp_of(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return {};
  constexpr std::int64_t kNanos = 1'000'000'000;
  return {static_cast<std::int64_t>(about.st_dev), static_cast<std::int64_t>(about.st_ino),
          about.st_size, about.st_mtim.tv_sec * kNanos + about.st_mtim.tv_nsec};
}

// The stamp is taken first: what is written meanwhile is read the next time.
Consumers::Read Consumers::read(const std::string& path, const Stamp& last) {
  Read outcome;
  outcome.stamp = stamp_of(path);
  if (outcome.stamp == last) return outcome;
  auto table = config::read_lti_consumers(path);
  if (table)
    outcome.table = std::make_shared<const config::LtiConsumers>(std::move(*table));
  else
    outcome.wrong = table.error().message();
  return outcome;
}

Result<Consumers> Consumers::open(std::string path) {
  Consumers consumers;
  Read first = read(path, Stamp{});
  if (!first.table)
    return Error(Errc::invalid, first.wrong.empty() ? path + ": cannot be read" : first.wrong);
  consumers.path_ = std::move(path);
  consumers.stamp_ = first.stamp;
  consumers.table_ = std::move(first.table);
  return consumers;
}

Task<ConsumersPointer> Consumers::current(WorkerPool& workers) {
  std::function<Result<Read>()> work = [path = path_, last = stamp_]() -> Result<Read> {
    return read(path, last);
  };
  auto outcome = co_await workers.run(std::move(work));
  if (!outcome || outcome->stamp == stamp_) co_return table_;
  stamp_ = outcome->stamp;
  if (outcome->table) {
    table_ = std::move(outcome->table);
    log::info("lti11", "read the consumers again",
              {{"file", path_}, {"consumers", table_->size()}});
  } else {
    log::error("lti11", "the consumers stay as they were: their file is wrong",
               {{"file", path_}, {"why", outcome->wrong}});
  }
  co_return table_;
}

}  // namespace passerelle::auth::lti11
