#include "auth/cookies.hpp"

#include <chrono>
#include <set>
#include <vector>

#include "base/text.hpp"

namespace passerelle::auth {
namespace {

// Calls visit(name, value) for each pair. Quotes are part of the value (RFC 6265, 5.2).
template <class Visit>
void each_cookie(std::string_view header, Visit visit) {
  while (!header.empty()) {
    const std::size_t end = header.find(';');
    const std::string_view pair = text::trim(header.substr(0, end));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos)
      visit(text::trim(pair.substr(0, equals)), text::trim(pair.substr(equals + 1)));
    if (end == std::string_view::npos) return;
    header.remove_prefix(end + 1);
  }
}

std::string max_age(seconds lasts) {
  return "; Max-Age=" + std::to_string(lasts.count());
}

}  // namespace

Cookies::Cookies(std::string_view public_url, std::string base_url)
    : secure_(public_url.starts_with("https://")), base_url_(std::move(base_url)) {
  const std::string_view prefix = !secure_ ? "" : base_url_ == "/" ? "__Host-" : "__Secure-";
  session_name_ = std::string(prefix) + "passerelle-session";
  visitor_name_ = std::string(prefix) + "passerelle-visitor";
  method_name_ = std::string(prefix) + "passerelle-method";
  origin_name_ = std::string(prefix) + "passerelle-origin";
  arrival_name_ = std::string(prefix) + "passerelle-arrival";
}

std::string Cookies::make(std::string_view name,
                          std::string_view value,
                          std::string_view path) const {
  std::string line(name);
  line.append("=").append(value).append("; Path=").append(path);
  line.append("; HttpOnly; SameSite=Lax");
  if (secure_) line.append("; Secure");
  return line;
}

std::string Cookies::session(std::string_view secret, seconds lasts) const {
  return make(session_name_, secret, base_url_) + max_age(lasts);
}

std::string Cookies::clear_session() const {
  return session("", seconds(0));
}

std::string Cookies::framed_session(std::string_view secret, seconds lasts) const {
  return make_framed(session_name_, secret, base_url_) + max_age(lasts);
}

std::string Cookies::make_framed(std::string_view name,
                                 std::string_view value,
                                 std::string_view path) const {
  if (!secure_) return make(name, value, path);
  std::string line(name);
  line.append("=").append(value).append("; Path=").append(path);
  return line + "; HttpOnly; SameSite=None; Secure; Partitioned";
}

std::string Cookies::make_there(std::string_view name,
                                std::string_view value,
                                bool framed,
                                bool whole) const {
  const std::string_view path = whole ? std::string_view("/") : base_url_;
  return framed ? make_framed(name, value, path) : make(name, value, path);
}

std::string Cookies::origin(std::string_view key, seconds lasts, bool framed, bool whole) const {
  return make_there(origin_name_, key, framed, whole) + max_age(lasts);
}

std::string Cookies::arrival(std::string_view value, bool framed, bool whole) const {
  constexpr seconds kLasts{600};
  return make_there(arrival_name_, value, framed, whole) +
         max_age(value.empty() ? seconds(0) : kLasts);
}

std::string Cookies::clear_framed_session() const {
  return framed_session("", seconds(0));
}

std::string Cookies::visitor(std::string_view value) const {
  return make(visitor_name_, value, base_url_);
}

std::string Cookies::method(std::string_view authenticator) const {
  return make(method_name_, authenticator, base_url_) + max_age(std::chrono::hours(24 * 365));
}

// A path of its own rules "__Host-" out.
std::string Cookies::authenticator_prefix(std::string_view authenticator) const {
  return (secure_ ? "__Secure-passerelle-" : "passerelle-") + std::string(authenticator) + "-";
}

std::string Cookies::of_authenticator(std::string_view authenticator,
                                      std::string_view short_name,
                                      std::string_view value,
                                      seconds lasts,
                                      bool framed) const {
  const std::string name = authenticator_prefix(authenticator) + std::string(short_name);
  if (value.empty()) lasts = seconds(0);
  if (framed && secure_)
    return name + "=" + std::string(value) + "; Path=" + base_url_ +
           "hub/; HttpOnly; SameSite=None; Secure; Partitioned" + max_age(lasts);
  if (framed) return make(name, value, base_url_ + "hub/") + max_age(lasts);
  const std::string path = base_url_ + "hub/auth/" + std::string(authenticator) + "/";
  return make(name, value, path) + max_age(lasts);
}

std::map<std::string, std::string> Cookies::for_authenticator(std::string_view authenticator,
                                                              std::string_view header) const {
  const std::string prefix = authenticator_prefix(authenticator);
  std::map<std::string, std::string> found;
  std::set<std::string, std::less<>> twice;
  each_cookie(header, [&](std::string_view name, std::string_view value) {
    if (!name.starts_with(prefix)) return;
    std::string short_name(name.substr(prefix.size()));
    if (!found.emplace(short_name, value).second) twice.insert(std::move(short_name));
  });
  for (const std::string& name : twice) found.erase(name);
  return found;
}

std::optional<std::string_view> find_cookie(std::string_view header,
                                            std::string_view name) noexcept {
  std::optional<std::string_view> found;
  bool twice = false;
  each_cookie(header, [&](std::string_view key, std::string_view value) {
    if (key != name) return;
    twice = twice || found.has_value();
    found = value;
  });
  if (twice) return std::nullopt;
  return found;
}

}  // namespace passerelle::auth
