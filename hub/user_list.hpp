// A list of people as it is asked for with ?name_filter=, ?state= and ?sort=: the REST API's and
// the administrators' page.
#pragma once

#include "hub/parts.hpp"

namespace passerelle::hub {

/// Of ?name_filter= (part of a username), ?state= (active, ready, inactive) and ?sort= (id, name,
/// last_activity, "-" before it: backwards). Errc::invalid for another word.
Result<store::UserStore::PageQuery> user_query(const Parts& parts, const text::Form& query);

/// Those whom `who` may list (list:users), of them the rows that `query` wants; `total` counts all
/// of them.
Task<Result<store::UserStore::Page>> list_users_for(Parts& parts,
                                                    auth::Principal who,
                                                    store::UserStore::PageQuery query);

}  // namespace passerelle::hub
