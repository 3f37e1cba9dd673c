// Right: a session or token that something still runs on in a process that has handed over. The
// process keeps its life, and the successor says when it ends.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/session.hpp"
#include "auth/tokens.hpp"

namespace passerelle::hub {

struct Right {
  bool is_token = false;
  store::UserId user = 0;
  std::string id;                    ///< SessionView::id or TokenView::id
  std::shared_ptr<auth::Life> life;  ///< Null: it has ended.
};

/// Those of these users that a connection holds. A view holds its life once, so the second holder
/// is a connection; a view that was replaced by a newer one may count as one, too.
inline std::vector<Right> rights_in_use(const std::vector<store::User>& users,
                                        const auth::SessionTable& sessions,
                                        const auth::TokenTable& tokens) {
  std::vector<Right> rights;
  for (const store::User& user : users) {
    for (const auth::SessionPointer& session : sessions.of_user(user.id))
      if (session->life.use_count() > 1)
        rights.push_back({false, user.id, session->id, session->life});
    for (const auth::TokenPointer& token : tokens.of_user(user.id))
      if (token->life.use_count() > 1) rights.push_back({true, user.id, token->id, token->life});
  }
  return rights;
}

/// What it is here: the life of the same session or token, or null.
inline std::shared_ptr<auth::Life> life_of(const Right& right,
                                           const auth::SessionTable& sessions,
                                           const auth::TokenTable& tokens) {
  if (right.is_token) {
    for (const auth::TokenPointer& token : tokens.of_user(right.user))
      if (token->id == right.id) return token->life;
    return nullptr;
  }
  for (const auth::SessionPointer& session : sessions.of_user(right.user))
    if (session->id == right.id) return session->life;
  return nullptr;
}

}  // namespace passerelle::hub
