#include "config/load.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "base/files.hpp"
#include "config/checks.hpp"
#include "config/document.hpp"
#include "config/reader.hpp"
#include "config/values.hpp"

extern char** environ;

namespace passerelle::config {
namespace {

std::string directory_of(const std::string& file) {
  std::error_code error;
  const auto whole = std::filesystem::absolute(file, error);
  return error ? "." : whole.parent_path().string();
}

/// A secret in the file itself is as open as the file.
bool holds_secret(const Settings& settings, const Value& document) {
  if (const Value* services = document.find("services"))
    for (const Entry& entry : services->entries)
      if (entry.value.find("api_token") != nullptr) return true;
  const Value* authenticators = document.find("authenticators");
  if (authenticators == nullptr) return false;
  for (const Authenticator& authenticator : settings.authenticators) {
    const Value* entry = authenticators->find(authenticator.name);
    if (entry != nullptr && entry->find("password") != nullptr) return true;
  }
  return false;
}

bool open_to_others(const std::string& path) {
  struct stat about{};
  return ::stat(path.c_str(), &about) == 0 && (about.st_mode & 0137U) != 0;
}

LoadOutcome outcome_of(std::optional<Settings> settings,
                       Problems& problems,
                       const std::string& file) {
  LoadOutcome outcome;
  if (problems.errors() == 0) outcome.settings = std::move(settings);
  outcome.problems = problems.take();
  outcome.file = file;
  return outcome;
}

LoadOutcome load_checked(std::string_view text,
                         const std::string& file,
                         const Environment& environment,
                         bool on_disk) {
  Problems problems;
  const auto document = parse_document(text, problems);
  if (!document) return outcome_of(std::nullopt, problems, file);
  const std::string directory = directory_of(file);
  ReadOutcome read = read_settings(*document, directory, environment, problems);
  read.settings.plain_http = !read.settings.https.on() || read.marks.has("listen.http");
  for (std::size_t i = 0; i < read.settings.profiles.size(); ++i) {
    Profile& profile = read.settings.profiles[i];
    const std::string transport = "profiles[" + std::to_string(i) + "].transport";
    if (profile.access == "jupyterhub" && !read.marks.has(transport))
      profile.transport = Transport::tcp;
  }
  check_together(read.settings, read.marks, environment, problems);
  if (on_disk && holds_secret(read.settings, *document) && open_to_others(file)) {
    problems.warning({},
                     "holds a password, and other users of this machine can read or change it; run "
                     "`chmod 640` on it, or use `password_file`");
  }
  if (const auto url = parse_public_url(read.settings.public_url))
    read.settings.base_url = url->base_url;
  return outcome_of(std::move(read.settings), problems, file);
}

}  // namespace

Environment Environment::of_process() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view line(*entry);
    const std::size_t cut = line.find('=');
    if (cut != std::string_view::npos)
      environment.variables.emplace(line.substr(0, cut), line.substr(cut + 1));
  }
  environment.now = SystemClock().now();
  environment.root = ::geteuid() == 0;
  return environment;
}

std::string LoadOutcome::text() const {
  std::string out;
  for (const Problem& problem : problems) out += to_string(problem, file) + '\n';
  return out;
}

LoadOutcome load(const std::string& path, const Environment& environment) {
  const auto text = files::read(path, kLargestFile);
  if (text) return load_checked(*text, path, environment, true);
  Problems problems;
  problems.error({}, text.error().code() == Errc::exhausted
                         ? "larger than 1 MiB: this is no configuration file"
                         : text.error().message());
  return outcome_of(std::nullopt, problems, path);
}

LoadOutcome load_text(std::string_view text,
                      const std::string& file,
                      const Environment& environment) {
  return load_checked(text, file, environment, false);
}

}  // namespace passerelle::config
