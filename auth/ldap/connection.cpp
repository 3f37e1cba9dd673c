#include "auth/ldap/connection.hpp"

#include <mutex>

#include <ldap.h>
#include <openldap.h>
#include <sys/time.h>
#include <unistd.h>

#include "auth/ldap/trouble.hpp"

namespace passerelle::auth::ldap {
namespace {

constexpr std::size_t kLargestMessage = 4U << 20U;  // an answer of the server

timeval until(Deadline deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::microseconds>(deadline - std::chrono::steady_clock::now());
  const auto count = std::max<std::chrono::microseconds::rep>(left.count(), 1);
  return {static_cast<time_t>(count / 1'000'000), static_cast<suseconds_t>(count % 1'000'000)};
}

struct FreeControls {
  void operator()(LDAPControl** list) const { ldap_controls_free(list); }
};
using Controls = std::unique_ptr<LDAPControl*, FreeControls>;

struct FreeControl {
  void operator()(LDAPControl* one) const { ldap_control_free(one); }
};
using Control = std::unique_ptr<LDAPControl, FreeControl>;

struct FreeMemory {
  void operator()(void* memory) const { ldap_memfree(memory); }
};
using Text = std::unique_ptr<char, FreeMemory>;

// A result message taken apart.
struct Outcome {
  int code = LDAP_OTHER;
  std::string words;
  Controls controls;
};

Outcome outcome_of(LDAP* handle, LDAPMessage* message) {
  Outcome out;
  char* words = nullptr;
  LDAPControl** controls = nullptr;
  const int read =
      ldap_parse_result(handle, message, &out.code, nullptr, &words, nullptr, &controls, 0);
  const Text owned(words);
  out.controls.reset(controls);
  if (read != LDAP_SUCCESS) out.code = read;
  if (words != nullptr) out.words = words;
  return out;
}

LDAPControl* find_control(const Controls& controls, const char* oid) {
  return controls ? ldap_control_find(oid, controls.get(), nullptr) : nullptr;
}

// libldap and its TLS start by themselves with the first handle, but not for two threads at once.
void prepare_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    const int as_client = 0;
    ldap_set_option(nullptr, LDAP_OPT_X_TLS_NEWCTX, &as_client);
  });
}

}  // namespace

void Connection::Unbind::operator()(struct ldap* handle) const {
  ldap_unbind_ext(handle, nullptr, nullptr);
}

void Connection::FreeMessage::operator()(struct ldapmsg* message) const {
  ldap_msgfree(message);
}

Result<Connection> Connection::open(const Target& target, Deadline deadline) {
  prepare_library();
  const auto fd = connect_socket(target.uri, deadline);
  if (!fd) return Error(fd.error()).within(target.text);
  LDAP* handle = nullptr;
  const int code = ldap_init_fd(*fd, LDAP_PROTO_EXT, target.text.c_str(), &handle);
  if (code != LDAP_SUCCESS) {
    ::close(*fd);
    return error_of(code, target.text, "");
  }
  Connection connection(target, handle);
  auto ready = connection.set_options(deadline);
  if (ready && target.tls) ready = connection.start_tls(deadline);
  if (!ready) return std::move(ready).error();
  return connection;
}

// All of them on the handle: what ldap.conf, .ldaprc or the environment say does not count.
Result<void> Connection::set_options(Deadline deadline) {
  const int version = LDAP_VERSION3;
  const int never = LDAP_DEREF_NEVER;
  const int unlimited = 0;
  const timeval time = until(deadline);
  LDAP* handle = handle_.get();
  bool good = ldap_set_option(handle, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_SUCCESS;
  good &= ldap_set_option(handle, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_SUCCESS;
  good &= ldap_set_option(handle, LDAP_OPT_RESTART, LDAP_OPT_OFF) == LDAP_SUCCESS;
  good &= ldap_set_option(handle, LDAP_OPT_DEREF, &never) == LDAP_SUCCESS;
  good &= ldap_set_option(handle, LDAP_OPT_SIZELIMIT, &unlimited) == LDAP_SUCCESS;
  good &= ldap_set_option(handle, LDAP_OPT_TIMELIMIT, &unlimited) == LDAP_SUCCESS;
  good &= ldap_set_option(handle, LDAP_OPT_NETWORK_TIMEOUT, &time) == LDAP_SUCCESS;
  good &= ldap_set_option(handle, LDAP_OPT_TIMEOUT, &time) == LDAP_SUCCESS;
  Sockbuf* buffer = nullptr;
  ber_len_t largest = kLargestMessage;
  good &= ldap_get_option(handle, LDAP_OPT_SOCKBUF, &buffer) == LDAP_SUCCESS && buffer != nullptr;
  if (good) ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &largest);
  stream_->deadline = deadline;
  good = good && attach(buffer, *stream_);
  if (target_.tls) {
    const int hard = LDAP_OPT_X_TLS_HARD;
    const int least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    const int as_client = 0;
    good &= ldap_set_option(handle, LDAP_OPT_X_TLS_CACERTDIR, nullptr) == LDAP_SUCCESS;
    good &=
        ldap_set_option(handle, LDAP_OPT_X_TLS_CACERTFILE, target_.ca_file.c_str()) == LDAP_SUCCESS;
    good &= ldap_set_option(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, &hard) == LDAP_SUCCESS;
    good &= ldap_set_option(handle, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least) == LDAP_SUCCESS;
    if (good && ldap_set_option(handle, LDAP_OPT_X_TLS_NEWCTX, &as_client) != LDAP_SUCCESS)
      return Error(Errc::invalid, target_.text + ": the file of authorities " + target_.ca_file +
                                      " holds no certificate that can be read");
  }
  if (!good) return Error(Errc::internal, target_.text + ": an option of libldap was refused");
  return {};
}

Result<void> Connection::start_tls(Deadline deadline) {
  if (target_.uri.scheme == Uri::Scheme::ldap) {
    int id = 0;
    const int sent = ldap_start_tls(handle_.get(), nullptr, nullptr, &id);
    if (sent != LDAP_SUCCESS) return trouble(sent, "StartTLS");
    auto message = await(id, LDAP_MSG_ALL, deadline);
    if (!message) return std::move(message).error();
    const Outcome outcome = outcome_of(handle_.get(), message->get());
    if (outcome.code != LDAP_SUCCESS)
      return Error(Errc::unavailable,
                   target_.text +
                       ": the server refuses StartTLS: " + ldap_err2string(outcome.code) +
                       (outcome.words.empty() ? "" : " (" + outcome.words + ")") +
                       "; give it a certificate, or write an ldaps:// address");
  }
  const timeval time = until(deadline);
  ldap_set_option(handle_.get(), LDAP_OPT_NETWORK_TIMEOUT, &time);
  const int code = ldap_install_tls(handle_.get());
  if (code == LDAP_TIMEOUT ||
      (code != LDAP_SUCCESS && std::chrono::steady_clock::now() >= deadline))
    return Error(Errc::timeout, target_.text + ": TLS handshake: no answer in time");
  if (code != LDAP_SUCCESS || in_clear())
    return Error(Errc::unavailable, target_.text + ": " + tls_advice(target_, words()));
  return {};
}

bool Connection::in_clear() const {
  return ldap_tls_inplace(handle_.get()) == 0;
}

std::string Connection::words() const {
  char* text = nullptr;
  ldap_get_option(handle_.get(), LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
  const Text owned(text);
  return text == nullptr ? std::string() : std::string(text);
}

Error Connection::trouble(int code, const std::string& doing) const {
  return error_of(code, target_.text + ": " + doing, words());
}

Result<Connection::Message> Connection::await(int id, int all, Deadline deadline) {
  timeval time = until(deadline);
  LDAPMessage* message = nullptr;
  const int type = ldap_result(handle_.get(), id, all, &time, &message);
  Message owned(message);
  if (type > 0) return owned;
  if (type == 0) {
    ldap_abandon_ext(handle_.get(), id, nullptr, nullptr);
    return Error(Errc::timeout, target_.text + ": no answer in time");
  }
  int code = LDAP_SERVER_DOWN;
  ldap_get_option(handle_.get(), LDAP_OPT_RESULT_CODE, &code);
  return trouble(code == LDAP_SUCCESS ? LDAP_SERVER_DOWN : code, "waiting for an answer");
}

Result<Bound> Connection::bind(const std::string& dn,
                               const std::string& password,
                               Deadline deadline) {
  if (dn.empty() || password.empty() || dn.find('\0') != std::string::npos)
    return Error(Errc::invalid, "a bind needs a name and a password");
  // A connection that libldap lost and made anew would be in clear.
  if (target_.tls && in_clear())
    return Error(Errc::unavailable, target_.text + ": the connection was lost");
  LDAPControl* policy = nullptr;
  ldap_create_passwordpolicy_control(handle_.get(), &policy);
  const Control owned(policy);
  LDAPControl* controls[] = {policy, nullptr};
  berval secret{password.size(), const_cast<char*>(password.data())};
  int id = 0;
  stream_->deadline = deadline;
  const int sent =
      ldap_sasl_bind(handle_.get(), dn.c_str(), LDAP_SASL_SIMPLE, &secret, controls, nullptr, &id);
  if (sent != LDAP_SUCCESS) return trouble(sent, "bind");
  auto message = await(id, LDAP_MSG_ALL, deadline);
  if (!message) return std::move(message).error();
  return bound_by(message->get());
}

Result<Bound> Connection::bound_by(struct ldapmsg* message) {
  const Outcome outcome = outcome_of(handle_.get(), message);
  Bound out;
  out.detail = outcome.words;
  LDAPPasswordPolicyError policy = PP_noError;
  ber_int_t expires = -1;
  ber_int_t grace = -1;
  if (LDAPControl* said = find_control(outcome.controls, LDAP_CONTROL_PASSWORDPOLICYRESPONSE))
    ldap_parse_passwordpolicy_control(handle_.get(), said, &expires, &grace, &policy);
  switch (outcome.code) {
    case LDAP_SUCCESS:
      out.right = true;
      out.must_change = policy == PP_changeAfterReset;
      return out;
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_NO_SUCH_OBJECT:
    case LDAP_INVALID_DN_SYNTAX:
    case LDAP_INAPPROPRIATE_AUTH:
    case LDAP_UNWILLING_TO_PERFORM:
    case LDAP_CONSTRAINT_VIOLATION:
    case LDAP_INSUFFICIENT_ACCESS:
      break;
    default:
      return error_of(outcome.code, target_.text + ": bind", outcome.words);
  }
  out.why = policy == PP_accountLocked     ? "locked"
            : policy == PP_passwordExpired ? "password-expired"
                                           : active_directory_reason(outcome.words);
  if (out.why.empty())
    out.why = outcome.code == LDAP_INVALID_CREDENTIALS ? "wrong-password" : "bind-refused";
  return out;
}

Result<std::string> Connection::who_am_i(Deadline deadline) {
  int id = 0;
  stream_->deadline = deadline;
  stream_->deadline = deadline;
  const int sent = ldap_whoami(handle_.get(), nullptr, nullptr, &id);
  if (sent != LDAP_SUCCESS) return trouble(sent, "who am I");
  auto message = await(id, LDAP_MSG_ALL, deadline);
  if (!message) return std::move(message).error();
  const Outcome outcome = outcome_of(handle_.get(), message->get());
  if (outcome.code != LDAP_SUCCESS)
    return Error(Errc::not_found, target_.text + ": who am I: " + ldap_err2string(outcome.code));
  berval* name = nullptr;
  if (ldap_parse_extended_result(handle_.get(), message->get(), nullptr, &name, 0) != LDAP_SUCCESS)
    return Error(Errc::unavailable, target_.text + ": who am I: an odd answer");
  const std::unique_ptr<berval, decltype(&ber_bvfree)> owned(name, &ber_bvfree);
  return name == nullptr ? std::string() : std::string(name->bv_val, name->bv_len);
}

Result<Found> Connection::search(const Search& search, Deadline deadline) {
  Found found;
  std::string cookie;
  do {
    auto next = one_page(search, cookie, found, deadline);
    if (!next) return std::move(next).error();
    cookie = std::move(*next);
  } while (!cookie.empty() && !found.more);
  return found;
}

// The cookie of the next page, or empty.
Result<std::string> Connection::one_page(const Search& search,
                                         const std::string& cookie,
                                         Found& found,
                                         Deadline deadline) {
  Control page;
  if (search.page > 0) {
    LDAPControl* made = nullptr;
    berval at{cookie.size(), const_cast<char*>(cookie.data())};
    ldap_create_page_control(handle_.get(), static_cast<ber_int_t>(search.page), &at, 0, &made);
    page.reset(made);
  }
  LDAPControl* controls[] = {page.get(), nullptr};
  std::vector<char*> names;
  static char no_attributes[] = LDAP_NO_ATTRS;
  for (const std::string& name : search.attributes)
    names.push_back(const_cast<char*>(name.c_str()));
  if (names.empty()) names.push_back(no_attributes);
  names.push_back(nullptr);
  timeval time = until(deadline);
  const int limit = search.page > 0 ? 0 : static_cast<int>(search.most) + 1;
  int id = 0;
  const int sent =
      ldap_search_ext(handle_.get(), search.base.c_str(),
                      search.scope == Search::Scope::base ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE,
                      search.filter.c_str(), names.data(), 0, controls, nullptr, &time, limit, &id);
  if (sent != LDAP_SUCCESS) return trouble(sent, "search below \"" + search.base + "\"");
  for (;;) {
    auto message = await(id, LDAP_MSG_ONE, deadline);
    if (!message) return std::move(message).error();
    const int type = ldap_msgtype(message->get());
    if (type == LDAP_RES_SEARCH_RESULT) return end_of_page(message->get(), search, found);
    if (type != LDAP_RES_SEARCH_ENTRY) continue;  // a reference to elsewhere: not followed
    if (found.entries.size() == search.most) {
      found.more = true;
      ldap_abandon_ext(handle_.get(), id, nullptr, nullptr);
      return std::string();
    }
    found.entries.push_back(entry_of(message->get()));
  }
}

Result<std::string> Connection::end_of_page(struct ldapmsg* message,
                                            const Search& search,
                                            Found& found) {
  const Outcome outcome = outcome_of(handle_.get(), message);
  if (outcome.code == LDAP_SIZELIMIT_EXCEEDED || outcome.code == LDAP_ADMINLIMIT_EXCEEDED) {
    found.more = true;
    return std::string();
  }
  if (outcome.code != LDAP_SUCCESS)
    return error_of(outcome.code, target_.text + ": search below \"" + search.base + "\"",
                    outcome.words);
  LDAPControl* said = find_control(outcome.controls, LDAP_CONTROL_PAGEDRESULTS);
  if (said == nullptr) return std::string();
  berval next{0, nullptr};
  ber_int_t estimate = 0;
  if (ldap_parse_pageresponse_control(handle_.get(), said, &estimate, &next) != LDAP_SUCCESS)
    return Error(Errc::unavailable, target_.text + ": an odd answer to a paged search");
  const Text owned(next.bv_val);
  return next.bv_val == nullptr ? std::string() : std::string(next.bv_val, next.bv_len);
}

Entry Connection::entry_of(struct ldapmsg* message) {
  Entry out;
  if (const Text dn(ldap_get_dn(handle_.get(), message)); dn) out.dn = dn.get();
  BerElement* walk = nullptr;
  for (char* name = ldap_first_attribute(handle_.get(), message, &walk); name != nullptr;
       name = ldap_next_attribute(handle_.get(), message, walk)) {
    const Text owned(name);
    berval** values = ldap_get_values_len(handle_.get(), message, name);
    auto& list = out.values[text::ascii_lower(name)];
    for (berval** one = values; values != nullptr && *one != nullptr; ++one)
      list.emplace_back((*one)->bv_val, (*one)->bv_len);
    ldap_value_free_len(values);
  }
  ber_free(walk, 0);
  return out;
}

}  // namespace passerelle::auth::ldap
