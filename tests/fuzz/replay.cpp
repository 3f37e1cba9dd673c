// Runs a fuzz target without a fuzzer: over each seed of a folder, and over each beginning of it.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/fuzz/fuzz.hpp"

namespace {

constexpr std::size_t kMostBeginnings = 600;

void run(const std::string& bytes, std::size_t size) {
  // A copy of exactly that size, so that a sanitizer sees one byte too many.
  const std::string piece = bytes.substr(0, size);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size());
}

std::size_t replay(const std::filesystem::path& folder) {
  std::size_t seeds = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::printf("%s\n", entry.path().filename().c_str());
    for (std::size_t size = 0; size < std::min(bytes.size(), kMostBeginnings); ++size)
      run(bytes, size);
    run(bytes, bytes.size());
    ++seeds;
  }
  return seeds;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  try {
    return replay(arguments[1]) > 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
