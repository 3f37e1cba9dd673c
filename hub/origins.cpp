#include "hub/origins.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "config/values.hpp"
#include "spawners/container.hpp"
#include "spawners/host_name.hpp"

namespace passerelle::hub {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// What stands in `host` before `below` (".example.fr"), which it must end with.
std::string_view before(std::string_view host, std::string_view below) noexcept {
  const std::string_view name = host.substr(0, host.rfind(':'));
  if (name.size() <= below.size()) return {};
  const std::size_t border = name.size() - below.size();
  return text::iequals(name.substr(border), below) ? name.substr(0, border) : std::string_view();
}

bool is_mark(std::string_view part) noexcept {
  return part.size() == spawners::kHostMark && std::all_of(part.begin(), part.end(), [](char c) {
           return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f');
         });
}

/// The last one between hyphens: charts put their own words around it.
std::string_view mark_in(std::string_view label) noexcept {
  while (!label.empty()) {
    const std::size_t hyphen = label.rfind('-');
    const std::string_view last = label.substr(hyphen + 1);  // npos + 1 is 0
    if (is_mark(last)) return last;
    label = hyphen == std::string_view::npos ? std::string_view() : label.substr(0, hyphen);
  }
  return {};
}

}  // namespace

Origins::Origins(std::string_view public_url,
                 std::string_view subdomain_host,
                 std::vector<std::string> domains)
    : domains_(std::move(domains)), hub_(config::origin_of(public_url)) {
  if (!subdomain_host.empty()) below_ = "." + std::string(subdomain_host);
  for (std::string& domain : domains_) domain.insert(0, 1, '.');
  scheme_ = hub_.substr(0, hub_.find("://"));
  const std::size_t colon = hub_.rfind(':');
  if (colon != std::string::npos && colon > scheme_.size() &&
      hub_.find(']', colon) == std::string::npos)
    port_ = hub_.substr(colon);
}

std::string_view Origins::label_in(std::string_view host) const noexcept {
  return below_.empty() ? std::string_view() : before(host, below_);
}

std::string Origins::of(std::string_view label) const {
  return scheme_ + "://" + std::string(label) + below_ + port_;
}

std::string Origins::everybody() const {
  std::string all = on() ? of("*") : std::string();
  for (const std::string& domain : domains_)
    all.append(all.empty() ? "" : " ").append(of_server("*" + domain));
  return all;
}

std::string_view Origins::server_in(std::string_view host) const noexcept {
  for (const std::string& domain : domains_)
    if (const std::string_view label = before(host, domain); !label.empty())
      return {label.data(), label.size() + domain.size()};
  return {};
}

std::string Origins::of_server(std::string_view name) const {
  return scheme_ + "://" + std::string(name) + port_;
}

// "/@server/lab.example.fr/0f1e2d3c4b5a6978/"
std::string_view Origins::route_prefix(std::string_view name, std::span<char> room) noexcept {
  constexpr std::string_view kBegin = "/@server/";
  const std::size_t dot = std::min(name.find('.'), name.size());
  const std::string_view mark = mark_in(name.substr(0, dot));
  const std::string_view domain = name.substr(std::min(dot + 1, name.size()));
  const std::size_t size = kBegin.size() + domain.size() + 1 + mark.size() + 1;
  if (mark.empty() || domain.empty() || size > room.size()) return {};
  char* at = std::ranges::copy(kBegin, room.data()).out;
  at = std::ranges::transform(domain, at, lower).out;
  *at++ = '/';
  at = std::ranges::transform(mark, at, lower).out;
  *at = '/';
  return {room.data(), size};
}

std::string Origins::route_prefix(std::string_view name) {
  std::array<char, kPrefixRoom> room;
  return std::string(route_prefix(name, room));
}

std::string origin_label(const std::string& username) {
  return spawners::safe_name(username);
}

}  // namespace passerelle::hub
