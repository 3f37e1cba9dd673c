#include "auth/cas/response.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/xml.hpp"

namespace passerelle::auth::cas {
namespace {

constexpr std::string_view kCas = "http://www.yale.edu/tp/cas";
constexpr std::string_view kSamlProtocol = "urn:oasis:names:tc:SAML:2.0:protocol";
constexpr std::size_t kLongestTicket = 256;
constexpr std::size_t kLongestCode = 64;
constexpr std::size_t kMostValues = 2000;

Error no_validation(std::string_view why) {
  return {Errc::invalid, "no CAS validation: " + std::string(why)};
}

std::string code_of(const XmlElement& failure) {
  const std::string_view code = failure.attribute("code");
  const bool fine = !code.empty() && code.size() <= kLongestCode &&
                    std::all_of(code.begin(), code.end(), [](char c) {
                      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                             (c >= '0' && c <= '9') || c == '_';
                    });
  return fine ? std::string(code) : "unknown";
}

Result<Validation> validated(const XmlElement& success) {
  const XmlElement* user = success.only(kCas, "user");
  if (user == nullptr || !user->children.empty()) return no_validation("not one cas:user");
  Validated answer;
  answer.user = text::trim(user->text);
  const XmlElement* attributes = success.only(kCas, "attributes");
  if (attributes == nullptr) return Validation(std::move(answer));
  if (attributes->children.size() > kMostValues) return no_validation("too many attributes");
  for (const XmlElement& attribute : attributes->children) {
    if (!attribute.children.empty()) continue;  // structured ones have no text of their own
    answer.attributes[attribute.name].emplace_back(text::trim(attribute.text));
  }
  return Validation(std::move(answer));
}

}  // namespace

Result<Validation> read_validation(std::string_view body) {
  auto root = read_xml(body);
  if (!root) return std::move(root).error();
  if (!root->is(kCas, "serviceResponse")) return no_validation("no cas:serviceResponse");
  const XmlElement* success = root->only(kCas, "authenticationSuccess");
  const XmlElement* failure = root->only(kCas, "authenticationFailure");
  if ((success == nullptr) == (failure == nullptr))
    return no_validation("neither a success nor a failure");
  if (failure != nullptr) return Validation(NotValidated{code_of(*failure)});
  return validated(*success);
}

Result<std::string> read_logout_request(std::string_view xml) {
  auto root = read_xml(xml);
  if (!root) return std::move(root).error();
  const XmlElement* index = root->only(kSamlProtocol, "SessionIndex");
  if (!root->is(kSamlProtocol, "LogoutRequest") || index == nullptr)
    return Error(Errc::invalid, "no samlp:LogoutRequest");
  const std::string_view ticket = text::trim(index->text);
  if (!is_ticket(ticket)) return Error(Errc::invalid, "no ticket in the LogoutRequest");
  return std::string(ticket);
}

bool is_ticket(std::string_view ticket) noexcept {
  return !ticket.empty() && ticket.size() <= kLongestTicket &&
         std::all_of(ticket.begin(), ticket.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace passerelle::auth::cas
