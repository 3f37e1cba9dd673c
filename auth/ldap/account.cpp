#include "auth/ldap/account.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

#include "auth/ldap/dn.hpp"
#include "auth/ldap/escape.hpp"
#include "auth/name.hpp"

namespace passerelle::auth::ldap {
namespace {

constexpr std::size_t kMostValues = 100;     // of one attribute that is kept
constexpr std::size_t kLongestValue = 4096;  // bytes
constexpr std::array kUsual = {"uid",        "uidNumber", "gidNumber", "homeDirectory",
                               "loginShell", "mail",      "cn",        "displayName"};
constexpr std::array kClosing = {"pwdAccountLockedTime", "userAccountControl", "accountExpires",
                                 "nsAccountLock", "shadowExpire"};

std::vector<std::string> kept_attributes(const config::LdapAuthenticator& settings) {
  if (!settings.attributes.empty()) return settings.attributes;
  return {kUsual.begin(), kUsual.end()};
}

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The order of the bytes that Active Directory's own tools show: three fields little-endian.
constexpr std::array<std::size_t, 16> kGuidOrder = {3, 2, 1,  0,  5,  4,  7,  6,
                                                    8, 9, 10, 11, 12, 13, 14, 15};
constexpr std::string_view kHex = "0123456789abcdef";

std::string guid_text(const std::string& bytes) {
  std::string out;
  for (std::size_t i = 0; i < kGuidOrder.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    const auto byte = static_cast<unsigned char>(bytes[kGuidOrder[i]]);
    out += kHex[byte >> 4U];
    out += kHex[byte & 0x0FU];
  }
  return out;
}

std::string guid_bytes(std::string_view text) {
  std::string digits(text);
  std::erase(digits, '-');
  std::string out(kGuidOrder.size(), '\0');
  for (std::size_t i = 0; i < kGuidOrder.size() && 2 * i + 1 < digits.size(); ++i) {
    unsigned value = 0;
    std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, value, 16);
    out[kGuidOrder[i]] = static_cast<char>(value);
  }
  return out;
}

bool is_guid(std::string_view attribute) {
  return text::iequals(attribute, "objectGUID");
}

}  // namespace

std::vector<std::string> wanted_attributes(const config::LdapAuthenticator& settings) {
  std::set<std::string> names(kClosing.begin(), kClosing.end());
  for (const std::string& name : kept_attributes(settings)) names.insert(name);
  names.insert({settings.username_attribute, settings.display_name, "cn", "memberOf", "gidNumber",
                "sAMAccountName", "userPrincipalName"});
  if (!settings.subject_attribute.empty()) names.insert(settings.subject_attribute);
  return {names.begin(), names.end()};
}

Result<std::string> username_of(const Entry& entry, const config::LdapAuthenticator& settings) {
  std::vector<std::string> names = entry.all(settings.username_attribute);
  std::sort(names.begin(), names.end());
  const std::string in_dn = first_value(entry.dn, settings.username_attribute);
  if (!in_dn.empty()) names.insert(names.begin(), in_dn);
  if (names.empty())
    return Error(Errc::invalid, "the entry " + entry.dn + " has no attribute " +
                                    settings.username_attribute +
                                    " that we can read; see `username_attribute`");
  const auto name = normalise_name(names.front());
  if (!name)
    return Error(Errc::invalid,
                 "the entry " + entry.dn + " has an odd name: " + name.error().message());
  return name->display;
}

Result<std::string> subject_of(const Entry& entry,
                               const std::string& username,
                               const config::LdapAuthenticator& settings) {
  if (settings.subject_attribute.empty()) return text::ascii_lower(username);
  const auto& values = entry.all(settings.subject_attribute);
  if (values.size() != 1 || values.front().empty() || values.front().size() > 256)
    return Error(Errc::invalid, "the entry " + entry.dn + " has not exactly one " +
                                    settings.subject_attribute +
                                    " that we can read; see `subject_attribute`");
  const std::string& value = values.front();
  if (is_guid(settings.subject_attribute) && value.size() == kGuidOrder.size())
    return guid_text(value);
  const auto name = normalise_name(value);
  if (!name)
    return Error(Errc::invalid, settings.subject_attribute + " of " + entry.dn +
                                    " is no text; see `subject_attribute`");
  return name->key;
}

std::string subject_filter(const std::string& subject, const config::LdapAuthenticator& settings) {
  const std::string value = is_guid(settings.subject_attribute) ? escape_bytes(guid_bytes(subject))
                                                                : escape_filter(subject);
  return "(" + settings.subject_attribute + "=" + value + ")";
}

std::string display_name_of(const Entry& entry,
                            const std::string& username,
                            const config::LdapAuthenticator& settings) {
  for (const std::string& attribute : {settings.display_name, std::string("cn")}) {
    const auto name = normalise_name(cut_name(entry.first(attribute)));
    if (name) return name->display;
  }
  return username;
}

AuthState state_of(const Entry& entry,
                   const std::string& username,
                   const config::LdapAuthenticator& settings) {
  AuthState state;
  state.secret = username;
  for (const std::string& name : kept_attributes(settings)) {
    for (const std::string& value : entry.all(name)) {
      auto& list = state.attributes[name];
      if (list.size() < kMostValues && value.size() <= kLongestValue && text::is_utf8(value) &&
          value.find('\0') == std::string::npos)
        list.push_back(value);
    }
  }
  std::erase_if(state.attributes, [](const auto& one) { return one.second.empty(); });
  return state;
}

std::string closed_because(const Entry& entry, Instant now) {
  constexpr std::int64_t kDisabled = 0x2;                 // userAccountControl
  constexpr std::int64_t kNever = 0x7FFF'FFFF'FFFF'FFFF;  // accountExpires; 0 means it too
  constexpr std::int64_t k1601 = 11'644'473'600;          // seconds before 1970
  constexpr std::int64_t kDay = 86'400;
  if (entry.first("pwdAccountLockedTime") == "000001010000Z") return "disabled";
  if (text::iequals(entry.first("nsAccountLock"), "true")) return "disabled";
  const auto control = number(entry.first("userAccountControl"));
  if (control && (*control & kDisabled) != 0) return "disabled";
  const std::int64_t today = to_micros(now) / 1'000'000;
  const auto expires = number(entry.first("accountExpires"));
  if (expires && *expires > 0 && *expires != kNever && *expires / 10'000'000 - k1601 <= today)
    return "account-expired";
  const auto shadow = number(entry.first("shadowExpire"));
  if (shadow && *shadow > 0 && *shadow <= today / kDay) return "account-expired";
  return {};
}

}  // namespace passerelle::auth::ldap
