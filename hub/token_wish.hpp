// A token that somebody wants, from the REST API and from the page of tokens.
#pragma once

#include "hub/people.hpp"

namespace passerelle::hub {

struct TokenWish {
  std::vector<std::string> scopes = {"inherit"};
  std::string note;
  std::optional<seconds> lasts;  ///< None: until it is revoked.
};

/// Makes it, if `who` may give `owner` these scopes; written to the audit log. Errc::invalid: a
/// scope that is none, or that they do not have; Errc::forbidden: the owner may not come in;
/// Errc::exhausted: too many tokens.
Task<Result<auth::TokenTable::Issued>> make_token(
    Parts& parts, auth::Principal who, store::User owner, TokenWish wish, Actor actor);

}  // namespace passerelle::hub
