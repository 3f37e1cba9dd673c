// The XML by which teachers add us to a course (IMS Common Cartridge, basic LTI link v1.0).
#pragma once

#include <string>
#include <string_view>

namespace passerelle::auth::lti11 {

std::string cartridge(std::string_view title, std::string_view launch_url);

}  // namespace passerelle::auth::lti11
