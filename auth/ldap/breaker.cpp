#include "auth/ldap/breaker.hpp"

namespace passerelle::auth::ldap {

bool Breaker::admit() {
  const std::lock_guard lock(mutex_);
  if (failures_ < kFailures) return true;
  if (probing_ || clock_.now() < rests_until_) return false;
  probing_ = true;
  return true;
}

void Breaker::succeeded() {
  const std::lock_guard lock(mutex_);
  failures_ = 0;
  probing_ = false;
}

void Breaker::failed() {
  const std::lock_guard lock(mutex_);
  if (failures_ < kFailures) ++failures_;
  if (failures_ == kFailures) rests_until_ = clock_.now() + kRest;
  probing_ = false;
}

void Breaker::untold() {
  const std::lock_guard lock(mutex_);
  probing_ = false;
}

bool Breaker::open() const {
  const std::lock_guard lock(mutex_);
  return failures_ >= kFailures;
}

}  // namespace passerelle::auth::ldap
