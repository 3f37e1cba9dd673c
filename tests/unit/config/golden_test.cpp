// Every tests/data/config/*.yaml is loaded as /etc/passerelle/<name>.yaml; the problems must be
// those of <name>.expected, word for word. A new case: write the .yaml, run the test, read what it
// printed, and keep it if it helps.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "tests/unit/config/samples.hpp"

namespace passerelle::config {
namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::set<std::filesystem::path> cases() {
  std::set<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(TEST_DATA "/config")) {
    if (entry.path().extension() == ".yaml") found.insert(entry.path());
  }
  return found;
}

TEST(Golden, EveryProblemIsFoundAndNamed) {
  EXPECT_GE(cases().size(), 60U);
  for (const auto& file : cases()) {
    auto expected = file;
    expected.replace_extension(".expected");
    const auto outcome =
        load_text(content_of(file), "/etc/passerelle/" + file.filename().string(), test::quiet());
    EXPECT_EQ(outcome.text(), content_of(expected)) << file;
    EXPECT_FALSE(outcome.problems.empty()) << file;
  }
}

/// "write", "did you mean", "put ..." and the like: whoever reads it knows what to do.
TEST(Golden, EveryErrorSaysWhatToDo) {
  for (const auto& file : cases()) {
    const auto outcome = load_text(content_of(file), "f", test::quiet());
    for (const Problem& problem : outcome.problems) {
      const bool advice = problem.message.find(';') != std::string::npos ||
                          problem.message.find("did you mean") != std::string::npos ||
                          problem.message.find("write") != std::string::npos ||
                          problem.message.starts_with("not valid YAML");
      EXPECT_TRUE(advice) << to_string(problem, file.string());
      EXPECT_GE(problem.mark.line, 0);
    }
  }
}

}  // namespace
}  // namespace passerelle::config
