// Remote: carries out the orders of submit/order.hpp, and one more, without the helper: a batch
// system's own network interface. Answers in the words of the commands, so that the Adapter reads
// both.
#pragma once

#include "base/result.hpp"
#include "spawners/batch/job.hpp"

namespace passerelle::spawners::batch {

class Remote {
 public:
  virtual ~Remote() = default;
  /// `user`: for whom; empty: nobody's question. Takes `limit` at most. Blocks; any thread, several
  /// at once. Errc::timeout and Errc::unavailable: nobody knows what became of it; others: nothing
  /// was done.
  ///
  /// Verbs differ in this: "submit" has no files and no secrets but "fetch", a script that
  /// everybody may read; "proof" reads what that script left in the launch's directory.
  virtual Result<Answer> carry(const nlohmann::json& order,
                               const std::string& user,
                               std::chrono::seconds limit) const = 0;
};

}  // namespace passerelle::spawners::batch
