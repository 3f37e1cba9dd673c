// Slurm by its command line: sbatch, squeue, scancel, sacct where there is accounting, else
// scontrol. Times are read as seconds since the epoch (SLURM_TIME_FORMAT, set by the helper).
// Checked with 22.05.
#include <charconv>

#include "base/text.hpp"
#include "spawners/batch/adapter.hpp"

namespace passerelle::spawners::batch {
namespace {

constexpr const char* kColumns = "%i|%T|%B|%S|%e|%r|%u|%j";  // the name last: it may hold anything
constexpr std::size_t kColumnCount = 8;

std::optional<TimePoint> time_of(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds <= 0) return std::nullopt;
  return TimePoint(std::chrono::seconds(seconds));
}

struct Meaning {
  std::string_view word;
  Job::State state;
  Job::End end;
};

constexpr Meaning kMeanings[] = {
    {"PENDING", Job::State::queued, Job::End::none},
    {"CONFIGURING", Job::State::starting, Job::End::none},
    {"RUNNING", Job::State::running, Job::End::none},
    {"SUSPENDED", Job::State::paused, Job::End::none},
    {"STOPPED", Job::State::paused, Job::End::none},
    {"COMPLETING", Job::State::stopping, Job::End::none},
    {"STAGE_OUT", Job::State::stopping, Job::End::none},
    {"SIGNALING", Job::State::running, Job::End::none},
    {"COMPLETED", Job::State::ended, Job::End::normal},
    {"FAILED", Job::State::ended, Job::End::normal},
    {"CANCELLED", Job::State::ended, Job::End::stopped},
    {"REVOKED", Job::State::ended, Job::End::stopped},
    {"TIMEOUT", Job::State::ended, Job::End::walltime},
    {"DEADLINE", Job::State::ended, Job::End::walltime},
    {"NODE_FAIL", Job::State::ended, Job::End::node_lost},
    {"BOOT_FAIL", Job::State::ended, Job::End::node_lost},
    {"LAUNCH_FAILED", Job::State::ended, Job::End::node_lost},
    {"OUT_OF_MEMORY", Job::State::ended, Job::End::out_of_memory},
    {"PREEMPTED", Job::State::ended, Job::End::preempted},
};

/// "CANCELLED by 1001" is CANCELLED.
void read_state(std::string_view text, Job& job) {
  const std::string_view word = text.substr(0, text.find(' '));
  for (const Meaning& one : kMeanings) {
    if (one.word != word) continue;
    job.state = one.state;
    job.end = one.end;
  }
  constexpr std::string_view kBy = " by ";
  const std::size_t by = text.find(kBy);
  if (by != std::string_view::npos) job.by = text.substr(by + kBy.size());
}

/// "3:0" ends with 3, "0:9" by signal 9.
std::optional<int> exit_code_of(std::string_view text) {
  int code = 0;
  int signal = 0;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::from_chars(text.data(), text.data() + colon, code);
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), signal);
  constexpr int kSignalled = 128;
  return signal != 0 ? kSignalled + signal : code;
}

Error silence(std::string_view program, const Answer& answer) {
  if (answer.timed_out) return {Errc::timeout, std::string(program) + " did not answer"};
  return {Errc::unavailable,
          std::string(program) + ": " + std::string(text::trim(answer.err).substr(0, 300))};
}

/// Why it waits, in words; Slurm's own word where there is nothing better to say.
std::string reason_of(std::string_view word) {
  if (word == "None" || word == "(null)") return {};
  return std::string(word);
}

Jobs listed_jobs(const std::string& out) {
  Jobs jobs;
  for (std::string_view line : text::split(out, '\n')) {
    std::vector<std::string_view> columns;
    while (columns.size() + 1 < kColumnCount && line.find('|') != std::string_view::npos) {
      columns.push_back(line.substr(0, line.find('|')));
      line.remove_prefix(line.find('|') + 1);
    }
    columns.push_back(line);
    if (columns.size() != kColumnCount || !is_job_id(columns[0])) continue;
    Job job;
    job.id = columns[0];
    read_state(columns[1], job);
    const bool placed = columns[2] != "n/a" && columns[2] != "(null)";
    if (placed) job.host = columns[2];
    (job.state == Job::State::queued ? job.predicted : job.started) = time_of(columns[3]);
    if (job.state != Job::State::queued) job.ends = time_of(columns[4]);
    job.reason = reason_of(columns[5]);
    if (job.state == Job::State::queued && columns[5].starts_with("JobHeld"))
      job.state = Job::State::held;
    job.owner = columns[6];
    job.name = columns[7];
    jobs.push_back(std::move(job));
  }
  return jobs;
}

/// sacct -P: JobIDRaw|State|ExitCode|User|Reason|JobName
Jobs accounted_jobs(const std::string& out) {
  constexpr std::size_t kFields = 6;
  Jobs jobs;
  for (const std::string_view line : text::split(out, '\n')) {
    const auto fields = text::split(line, '|');
    if (fields.size() < kFields || !is_job_id(fields[0])) continue;
    Job job;
    job.id = fields[0];
    read_state(fields[1], job);
    job.exit_code = exit_code_of(fields[2]);
    job.owner = fields[3];
    job.reason = reason_of(fields[4]);
    job.name = fields[5];
    jobs.push_back(std::move(job));
  }
  return jobs;
}

std::string_view field_of(std::string_view record, std::string_view key) {
  const std::string wanted = std::string(key) + "=";
  for (std::string_view word : text::split(record, ' '))
    if (word.starts_with(wanted)) return word.substr(wanted.size());
  return {};
}

/// scontrol -o show jobs: one record a line.
Jobs shown_jobs(const std::string& out) {
  Jobs jobs;
  for (const std::string_view line : text::split(out, '\n')) {
    Job job;
    job.id = field_of(line, "JobId");
    if (!is_job_id(job.id)) continue;
    job.name = field_of(line, "JobName");
    read_state(field_of(line, "JobState"), job);
    const std::string_view user = field_of(line, "UserId");
    job.owner = user.substr(0, user.find('('));
    job.exit_code = exit_code_of(field_of(line, "ExitCode"));
    job.reason = reason_of(field_of(line, "Reason"));
    jobs.push_back(std::move(job));
  }
  return jobs;
}

/// "main|3/5/0/8": allocated, idle, other (down, drained), all.
std::vector<Census> partitions(const std::string& out) {
  constexpr std::size_t kCounts = 4;
  std::vector<Census> all;
  for (const std::string_view line : text::split(out, '\n')) {
    const std::size_t bar = line.find('|');
    if (bar == std::string_view::npos) continue;
    const auto counts = text::split(line.substr(bar + 1), '/');
    if (counts.size() != kCounts) continue;
    const auto number = [&](std::size_t which) {
      std::uint64_t value = 0;
      std::from_chars(counts[which].data(), counts[which].data() + counts[which].size(), value);
      return value;
    };
    all.push_back({std::string(line.substr(0, bar)), number(1), number(0) + number(1)});
  }
  return all;
}

/// What it said to people, without what it says before each line.
std::string words_of_sbatch(const std::string& err) {
  constexpr std::size_t kLongest = 500;
  std::string words;
  for (std::string_view line : text::split(err, '\n')) {
    line = text::trim(line);
    for (const std::string_view before :
         {"sbatch: ", "error: ", "Batch job submission failed: ", "allocation failure: "})
      if (line.starts_with(before)) line.remove_prefix(before.size());
    if (!line.empty()) words += (words.empty() ? "" : ". ") + std::string(line);
  }
  return words.substr(0, kLongest);
}

bool is_about_the_connection(const std::string& words) {
  return words.find("timed out") != std::string::npos ||
         words.find("Unable to contact") != std::string::npos;
}

/// "sbatch: Job 7 to start at 1795368909 using 1 processors on nodes sln1 in partition main"
std::optional<TimePoint> planned_start(const std::string& err) {
  constexpr std::string_view kBefore = " to start at ";
  const std::size_t at = err.find(kBefore);
  if (at == std::string::npos) return std::nullopt;
  const std::string_view rest = std::string_view(err).substr(at + kBefore.size());
  return time_of(rest.substr(0, rest.find_first_of(" \n")));
}

class Slurm final : public Adapter {
 public:
  std::string_view name() const noexcept override { return "slurm"; }

  Argv submit(const Wish& wish,
              const std::string& directory,
              const std::string& program) const override {
    // Without --no-requeue a node's death would start it again, with secrets that are used up.
    Argv argv = {"sbatch",
                 "--parsable",
                 "--export=NONE",
                 "--no-requeue",
                 "--job-name=" + wish.name,
                 "--chdir=" + directory,
                 "--output=" + directory + "/log",
                 "--open-mode=append",
                 "--nodes=" + (wish.nodes.empty() ? "1" : wish.nodes),
                 "--ntasks-per-node=1",
                 "--cpus-per-task=" + (wish.cores.empty() ? "1" : wish.cores),
                 "--time=" + wish.walltime};
    const auto add = [&](const std::string& option, const std::string& value) {
      if (!value.empty()) argv.push_back(option + "=" + value);
    };
    add("--mem", wish.memory);
    if (!wish.gpus.empty() && wish.gpus != "0") argv.push_back("--gres=gpu:" + wish.gpus);
    add("--partition", wish.queue);
    add("--account", wish.project);
    add("--qos", wish.qos);
    add("--constraint", wish.properties);
    add("--reservation", wish.reservation);
    if (wish.checkpoint > 0) argv.push_back("--signal=B:USR2@" + std::to_string(wish.checkpoint));
    argv.push_back("--wrap=exec " + program);
    return argv;
  }

  Submitted submitted(const Answer& answer) const override {
    if (answer.timed_out) return {Submitted::Kind::doubtful, {}, "sbatch did not answer"};
    const std::string_view out = text::trim(answer.out);
    const std::string id(out.substr(0, out.find_first_of(";\n")));
    if (answer.status == 0 && is_job_id(id)) return {Submitted::Kind::accepted, id, {}};
    const std::string words = words_of_sbatch(answer.err);
    const bool unsure = is_about_the_connection(words) || answer.status == 0;
    const bool reached = words.find("Unable to contact") == std::string::npos;
    return {unsure ? Submitted::Kind::doubtful : Submitted::Kind::refused, {}, words, reached};
  }

  Argv estimate(const Wish& wish) const override {
    Argv argv = submit(wish, "/", "true");
    argv.insert(argv.begin() + 1, "--test-only");
    return argv;
  }
  Result<Estimate> estimated(const Answer& answer) const override {
    if (answer.timed_out) return silence("sbatch", answer);
    Estimate estimate;
    if (answer.status == 0) {
      estimate.starts = planned_start(answer.err);
      return estimate;
    }
    estimate.refused = words_of_sbatch(answer.err);
    if (is_about_the_connection(estimate.refused)) return silence("sbatch", answer);
    return estimate;
  }

  Argv list() const override {
    return {"squeue", "--noheader", "--all", "--states=all", "--format", kColumns};
  }
  bool lists_predictions() const noexcept override { return true; }
  Result<Jobs> listed(const Answer& answer) const override {
    if (answer.timed_out || answer.status != 0) return silence("squeue", answer);
    return listed_jobs(answer.out);
  }

  std::vector<Argv> details(const std::vector<std::string>& ids) const override {
    std::string joined;
    for (const std::string& id : ids) joined += (joined.empty() ? "" : ",") + id;
    return {{"sacct", "--noheader", "--parsable2", "--allocations", "--jobs=" + joined,
             "--format=JobIDRaw,State,ExitCode,User,Reason,JobName"},
            {"scontrol", "--oneliner", "show", "jobs"}};
  }
  Result<Jobs> detailed(const Answer& answer, std::size_t way) const override {
    if (answer.timed_out || answer.status != 0)
      return silence(way == 0 ? "sacct" : "scontrol", answer);
    return way == 0 ? accounted_jobs(answer.out) : shown_jobs(answer.out);
  }

  Argv find(const std::string& job_name) const override {
    return {"squeue",   "--noheader", "--all", "--states=all", "--name=" + job_name,
            "--format", kColumns};
  }
  Result<Jobs> found(const Answer& answer) const override { return listed(answer); }

  std::vector<Argv> census() const override {
    return {{"sinfo", "--noheader", "--format", "%R|%C"}};
  }
  Result<std::vector<Census>> counted(const std::vector<Answer>& answers) const override {
    if (answers.at(0).timed_out || answers.at(0).status != 0)
      return silence("sinfo", answers.at(0));
    return partitions(answers.at(0).out);
  }

  Argv remove(const std::string& id) const override { return {"scancel", id}; }
  Argv signal(const std::string& id, const std::string& signal) const override {
    return {"scancel", "--batch", "--signal=" + signal, id};
  }
};

}  // namespace

const Adapter& slurm() {
  static const Slurm adapter;
  return adapter;
}

}  // namespace passerelle::spawners::batch
