// Writes the pages that are made from the table of keys into the directory named by the only
// argument. The build's target `reference` runs it; a test asserts that it was run.
#include <cstdio>
#include <string>

#include "base/files.hpp"
#include "config/describe.hpp"

int main(int count, char** arguments) {
  using namespace passerelle;
  if (count != 2) {
    std::fputs("usage: write_reference DIRECTORY\n", stderr);
    return 2;
  }
  const std::string directory = arguments[1];
  const std::pair<std::string, std::string> pages[] = {
      {"configuration.md", config::reference_markdown(config::Language::english)},
      {"configuration.fr.md", config::reference_markdown(config::Language::french)},
      {"configuration.schema.json", config::schema_json()}};
  for (const auto& [name, content] : pages) {
    const auto done = files::write_durable(directory + '/' + name, content, 0644);
    if (done) continue;
    std::fprintf(stderr, "%s\n", done.error().message().c_str());
    return 1;
  }
  return 0;
}
