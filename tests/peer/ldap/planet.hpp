// The authenticator over a real slapd (tests/peers/slapd), whose addresses are in the environment.
#pragma once

#include <cstdlib>
#include <functional>
#include <thread>

#include <arpa/inet.h>
#include <ldap.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/contract/authenticator/contract.hpp"

namespace passerelle::auth::ldap_test {

inline std::string environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + ": run by slapd.py");
  return value;
}

inline const std::string kBase = "dc=planet,dc=example";
inline const std::string kPeople = "ou=people," + kBase;

/// A listener of our own that takes connections and never says a word.
class Silence {
 public:
  explicit Silence(std::uint16_t port = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd_, 64) != 0)
      throw std::runtime_error("no listener");
    socklen_t size = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Silence() { ::close(fd_); }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

  std::string uri() const { return "ldap://127.0.0.1:" + std::to_string(port_); }
  int descriptor() const { return fd_; }
  /// Whether anybody has called.
  bool was_called() const {
    const int peer = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer >= 0) ::close(peer);
    return peer >= 0;
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

/// Takes one connection and the first request, answers with the given bytes, and keeps still.
class Stutter {
 public:
  explicit Stutter(std::string bytes) : bytes_(std::move(bytes)), thread_([this] { serve(); }) {}
  ~Stutter() {
    ::shutdown(listener_.descriptor(), SHUT_RDWR);
    thread_.join();
    if (peer_ >= 0) ::close(peer_);
  }
  std::string uri() const { return listener_.uri(); }

 private:
  void serve() {
    pollfd poller{listener_.descriptor(), POLLIN, 0};
    ::poll(&poller, 1, -1);
    peer_ = ::accept4(listener_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
    std::array<char, 512> request{};
    if (peer_ >= 0 && ::recv(peer_, request.data(), request.size(), 0) > 0)
      (void)::send(peer_, bytes_.data(), bytes_.size(), MSG_NOSIGNAL);
  }
  Silence listener_;
  const std::string bytes_;
  int peer_ = -1;
  std::thread thread_;
};

/// An address where nobody listens.
inline std::string dead_uri() {
  return Silence().uri();
}

struct Planet : testing::HouseBase {
  using Change = std::function<void(config::Authenticator&)>;

  explicit Planet(const Change& change = {}) {
    settings.name = "univ";
    settings.type = "ldap";
    config::LdapAuthenticator& ldap = settings.ldap;
    ldap.uri = {environment("PLANET_URI")};
    ldap.ca_file = environment("PLANET_CA");
    ldap.bind_dn = "cn=lookup,ou=services," + kBase;
    ldap.bind_password.value = "lookup-pass";
    ldap.user_base = kBase;
    ldap.group_base = "ou=groups," + kBase;
    if (change) change(settings);
    method = make_authenticator(settings, around()).value();
  }

  static AuthRequest post(std::string name, std::string password) {
    AuthRequest request;
    request.method = "POST";
    request.path = "login";
    request.form = {{"username", std::move(name)}, {"password", std::move(password)}};
    return request;
  }
  static AuthRequest right() { return post("fry", "fry-pass"); }
  static AuthRequest wrong() { return post("fry", "guess"); }

  SignedIn in(const std::string& name, const std::string& password) {
    auto answer = ask(post(name, password));
    if (!answer) throw std::runtime_error(answer.error().message());
    if (const auto* form = std::get_if<ShowForm>(&*answer))
      throw std::runtime_error(form->cause + " " + form->detail + " " + form->code);
    return std::get<SignedIn>(std::move(*answer));
  }
  ShowForm out(const std::string& name, const std::string& password) {
    auto answer = ask(post(name, password));
    if (!answer) throw std::runtime_error(answer.error().message());
    if (std::holds_alternative<SignedIn>(*answer)) throw std::runtime_error(name + " came in");
    return std::get<ShowForm>(std::move(*answer));
  }
  /// Why the directory would not have them: for the log; the person hears "wrong password".
  std::string cause(const std::string& name, const std::string& password) {
    const ShowForm form = out(name, password);
    EXPECT_TRUE(form.failed) << name;
    EXPECT_EQ(form.status, 403) << name;
    EXPECT_EQ(form.message, "sign-in.wrong-password") << name;
    EXPECT_EQ(form.code, "wrong-password") << name;
    return form.cause;
  }
  Result<Known> again(const SignedIn& person) {
    return testing::wait(method->refresh({person.identity, person.state}));
  }
  /// One line for each finding: "good: what" or "wrong: what | advice".
  std::string findings() {
    std::string text;
    asio::io_context own;
    asio::co_spawn(own, method->check(),
                   [&](const std::exception_ptr&, const std::vector<Finding>& all) {
                     for (const Finding& one : all)
                       text += std::string(one.level == Finding::Level::good      ? "good"
                                           : one.level == Finding::Level::warning ? "warning"
                                                                                  : "wrong") +
                               ": " + one.what + " | " + one.advice + "\n";
                   });
    own.run();
    return text;
  }

  config::Authenticator settings;
};

/// Changes the directory as its administrator, over the wire.
class Admin {
 public:
  Admin() {
    const int version = LDAP_VERSION3;
    ldap_initialize(&handle_, environment("PLANET_LDAPI").c_str());
    ldap_set_option(handle_, LDAP_OPT_PROTOCOL_VERSION, &version);
    std::string password = environment("PLANET_ADMIN_PASSWORD");
    berval secret{password.size(), password.data()};
    expect(ldap_sasl_bind_s(handle_, ("cn=admin," + kBase).c_str(), LDAP_SASL_SIMPLE, &secret,
                            nullptr, nullptr, nullptr));
  }
  ~Admin() { ldap_unbind_ext(handle_, nullptr, nullptr); }
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  /// One attribute; no value removes it.
  void set(const std::string& dn, const std::string& attribute, const std::string& value) {
    modify(value.empty() ? LDAP_MOD_DELETE : LDAP_MOD_REPLACE, dn, attribute, value);
  }
  void add(const std::string& dn, const std::string& attribute, const std::string& value) {
    modify(LDAP_MOD_ADD, dn, attribute, value);
  }
  void take(const std::string& dn, const std::string& attribute, const std::string& value) {
    modify(LDAP_MOD_DELETE, dn, attribute, value);
  }
  void rename(const std::string& dn, const std::string& rdn) {
    expect(ldap_rename_s(handle_, dn.c_str(), rdn.c_str(), nullptr, 1, nullptr, nullptr));
  }
  void remove(const std::string& dn) {
    expect(ldap_delete_ext_s(handle_, dn.c_str(), nullptr, nullptr));
  }
  void add_person(const std::string& uid) {
    const std::string dn = "uid=" + uid + "," + kPeople;
    const std::string password = uid + "-pass";
    std::vector<std::pair<std::string, std::string>> lines = {{"objectClass", "inetOrgPerson"},
                                                              {"uid", uid},
                                                              {"cn", uid},
                                                              {"sn", uid},
                                                              {"userPassword", password}};
    std::vector<LDAPMod> mods(lines.size());
    std::vector<std::array<char*, 2>> values(lines.size());
    std::vector<LDAPMod*> list;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      values[i] = {lines[i].second.data(), nullptr};
      mods[i].mod_op = LDAP_MOD_ADD;
      mods[i].mod_type = lines[i].first.data();
      mods[i].mod_vals.modv_strvals = values[i].data();
      list.push_back(&mods[i]);
    }
    list.push_back(nullptr);
    expect(ldap_add_ext_s(handle_, dn.c_str(), list.data(), nullptr, nullptr));
  }

 private:
  // The Relax Rules control: attributes that the server keeps for itself may be written.
  void modify(int what, const std::string& dn, std::string attribute, std::string value) {
    char* values[] = {value.data(), nullptr};
    LDAPMod mod{};
    mod.mod_op = what;
    mod.mod_type = attribute.data();
    mod.mod_vals.modv_strvals = value.empty() ? nullptr : values;
    LDAPMod* mods[] = {&mod, nullptr};
    char oid[] = "1.3.6.1.4.1.4203.666.5.12";
    LDAPControl relax{oid, {0, nullptr}, 1};
    LDAPControl* controls[] = {&relax, nullptr};
    expect(ldap_modify_ext_s(handle_, dn.c_str(), mods, controls, nullptr));
  }
  static void expect(int code) {
    if (code != LDAP_SUCCESS) throw std::runtime_error(ldap_err2string(code));
  }
  LDAP* handle_ = nullptr;
};

}  // namespace passerelle::auth::ldap_test
