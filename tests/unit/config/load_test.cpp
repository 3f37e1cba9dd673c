#include "config/load.hpp"

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.hpp"
#include "config/spawners/batch.hpp"
#include "tests/unit/config/samples.hpp"

namespace passerelle::config {
namespace {

using test::kGood;
using test::load_good_with;
using test::quiet;
using test::replaced;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// A directory of its own for one test, removed at its end.
class Folder : public ::testing::Test {
 protected:
  Folder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "passerelle-config-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() override { std::filesystem::remove_all(path_); }

  std::string put(const std::string& name, const std::string& content, mode_t mode = 0600) {
    const std::string file = path_ + '/' + name;
    std::ofstream(file, std::ios::binary) << content;
    ::chmod(file.c_str(), mode);
    return file;
  }
  /// One of config/examples, with the files it names.
  LoadOutcome example(const std::string& name) {
    put("room.txt", "correct-horse\n");
    put("course.txt", "battery-staple\n");
    put("front-end.txt", "only the web server knows\n");
    put("platforms.yaml",
        files::read(std::string(SOURCE_DIR) + "/config/examples/platforms.yaml").value());
    put("consumers.yaml",
        files::read(std::string(SOURCE_DIR) + "/config/examples/consumers.yaml").value());
    put("logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    std::filesystem::copy_file(std::string(SOURCE_DIR) + "/config/examples/" + name,
                               path_ + '/' + name);
    Environment environment = quiet();
    environment.root = true;
    if (name == "dev.yaml")
      environment.variables["PASSERELLE_AUTHENTICATORS_DEV_PASSWORD"] = "correct-horse";
    return load(path_ + '/' + name, environment);
  }

  std::string path_;
};

using Example = Folder;
using SecretSource = Folder;

TEST_F(Example, DevLoadsWithoutAWord) {
  const auto outcome = example("dev.yaml");
  EXPECT_EQ(outcome.text(), "");
  ASSERT_TRUE(outcome.settings);
  EXPECT_EQ(outcome.settings->data_dir, path_ + "/.dev");
  EXPECT_TRUE(outcome.settings->stop_servers_on_exit);
  EXPECT_FALSE(outcome.settings->authenticators[0].dummy.claim);
}

TEST_F(Example, CourseLoadsWithoutAWord) {
  const auto outcome = example("course.yaml");
  EXPECT_EQ(outcome.text(), "");
  ASSERT_TRUE(outcome.settings);
  EXPECT_EQ(outcome.settings->authenticators[0].lti11.consumers, path_ + "/consumers.yaml");
  put("consumers.yaml", "net04x:\n  secert: hush-hush\n");
  const auto wrong = load(path_ + "/course.yaml", quiet());
  EXPECT_FALSE(wrong.settings);
  EXPECT_NE(wrong.text().find("consumers.yaml:2:3: unknown key `secert`"), std::string::npos)
      << wrong.text();
  EXPECT_EQ(wrong.text().find("hush"), std::string::npos);
}

TEST_F(Example, CampusLoadsWithoutAWord) {
  const auto outcome = example("campus.yaml");
  EXPECT_EQ(outcome.text(), "");
  ASSERT_TRUE(outcome.settings);
  EXPECT_EQ(outcome.settings->authenticators[0].lti13.platforms, path_ + "/platforms.yaml");
  put("platforms.yaml", "moodle:\n  issuer: https://moodle.example.fr\n  auth_url: ftp://x\n");
  const auto wrong = load(path_ + "/campus.yaml", quiet());
  EXPECT_FALSE(wrong.settings);
  for (const char* words : {"platforms.yaml:3:3: auth_url: must be an https address",
                            "`moodle`: needs `client_id`", "`moodle`: needs `deployments`"})
    EXPECT_NE(wrong.text().find(words), std::string::npos) << wrong.text();
}

TEST_F(Example, WorkshopLoadsWithoutAWord) {
  const auto outcome = example("workshop.yaml");
  EXPECT_EQ(outcome.text(), "");
  ASSERT_TRUE(outcome.settings);
  EXPECT_EQ(outcome.settings->authenticators[0].dummy.password.value, "correct-horse");
}

TEST_F(Example, OnesOfBatchSystemsLoadWithoutAWord) {
  for (const std::string name : {"oar", "slurm"}) {
    const auto outcome = example(name + ".yaml");
    EXPECT_EQ(outcome.text(), "");
    ASSERT_TRUE(outcome.settings);
    EXPECT_EQ(outcome.settings->spawners[0].type, name);
    ASSERT_TRUE(outcome.settings->spawners[0].batch);
    EXPECT_EQ(outcome.settings->spawners[0].batch->helper, "/usr/bin/passerelle-submit");
    ASSERT_TRUE(outcome.settings->profiles[0].batch);
    EXPECT_EQ(outcome.settings->profiles[0].batch->walltime, "{hours}:00:00");
    EXPECT_EQ(outcome.settings->profiles[0].form[0].name, "cores");
  }
}

TEST_F(Example, OnesOfProvidersLoadWithoutAWord) {
  put("oidc.txt", "a secret of some length\n");
  put("internal-ca.pem", "-----BEGIN CERTIFICATE-----\n");
  for (const std::string name : {"oidc", "keycloak"}) {
    const auto outcome = example(name + ".yaml");
    EXPECT_EQ(outcome.text(), "");
    ASSERT_TRUE(outcome.settings) << name;
    EXPECT_EQ(outcome.settings->authenticators[0].type, "oidc");
  }
}

TEST_F(Example, OnesOfAuthenticatorsLoadWithoutAWord) {
  for (const std::string type : {"cas", "header", "pam"}) {
    const auto outcome = example(type + ".yaml");
    EXPECT_EQ(outcome.text(), "");
    ASSERT_TRUE(outcome.settings) << type;
    EXPECT_EQ(outcome.settings->authenticators[0].type, type);
  }
}

TEST_F(Example, FullReachesEveryMember) {
  const auto outcome = example("full.yaml");
  EXPECT_EQ(outcome.text(), "");
  ASSERT_TRUE(outcome.settings);
  const Settings& s = *outcome.settings;
  EXPECT_EQ(s.public_url, "https://jupyter.example.fr/notebooks/");
  EXPECT_EQ(s.base_url, "/notebooks/");
  EXPECT_THAT(s.trusted_proxies, ElementsAre("127.0.0.1/32", "fd00::/8"));
  ASSERT_EQ(s.authenticators.size(), 2U);
  EXPECT_EQ(s.authenticators[0].name, "workshop");
  EXPECT_EQ(s.authenticators[0].label.at("fr"), "Atelier");
  EXPECT_EQ(s.authenticators[0].dummy.max_users, 60U);
  EXPECT_EQ(to_iso8601(*s.authenticators[0].dummy.until), "2099-12-01T17:00:00.000000Z");
  EXPECT_EQ(s.authenticators[1].label.at("en"), "Cours d'été");
  EXPECT_THAT(s.access.allow.users, ElementsAre("course:ebraux"));
  EXPECT_THAT(s.access.block.users, ElementsAre("workshop:mallory"));
  EXPECT_EQ(s.sessions.idle, std::chrono::hours(12));
  EXPECT_EQ(s.spawners[0].local.stop.kill, seconds(5));
  EXPECT_DOUBLE_EQ(s.spawners[0].local.cpu, 1.5);
  EXPECT_EQ(s.spawners[1].local.system_user, "{username}");
  ASSERT_EQ(s.profiles.size(), 2U);
  EXPECT_EQ(s.profiles[0].environment.at("LANG"), "fr_FR.UTF-8");
  EXPECT_EQ(s.profiles[0].start_timeout, seconds(90));
  EXPECT_EQ(s.profiles[1].transport, Transport::tcp);
  EXPECT_EQ(s.profiles[1].memory, 4ULL << 30U);
  EXPECT_EQ(s.limits.servers, 200U);
  ASSERT_EQ(s.cull.size(), 2U);
  EXPECT_EQ(s.cull[1].age, std::chrono::hours(12));
  EXPECT_EQ(s.branding.logo, path_ + "/logo.svg");
  EXPECT_EQ(s.branding.links[1].text.at("fr"), "Accessibilité");
  EXPECT_EQ(s.proxy.max_body, 2ULL << 30U);
  EXPECT_EQ(s.proxy.threads, 2U);
}

/// Processor time, so that a busy machine does not count.
TEST_F(Example, FullIsCheckedInLessThanFiftyMilliseconds) {
  const std::clock_t begin = std::clock();
  const auto outcome = example("full.yaml");
  const double took = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  EXPECT_TRUE(outcome.settings);
  EXPECT_LT(took, 0.050);
  RecordProperty("milliseconds", std::to_string(took * 1000));
}

TEST(Load, DefaultsAreThoseOfTheStructs) {
  const auto outcome = test::load_good_with("");
  ASSERT_TRUE(outcome.settings) << outcome.text();
  EXPECT_EQ(outcome.settings->listen.port, 8000);
  EXPECT_EQ(outcome.settings->base_url, "/");
  EXPECT_EQ(outcome.settings->proxy.idle_timeout, seconds(75));
}

TEST(Load, AMissingFileIsOneProblem) {
  const auto outcome = load("/nonexistent/hub.yaml", quiet());
  EXPECT_FALSE(outcome.settings);
  ASSERT_EQ(outcome.problems.size(), 1U);
  EXPECT_THAT(outcome.text(), HasSubstr("No such file"));
}

TEST(Load, AllProblemsAtOnceInTheOrderOfTheFile) {
  const auto outcome =
      load_good_with("sessions: {idel: 1h, absolute: 5}\nlimits: {queue: many}\nfrobnicate: 1\n");
  EXPECT_FALSE(outcome.settings);
  ASSERT_EQ(outcome.problems.size(), 4U) << outcome.text();
  EXPECT_TRUE(std::is_sorted(outcome.problems.begin(), outcome.problems.end(),
                             [](const Problem& a, const Problem& b) { return a.mark < b.mark; }));
  EXPECT_THAT(
      outcome.text(),
      HasSubstr(
          "/etc/passerelle/hub.yaml:9:12: sessions: unknown key `idel`; did you mean `idle`?"));
}

TEST(Load, ProblemsAreBounded) {
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "zz" + std::to_string(i) + ": 1\n";
  const auto outcome = load_good_with(many);
  ASSERT_EQ(outcome.problems.size(), Problems::kMost + 1);
  EXPECT_EQ(outcome.problems.back().message, "and 1800 problems more; correct these first");
}

TEST(Load, WarningsDoNotRefuse) {
  const auto outcome = load_good_with("cull: [{match: {group: nobody-gives-it, idle: 1h}}]\n");
  ASSERT_EQ(outcome.problems.size(), 1U);
  EXPECT_EQ(outcome.problems[0].severity, Severity::warning);
  EXPECT_TRUE(outcome.settings);
}

// The one list of texts in which the reference promises a star; elsewhere it would be a trap.
TEST(Load, EveryHostNameIsAStar) {
  const auto outcome = load_good_with("proxy: {hosts: [\"*\"]}\n");
  EXPECT_EQ(outcome.text(), "");
  ASSERT_TRUE(outcome.settings);
  EXPECT_THAT(outcome.settings->proxy.hosts, ElementsAre("*"));
}

const char* const kVariable = "PASSERELLE_AUTHENTICATORS_ROOM_PASSWORD";

TEST_F(SecretSource, FileLosesItsNewline) {
  put("p.txt", "correct horse\n");
  const auto outcome = load_text(replaced(kGood, "password: correct-horse", "password_file: p.txt"),
                                 path_ + "/hub.yaml", quiet());
  ASSERT_TRUE(outcome.settings) << outcome.text();
  EXPECT_EQ(outcome.text(), "");
  EXPECT_EQ(outcome.settings->authenticators[0].dummy.password.value, "correct horse");
}

TEST_F(SecretSource, WideModeIsAWarning) {
  put("p.txt", "correct-horse\n", 0644);
  const std::string text = replaced(kGood, "password: correct-horse", "password_file: p.txt");
  const auto outcome = load_text(text, path_ + "/hub.yaml", quiet());
  EXPECT_TRUE(outcome.settings);
  EXPECT_THAT(outcome.text(), HasSubstr("chmod 640"));
  ::chmod((path_ + "/p.txt").c_str(), 0640);
  EXPECT_EQ(load_text(text, path_ + "/hub.yaml", quiet()).text(), "");
}

TEST_F(SecretSource, WideModeOfTheFileItselfIsAWarning) {
  const std::string file = put("hub.yaml", kGood, 0644);
  EXPECT_THAT(load(file, quiet()).text(), HasSubstr("chmod 640"));
  ::chmod(file.c_str(), 0600);
  EXPECT_EQ(load(file, quiet()).text(), "");
}

TEST_F(SecretSource, EnvironmentCounts) {
  Environment environment = quiet();
  environment.variables[kVariable] = "from-the-environment";
  const auto outcome =
      load_text(replaced(kGood, "password: correct-horse, ", ""), "hub.yaml", environment);
  ASSERT_TRUE(outcome.settings) << outcome.text();
  EXPECT_EQ(outcome.settings->authenticators[0].dummy.password.value, "from-the-environment");
}

TEST_F(SecretSource, TwoOfThemAreAnError) {
  Environment environment = quiet();
  environment.variables[kVariable] = "from-the-environment";
  const auto outcome = load_text(kGood, "hub.yaml", environment);
  EXPECT_FALSE(outcome.settings);
  EXPECT_THAT(outcome.text(), HasSubstr("given twice"));
}

TEST_F(SecretSource, MisspeltVariableIsTold) {
  Environment environment = quiet();
  environment.variables["PASSERELLE_AUTHENTICATORS_ROM_PASSWORD"] = "x";
  environment.variables["PASSERELLE_SOMETHING_ELSE"] = "x";
  const auto outcome = load_text(kGood, "hub.yaml", environment);
  EXPECT_EQ(outcome.problems.size(), 1U);
  EXPECT_THAT(outcome.text(), HasSubstr(std::string("did you mean `") + kVariable));
}

TEST_F(SecretSource, OneVariableForTwoEntriesIsAnError) {
  Environment environment = quiet();
  environment.variables["PASSERELLE_AUTHENTICATORS_A_B_PASSWORD"] = "correct-horse";
  const std::string text =
      replaced(kGood, "room: {type: dummy, password: correct-horse, groups: [people]}",
               "a-b: {type: dummy, groups: [people]}\n  a_b: {type: dummy}");
  EXPECT_THAT(load_text(text, "hub.yaml", environment).text(), HasSubstr("read by two entries"));
}

TEST_F(SecretSource, OnlyRegularFilesAreRead) {
  for (const std::string file : {"/dev/zero", "/", "nothing-here", "p/q"}) {
    const auto outcome =
        load_text(replaced(kGood, "password: correct-horse", "password_file: " + file),
                  path_ + "/hub.yaml", quiet());
    EXPECT_FALSE(outcome.settings) << file;
  }
}

/// A password in all the wrong places: no message may show it.
TEST_F(SecretSource, NoMessageShowsASecret) {
  put("short.txt", "hunt2\n");
  put("long.txt", "hunter22\nhunter22\n");
  for (const std::string by :
       {"password: hunt2", "password_file: hunter22", "password_file: /hunter22/hunter22",
        "password: [hunter22]", "password: {hunter22}", "password: {hunter22: hunter22}",
        "password: \"hunter22\\n\"", "password_file: [hunter22]", "password_file: short.txt",
        "password_file: long.txt", "password: hunter22, password_file: short.txt",
        "password: *hunter22", "pasword: hunter22", "password: !hunter22", "password: &hunter22"}) {
    const auto outcome =
        load_text(replaced(kGood, "password: correct-horse", by), path_ + "/hub.yaml", quiet());
    EXPECT_FALSE(outcome.settings) << by;
    EXPECT_THAT(outcome.text(), Not(HasSubstr("hunt")));
  }
}

}  // namespace
}  // namespace passerelle::config
