// One connection to a directory server, from the TCP handshake to the unbind: TLS, binds, searches,
// each with a deadline. Blocking, for worker threads. Referrals are never followed, and nothing is
// sent in clear that the target asks TLS for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "auth/ldap/entry.hpp"
#include "auth/ldap/socket.hpp"
#include "auth/ldap/stream.hpp"
#include "base/result.hpp"

struct ldap;
struct ldapmsg;
struct ldapcontrol;

namespace passerelle::auth::ldap {

/// One server, and how to speak to it.
struct Target {
  std::string text;  ///< The URI as it was written, for messages.
  Uri uri;
  bool tls = true;      ///< LDAPS for that scheme, StartTLS otherwise.
  std::string ca_file;  ///< Never empty with tls.
};

struct Search {
  enum class Scope { base, subtree };
  std::string base;
  Scope scope = Scope::subtree;
  std::string filter;
  std::vector<std::string> attributes;  ///< Empty: none but the DN.
  std::size_t most = 2;                 ///< Entries wanted.
  std::size_t page = 0;                 ///< RFC 2696, entries each; 0: in one go.
};

struct Found {
  std::vector<Entry> entries;
  bool more = false;  ///< There are more than were wanted, or than the server gives.
};

struct Bound {
  bool right = false;
  bool must_change = false;  ///< Right, but only good for choosing a new password.
  std::string why;           ///< If not right: "wrong-password", "locked", ...; never shown.
  std::string detail;        ///< The server's own words, for the log.
};

/// Not for two threads at once. After an error of the connection (Errc::unavailable or
/// Errc::timeout) nothing more works on it. Errors: those two mean "this server, now";
/// Errc::not_found: no such entry; Errc::forbidden: the server does not allow it; Errc::invalid:
/// the question makes no sense.
class Connection {
 public:
  static Result<Connection> open(const Target& target, Deadline deadline);

  /// Neither dn nor password may be empty (RFC 4513, 5.1.2: that would be an anonymous bind that
  /// "succeeds"): Errc::invalid, and nothing is sent.
  Result<Bound> bind(const std::string& dn, const std::string& password, Deadline deadline);
  /// RFC 4532: "dn:uid=fry,..." or "u:PLANET\fry"; empty: anonymous. Errc::not_found: the server
  /// does not know the question.
  Result<std::string> who_am_i(Deadline deadline);
  Result<Found> search(const Search& search, Deadline deadline);

 private:
  struct Unbind {
    void operator()(struct ldap* handle) const;
  };
  struct FreeMessage {
    void operator()(struct ldapmsg* message) const;
  };
  using Message = std::unique_ptr<struct ldapmsg, FreeMessage>;

  Connection(Target target, struct ldap* handle)
      : target_(std::move(target)), stream_(std::make_unique<Stream>()), handle_(handle) {}
  Result<void> set_options(Deadline deadline);
  Result<void> start_tls(Deadline deadline);
  Result<Message> await(int id, int all, Deadline deadline);
  Result<Bound> bound_by(struct ldapmsg* message);
  Result<std::string> one_page(const Search& search,
                               const std::string& cookie,
                               Found& found,
                               Deadline deadline);
  Result<std::string> end_of_page(struct ldapmsg* message, const Search& search, Found& found);
  Entry entry_of(struct ldapmsg* message);
  bool in_clear() const;
  std::string words() const;
  Error trouble(int code, const std::string& doing) const;

  Target target_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<struct ldap, Unbind> handle_;  ///< Ends before its stream.
};

}  // namespace passerelle::auth::ldap
