// Pages for who teaches with launches from courses, and for the administrators of their platforms.
#pragma once

#include "hub/routes.hpp"

namespace passerelle::hub::pages {

Task<Answer> platforms(Parts&, Call&);
Task<Answer> invite_platform(Parts&, Call&);
Task<Answer> withdraw_platform(Parts&, Call&);
Task<Answer> register_platform(Parts&, Call&);
Task<Answer> roster(Parts&, Call&);

}  // namespace passerelle::hub::pages
