// Course work: who may give grades for which activities, and giving them. Used by the API and by
// the teachers' page.
#pragma once

#include <vector>

#include "auth/permissions.hpp"
#include "hub/call.hpp"
#include "store/activities.hpp"

namespace passerelle::hub {

/// The courses in which this person teaches, by their own launches.
Task<Result<std::vector<store::ActivityStore::Course>>> courses_taught(Parts& parts,
                                                                       store::UserId user);

/// Whether the caller may give a grade for `row`: they teach that course, or hold the scope for
/// its learners; a token must hold the scope in any case.
bool may_grade(const Call& call,
               const store::ActivityRow& row,
               const std::vector<store::ActivityStore::Course>& taught);

/// Stores it, audits it and lets the queue know. `score` of `maximum`, both in points.
/// Errc::invalid: the activity takes no grades, or the points make no sense.
Task<Result<void>> give_grade(Parts& parts,
                              const Call& call,
                              store::ActivityRow row,
                              double score,
                              double maximum,
                              std::string comment);

std::string_view to_string(store::GradeState state) noexcept;

}  // namespace passerelle::hub
