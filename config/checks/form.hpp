// What the keys of a form's fields mean for one another.
#pragma once

#include <string>
#include <vector>

#include "config/form.hpp"
#include "config/marks.hpp"
#include "config/problem.hpp"

namespace passerelle::config {

void check_form(const std::vector<FormField>& form,
                const std::string& path,
                const Marks& marks,
                Problems& problems);

}  // namespace passerelle::config
