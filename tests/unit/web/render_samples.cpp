// render_samples <samples> <folder>: writes every sample page in every language, the files they
// fetch, and the policy they must be served with. The browser tests (tests/e2e/axe) look at them.
#include <iostream>

#include "samples.hpp"
#include "web/assets.hpp"

namespace {

void write(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace passerelle::web;
  if (argc != 3) {
    std::cerr << "usage: render_samples SAMPLES FOLDER\n";
    return 2;
  }
  const std::filesystem::path out = argv[2];
  const auto renderer = Renderer::make("/", {});
  if (!renderer) {
    std::cerr << renderer.error().message() << "\n";
    return 1;
  }
  for (Sample& sample : read_samples(argv[1]))
    for (const std::string_view language : kLanguages) {
      sample.frame.language = language;
      write(out / "pages" / (sample.name + "." + std::string(language) + ".html"),
            (*renderer)->page(sample.page, sample.frame, sample.view));
    }
  for (std::size_t i = 0; i < kAssetCount; ++i)
    if (kAssets[i].path.starts_with("static/")) write(out / kAssets[i].path, kAssets[i].content);
  for (const char* made : {"branding.css", "logo"})
    write(out / "static" / made, (*renderer)->file(made)->content);
  write(out / "policy", content_security_policy("'none'"));
  return 0;
}
