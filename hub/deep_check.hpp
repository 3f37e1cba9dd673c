// `check-config --deep`: lets every configured authenticator try what a sign-in will need, asks
// every batch system, and says what to fix.
#pragma once

#include <iosfwd>

#include "config/settings.hpp"

namespace passerelle::hub {

/// Blocking, at most 30 s for each of them. Changes nothing. True if nothing is wrong
/// (warnings are not).
bool deep_check(const config::Settings& settings, std::ostream& out);

}  // namespace passerelle::hub
