// What a platform offers for a course besides scores, read and written as JSON: who is in it
// (LTI-NRPS 2.0), and its line items, the columns of its gradebook (LTI-AGS 2.0, 3). The addresses
// come with each launch and are kept, so that they are known when nobody launches.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "auth/lti13/services.hpp"
#include "auth/lti_courses.hpp"

namespace passerelle::auth::lti13 {

/// One page of a membership container.
Result<std::vector<lti::Member>> read_members(std::string_view body);
/// The address of Link: <...>; rel="next" (RFC 8288), or empty.
std::string next_page(const HttpResponse& response);
/// Where a grade goes to when the launch names no line item but where to make one: behind this mark
/// stands the address of the course's line items.
inline constexpr std::string_view kToBeMade = "line-items ";

/// The hub's loop only.
class CourseServices {
 public:
  /// `owner`: below which name things are kept.
  CourseServices(const Surroundings& around, Services& services, std::string owner)
      : around_(around), services_(services), owner_(std::move(owner)) {}

  /// A verified launch said so: kept if it is new.
  Task<void> learn(std::string platform, nlohmann::json claims);
  /// See lti::Courses::roster. `name`: of `platform`.
  Task<Result<std::vector<lti::Member>>> roster(std::string name,
                                                const config::LtiPlatform& platform,
                                                std::string context);
  /// The line item of an activity whose grade_url says that it is to be made: the one that is
  /// there, or a new one; remembered. Errc::unavailable: later; Errc::forbidden: never.
  Task<Result<std::string>> line_item(const config::LtiPlatform& platform, store::ActivityRow row);

  /// The platform does not take scores for it any more: a teacher may have deleted it. It is looked
  /// for again the next time.
  Task<void> forget_line_item(store::ActivityRow row);

 private:
  Task<Result<std::string>> kept(std::string name);
  Task<void> keep(std::string name, std::string value);
  Task<Result<std::string>> find_line_item(const config::LtiPlatform& platform,
                                           std::string items,
                                           std::string link);
  Task<Result<std::string>> make_line_item(const config::LtiPlatform& platform,
                                           std::string items,
                                           store::ActivityRow row);

  const Surroundings& around_;
  Services& services_;
  const std::string owner_;
  std::map<std::string, std::string> known_;  // what is kept, as far as it was looked at
};

}  // namespace passerelle::auth::lti13
