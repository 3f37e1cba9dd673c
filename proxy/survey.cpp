#include "proxy/survey.hpp"

#include <algorithm>
#include <exception>

#include "base/log.hpp"
#include "proxy/connection.hpp"

namespace passerelle::proxy {
namespace {

class SurveyLetter final : public Letter {
 public:
  SurveyLetter(std::shared_ptr<Survey> survey, const Lane& lane)
      : survey_(std::move(survey)), lane_(lane) {}
  void open() noexcept override {
    try {
      survey_->look_at(lane_);
    } catch (const std::exception& error) {
      log::warn("proxy", "no memory to tell of the connections", {{"what", error.what()}});
    }
  }

 private:
  std::shared_ptr<Survey> survey_;
  const Lane& lane_;
};

LiveConnection about_tunnel(const Connection& connection) {
  const std::string_view label = connection.tunnel->label.view();  // "PATH PEER"
  const std::size_t space = label.find(' ');
  LiveConnection about;
  about.state = "tunnel";
  about.method = "GET";
  about.path = label.substr(0, space);
  about.peer = label.substr(space + 1);
  about.route = connection.tunnel->route->prefix;
  return about;
}

LiveConnection about_request(const AccessEntry& request) {
  LiveConnection about;
  about.state = request.upstream == "hub" ? "hub" : "request";
  about.method = request.method;
  about.path = request.path;
  about.peer = request.peer;
  if (about.state == "request") about.route = request.upstream;
  about.bytes_in = request.bytes_in;
  about.bytes_out = request.bytes_out;
  return about;
}

LiveConnection about(const Connection& connection) {
  LiveConnection told;
  if (connection.tunnel) {
    told = about_tunnel(connection);
  } else if (connection.request != nullptr) {
    told = about_request(*connection.request);
  } else {
    told.state = connection.received.empty() ? "idle" : "head";
    told.peer = connection.peer;
  }
  told.since = connection.since;
  told.bytes_in += connection.bytes_in;
  told.bytes_out += connection.bytes_out;
  told.held = connection.held + connection.received.size();
  return told;
}

}  // namespace

std::shared_ptr<Letter> Survey::letter(std::shared_ptr<Survey> survey, const Lane& lane) {
  return std::make_shared<SurveyLetter>(std::move(survey), lane);
}

void Survey::look_at(const Lane& lane) {
  std::vector<LiveConnection> mine;
  const LiveLink* link = lane.live.next;
  for (; link != &lane.live && mine.size() < most_; link = link->next)
    mine.push_back(about(*static_cast<const Connection*>(static_cast<const Live*>(link))));
  const std::lock_guard lock(mutex_);
  std::move(mine.begin(), mine.end(), std::back_inserter(found_));
}

Survey::~Survey() {
  std::stable_sort(found_.begin(), found_.end(),
                   [](const auto& left, const auto& right) { return left.since < right.since; });
  if (found_.size() > most_) found_.resize(most_);
  done_(std::move(found_));
}

}  // namespace passerelle::proxy
