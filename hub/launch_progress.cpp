#include "hub/launch_progress.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace passerelle::hub {
namespace {

constexpr std::size_t kMostEvents = 1000;
constexpr std::size_t kMostLogLines = 200;
constexpr std::size_t kLongestLine = 1000;

// Where the bar stands when a step begins; the steps of slow spawners simply stay longer at theirs.
int percent_of(std::string_view step) {
  constexpr std::array<std::pair<std::string_view, int>, 6> kPercent = {{{"queued", 5},
                                                                         {"prepare", 15},
                                                                         {"cluster", 20},
                                                                         {"spawn", 30},
                                                                         {"listen", 50},
                                                                         {"answer", 80}}};
  for (const auto& [name, value] : kPercent)
    if (name == step) return value;
  return 40;
}

std::int64_t to_ms(std::chrono::steady_clock::duration time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

// What a server prints may be in any encoding; an event must be UTF-8.
std::string clean(std::string_view line) {
  line = line.substr(0, kLongestLine);
  if (text::is_utf8(line)) return std::string(line);
  std::string quoted;
  text::append_json_string(quoted, line);
  return nlohmann::json::parse(quoted).get<std::string>();
}

}  // namespace

void LaunchProgress::step(std::string_view name) {
  if (!steps_.empty() && !steps_.back().done && steps_.back().name == name) return;
  close_step();
  queue_position_ = 0;
  elsewhere_.reset();
  steps_.push_back(Step{std::string(name), std::chrono::steady_clock::now(), {}, false});
  add({{"progress", percent_of(name)},
       {"message", "step: " + std::string(name)},
       {"step", name},
       {"state", "active"}});
}

void LaunchProgress::queued(std::size_t position, std::size_t of) {
  queue_position_ = position;
  queue_length_ = of;
  add({{"progress", percent_of("queued")},
       {"message", "waiting: " + std::to_string(position) + " of " + std::to_string(of)},
       {"step", "queued"},
       {"state", "active"},
       {"queue", {{"position", position}, {"of", of}}}});
}

void LaunchProgress::waiting(const spawners::Waiting& how) {
  const bool same = elsewhere_ && elsewhere_->state == how.state &&
                    elsewhere_->reason == how.reason && elsewhere_->starts == how.starts;
  elsewhere_ = how;
  if (same) return;
  const std::string now = steps_.empty() ? "cluster" : steps_.back().name;
  nlohmann::json cluster = {{"state", how.state}, {"reason", clean(how.reason)}, {"job", how.job}};
  if (how.starts) cluster["starts"] = to_iso8601(*how.starts);
  add({{"progress", percent_of(now)},
       {"message", "cluster: " + how.state},
       {"step", now},
       {"state", "active"},
       {"cluster", std::move(cluster)}});
}

void LaunchProgress::log(std::string_view lines) {
  std::string text;
  for (const std::string_view line : text::split(lines, '\n')) {
    if (line.empty()) continue;
    log_.push_back(clean(line));
    if (log_.size() > kMostLogLines) log_.pop_front();
    text.append(log_.back()).append("\n");
  }
  if (text.empty()) return;
  const int at = steps_.empty() ? 0 : percent_of(steps_.back().name);
  add({{"progress", at}, {"message", "log"}, {"log", text}});
}

void LaunchProgress::ready(const std::string& url, const std::string& log) {
  close_step();
  ended_ = true;
  nlohmann::json event = {{"progress", 100},
                          {"message", "Server ready at " + url},
                          {"html_message", "Server ready at <a href=\"" + text::html_escape(url) +
                                               "\">" + text::html_escape(url) + "</a>"},
                          {"step", "ready"},
                          {"state", "done"},
                          {"ready", true},
                          {"url", url}};
  if (!log.empty()) event["log"] = log;
  add(std::move(event));
}

void LaunchProgress::failed(Cause cause, const std::string& detail, const std::string& error_id) {
  ended_ = true;
  has_failed_ = true;
  add({{"progress", 100},
       {"failed", true},
       {"message", "Spawn failed: " + clean(detail)},
       {"cause", to_string(cause)},
       {"error_id", error_id}});
}

int LaunchProgress::percent() const noexcept {
  constexpr int kAll = 100;
  if (ended_) return kAll;
  return steps_.empty() ? 0 : percent_of(steps_.back().name);
}

std::string LaunchProgress::log_tail(std::size_t lines) const {
  std::string text;
  for (std::size_t i = log_.size() > lines ? log_.size() - lines : 0; i < log_.size(); ++i)
    text.append(log_[i]).append("\n");
  return text;
}

std::size_t LaunchProgress::follow(std::size_t last_id,
                                   Reader reader,
                                   std::function<void()> closed) {
  for (const Event& event : events_)
    if (event.id > last_id && !reader(event)) return 0;
  if (ended_) {
    closed();
    return 0;
  }
  followers_.emplace(next_key_, Follower{std::move(reader), std::move(closed)});
  return next_key_++;
}

void LaunchProgress::leave(std::size_t key) {
  followers_.erase(key);
}

void LaunchProgress::close_step() {
  if (steps_.empty() || steps_.back().done) return;
  Step& step = steps_.back();
  step.done = true;
  step.took = std::chrono::steady_clock::now() - step.begun;
  add({{"progress", percent_of(step.name)},
       {"message", "done: " + step.name},
       {"step", step.name},
       {"state", "done"},
       {"elapsed_ms", to_ms(step.took)}});
}

void LaunchProgress::add(nlohmann::json event) {
  events_.push_back(
      Event{++last_id_, event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)});
  if (events_.size() > kMostEvents) events_.pop_front();
  std::vector<std::size_t> gone;
  for (auto& [key, follower] : followers_)
    if (!follower.reader(events_.back())) gone.push_back(key);
  for (const std::size_t key : gone) followers_.erase(key);
  if (!ended_) return;
  for (auto& [key, follower] : followers_) follower.closed();
  followers_.clear();
}

}  // namespace passerelle::hub
