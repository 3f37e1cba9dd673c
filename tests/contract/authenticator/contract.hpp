// What every authenticator must do, whatever it asks. A plug-in's test instantiates the suite with
// a House that sets it up and knows a right and a wrong request.
#pragma once

#include <gtest/gtest.h>

#include "auth/authenticator.hpp"
#include "auth/name.hpp"
#include "base/worker_pool.hpp"
#include "tests/unit/auth/world.hpp"

namespace passerelle::auth::testing {

/// What a House derives from: the surroundings of one authenticator.
struct HouseBase {
  StillClock clock;
  MemoryUsers users;
  store::UserStore* known = &users;  ///< The store in use: the one in memory, or another.
  MemoryNonces nonces;
  MemoryKept kept;
  WorkerPool workers{2};
  std::unique_ptr<Authenticator> method;

  asio::io_context loop;
  HttpClient http{loop};
  secrets::Sealer sealer{{std::string(32, 'k')}};
  Surroundings around() {
    return {*known,  workers, clock, http, sealer, "https://hub.test", "/hub/auth/room/",
            &nonces, &kept};
  }

  /// Runs the task to its end on the loop of `http`.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> outcome;
    asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, T value) {
      if (thrown) std::rethrow_exception(thrown);
      outcome = std::move(value);
    });
    loop.restart();
    while (!outcome) loop.run_one();
    return std::move(*outcome);
  }

  Result<AuthAnswer> ask(AuthRequest request) { return run(method->handle(std::move(request))); }

  /// What must not come back; empty: the request holds none.
  static std::string secret_of(const AuthRequest& request) {
    return std::string(text::field(request.form, "password"));
  }

  /// What auth/login.hpp does with an answer: the person becomes known.
  Result<store::Entered> enter(const SignedIn& answer) {
    store::NewUser wanted;
    wanted.authenticator = answer.identity.authenticator;
    wanted.subject = answer.identity.subject;
    wanted.wanted_username = answer.identity.username_hint;
    wanted.display_name = answer.identity.display_name;
    wanted.groups = answer.identity.groups;
    wanted.max_users = answer.max_users;
    wanted.credentials = answer.first;
    return wait(known->enter(std::move(wanted), answer.must_be_new));
  }
};

/// House: HouseBase with right(), the request of a person who may come in, and wrong(), one with
/// wrong credentials.
template <class House>
class AuthenticatorContract : public ::testing::Test {
 protected:
  House house;
};
TYPED_TEST_SUITE_P(AuthenticatorContract);

TYPED_TEST_P(AuthenticatorContract, SignsTheRightPersonIn) {
  auto answer = this->house.ask(this->house.right());
  ASSERT_TRUE(answer);
  const SignedIn& person = std::get<SignedIn>(*answer);
  EXPECT_EQ(person.identity.authenticator, this->house.method->name());
  EXPECT_FALSE(person.identity.subject.empty());
  EXPECT_FALSE(person.identity.username_hint.empty());
}

TYPED_TEST_P(AuthenticatorContract, TheSamePersonIsTheSameSubject) {
  auto first = this->house.ask(this->house.right());
  auto second = this->house.ask(this->house.right());
  EXPECT_EQ(std::get<SignedIn>(*first).identity.subject,
            std::get<SignedIn>(*second).identity.subject);
}

TYPED_TEST_P(AuthenticatorContract, WrongCredentialsAreAFormThatCounts) {
  auto answer = this->house.ask(this->house.wrong());
  ASSERT_TRUE(answer);
  const ShowForm& form = std::get<ShowForm>(*answer);
  EXPECT_TRUE(form.failed);
  EXPECT_EQ(form.status, 403);
  EXPECT_TRUE(form.message.starts_with("sign-in."));
}

TYPED_TEST_P(AuthenticatorContract, NothingSecretComesBack) {
  for (AuthRequest request : {this->house.right(), this->house.wrong()}) {
    const std::string secret = this->house.secret_of(request);
    if (secret.empty()) continue;
    auto answer = this->house.ask(std::move(request));
    if (const auto* form = std::get_if<ShowForm>(&*answer)) {
      for (const auto& [name, value] : form->keep) EXPECT_EQ(value.find(secret), std::string::npos);
      EXPECT_FALSE(form->keep.contains("password"));
    } else {
      for (const auto& [name, value] : std::get<SignedIn>(*answer).set_cookies)
        EXPECT_EQ(value.value.find(secret), std::string::npos);
    }
  }
}

TYPED_TEST_P(AuthenticatorContract, HugeFieldsAreRefusedAndCut) {
  AuthRequest request = this->house.right();
  for (auto& [name, value] : request.form) value.append(1'000'000, 'x');
  for (auto& [name, value] : request.query) value.append(1'000'000, 'x');
  for (auto& [name, value] : request.headers) value.append(1'000'000, 'x');
  auto answer = this->house.ask(std::move(request));
  ASSERT_TRUE(answer);
  const ShowForm& form = std::get<ShowForm>(*answer);
  EXPECT_LE(form.attempted_name.size(), kLongestName);
  for (const auto& [name, value] : form.keep) EXPECT_LE(value.size(), 200U);
}

TYPED_TEST_P(AuthenticatorContract, UnknownPathsAreNotFound) {
  for (const char* path : {"", "x", "login/x", "../login"}) {
    AuthRequest request = this->house.right();
    request.path = path;
    EXPECT_EQ(this->house.ask(std::move(request)).error().code(), Errc::not_found) << path;
  }
}

TYPED_TEST_P(AuthenticatorContract, AnEmptyRequestSignsNobodyIn) {
  AuthRequest request;
  request.method = "POST";
  request.path = "login";
  auto answer = this->house.ask(std::move(request));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(std::holds_alternative<ShowForm>(*answer));
}

TYPED_TEST_P(AuthenticatorContract, RefreshKeepsTheIdentity) {
  auto answer = this->house.ask(this->house.right());
  const SignedIn& person = std::get<SignedIn>(*answer);
  const std::string subject = person.identity.subject;
  auto again = this->house.run(this->house.method->refresh({person.identity, person.state}));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->identity.subject, subject);
}

REGISTER_TYPED_TEST_SUITE_P(AuthenticatorContract,
                            SignsTheRightPersonIn,
                            TheSamePersonIsTheSameSubject,
                            WrongCredentialsAreAFormThatCounts,
                            NothingSecretComesBack,
                            HugeFieldsAreRefusedAndCut,
                            UnknownPathsAreNotFound,
                            AnEmptyRequestSignsNobodyIn,
                            RefreshKeepsTheIdentity);

}  // namespace passerelle::auth::testing
