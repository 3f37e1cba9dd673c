// passerelle-pam: asks PAM about one account. The question comes as JSON on standard input, the
// answer goes as JSON to standard output; nothing stands in argv or in files. Started by the
// gateway for each try, and killed by it when that takes too long.
#include <iostream>
#include <iterator>
#include <optional>

#include <nlohmann/json.hpp>
#include <security/pam_appl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "auth/pam/checker/account.hpp"
#include "auth/pam/checker/conversation.hpp"

namespace passerelle::pam_checker {
namespace {

using Json = nlohmann::json;

struct Order {
  std::string service, user, peer, password;
  std::uint32_t min_uid = 0;
  unsigned seconds = 0;
};

Json outcome(std::string_view what) {
  return {{"outcome", what}};
}

Json error(std::string_view what) {
  return {{"error", what}};
}

// Slowing guesses down is the gateway's business: here they would only hold a place.
void no_delay(int, unsigned, void*) {}

class Session {
 public:
  explicit Session(const Order& order) : conversation_{order.password} {
    const pam_conv talk{converse, &conversation_};
    last_ = ::pam_start(order.service.c_str(), order.user.c_str(), &talk, &handle_);
    if (last_ != PAM_SUCCESS) return;
    set(PAM_FAIL_DELAY, reinterpret_cast<const void*>(&no_delay));
    set(PAM_TTY, "passerelle");
    if (!order.peer.empty()) set(PAM_RHOST, order.peer.c_str());
  }
  ~Session() {
    if (handle_ != nullptr) ::pam_end(handle_, last_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int last() const noexcept { return last_; }
  int authenticate() { return last_ = ::pam_authenticate(handle_, kFlags); }
  int account() { return last_ = ::pam_acct_mgmt(handle_, kFlags); }
  bool wanted_more() const noexcept { return conversation_.beyond; }
  std::string why() const { return ::pam_strerror(handle_, last_); }
  /// Modules may have changed it.
  std::string user() const {
    const void* item = nullptr;
    const bool there = ::pam_get_item(handle_, PAM_USER, &item) == PAM_SUCCESS && item != nullptr;
    return there ? static_cast<const char*>(item) : "";
  }

 private:
  static constexpr int kFlags = PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK;
  void set(int item, const void* value) { ::pam_set_item(handle_, item, value); }

  Conversation conversation_;
  pam_handle_t* handle_ = nullptr;
  int last_ = PAM_SUCCESS;
};

/// Null: go on. So for the next one.
Json check_password(Session& session) {
  switch (session.authenticate()) {
    case PAM_SUCCESS:
      return nullptr;
    case PAM_AUTH_ERR:
    case PAM_USER_UNKNOWN:
    case PAM_PERM_DENIED:
    case PAM_CRED_INSUFFICIENT:
    case PAM_ACCT_EXPIRED:  // told only to who knows the password
      return outcome("wrong");
    case PAM_MAXTRIES:
      return outcome("locked");
    default:
      if (session.wanted_more()) return error("a module asks for more than the password");
      return error(session.why());
  }
}

Json check_account(Session& session) {
  switch (session.account()) {
    case PAM_SUCCESS:
      return nullptr;
    case PAM_ACCT_EXPIRED:
      return outcome("account-expired");
    case PAM_NEW_AUTHTOK_REQD:
    case PAM_AUTHTOK_EXPIRED:
      return outcome("password-expired");
    case PAM_MAXTRIES:
      return outcome("locked");
    case PAM_AUTH_ERR:
    case PAM_PERM_DENIED:
      return outcome("account-refused");
    case PAM_USER_UNKNOWN:
      return outcome("wrong");
    default:
      return error(session.why());
  }
}

bool may_sign_in(const std::optional<Account>& account, const Order& order) {
  return account && account->uid != 0 && account->uid >= order.min_uid;
}

Json tell(const Account& account) {
  return {{"outcome", "ok"},
          {"user", account.user},
          {"name", account.name},
          {"groups", groups_of(account)},
          {"attributes",
           {{"uidNumber", {std::to_string(account.uid)}},
            {"gidNumber", {std::to_string(account.gid)}},
            {"homeDirectory", {account.home}},
            {"loginShell", {account.shell}}}}};
}

Json answer(const Order& order) {
  // Root's password and those of the system's accounts are not even tried: nobody can guess them
  // here.
  const auto before = find_account(order.user);
  if (before && !may_sign_in(before, order)) return outcome("wrong");
  Session session(order);
  if (session.last() != PAM_SUCCESS) return error("pam_start: " + session.why());
  if (!order.password.empty())
    if (Json wrong = check_password(session); !wrong.is_null()) return wrong;
  if (Json closed = check_account(session); !closed.is_null()) return closed;
  const auto account = find_account(session.user());
  if (!may_sign_in(account, order)) return outcome("wrong");
  return tell(*account);
}

int run() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);  // a dump would hold the password
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  const Json asked = Json::parse(text, nullptr, false);
  Order order;
  try {
    asked.at("service").get_to(order.service);
    asked.at("user").get_to(order.user);
    asked.at("peer").get_to(order.peer);
    asked.at("password").get_to(order.password);
    asked.at("min_uid").get_to(order.min_uid);
    asked.at("seconds").get_to(order.seconds);
  } catch (const Json::exception&) {
    std::cerr << "passerelle-pam is started by passerelle\n";
    return 2;
  }
  ::alarm(order.seconds);  // should the gateway be gone by then
  std::cout << answer(order).dump(-1, ' ', true, Json::error_handler_t::replace) << std::flush;
  return 0;
}

}  // namespace
}  // namespace passerelle::pam_checker

int main() {
  return passerelle::pam_checker::run();
}
