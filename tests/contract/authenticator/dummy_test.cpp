#include <cstdlib>
#include <filesystem>

#include "tests/contract/authenticator/contract.hpp"

namespace passerelle::auth {
namespace {

using testing::wait;

struct Room : testing::HouseBase {
  explicit Room(const std::function<void(config::DummyAuthenticator&)>& change = [](auto&) {}) {
    settings.name = "room";
    settings.type = "dummy";
    settings.dummy.password.value = "spark-2026-room";
    settings.groups = {"spark"};
    change(settings.dummy);
    set_up();
  }
  void set_up() { method = make_authenticator(settings, around()).value(); }
  static AuthRequest post(std::string name,
                          std::string password = "spark-2026-room",
                          std::string pin = "",
                          std::string claim = "") {
    AuthRequest request;
    request.method = "POST";
    request.path = "login";
    request.form = {{"username", std::move(name)}, {"password", std::move(password)}};
    if (!pin.empty()) request.form.emplace_back("pin", std::move(pin));
    if (!claim.empty()) request.cookies["claim"] = std::move(claim);
    return request;
  }
  AuthRequest right() { return post("Alice"); }
  AuthRequest wrong() { return post("Alice", "guess"); }

  /// A person's browser after their first sign-in.
  struct Known {
    std::string claim;
    std::string pin;
  };
  Known arrive(const std::string& name, std::string claim = "") {
    auto answer = ask(post(name, "spark-2026-room", "", std::move(claim)));
    SignedIn signed_in = std::get<SignedIn>(*answer);
    EXPECT_TRUE(enter(signed_in));
    return {signed_in.set_cookies["claim"].value, signed_in.notice_values["pin"]};
  }
  bool comes_in(AuthRequest request) {
    auto answer = ask(std::move(request));
    return std::holds_alternative<SignedIn>(answer.value());
  }
  ShowForm shown(AuthRequest request) {
    return std::get<ShowForm>(ask(std::move(request)).value());
  }

  config::Authenticator settings;
};

/// The same room over the store that is shipped.
struct RoomOnSqlite : Room {
  RoomOnSqlite() : store(store::open_sqlite(folder + "/passerelle.db").value()) {
    known = &store->users();
    set_up();
  }
  ~RoomOnSqlite() {
    method.reset();
    store.reset();
    std::filesystem::remove_all(folder);
  }
  static std::string new_folder() {
    std::string path = (std::filesystem::temp_directory_path() / "authenticator.XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary folder");
    return path;
  }
  std::string folder = new_folder();
  std::unique_ptr<store::Store> store;
};

const char* const kPassword = "spark-2026-room";

}  // namespace

namespace testing {
using Rooms = ::testing::Types<Room, RoomOnSqlite>;
INSTANTIATE_TYPED_TEST_SUITE_P(Dummy, AuthenticatorContract, Rooms);
}  // namespace testing

namespace {

TEST(Dummy, NeedsAPassword) {
  Room room;
  room.settings.dummy.password.value.clear();
  EXPECT_EQ(make_authenticator(room.settings, room.around()).error().code(), Errc::invalid);
}

TEST(Registry, NamesItsTypesWhenOneIsUnknown) {
  Room room;
  room.settings.type = "ladp";
  const auto made = make_authenticator(room.settings, room.around());
  EXPECT_NE(made.error().message().find("dummy"), std::string::npos);
}

TEST(Dummy, GivesGroupsAndSeatsAndAnEnd) {
  Room room([](config::DummyAuthenticator& dummy) {
    dummy.max_users = 60;
    dummy.until = from_micros(1'795'305'600'000'000) + std::chrono::hours(24);
  });
  auto answer = room.ask(room.right());
  const SignedIn& person = std::get<SignedIn>(*answer);
  EXPECT_EQ(person.identity.groups, std::vector<std::string>{"spark"});
  EXPECT_EQ(person.identity.display_name, "Alice");
  EXPECT_EQ(person.max_users, 60U);
  EXPECT_EQ(person.session_until, room.settings.dummy.until);
  EXPECT_EQ(room.method->offer().note, "sign-in.note.until");
  EXPECT_EQ(room.method->offer().note_values.at("date"), "2026-11-23");
}

TEST(Dummy, EndsWhenItsTimeHasCome) {
  Room room([](config::DummyAuthenticator& dummy) {
    dummy.until = from_micros(1'795'305'600'000'000) + std::chrono::hours(24);
  });
  auto answer = room.ask(room.right());
  const Identity identity = std::get<SignedIn>(*answer).identity;
  room.clock.pass(std::chrono::hours(24));
  const ShowForm form = room.shown(room.right());
  EXPECT_EQ(form.message, "sign-in.closed");
  EXPECT_FALSE(form.failed);
  EXPECT_EQ(wait(room.method->refresh({identity, {}})).error().code(), Errc::forbidden);
}

// CVE-2026-40934: a new password puts out who came in with the old one.
TEST(Dummy, Cve2026_40934_ANewPasswordEndsWhatTheOldOneOpened) {
  Room before;
  auto answer = before.ask(before.right());
  const SignedIn& alice = std::get<SignedIn>(*answer);
  const Known known{alice.identity, alice.state};
  EXPECT_TRUE(wait(before.method->refresh(known)));
  Room same;
  EXPECT_TRUE(wait(same.method->refresh(known)));  // a restart changes nothing
  Room after([](config::DummyAuthenticator& dummy) { dummy.password.value = "another-room"; });
  const auto refused = wait(after.method->refresh(known));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::forbidden);
}

TEST(Dummy, WhoCameBeforeAPasswordWasKeptStaysAndIsHeldToItFromNowOn) {
  Room room;
  auto answer = room.ask(room.right());
  const Identity identity = std::get<SignedIn>(*answer).identity;
  const auto known = wait(room.method->refresh({identity, {}}));
  ASSERT_TRUE(known);
  EXPECT_EQ(known->state, std::get<SignedIn>(*answer).state);
}

TEST(Dummy, PasswordsAreComparedWhole) {
  Room room;
  for (const char* typed :
       {"", "spark-2026-roo", "spark-2026-room ", "Spark-2026-room", "spark-2026-roomx"})
    EXPECT_EQ(room.shown(Room::post("Alice", typed)).message, "sign-in.wrong-password") << typed;
}

TEST(Dummy, ABadNameTellsNothingOfThePassword) {
  Room room;
  for (const char* password : {kPassword, "guess"}) {
    const ShowForm form = room.shown(Room::post("al\x01ice", password));
    EXPECT_EQ(form.message, "sign-in.name-invalid");
    EXPECT_FALSE(form.failed);
  }
}

TEST(Dummy, TheFirstBrowserKeepsTheName) {
  Room room;
  const Room::Known alice = room.arrive("Alice");
  EXPECT_TRUE(room.comes_in(Room::post("Alice", kPassword, "", alice.claim)));
  EXPECT_FALSE(room.comes_in(Room::post("Alice", "guess", "", alice.claim)));
  const ShowForm form = room.shown(Room::post("Alice"));
  EXPECT_EQ(form.message, "sign-in.name-taken-try");
  EXPECT_EQ(form.message_values.at("suggestions"), "Alice-2, Alice-3");
  EXPECT_EQ(form.status, 409);
  EXPECT_FALSE(form.failed);
  ASSERT_EQ(form.extra_fields.size(), 1U);
  EXPECT_EQ(form.extra_fields[0].name, "pin");
}

// CVE-2021-41194: no other spelling of a claimed name opens it, with or without a claim of one's
// own.
TEST(Dummy, Cve2021_41194_NoSpellingGetsRoundAClaim) {
  Room room;
  room.arrive("Alice");
  const Room::Known bob = room.arrive("Bob");
  for (const char* typed : {"alice", "ALICE", " Alice", "Alice\t",
                            "\xC2\xA0"
                            "alice"}) {
    EXPECT_FALSE(room.comes_in(Room::post(typed))) << typed;
    EXPECT_FALSE(room.comes_in(Room::post(typed, kPassword, "", bob.claim))) << typed;
  }
  EXPECT_EQ(room.users.users.size(), 2U);
}

TEST(Dummy, ThePinBringsBackAndGivesTheBrowserItsOwnClaim) {
  Room room;
  const Room::Known alice = room.arrive("Alice");
  EXPECT_EQ(alice.pin.size(), 9U);
  auto answer = room.ask(Room::post("alice", kPassword, alice.pin));
  const SignedIn back = std::get<SignedIn>(*answer);
  EXPECT_TRUE(back.notice.empty());
  EXPECT_FALSE(back.must_be_new);
  const std::string second = back.set_cookies.at("claim").value;
  EXPECT_NE(second, alice.claim);
  EXPECT_TRUE(room.comes_in(Room::post("alice", kPassword, "", second)));
  EXPECT_TRUE(room.comes_in(Room::post("alice", kPassword, "", alice.claim)));
  std::string dashed = alice.pin;
  dashed[4] = '-';
  EXPECT_TRUE(room.comes_in(Room::post("alice", kPassword, dashed)));
}

TEST(Dummy, AWrongPinIsAFailedTryOfThatName) {
  Room room;
  const Room::Known alice = room.arrive("Alice");
  std::string other = alice.pin;
  other[0] = other[0] == '9' ? '0' : static_cast<char>(other[0] + 1);
  for (const std::string& pin :
       {other, std::string("1"), std::string("x"), std::string(10'000, '1')}) {
    const ShowForm form = room.shown(Room::post("Alice", kPassword, pin));
    EXPECT_TRUE(form.failed);
    EXPECT_EQ(form.message, "sign-in.wrong-pin");
    EXPECT_EQ(form.attempted_name, "Alice");
    EXPECT_EQ(form.extra_fields.size(), 1U);
  }
  EXPECT_TRUE(room.shown(Room::post("Alice", "guess", alice.pin)).message ==
              "sign-in.wrong-password");
}

TEST(Dummy, SecretsAreStoredAsHashesOnly) {
  Room room;
  const Room::Known alice = room.arrive("Alice");
  std::string digits = alice.pin;
  std::erase(digits, ' ');
  const auto& kept = room.users.kept.begin()->second;
  ASSERT_EQ(kept.size(), 2U);
  for (const store::Credential& credential : kept) {
    EXPECT_EQ(credential.hash.find(digits), std::string::npos);
    EXPECT_EQ(credential.hash.find(alice.claim), std::string::npos);
  }
}

// People share machines: the second person of a browser does not lose the first one theirs, and
// gets no way in.
TEST(Dummy, ABrowserKeepsTheClaimsOfAllWhoUseIt) {
  Room room;
  const Room::Known alice = room.arrive("Alice");
  const Room::Known bob = room.arrive("Bob", alice.claim);
  EXPECT_TRUE(room.comes_in(Room::post("Alice", kPassword, "", bob.claim)));
  EXPECT_TRUE(room.comes_in(Room::post("Bob", kPassword, "", bob.claim)));
  EXPECT_FALSE(room.comes_in(Room::post("Bob", kPassword, "", alice.claim)));
  std::string cookie = bob.claim;
  for (int i = 0; i < 20; ++i) cookie = room.arrive("P" + std::to_string(i), cookie).claim;
  EXPECT_LE(cookie.size(), 8U * 44U);
  EXPECT_FALSE(room.comes_in(Room::post("Alice", kPassword, "", cookie)));
}

// A cookie somebody planted is never made a name's claim: they would know it.
TEST(Dummy, APlantedCookieBecomesNobodysClaim) {
  Room room;
  const std::string planted(43, 'A');
  room.arrive("Alice", planted);
  EXPECT_FALSE(room.comes_in(Room::post("Alice", kPassword, "", planted)));
}

TEST(Dummy, OddClaimCookiesOpenNothing) {
  Room room;
  const Room::Known alice = room.arrive("Alice");
  for (const std::string& cookie :
       {std::string("."), std::string(400, '.'), std::string(1'000'000, 'a'), alice.claim.substr(1),
        alice.claim + "x", alice.claim + std::string(4000, '.')})
    EXPECT_FALSE(room.comes_in(Room::post("Alice", kPassword, "", cookie)));
}

TEST(Dummy, OneOfTwoWhoTakeANameAtOnceGetsIt) {
  Room room;
  auto first = room.ask(Room::post("Alice"));
  auto second = room.ask(Room::post("alice"));
  EXPECT_TRUE(room.enter(std::get<SignedIn>(*first)));
  EXPECT_EQ(room.enter(std::get<SignedIn>(*second)).error().code(), Errc::conflict);
  EXPECT_EQ(room.shown(Room::post("alice")).message, "sign-in.name-taken-try");
}

TEST(Dummy, OverSqliteTheWholeWayHolds) {
  RoomOnSqlite room;
  const Room::Known alice = room.arrive("Alice");
  EXPECT_TRUE(room.comes_in(Room::post("ALICE", kPassword, "", alice.claim)));
  EXPECT_FALSE(room.comes_in(Room::post("Alice")));
  auto back = room.ask(Room::post("Alice", kPassword, alice.pin));
  const std::string second = std::get<SignedIn>(*back).set_cookies.at("claim").value;
  EXPECT_TRUE(room.comes_in(Room::post("Alice", kPassword, "", second)));
  auto late = room.ask(Room::post("Bob"));
  auto later = room.ask(Room::post("bob"));
  EXPECT_TRUE(room.enter(std::get<SignedIn>(*late)));
  EXPECT_EQ(room.enter(std::get<SignedIn>(*later)).error().code(), Errc::conflict);
}

TEST(Dummy, SuggestionsAreFreeAndFit) {
  Room room;
  room.arrive("Alice");
  room.arrive("alice-2");
  EXPECT_EQ(room.shown(Room::post("Alice")).message_values.at("suggestions"), "Alice-3, Alice-4");
  const std::string longest(kLongestName, 'a');
  room.arrive(longest);
  EXPECT_EQ(room.shown(Room::post(longest)).message, "sign-in.name-taken");
}

TEST(Dummy, WithoutClaimANameIsAnybodys) {
  Room room([](config::DummyAuthenticator& dummy) { dummy.claim = false; });
  auto answer = room.ask(Room::post("Alice"));
  const SignedIn person = std::get<SignedIn>(*answer);
  EXPECT_FALSE(person.must_be_new);
  EXPECT_TRUE(person.set_cookies.empty());
  EXPECT_TRUE(room.enter(person));
  EXPECT_TRUE(room.comes_in(Room::post("alice")));
  EXPECT_EQ(room.method->offer().note, "sign-in.note.shared-names");
}

TEST(Dummy, ClaimSwitchedOnLaterIsTheNextOnes) {
  Room room([](config::DummyAuthenticator& dummy) { dummy.claim = false; });
  auto answer = room.ask(Room::post("Alice"));
  EXPECT_TRUE(room.enter(std::get<SignedIn>(*answer)));
  room.settings.dummy.claim = true;
  room.method = make_authenticator(room.settings, room.around()).value();
  auto adopted = room.ask(Room::post("Alice"));
  EXPECT_EQ(std::get<SignedIn>(*adopted).notice, "sign-in.notice.pin");
  EXPECT_EQ(room.shown(Room::post("Alice")).message, "sign-in.name-taken-try");
}

TEST(Dummy, AStoreThatCannotTellIsNoWrongPassword) {
  Room room;
  room.users.broken = true;
  EXPECT_EQ(room.ask(room.right()).error().code(), Errc::unavailable);
}

}  // namespace
}  // namespace passerelle::auth
