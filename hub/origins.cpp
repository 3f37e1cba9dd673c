#include "hub/origins.hpp"

#include "base/text.hpp"
#include "config/values.hpp"
#include "spawners/container.hpp"

namespace passerelle::hub {

Origins::Origins(std::string_view public_url, std::string_view subdomain_host)
    : hub_(config::origin_of(public_url)) {
  if (subdomain_host.empty()) return;
  below_ = "." + std::string(subdomain_host);
  scheme_ = hub_.substr(0, hub_.find("://"));
  const std::size_t colon = hub_.rfind(':');
  if (colon > scheme_.size() && hub_.find(']', colon) == std::string::npos)
    port_ = hub_.substr(colon);
}

std::string_view Origins::label_in(std::string_view host) const noexcept {
  if (below_.empty()) return {};
  const std::string_view name = host.substr(0, host.rfind(':'));
  if (name.size() <= below_.size()) return {};
  const std::size_t border = name.size() - below_.size();
  return text::iequals(name.substr(border), below_) ? name.substr(0, border) : std::string_view();
}

std::string Origins::of(std::string_view label) const {
  return scheme_ + "://" + std::string(label) + below_ + port_;
}

std::string origin_label(const std::string& username) {
  return spawners::safe_name(username);
}

}  // namespace passerelle::hub
