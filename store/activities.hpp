// Activities: what somebody opened in a course (LTI), and the grade that goes back for it. One row
// for each person and activity, made by their launch; the newest grade replaces the one before it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/task.hpp"
#include "store/records.hpp"

namespace passerelle::store {

using ActivityId = std::int64_t;

/// As the person's newest launch says it.
struct Activity {
  std::string authenticator;
  std::string platform;  ///< Consumer key, or the platform's short name.
  std::string link;      ///< The platform's id of the activity.
  std::string context;   ///< Its id of the course; empty: none.
  std::string context_title;
  std::string title;
  std::string user_id;  ///< Its id of the person.
  bool teaches = false;
  /// Where a grade goes, and the platform's own name for it there; empty: it takes none.
  std::string grade_url;
  std::string grade_reference;
  bool operator==(const Activity&) const = default;
};

/// `score` of `maximum`, in millionths, so that equal ones are equal.
struct Score {
  std::int64_t score = 0;
  std::int64_t maximum = 0;
  std::string comment;
  std::string given_by;  ///< The actor.
  Instant given{};
  bool operator==(const Score&) const = default;
};
inline constexpr std::int64_t kScoreUnit = 1'000'000;

enum class GradeState { none, pending, sent, failed };

/// How the newest score fares.
struct Delivery {
  GradeState state = GradeState::none;
  std::int64_t serial = 0;  ///< Grows with every score.
  int attempts = 0;
  Instant next_try{};              ///< pending
  std::string detail;              ///< Why it failed, or has to be tried again; never a secret.
  std::optional<Instant> settled;  ///< When it was sent, or given up.
};

struct ActivityRow {
  ActivityId id = 0;
  UserId user = 0;
  std::string username;
  std::string display_name;
  Activity activity;
  Instant first_seen{};
  Instant last_seen{};
  Score score;  ///< Meaningless while delivery.state is none.
  Delivery delivery;
};

class ActivityStore {
 public:
  virtual ~ActivityStore() = default;
  /// A launch: makes the row, or says anew what it holds; a grade under way stays.
  virtual Task<Result<void>> note(UserId user, Activity activity, Instant now) = 0;
  virtual Task<Result<ActivityRow>> find(ActivityId id) = 0;  ///< Errc::not_found
  virtual Task<Result<std::vector<ActivityRow>>> of_user(
      UserId user) = 0;  ///< Newest launch first.
  struct Course {
    std::string authenticator, platform, context;
  };
  /// Of a course, or of all of them when it is none; newest grade, then newest launch first.
  virtual Task<Result<std::vector<ActivityRow>>> of_course(std::optional<Course> course,
                                                           std::size_t limit) = 0;
  /// The newest score: pending from now on, whatever became of the one before.
  virtual Task<Result<void>> grade(ActivityId id, Score score) = 0;  ///< Errc::not_found
  /// Pending ones whose time has come, the longest waiting first; at most `limit` of one platform,
  /// so that none hides the others'.
  virtual Task<Result<std::vector<ActivityRow>>> due(Instant now, std::size_t limit) = 0;
  /// When the next pending one is due; none: none is pending.
  virtual Task<Result<std::optional<Instant>>> next_due() = 0;
  /// What became of an attempt to send the score `outcome.serial`; nothing changes when a newer
  /// score was given meanwhile.
  virtual Task<Result<void>> settle(ActivityId id, Delivery outcome) = 0;
};

/// What authenticators keep for themselves, by name: keys, registrations. Secrets are sealed before
/// they come here.
class KeptStore {
 public:
  virtual ~KeptStore() = default;
  virtual Task<Result<std::string>> find(std::string owner, std::string name) = 0;  ///< not_found
  virtual Task<Result<void>> put(std::string owner, std::string name, std::string value) = 0;
  /// Only if there is none; gives what there is then. For what two processes may make at once.
  virtual Task<Result<std::string>> put_first(std::string owner,
                                              std::string name,
                                              std::string value) = 0;
  virtual Task<Result<std::vector<std::pair<std::string, std::string>>>> all(std::string owner) = 0;
  virtual Task<Result<void>> erase(std::string owner,
                                   std::string name) = 0;  ///< Absent is success.
};

}  // namespace passerelle::store
