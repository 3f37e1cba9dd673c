// OAR 2.5 by its command line: oarsub, oarstat, oardel.
#include <set>

#include "base/text.hpp"
#include "spawners/batch/adapter.hpp"

namespace passerelle::spawners::batch {
namespace {

using nlohmann::json;

constexpr std::string_view kRule = "[ADMISSION RULE]";

std::string text_of(const json& job, const char* key) {
  const auto found = job.find(key);
  return found != job.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::int64_t> number_of(const json& job, const char* key) {
  const auto found = job.find(key);
  if (found == job.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

std::optional<TimePoint> time_of(const json& job, const char* key) {
  const auto seconds = number_of(job, key);
  if (!seconds || *seconds <= 0) return std::nullopt;
  return TimePoint(std::chrono::seconds(*seconds));
}

Job::State state_of(std::string_view word) {
  if (word == "Hold") return Job::State::held;
  if (word == "Waiting" || word == "toAckReservation") return Job::State::queued;
  if (word == "toLaunch" || word == "Launching") return Job::State::starting;
  if (word == "Running") return Job::State::running;
  if (word == "Suspended" || word == "Resuming") return Job::State::paused;
  if (word == "Finishing" || word == "toError") return Job::State::stopping;
  if (word == "Terminated" || word == "Error") return Job::State::ended;
  return Job::State::queued;  // a word that we do not know is no end
}

/// "User alice requested to frag the job 11"
std::string requester(const std::string& description) {
  constexpr std::string_view kBefore = "User ";
  if (!description.starts_with(kBefore)) return {};
  const std::size_t end = description.find(' ', kBefore.size());
  return description.substr(kBefore.size(), end - kBefore.size());
}

/// A wait status, as OAR stores it.
int exit_code_of(std::int64_t status) {
  const auto raw = static_cast<std::uint32_t>(status);
  const std::uint32_t signal = raw & 0x7FU;
  return static_cast<int>(signal != 0 ? 128U + signal : (raw >> 8U) & 0xFFU);
}

void read_end(const json& raw, Job& job) {
  job.end = text_of(raw, "state") == "Error" ? Job::End::failed : Job::End::normal;
  if (const auto status = number_of(raw, "exit_code")) job.exit_code = exit_code_of(*status);
  const auto events = raw.find("events");
  if (events == raw.end() || !events->is_array()) return;
  bool frag = false;
  for (const json& event : *events) {
    const std::string type = text_of(event, "type");
    const std::string about = text_of(event, "description");
    if (type == "WALLTIME") job.end = Job::End::walltime;
    if (type == "BESTEFFORT_KILL") job.end = Job::End::preempted;
    if (type == "FRAG_JOB_REQUEST" && !frag) {
      frag = true;
      job.by = requester(about);
    }
    if (type == "WORKING_DIRECTORY" || type == "EXTERMINATE_JOB") job.reason = about;
    if (type == "EXTERMINATE_JOB" && !frag) job.end = Job::End::node_lost;
  }
  if (frag && job.end == Job::End::failed) job.end = Job::End::stopped;
}

Job job_of(const std::string& id, const json& raw) {
  Job job;
  job.id = id;
  job.name = text_of(raw, "name");
  job.owner = text_of(raw, "owner");
  job.state = state_of(text_of(raw, "state"));
  job.reason = text_of(raw, "message");
  job.predicted = time_of(raw, "scheduledStart");
  job.started = time_of(raw, "startTime");
  const auto hosts = raw.find("assigned_network_address");
  if (hosts != raw.end() && hosts->is_array() && !hosts->empty() && hosts->front().is_string())
    job.host = hosts->front().get<std::string>();
  const auto walltime = number_of(raw, "walltime");
  if (job.started && walltime) job.ends = *job.started + std::chrono::seconds(*walltime);
  if (job.state == Job::State::ended) read_end(raw, job);
  return job;
}

Result<Jobs> jobs_of(const Answer& answer) {
  if (answer.timed_out) return Error(Errc::timeout, "oarstat did not answer");
  if (answer.status != 0) {
    const std::string_view why = text::trim(answer.err);
    return Error(Errc::unavailable, "oarstat: " + std::string(why.substr(0, 300)));
  }
  Jobs jobs;
  if (text::trim(answer.out).empty()) return jobs;  // an unknown job; or none at all
  const json all = json::parse(answer.out, nullptr, false);
  if (!all.is_object()) return Error(Errc::unavailable, "oarstat printed what is no JSON object");
  for (const auto& [id, raw] : all.items())
    if (raw.is_object() && is_job_id(id)) jobs.push_back(job_of(id, raw));
  return jobs;
}

bool is_sql(std::string_view line) {
  for (const std::string_view mark :
       {"DBD::", "LINE ", "SELECT ", "Bad resource request (", "DBI "})
    if (line.find(mark) != std::string_view::npos) return true;
  return line.starts_with('^') || line.starts_with(')');
}

/// What the site said to people: the sentences of its admission rules, else what oarsub itself
/// printed. SQL and what the rules tell of every job are left out.
std::string refusal(const Answer& answer) {
  std::string rules;
  std::string others;
  for (const std::string* text : {&answer.out, &answer.err}) {
    for (std::string_view line : text::split(*text, '\n')) {
      line = text::trim(line);
      const bool rule = line.starts_with(kRule);
      if (rule) line = text::trim(line.substr(kRule.size()));
      const bool routine = line.starts_with("Modify resource") || line.starts_with("Set default") ||
                           line.starts_with("OAR_JOB_ID=") || line.empty() || is_sql(line);
      if (routine) continue;
      std::string& kept = rule ? rules : others;
      kept += (kept.empty() ? "" : " ") + std::string(line);
    }
  }
  const std::string& best = rules.empty() ? others : rules;
  return best.empty() ? "the batch system did not say why" : best.substr(0, 500);
}

/// "^OAR_JOB_ID=([0-9]+)$"
std::string job_id_in(const std::string& out) {
  constexpr std::string_view kBefore = "OAR_JOB_ID=";
  for (const std::string_view line : text::split(out, '\n'))
    if (line.starts_with(kBefore) && is_job_id(line.substr(kBefore.size())))
      return std::string(line.substr(kBefore.size()));
  return {};
}

/// Cores that are alive, and those of them that no job has. A job inside a container has its cores.
Result<std::vector<Census>> count_cores(const std::vector<Answer>& answers) {
  const Error silent(Errc::unavailable, "oarnodes or oarstat did not answer");
  for (const Answer& answer : answers)
    if (answer.timed_out || answer.status != 0) return silent;
  const json resources = json::parse(answers.at(0).out, nullptr, false);
  if (!resources.is_object()) return silent;
  std::set<std::string> alive;
  for (const auto& [id, resource] : resources.items())
    if (text_of(resource, "state") == "Alive" && text_of(resource, "type") == "default")
      alive.insert(id);
  Census all;
  all.all = alive.size();
  const json jobs = json::parse(answers.at(1).out, nullptr, false);
  for (const json& job : jobs.is_object() ? jobs : json::object()) {
    const auto taken = job.find("assigned_resources");
    if (taken == job.end() || !taken->is_array()) continue;
    for (const json& id : *taken)
      if (id.is_number_integer()) alive.erase(std::to_string(id.get<std::int64_t>()));
  }
  all.free = alive.size();
  return std::vector<Census>{all};
}

class Oar final : public Adapter {
 public:
  std::string_view name() const noexcept override { return "oar"; }

  Argv submit(const Wish& wish,
              const std::string& directory,
              const std::string& program) const override {
    const std::string nodes = wish.nodes.empty() ? "1" : wish.nodes;
    const std::string cores = wish.cores.empty() ? "1" : wish.cores;
    std::string resources = wish.resources;
    if (resources.empty()) resources = "/nodes=" + nodes + "/core=" + cores;
    Argv argv = {"oarsub",
                 "-n",
                 wish.name,
                 "-d",
                 directory,
                 "-O",
                 directory + "/log",
                 "-E",
                 directory + "/log",
                 "-l",
                 resources + ",walltime=" + wish.walltime};
    const auto add = [&](const char* option, const std::string& value) {
      if (!value.empty()) argv.insert(argv.end(), {option, value});
    };
    add("-q", wish.queue);
    add("--project", wish.project);
    add("-p", wish.properties);
    add("-r", wish.reservation);
    for (const std::string& type : wish.types) add("-t", type);
    if (wish.checkpoint > 0)
      argv.insert(argv.end(), {"--checkpoint", std::to_string(wish.checkpoint), "--signal", "12"});
    argv.push_back(program);
    return argv;
  }

  Submitted submitted(const Answer& answer) const override {
    constexpr int kServerDown = 9;  // prints an id all the same, and such a job may run later
    if (answer.timed_out) return {Submitted::Kind::doubtful, {}, "oarsub did not answer"};
    const std::string id = job_id_in(answer.out);
    if (answer.status == 0 && !id.empty()) return {Submitted::Kind::accepted, id, {}};
    if (answer.status == 0 || answer.status == kServerDown)
      return {Submitted::Kind::doubtful, id, refusal(answer)};
    return {Submitted::Kind::refused, id, refusal(answer)};
  }

  // oarsub has no such thing: OAR plans what is in its queue.
  Argv estimate(const Wish& /*wish*/) const override { return {}; }
  Result<Estimate> estimated(const Answer& /*answer*/) const override {
    return Error(Errc::unavailable, "OAR predicts only what is in its queue");
  }

  Argv list() const override { return {"oarstat", "-J"}; }
  bool lists_predictions() const noexcept override { return false; }
  Result<Jobs> listed(const Answer& answer) const override { return jobs_of(answer); }

  std::vector<Argv> details(const std::vector<std::string>& ids) const override {
    Argv argv = {"oarstat", "-f", "-J"};
    for (const std::string& id : ids) argv.insert(argv.end(), {"-j", id});
    return {argv};
  }
  Result<Jobs> detailed(const Answer& answer, std::size_t /*way*/) const override {
    return jobs_of(answer);
  }

  Argv find(const std::string& job_name) const override {
    return {"oarstat", "-f", "-J", "--sql", "job_name='" + job_name + "'"};
  }
  Result<Jobs> found(const Answer& answer) const override { return jobs_of(answer); }

  std::vector<Argv> census() const override { return {{"oarnodes", "-J"}, {"oarstat", "-J"}}; }
  Result<std::vector<Census>> counted(const std::vector<Answer>& answers) const override {
    return count_cores(answers);
  }

  Argv remove(const std::string& id) const override { return {"oardel", id}; }
  Argv signal(const std::string& id, const std::string& signal) const override {
    return {"oardel", "-s", signal, id};
  }
};

}  // namespace

const Adapter& oar() {
  static const Oar adapter;
  return adapter;
}

}  // namespace passerelle::spawners::batch
