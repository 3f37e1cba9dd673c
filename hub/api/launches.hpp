// What servers that were started elsewhere ask and tell before they are up.
#pragma once

#include "hub/routes.hpp"

namespace passerelle::hub::api {

Task<Answer> outfit(Parts& parts, Call& call);

}  // namespace passerelle::hub::api
