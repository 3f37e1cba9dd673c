// What a CAS server sends us: the answer to a validation (CAS protocol 2.0 and 3.0, section 2.5 and
// 2.8) and the request that ends a session (3.0, section 2.3.3). Pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace passerelle::auth::cas {

/// The ticket was good, and is spent.
struct Validated {
  std::string user;
  std::map<std::string, std::vector<std::string>> attributes;  ///< Values in their order.
};

/// The server refused it.
struct NotValidated {
  std::string code;  ///< "INVALID_TICKET", "INVALID_SERVICE", ...; letters, digits, "_" only.
};

using Validation = std::variant<Validated, NotValidated>;

/// Errc::invalid: this is no answer to a validation. The media type does not matter: servers
/// differ. The user is what stands directly in cas:authenticationSuccess, whatever else is in
/// there.
Result<Validation> read_validation(std::string_view body);

/// The ticket whose session is over. Errc::invalid: this is no samlp:LogoutRequest.
Result<std::string> read_logout_request(std::string_view xml);

/// As servers make them: 1 to 256 bytes that print, no space.
bool is_ticket(std::string_view ticket) noexcept;

}  // namespace passerelle::auth::cas
