#include "spawners/batch/cluster.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <pwd.h>
#include <unistd.h>

#include "base/log.hpp"
#include "base/text.hpp"
#include "spawners/batch/submit/run.hpp"

namespace passerelle::spawners::batch {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kSlack{3};              ///< For the helper itself, beyond the command's own time
constexpr std::size_t kMostAsked = 1000;  ///< Jobs in one command for details
constexpr seconds kEstimate{5};
constexpr seconds kOldCensus{300};
constexpr seconds kFreshCensus{30};
constexpr seconds kSomebodyLooks{300};
constexpr seconds kStrangers{60};  ///< A job of ours that nobody knows for that long is deleted

Result<Answer> answer_of(const Answer& helper) {
  if (helper.timed_out)
    return Error(Errc::timeout,
                 helper.err.empty() ? "passerelle-submit did not answer" : helper.err);
  const json said = json::parse(helper.out, nullptr, false);
  if (!said.is_object() && helper.err.find("unknown user") != std::string::npos)  // sudo's words
    return Error(Errc::not_found, Cause::values_invalid, "you have no account on the cluster");
  if (!said.is_object())
    return Error(Errc::unavailable, "passerelle-submit: " + helper.err.substr(0, 300));
  if (said.contains("refused")) return Error(Errc::forbidden, said.value("refused", ""));
  Answer answer;
  answer.timed_out = said.value("timed_out", true);
  answer.status = said.value("status", -1);
  answer.out = said.value("out", "");
  answer.err = said.value("err", "");
  const auto command = said.find("command");
  if (command != said.end() && command->is_array())
    for (const json& word : *command)
      if (word.is_string()) answer.command.push_back(word.get<std::string>());
  return answer;
}

/// Directories of people write names as they like: "Alice@SITE" is alice.
std::string plain_account(std::string_view name) {
  return text::ascii_lower(name.substr(0, name.find('@')));
}

std::string own_account() {
  const passwd* me = ::getpwuid(::geteuid());
  return me == nullptr ? std::string() : me->pw_name;
}

/// What the details say, and what only the list says.
Job joined(Job details, const Job& listed) {
  if (!details.predicted) details.predicted = listed.predicted;
  if (!details.started) details.started = listed.started;
  if (!details.ends) details.ends = listed.ends;
  if (details.host.empty()) details.host = listed.host;
  if (details.reason.empty()) details.reason = listed.reason;
  return details;
}

}  // namespace

Cluster::Cluster(asio::io_context& loop,
                 const Adapter& adapter,
                 config::BatchSpawner settings,
                 std::string prefix,
                 std::string helper,
                 std::shared_ptr<const Remote> remote,
                 std::string graves)
    : adapter_(adapter),
      settings_(std::move(settings)),
      prefix_(std::move(prefix)),
      helper_(std::move(helper)),
      remote_(std::move(remote)),
      graves_directory_(std::move(graves)),
      ourselves_(settings_.act_as == "self" ? own_account() : std::string()),
      pause_(loop),
      looked_(loop, steady_clock::time_point::max()),
      recount_(loop) {}

bool Cluster::is_of(const Job& job, const std::string& user) const {
  return plain_account(job.owner) == plain_account(ourselves_.empty() ? user : ourselves_);
}

bool Cluster::answered_lately() const noexcept {
  return !silent_since_ && answered_ && steady_clock::now() - *answered_ < 2 * settings_.poll;
}

Watch Cluster::watch(const std::string& name, const std::string& id, const std::string& user) {
  Watch known = watched_[name].lock();
  if (!known) {
    known = std::make_shared<Watched>();
    known->name = name;
    known->owner = user;
    watched_[name] = known;
  }
  if (!id.empty() && known->id != id) {
    known->id = id;
    known->missing = known->unexplained = 0;  // it was looked for while it was being submitted
    known->gone = false;
  }
  if (!looking_) {
    looking_ = true;
    auto self = shared_from_this();
    asio::co_spawn(
        pause_.get_executor(), [self]() -> Task<void> { return self->keep_looking(); },
        asio::detached);
  }
  return known;
}

void Cluster::count_cores() {
  auto self = shared_from_this();
  asio::co_spawn(
      recount_.get_executor(), [self]() -> Task<void> { return self->keep_counting(); },
      asio::detached);
}

Task<void> Cluster::keep_counting() {
  const auto self = shared_from_this();
  boost::system::error_code ignored;
  for (;;) {
    co_await count();
    counted_ = steady_clock::now();
    const bool asked = steady_clock::now() - asked_ < kSomebodyLooks;
    recount_.expires_after(asked ? kFreshCensus : kOldCensus);
    co_await recount_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

/// A census of which one part is missing is none.
Task<void> Cluster::count() {
  std::vector<Answer> answers;
  const std::size_t parts = adapter_.census().size();
  for (std::size_t part = 0; part < parts; ++part) {
    json order = {{"verb", "census"}, {"way", part}};
    auto answer = co_await run(std::move(order), "", eyes_, settings_.command_timeout);
    if (answer) answers.push_back(std::move(*answer));
  }
  census_.clear();
  if (answers.size() != parts) co_return;
  auto counted = adapter_.counted(answers);
  if (counted) census_ = std::move(*counted);
}

const std::vector<Census>& Cluster::census() {
  asked_ = steady_clock::now();
  if (asked_ - counted_ > kFreshCensus) recount_.cancel();
  return census_;
}

bool Cluster::interested() {
  return !graves_.empty() || !watched().empty();
}

std::vector<Watch> Cluster::watched() {
  std::vector<Watch> all;
  for (auto at = watched_.begin(); at != watched_.end();) {
    Watch one = at->second.lock();
    if (one) all.push_back(std::move(one));
    at = all.empty() || all.back()->name != at->first ? watched_.erase(at) : std::next(at);
  }
  return all;
}

Task<void> Cluster::next_look(bool soon) {
  if (soon) pause_.cancel();
  boost::system::error_code ignored;
  co_await looked_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

Task<void> Cluster::keep_looking() {
  const auto self = shared_from_this();
  boost::system::error_code ignored;
  while (interested()) {
    co_await look();
    looked_.cancel();
    tend_graves();
    pause_.expires_after(settings_.poll);
    co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  looking_ = false;
}

Argv Cluster::helper_for(const std::string& user) const {
  if (settings_.act_as == "ssh") {
    Argv argv = {"ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"};
    if (!settings_.ssh_key.empty()) argv.insert(argv.end(), {"-i", settings_.ssh_key});
    if (!settings_.ssh_known_hosts.empty())
      argv.insert(argv.end(), {"-o", "UserKnownHostsFile=" + settings_.ssh_known_hosts, "-o",
                               "StrictHostKeyChecking=yes"});
    argv.insert(argv.end(), {"--", settings_.login_node, "passerelle-submit"});
    return argv;
  }
  if (settings_.act_as == "sudo" && !user.empty()) return {"sudo", "-n", "-u", user, "--", helper_};
  return {helper_};
}

Task<Result<Answer>> Cluster::run(json order,
                                  std::string user,
                                  WorkerPool& threads,
                                  seconds limit) {
  if (remote_) {
    const auto errand = [remote = remote_, order, user, limit]() -> Result<Answer> {
      return remote->carry(order, user, limit);
    };
    auto answer = co_await threads.run(errand);
    co_return answer;
  }
  order["system"] = adapter_.name();
  order["user"] = settings_.act_as == "self" ? "" : user;
  order["deadline"] = limit.count();
  const Argv argv = helper_for(user);
  const std::string text = order.dump(-1, ' ', false, json::error_handler_t::replace);
  const auto deadline = limit + kSlack;
  const auto work = [argv, text, deadline]() -> Result<Answer> {
    return answer_of(submit::run(argv, text, deadline));
  };
  auto answer = co_await threads.run(work);
  co_return answer;
}

Task<Result<Answer>> Cluster::act(json order, std::string user) {
  auto answer = co_await run(std::move(order), std::move(user), hands_, settings_.command_timeout);
  co_return answer;
}

Task<Result<Estimate>> Cluster::estimate(const Wish& wish, std::string user) {
  if (silent_since_) co_return Error(Errc::unavailable, "the scheduler does not answer");
  json order = {{"verb", "estimate"}, {"wish", to_json(wish)}};
  const seconds limit = std::min(settings_.command_timeout, kEstimate);
  auto answer = co_await run(std::move(order), std::move(user), wonders_, limit);
  if (!answer) co_return std::move(answer).error();
  co_return adapter_.estimated(*answer);
}

Task<Result<Jobs>> Cluster::find(std::string name) {
  json order = {{"verb", "find"}, {"name", std::move(name)}};
  auto answer = co_await run(std::move(order), "", eyes_, settings_.command_timeout);
  if (!answer) co_return std::move(answer).error();
  co_return adapter_.found(*answer);
}

Task<Result<Jobs>> Cluster::ours() {
  json order = {{"verb", "list"}};
  auto answer = co_await run(std::move(order), "", eyes_, settings_.command_timeout);
  if (!answer) co_return std::move(answer).error();
  auto jobs = adapter_.listed(*answer);
  if (jobs)
    std::erase_if(*jobs, [&](const Job& job) {
      return !job.name.starts_with(prefix_) || job.state == Job::State::ended;
    });
  co_return jobs;
}

Task<void> Cluster::look() {
  json order = {{"verb", "list"}};
  auto answer = co_await run(std::move(order), "", eyes_, settings_.command_timeout);
  auto jobs = answer ? adapter_.listed(*answer) : Result<Jobs>(answer.error());
  if (!jobs) {
    if (!silent_since_) {
      silent_since_ = steady_clock::now();
      log::warn("batch", "the scheduler does not answer", {{"why", jobs.error().message()}});
    }
    last_problem_ = jobs.error().message();
    co_return;
  }
  if (silent_since_) log::info("batch", "the scheduler answers again");
  silent_since_.reset();
  answered_ = steady_clock::now();
  read(*jobs);
  notice_strangers(*jobs);
  co_await read_details();
}

// A job's number is the scheduler's word. A name is not: until the number is known, it counts only
// with its owner.
void Cluster::read(const Jobs& jobs) {
  std::multimap<std::string_view, const Job*> by_name;
  for (const Job& job : jobs)
    if (job.name.starts_with(prefix_)) by_name.emplace(job.name, &job);
  for (const Watch& one : watched()) {
    const auto [begin, end] = by_name.equal_range(one->name);
    const auto found = std::find_if(begin, end, [&](const auto& entry) {
      return one->id.empty() ? is_of(*entry.second, one->owner) : entry.second->id == one->id;
    });
    if (found == end) {
      ++one->missing;
      continue;
    }
    one->missing = 0;
    one->gone = false;
    const std::optional<Job> before = std::move(one->job);
    one->job = *found->second;
    one->id = one->job->id;
    if (before && !one->job->predicted) one->job->predicted = before->predicted;
    if (before && !one->job->ends) one->job->ends = before->ends;
    if (before && before->state == one->job->state) {  // lists may be short
      if (one->job->host.empty()) one->job->host = before->host;
      if (!one->job->started) one->job->started = before->started;
    }
  }
}

/// Its line in the list tells enough.
bool Cluster::is_told(const Watched& one) const {
  if (one.missing > 0 || !one.job || one.job->state == Job::State::ended) return false;
  if (adapter_.lists_predictions()) return true;
  return one.job->state == Job::State::running && one.job->ends && !one.job->host.empty();
}

// Asked for those whose plain line does not tell enough: they wait, have ended, or are missing from
// the list. The latter come first, if there are too many for one command.
Task<void> Cluster::read_details() {
  std::vector<Watch> asked;
  for (const Watch& one : watched()) {
    if (one->id.empty() && one->missing >= 2) one->gone = true;  // it was never there
    if (!one->id.empty() && !one->ended && !is_told(*one)) asked.push_back(one);
  }
  if (asked.empty()) co_return;
  std::ranges::stable_partition(asked, [](const Watch& one) {
    return one->missing > 0 || !one->job || one->job->state == Job::State::ended;
  });
  if (asked.size() > kMostAsked) asked.resize(kMostAsked);
  std::vector<std::string> ids;
  for (const Watch& one : asked) ids.push_back(one->id);
  const std::size_t ways = adapter_.details(ids).size();
  for (std::size_t way = 0; way < ways; ++way) {
    json order = {{"verb", "details"}, {"ids", ids}, {"way", way}};
    auto answer = co_await run(std::move(order), "", eyes_, settings_.command_timeout);
    if (!answer) continue;
    const auto jobs = adapter_.detailed(*answer, way);
    if (jobs) explain(*jobs, asked, way + 1 == ways);
  }
}

void Cluster::explain(const Jobs& jobs, const std::vector<Watch>& asked, bool last_way) {
  std::map<std::string_view, const Job*> by_id;
  for (const Job& job : jobs) by_id[job.id] = &job;
  for (const Watch& one : asked) {
    const auto found = by_id.find(one->id);
    const bool listed_as_ended =
        one->job && one->missing == 0 && one->job->state == Job::State::ended;
    if (found != by_id.end() && found->second->state == Job::State::ended) {
      one->job = *found->second;
      one->ended = true;
    } else if (found != by_id.end() && one->missing == 0 && one->job && !listed_as_ended &&
               found->second->state == one->job->state) {
      one->job = joined(*found->second, *one->job);
    } else if (listed_as_ended && last_way && ++one->unexplained >= 2) {
      one->ended = true;  // nobody can say more of it
    } else if (found == by_id.end() && last_way && one->missing >= 2) {
      one->gone = true;
    }
  }
}

// Jobs that an earlier gateway, or a submission that seemed to fail, has left.
void Cluster::notice_strangers(const Jobs& jobs) {
  std::map<std::string, SteadyTime> still;
  for (const Job& job : jobs) {
    if (!job.name.starts_with(prefix_) || job.state == Job::State::ended) continue;
    if (watched_.contains(job.name)) continue;
    const auto before = strangers_.find(job.name);
    const SteadyTime since = before == strangers_.end() ? steady_clock::now() : before->second;
    still[job.name] = since;
    if (steady_clock::now() - since < kStrangers) continue;
    log::warn("batch", "deleting a job that nobody knows", {{"job", job.id}, {"name", job.name}});
    bury(job.name, job.id, job.owner, job.name.substr(prefix_.size()));
  }
  strangers_ = std::move(still);
}

}  // namespace passerelle::spawners::batch
