// Methods: how a sign-in method is called and shown, wherever that is.
#pragma once

#include "hub/answers.hpp"
#include "hub/parts.hpp"

namespace passerelle::hub {

/// The plug-in of that name, or null: the configuration has it no more.
auth::Authenticator* find_method(const Parts& parts, std::string_view name);
/// The configured label, or what kind of method it is; the bare name if it is configured no more.
Json method_label(const config::Settings& settings, std::string_view name);
/// The name of its icon below hub/static/, empty if it has none.
std::string method_picture(const config::Settings& settings, std::string_view name);
/// The icons of all methods, for Renderer::make.
std::map<std::string, std::string> method_pictures(const config::Settings& settings);
/// As CSP writes those who may show us in a frame: "'self' https://a" (`ours`: with 'self'); empty
/// for none. At most 4 KiB: what does not fit is left out.
std::string frame_sources(const std::vector<std::string>& origins, bool ours = true);

}  // namespace passerelle::hub
