// Breaker: stops asking a directory that does not answer, so that people hear "could not check" at
// once and its recovery is not met by a crowd.
#pragma once

#include <mutex>

#include "base/clock.hpp"

namespace passerelle::auth::ldap {

/// Any thread. Closed until kFailures in a row; then open for kRest; then half open: one caller may
/// try, the others are refused until its outcome is told.
class Breaker {
 public:
  static constexpr int kFailures = 5;
  static constexpr seconds kRest{10};

  explicit Breaker(const Clock& clock) : clock_(clock) {}

  /// False: do not ask. True is followed by exactly one of the other three.
  bool admit();
  void succeeded();
  void failed();
  void untold();  ///< It was not asked after all.
  bool open() const;

 private:
  mutable std::mutex mutex_;
  const Clock& clock_;
  int failures_ = 0;
  Instant rests_until_{};
  bool probing_ = false;
};

}  // namespace passerelle::auth::ldap
