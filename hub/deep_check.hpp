// `check-config --deep`: lets every configured authenticator try what a sign-in will need, and says
// what to fix.
#pragma once

#include <iosfwd>

#include "config/settings.hpp"

namespace passerelle::hub {

/// Blocking, at most 30 s for each authenticator. Changes nothing. True if nothing is wrong
/// (warnings are not).
bool deep_check(const config::Settings& settings, std::ostream& out);

}  // namespace passerelle::hub
