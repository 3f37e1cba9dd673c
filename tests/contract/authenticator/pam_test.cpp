// The authenticator "pam" over the machine's own PAM and its modules, with accounts that exist in
// files of this test only (libpam-wrapper, libnss-wrapper).
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/contract/authenticator/contract.hpp"

namespace passerelle::auth {
namespace {

namespace fs = std::filesystem;

const std::string kLibraries = WRAPPER_LIBRARIES;
const std::string kPassword = "alice's own password";

/// A machine with a few accounts. The wrappers work on passerelle-pam, which inherits our
/// environment.
struct Machine : testing::HouseBase {
  explicit Machine(const std::string& service = "fine", seconds deadline = seconds(20)) {
    fs::create_directory(folder + "/pam.d");
    put("passwd",
        "root:x:0:0:root:/root:/bin/sh\n"
        "www:x:33:33::/var/www:/bin/sh\n"
        "alice:x:2001:2001:Alice Dupont,B 12,,:/home/alice:/bin/bash\n");
    put("group", "alice:x:2001:\nstaff:x:3000:alice\nhpc:x:3001:bob,alice\nwheel:x:10:root\n");
    std::string people;
    for (const char* name :
         {"fine", "chatty", "expired", "stale", "locked", "closed", "slow", "curious", "broken"})
      for (const char* user : {"alice", "root", "www", "ghost"})
        people += std::string(user) + ":" + kPassword + ":" + name + "\n";
    put("people", people);
    const std::string matrix =
        kLibraries + "/pam_wrapper/pam_matrix.so passdb=" + folder + "/people";
    const std::string good = "auth required " + matrix + "\n";
    const std::string open = "account required pam_permit.so\n";
    put("pam.d/other", "auth required pam_deny.so\naccount required pam_deny.so\n");
    put("pam.d/fine", good + "account required " + matrix + "\n");
    put("pam.d/chatty", "auth optional " + kLibraries +
                            "/pam_wrapper/pam_chatty.so info error num_lines=3\n" + good + open);
    put("pam.d/expired", good + "account required pam_debug.so acct=acct_expired\n");
    put("pam.d/stale", good + "account required pam_debug.so acct=new_authtok_reqd\n");
    put("pam.d/closed", good + "account required pam_debug.so acct=perm_denied\n");
    put("pam.d/locked", "auth required pam_debug.so auth=maxtries\n" + open);
    put("pam.d/slow", "auth required pam_exec.so quiet /bin/sleep 3\n" + good + open);
    put("pam.d/curious", good + "auth required " + matrix + " echo\n" + open);
    put("pam.d/broken", "auth required pam_debug.so auth=authinfo_unavail\n" + open);
    set("LD_PRELOAD", kLibraries + "/libpam_wrapper.so:" + kLibraries + "/libnss_wrapper.so");
    set("PAM_WRAPPER", "1");
    set("PAM_WRAPPER_SERVICE_DIR", folder + "/pam.d");
    set("NSS_WRAPPER_PASSWD", folder + "/passwd");
    set("NSS_WRAPPER_GROUP", folder + "/group");
    set("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0");
    link_checker();
    settings.name = "room";
    settings.type = "pam";
    settings.groups = {"local"};
    settings.pam.service = service;
    settings.pam.deadline = deadline;
    method = make_authenticator(settings, around()).value();
  }
  ~Machine() {
    for (const std::string& name : set_) ::unsetenv(name.c_str());
    fs::remove_all(folder);
  }
  /// The gateway looks for it beside itself.
  static void link_checker() {
    const fs::path beside = fs::read_symlink("/proc/self/exe").parent_path() / "passerelle-pam";
    std::error_code there_already;
    fs::create_symlink(BUILD_DIR "/passerelle-pam", beside, there_already);
  }
  static std::string new_folder() {
    std::string path = (fs::temp_directory_path() / "pam.XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
    return path;
  }
  void put(const std::string& name, const std::string& content) {
    std::ofstream(folder + "/" + name) << content;
  }
  void set(const std::string& name, const std::string& value) {
    ::setenv(name.c_str(), value.c_str(), 1);
    set_.push_back(name);
  }

  static AuthRequest post(std::string name, std::string password = kPassword) {
    AuthRequest request;
    request.method = "POST";
    request.path = "login";
    request.peer = "192.0.2.1";
    request.form = {{"username", std::move(name)}, {"password", std::move(password)}};
    return request;
  }
  AuthRequest right() { return post("alice"); }
  AuthRequest wrong() { return post("alice", "guess"); }
  ShowForm shown(AuthRequest request) {
    return std::get<ShowForm>(ask(std::move(request)).value());
  }

  std::string folder = new_folder();
  std::vector<std::string> set_;
  config::Authenticator settings;
};

}  // namespace

namespace testing {
INSTANTIATE_TYPED_TEST_SUITE_P(Pam, AuthenticatorContract, Machine);
}  // namespace testing

namespace {

TEST(Pam, TellsWhatTheSystemKnows) {
  Machine machine;
  const auto in = std::get<SignedIn>(machine.ask(Machine::post(" alice ")).value());
  EXPECT_EQ(in.identity.subject, "alice");
  EXPECT_EQ(in.identity.display_name, "Alice Dupont");
  EXPECT_EQ(in.identity.groups, (std::vector<std::string>{"local", "alice", "staff", "hpc"}));
  const auto& attributes = in.state->attributes;
  EXPECT_EQ(attributes.at("uidNumber").front(), "2001");
  EXPECT_EQ(attributes.at("gidNumber").front(), "2001");
  EXPECT_EQ(attributes.at("homeDirectory").front(), "/home/alice");
}

// Not even with the right password, and with no word that it is the right one.
TEST(Pam, TheSystemsOwnAccountsNeverSignIn) {
  Machine machine;
  for (const char* user : {"root", "www", "ghost"}) {
    const ShowForm form = machine.shown(Machine::post(user));
    EXPECT_EQ(form.message, "sign-in.wrong-password") << user;
    EXPECT_TRUE(form.failed);
  }
}

TEST(Pam, OddNamesAndEmptyPasswordsAreNotEvenAsked) {
  Machine machine("broken");  // whoever asks learns that it could not tell
  for (const std::string& name :
       {std::string("-alice"), std::string("../alice"), std::string("al ice"), std::string("a:b"),
        std::string("a\nb"), std::string(65, 'a'), std::string(1'000'000, 'a')})
    EXPECT_EQ(machine.shown(Machine::post(name)).message, "sign-in.name-invalid");
  const ShowForm empty = machine.shown(Machine::post("alice", ""));
  EXPECT_EQ(empty.message, "sign-in.wrong-password");
  EXPECT_FALSE(empty.failed);
  EXPECT_EQ(machine.shown(Machine::post("alice", std::string("a\0b", 3))).message,
            "sign-in.wrong-password");
  EXPECT_EQ(machine.ask(machine.right()).error().code(), Errc::unavailable);
}

TEST(Pam, ClosedAccountsSaySo) {
  for (const auto& [service, code] :
       {std::pair("expired", "account-expired"), std::pair("stale", "password-expired"),
        std::pair("closed", "account-refused"), std::pair("locked", "locked")}) {
    Machine machine(service);
    const ShowForm form = machine.shown(machine.right());
    EXPECT_EQ(form.code, code);
    EXPECT_EQ(form.message, std::string("sign-in.pam.") + code);
    EXPECT_FALSE(form.failed);
  }
  Machine machine("expired");
  EXPECT_EQ(machine.shown(machine.wrong()).message, "sign-in.wrong-password");
}

TEST(Pam, ModulesMayTalkButNotAskForMore) {
  Machine chatty("chatty");
  EXPECT_TRUE(std::holds_alternative<SignedIn>(chatty.ask(chatty.right()).value()));
  Machine curious("curious");
  EXPECT_EQ(curious.ask(curious.right()).error().code(), Errc::unavailable);
}

TEST(Pam, AModuleThatHangsIsGivenUp) {
  Machine machine("slow", seconds(1));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(machine.ask(machine.right()).error().code(), Errc::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(2800));
}

TEST(Pam, RefreshSeesClosedAccountsAndNewGroups) {
  Machine machine;
  const auto in = std::get<SignedIn>(machine.ask(machine.right()).value());
  machine.put("group", "alice:x:2001:\nadmins:x:3002:alice\n");
  const auto now = machine.run(machine.method->refresh({in.identity, in.state}));
  EXPECT_EQ(now->identity.groups, (std::vector<std::string>{"local", "alice", "admins"}));
  machine.put("pam.d/fine", "account required pam_debug.so acct=acct_expired\n");
  const auto closed = machine.run(machine.method->refresh({in.identity, in.state}));
  EXPECT_EQ(closed.error().code(), Errc::forbidden);
  machine.put("passwd", "root:x:0:0:root:/root:/bin/sh\n");
  machine.put("pam.d/fine", "account required pam_permit.so\n");
  const auto gone = machine.run(machine.method->refresh({in.identity, in.state}));
  EXPECT_EQ(gone.error().code(), Errc::forbidden);
}

}  // namespace
}  // namespace passerelle::auth
