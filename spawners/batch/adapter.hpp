// Adapter: one batch system's words. It makes command lines and reads what they print; it runs
// nothing, knows no gateway and keeps no memory, so that the helper can use it too. Another system
// (PBS) is one more file like oar.cpp: docs/spawners/batch.md says what it must define.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "spawners/batch/job.hpp"

namespace passerelle::spawners::batch {

using Jobs = std::vector<Job>;

class Adapter {
 public:
  virtual ~Adapter() = default;
  virtual std::string_view name() const noexcept = 0;

  /// `program` runs in `directory`, which also gets what it prints: `log`. Nothing of the caller's
  /// environment passes.
  virtual Argv submit(const Wish& wish,
                      const std::string& directory,
                      const std::string& program) const = 0;
  virtual Submitted submitted(const Answer& answer) const = 0;

  /// When such a job would start, without submitting it; no command: the system cannot say.
  virtual Argv estimate(const Wish& wish) const = 0;
  virtual Result<Estimate> estimated(const Answer& answer) const = 0;

  /// All jobs of everybody that have not ended, or ended just now. One command whatever their
  /// number. An Error means that nothing is known, never that there are none.
  virtual Argv list() const = 0;
  virtual Result<Jobs> listed(const Answer& answer) const = 0;
  /// Whether the list says all that is known of a job that waits, its predicted start included.
  virtual bool lists_predictions() const noexcept = 0;

  /// More of these jobs, ended ones included. Those that are missing from the answer are unknown to
  /// the system. Several ways to ask may be known: the first that gets an answer counts.
  virtual std::vector<Argv> details(const std::vector<std::string>& ids) const = 0;
  virtual Result<Jobs> detailed(const Answer& answer, std::size_t way) const = 0;

  /// A job by its name, ended or not, as long as the system remembers it.
  virtual Argv find(const std::string& name) const = 0;
  virtual Result<Jobs> found(const Answer& answer) const = 0;

  /// What is free now takes one or several commands.
  virtual std::vector<Argv> census() const = 0;
  /// `answers`: one for each, in that order.
  virtual Result<std::vector<Census>> counted(const std::vector<Answer>& answers) const = 0;

  virtual Argv remove(const std::string& id) const = 0;
  /// To the job's own process. `signal`: "TERM", "USR2".
  virtual Argv signal(const std::string& id, const std::string& signal) const = 0;
};

/// Null when there is none of that name.
const Adapter* adapter_for(std::string_view name);

const Adapter& oar();
const Adapter& slurm();

/// Digits only.
bool is_job_id(std::string_view text) noexcept;

}  // namespace passerelle::spawners::batch
