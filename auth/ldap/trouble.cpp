#include "auth/ldap/trouble.hpp"

#include <array>

#include <ldap.h>

#include "auth/ldap/connection.hpp"

namespace passerelle::auth::ldap {

std::string tls_advice(const Target& target, std::string_view words) {
  const std::string place = target.uri.host + ":" + std::to_string(target.uri.port);
  const bool starttls = target.uri.scheme == Uri::Scheme::ldap;
  std::string out = "TLS failed";
  if (!words.empty() && words.find("unknown error") == std::string_view::npos)
    out.append(" (").append(words).append(")");
  return out + ": the server's certificate must be in its dates, be signed by an authority of " +
         target.ca_file + " (ca_file), and name the host " + target.uri.host +
         " (subjectAltName); TLS 1.2 is the least. Look with: openssl s_client -connect " + place +
         (starttls ? " -starttls ldap" : "") + " -CAfile " + target.ca_file + " -verify_hostname " +
         target.uri.host;
}

Error error_of(int code, const std::string& doing, std::string_view words) {
  std::string message = doing + ": " + ldap_err2string(code);
  if (!words.empty()) message.append(" (").append(words).append(")");
  switch (code) {
    case LDAP_TIMEOUT:
    case LDAP_TIMELIMIT_EXCEEDED:
      return {Errc::timeout, doing + ": no answer in time"};
    case LDAP_NO_SUCH_OBJECT:
      return {Errc::not_found, std::move(message)};
    case LDAP_INSUFFICIENT_ACCESS:
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_INAPPROPRIATE_AUTH:
    case LDAP_STRONG_AUTH_REQUIRED:
    case LDAP_CONFIDENTIALITY_REQUIRED:
    case LDAP_UNWILLING_TO_PERFORM:
      return {Errc::forbidden, std::move(message)};
    case LDAP_REFERRAL:
      return {Errc::forbidden,
              doing + ": the server refers to another one, which is never followed"};
    case LDAP_FILTER_ERROR:
    case LDAP_INVALID_DN_SYNTAX:
    case LDAP_INVALID_SYNTAX:
    case LDAP_UNDEFINED_TYPE:
    case LDAP_INAPPROPRIATE_MATCHING:
    case LDAP_PROTOCOL_ERROR:
    case LDAP_PARAM_ERROR:
      return {Errc::invalid, std::move(message)};
    default:
      return {Errc::unavailable, std::move(message)};
  }
}

std::string active_directory_reason(std::string_view words) {
  struct Reason {
    std::string_view code, name;
  };
  constexpr std::array kReasons = {Reason{"525", "unknown-user"},
                                   Reason{"52e", "wrong-password"},
                                   Reason{"530", "logon-hours"},
                                   Reason{"531", "logon-hours"},
                                   Reason{"532", "password-expired"},
                                   Reason{"533", "disabled"},
                                   Reason{"701", "account-expired"},
                                   Reason{"773", "password-must-change"},
                                   Reason{"775", "locked"}};
  constexpr std::string_view kMark = ", data ";
  const std::size_t at = words.find(kMark);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = words.substr(at + kMark.size());
  const std::string_view code = rest.substr(0, rest.find_first_of(", "));
  for (const Reason& reason : kReasons)
    if (reason.code == code) return std::string(reason.name);
  return {};
}

}  // namespace passerelle::auth::ldap
