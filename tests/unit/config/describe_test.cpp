#include "config/describe.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "config/document.hpp"
#include "config/values.hpp"
#include "tests/unit/config/samples.hpp"

namespace passerelle::config {
namespace {

using nlohmann::json;

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// What an editor sees: plain scalars have the types of YAML's core schema.
json as_json(const Value& value) {
  json out;
  switch (value.kind) {
    case Value::Kind::null:
      return nullptr;
    case Value::Kind::list:
      out = json::array();
      for (const Value& item : value.items) out.push_back(as_json(item));
      return out;
    case Value::Kind::map:
      out = json::object();
      for (const Entry& entry : value.entries) out[entry.key] = as_json(entry.value);
      return out;
    case Value::Kind::scalar:
      break;
  }
  if (value.plain && (value.text == "true" || value.text == "false")) return value.text == "true";
  if (value.plain && json::accept(value.text)) return json::parse(value.text);
  return value.text;
}

class SchemaTest : public ::testing::Test {
 protected:
  SchemaTest() : text_(json::parse(schema_json())) {
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(text_), schema_);
  }

  bool accepts(const std::string& yaml) {
    Problems problems;
    const auto document = parse_document(yaml, problems);
    if (!document || problems.errors() > 0) return false;
    const json tree = as_json(*document);
    valijson::Validator validator;
    return validator.validate(schema_, valijson::adapters::NlohmannJsonAdapter(tree), nullptr);
  }

  json text_;
  valijson::Schema schema_;
};

TEST_F(SchemaTest, AcceptsTheExamples) {
  for (const std::string name :
       {"dev", "workshop", "course", "campus", "full", "oidc", "keycloak", "oar", "slurm", "cas",
        "header", "pam", "containers", "kubernetes"}) {
    EXPECT_TRUE(accepts(content_of(SOURCE_DIR "/config/examples/" + name + ".yaml"))) << name;
  }
  EXPECT_TRUE(accepts(test::kGood));
}

/// What the schema cannot see: what values mean for one another, the machine's files, and
/// arithmetic.
const std::set<std::string> kBeyondASchema = {
    "oidc_no_provider",
    "oidc_nothing_fits",
    "auto_login_several",
    "access_admin_by_shared_password",
    "access_allow_empty_lists",
    "access_block_unknown_group",
    "access_unknown_authenticator",
    "access_unknown_group",
    "authenticators_password_file_missing",
    "authenticators_until_impossible",
    "authenticators_until_over",
    "branding_colour_light",
    "cas_no_public_url",
    "cas_plain_http",
    "cas_renew_and_gateway",
    "branding_logo_missing",
    "branding_name_lines",
    "cull_notice_longer",
    "cull_unknown_group",
    "cull_unknown_profile",
    "cull_without_time",
    "data_dir_root",
    "header_from_everybody",
    "header_local_without_secret",
    "header_names",
    "form_fields",
    "listen_bad_address",
    "listen_open_without_public_url",
    "missing_password",
    "pam_service_path",
    "profiles_allow_unknown_group",
    "profiles_command_first_empty",
    "profiles_default_url",
    "profiles_default_url_absolute",
    "profiles_domain_alone",
    "profiles_domain_jupyterhub",
    "profiles_domain_people",
    "profiles_domain_star",
    "profiles_same_name",
    "profiles_unknown_spawner",
    "proxy_hosts_url",
    "public_url_host",
    "public_url_no_trusted_proxy",
    "public_url_path",
    "public_url_plain_http",
    "sessions_idle_longer",
    "sessions_short",
    "sessions_too_long",
    "spawners_memory_small",
    "spawners_projects",
    "subdomain_host_above",
    "subdomain_host_address",
    "subdomain_host_alone",
    "subdomain_host_star",
    "subdomain_host_url",
    "spawners_stop_kill_zero",
    "spawners_system_user_and_workspace",
    "spawners_system_user_not_root",
    "spawners_system_user_root",
    "spawners_workspace_shared",
    "trusted_proxies_bits",
    "trusted_proxies_everybody",
};

TEST_F(SchemaTest, RejectsWhatASchemaCanReject) {
  for (const auto& entry : std::filesystem::directory_iterator(TEST_DATA "/config")) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string name = entry.path().stem().string();
    const std::string yaml = content_of(entry.path());
    EXPECT_EQ(accepts(yaml), kBeyondASchema.contains(name)) << name;
    if (accepts(yaml)) continue;
    EXPECT_FALSE(load_text(yaml, "f", test::quiet()).settings)
        << "the loader takes what the schema rejects: " << name;
  }
}

TEST_F(SchemaTest, NamesEveryKeyOfTheTable) {
  std::size_t keys = 0;
  const auto count = [&](const auto& self, const Section& section) -> void {
    for (const Key& key : section.keys) {
      ++keys;
      EXPECT_FALSE(key.words.en.empty()) << key.name;
      EXPECT_FALSE(key.words.fr.empty()) << key.name;
      EXPECT_TRUE(key.words.en.ends_with('.') && key.words.fr.ends_with('.')) << key.name;
      EXPECT_EQ(key.when_absent.en.empty(), key.when_absent.fr.empty()) << key.name;
      if (key.section != nullptr) self(self, *key.section);
    }
  };
  count(count, root_section());
  EXPECT_GT(keys, 70U);
}

/// An example in the reference that the loader refuses would be a trap.
TEST(Reference, EveryExampleLoads) {
  Problems problems;
  for (const Key& key : root_section().keys) {
    if (key.section == nullptr || key.kind != Kind::section || key.name == "access" ||
        key.name == "listen")
      continue;
    for (const Key& inner : key.section->keys) {
      if (inner.example.empty() || inner.kind == Kind::image) continue;
      const std::string line = std::string(key.name) + ": {" + std::string(inner.name) + ": " +
                               std::string(inner.example) + "}\n";
      EXPECT_EQ(test::load_good_with(line).text(), "") << line;
    }
  }
}

TEST(Reference, ThePageOfOidcHoldsItsExamples) {
  const std::string page = content_of(SOURCE_DIR "/docs/authenticators/oidc.md");
  for (const std::string name : {"oidc", "keycloak"}) {
    const std::string example = content_of(SOURCE_DIR "/config/examples/" + name + ".yaml");
    EXPECT_NE(page.find("```yaml\n" + example + "```"), std::string::npos) << name;
  }
}

TEST(Reference, PagesOfAuthenticatorsHoldTheirExample) {
  const std::pair<std::string, std::string> pages[] = {
      {"cas", "cas"}, {"header", "header"}, {"pam", "pam"}, {"dummy", "workshop"}};
  for (const auto& [type, name] : pages) {
    const std::string page = content_of(SOURCE_DIR "/docs/authenticators/" + type + ".md");
    const std::string example = content_of(SOURCE_DIR "/config/examples/" + name + ".yaml");
    EXPECT_NE(page.find("```yaml\n" + example + "```"), std::string::npos) << type;
  }
}

TEST(Reference, CommittedPagesAreThoseOfTheTable) {
  const std::string advice = "run `cmake --build --preset release --target reference`";
  EXPECT_EQ(content_of(SOURCE_DIR "/docs/configuration.md"), reference_markdown(Language::english))
      << advice;
  EXPECT_EQ(content_of(SOURCE_DIR "/docs/configuration.fr.md"),
            reference_markdown(Language::french))
      << advice;
  EXPECT_EQ(content_of(SOURCE_DIR "/docs/configuration.schema.json"), schema_json()) << advice;
}

/// Loading the dump of what was loaded changes nothing but the secrets.
TEST(Effective, LoadsAgainUnchanged) {
  std::string full = content_of(SOURCE_DIR "/config/examples/full.yaml");
  for (const std::string file : {"room.txt", "course.txt"}) {
    full =
        test::replaced(full, "password_file: ./" + file, "password: \"hunter22 # with a comment\"");
  }
  full = test::replaced(full, "logo: ./logo.svg", "# no logo");
  Environment root = test::quiet();
  root.root = true;
  const auto first = load_text(full, "/etc/passerelle/hub.yaml", root);
  ASSERT_TRUE(first.settings) << first.text();
  const std::string dump = effective_yaml(*first.settings);
  EXPECT_EQ(dump.find("hunter22"), std::string::npos);
  const auto second = load_text(dump, "/somewhere/else.yaml", root);
  ASSERT_TRUE(second.settings) << second.text() << dump;
  EXPECT_EQ(effective_yaml(*second.settings), dump);
  EXPECT_NE(dump.find("servers_per_user: 2"), std::string::npos);
  EXPECT_NE(dump.find("Cours d'été"), std::string::npos);
  EXPECT_EQ(dump.find("OMP_NUM_THREADS: \"1\""), std::string::npos)
      << "values of environment variables may be secrets";
}

TEST(Effective, TextsAreQuotedWhereYamlWouldReadSomethingElse) {
  EXPECT_EQ(yaml_text("notebook"), "notebook");
  for (const std::string text : {"no", "1", "a: b", "#x", "", "*", "été", "a\"b\\c", "null", "- x",
                                 "{u}", "1.5", "~", "2026-12-01"}) {
    Problems problems;
    const auto document = parse_document("k: " + yaml_text(text) + "\n", problems);
    ASSERT_TRUE(document) << text;
    EXPECT_EQ(document->find("k")->text, text);
    EXPECT_FALSE(document->find("k")->plain) << text;
  }
}

}  // namespace
}  // namespace passerelle::config
