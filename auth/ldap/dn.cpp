#include "auth/ldap/dn.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include <ldap.h>

#include "auth/ldap/escape.hpp"
#include "base/text.hpp"

namespace passerelle::auth::ldap {
namespace {

struct FreeDn {
  void operator()(LDAPDN dn) const { ldap_dnfree(dn); }
};
using Parsed = std::unique_ptr<std::remove_pointer_t<LDAPDN>, FreeDn>;

Parsed parse(std::string_view dn) {
  LDAPDN out = nullptr;
  const std::string text(dn);
  if (text.find('\0') != std::string::npos) return nullptr;
  if (ldap_str2dn(text.c_str(), &out, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS) return nullptr;
  return Parsed(out);
}

std::string_view view(const berval& value) {
  return {value.bv_val, value.bv_len};
}

// Spaces around go, several become one: as caseIgnoreMatch does.
std::string folded(std::string_view value) {
  std::string out;
  for (const char c : text::trim(value)) {
    if (c == ' ' && !out.empty() && out.back() == ' ') continue;
    out += c;
  }
  return text::ascii_lower(out);
}

std::string component(LDAPRDN rdn, bool for_key) {
  std::vector<std::string> parts;
  for (; *rdn != nullptr; ++rdn) {
    const LDAPAVA& ava = **rdn;
    std::string value(view(ava.la_value));
    if (for_key) value = folded(value);
    parts.push_back(text::ascii_lower(view(ava.la_attr)) + '=' + escape_dn(value));
  }
  std::sort(parts.begin(), parts.end());
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : "+") + part;
  return out;
}

std::string write(std::string_view dn, bool for_key) {
  const Parsed parsed = parse(dn);
  if (!parsed) return {};
  std::string out;
  for (LDAPRDN* rdn = parsed.get(); *rdn != nullptr; ++rdn)
    out += (out.empty() ? "" : ",") + component(*rdn, for_key);
  return out;
}

}  // namespace

std::string dn_key(std::string_view dn) {
  return write(dn, true);
}

bool same_dn(std::string_view a, std::string_view b) {
  const std::string key = dn_key(a);
  return !key.empty() && key == dn_key(b);
}

std::string dn_text(std::string_view dn) {
  return write(dn, false);
}

std::string first_value(std::string_view dn) {
  const Parsed parsed = parse(dn);
  if (!parsed || parsed.get()[0] == nullptr) return {};
  return std::string(view(parsed.get()[0][0]->la_value));
}

std::string first_value(std::string_view dn, std::string_view attribute) {
  const Parsed parsed = parse(dn);
  if (!parsed || parsed.get()[0] == nullptr) return {};
  for (LDAPAVA** ava = parsed.get()[0]; *ava != nullptr; ++ava)
    if (text::iequals(view((*ava)->la_attr), attribute)) return std::string(view((*ava)->la_value));
  return {};
}

}  // namespace passerelle::auth::ldap
