// The configuration file: whatever it holds, there are settings or errors, never both; each problem
// is one line of text at a place inside the file; and what was loaded can be written and loaded
// again without a difference.
#include <algorithm>
#include <chrono>
#include <string>

#include "base/text.hpp"
#include "config/describe.hpp"
#include "config/load.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace passerelle::config {
namespace {

Environment surroundings() {
  Environment environment;
  environment.now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 1);
  environment.root = true;
  return environment;
}

bool one_line(std::string_view message) {
  return !message.empty() && message.size() < 8192 && text::is_utf8(message) &&
         message.find('\n') == std::string_view::npos;
}

void require_sound(const LoadOutcome& outcome, std::string_view input) {
  const auto lines = std::count(input.begin(), input.end(), '\n') + 1;
  bool errors = false;
  for (const Problem& problem : outcome.problems) {
    errors = errors || problem.severity == Severity::error;
    REQUIRE(problem.mark.line >= 0 && problem.mark.line <= lines + 1);
    REQUIRE(problem.mark.line == 0 || problem.mark.column >= 1);
    REQUIRE(one_line(problem.message));
  }
  REQUIRE(outcome.problems.size() <= Problems::kMost + 1);
  REQUIRE(outcome.settings.has_value() != errors);
}

void run(std::string_view input) {
  const Environment environment = surroundings();
  const LoadOutcome first = load_text(input, "/nonexistent/hub.yaml", environment);
  require_sound(first, input);
  if (!first.settings || !first.settings->branding.logo.empty()) return;
  const std::string dump = effective_yaml(*first.settings);
  const LoadOutcome second = load_text(dump, "/nonexistent/hub.yaml", environment);
  REQUIRE(second.settings);
  REQUIRE(effective_yaml(*second.settings) == dump);
}

}  // namespace
}  // namespace passerelle::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  passerelle::config::run(passerelle::fuzz::text_of(data, size));
  return 0;
}
