// What belongs to (authenticator, subject): links to a user, and what authenticators keep.
#include "store/sqlite/rows.hpp"

namespace passerelle::store::sqlite {

Result<void> link_identity(Database& database, UserId user, const LinkedIdentity& identity) {
  if (Result<User> there = find_user(database, user); !there) return std::move(there).error();
  const Result<User> holder =
      find_user_by_identity(database, identity.authenticator, identity.subject);
  if (holder)
    return Error(Errc::conflict, identity.authenticator + ":" + identity.subject + " is the user " +
                                     holder->username + " already");
  Query(database,
        "INSERT INTO linked_identities (authenticator, subject, user, linked) VALUES (?, ?, ?, ?)")
      .with(identity.authenticator)
      .with(identity.subject)
      .with(user)
      .with(identity.linked)
      .run();
  return {};
}

Result<void> unlink_identity(Database& database,
                             UserId user,
                             const std::string& authenticator,
                             const std::string& subject) {
  Query query(database,
              "DELETE FROM linked_identities WHERE authenticator = ? AND subject = ? AND user = ?");
  if (query.with(authenticator).with(subject).with(user).run() == 0)
    return Error(Errc::not_found, authenticator + ":" + subject + " is not linked to this user");
  return erase_auth_state(database, authenticator, subject);
}

Result<std::vector<LinkedIdentity>> links_of(Database& database, UserId user) {
  Query query(database,
              "SELECT authenticator, subject, linked FROM linked_identities WHERE user = ? "
              "ORDER BY linked, authenticator, subject");
  query.with(user);
  std::vector<LinkedIdentity> links;
  while (query.next()) {
    LinkedIdentity link;
    link.authenticator = query.text();
    link.subject = query.text();
    link.linked = query.instant();
    links.push_back(std::move(link));
  }
  return links;
}

Result<void> put_auth_state(Database& database,
                            const std::string& authenticator,
                            const std::string& subject,
                            const std::string& sealed) {
  Result<User> user = find_user_by_identity(database, authenticator, subject);
  if (!user) return std::move(user).error();
  Query(database,
        "REPLACE INTO auth_states (authenticator, subject, user, sealed) VALUES (?, ?, ?, ?)")
      .with(authenticator)
      .with(subject)
      .with(user->id)
      .with(sealed)
      .run();
  return {};
}

Result<std::string> find_auth_state(Database& database,
                                    const std::string& authenticator,
                                    const std::string& subject) {
  Query query(database, "SELECT sealed FROM auth_states WHERE authenticator = ? AND subject = ?");
  if (!query.with(authenticator).with(subject).next())
    return Error(Errc::not_found, "nothing is kept of this identity");
  return query.text();
}

Result<void> erase_auth_state(Database& database,
                              const std::string& authenticator,
                              const std::string& subject) {
  Query(database, "DELETE FROM auth_states WHERE authenticator = ? AND subject = ?")
      .with(authenticator)
      .with(subject)
      .run();
  return {};
}

}  // namespace passerelle::store::sqlite
