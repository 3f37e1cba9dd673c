// Runs a fuzz target without a fuzzer: over each seed of a folder and each beginning of it, then
// over ROUNDS changed seeds. The changes are the same in every run; what fails is written to
// standard error in hexadecimal. A fuzzer is cleverer (./dev fuzz): this is what every `./dev test`
// can afford, and what the fuzzer found stands among the seeds.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <unistd.h>

#include "tests/fuzz/fuzz.hpp"

namespace {

constexpr std::size_t kMostBeginnings = 600;
constexpr std::size_t kLongest = 4096;  // as of the fuzzers
constexpr std::size_t kMostChanges = 6;
constexpr std::size_t kLongestPiece = 48;

std::string g_piece;  // read by the handler of signals

// Only what a handler may call.
void tell(int) {
  constexpr const char* kDigits = "0123456789abcdef";
  for (const char c : g_piece) {
    const auto byte = static_cast<unsigned char>(c);
    const std::array<char, 2> two = {kDigits[byte >> 4U], kDigits[byte & 15U]};
    if (write(STDERR_FILENO, two.data(), two.size()) < 0) break;
  }
  _exit(1);
}

void run(const std::string& bytes, std::size_t size) {
  // A copy of exactly that size, so that a sanitizer sees one byte too many.
  g_piece = std::string(bytes.data(), size);
  const std::string piece = g_piece;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size());
}

std::vector<std::string> replay(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> seeds;
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    for (std::size_t size = 0; size < std::min(seeds.back().size(), kMostBeginnings); ++size)
      run(seeds.back(), size);
    run(seeds.back(), seeds.back().size());
  }
  return seeds;
}

// One place of one input: another byte, a bit, something less, something twice, a piece of another
// seed.
class Changes {
 public:
  explicit Changes(const std::vector<std::string>& seeds) : seeds_(seeds) {}

  std::string next() {
    std::string bytes = some();
    for (std::size_t left = below(kMostChanges) + 1; left > 0; --left) change(bytes);
    bytes.resize(std::min(bytes.size(), kLongest));
    return bytes;
  }

 private:
  std::size_t below(std::size_t end) { return end == 0 ? 0 : random_() % end; }
  const std::string& some() { return seeds_[below(seeds_.size())]; }
  char byte() {
    constexpr std::string_view kTelling("\0\t\n\r \"%,-./0:;=?\\\x7f\x80\xff", 20);
    return below(2) == 0 ? kTelling[below(kTelling.size())] : static_cast<char>(below(256));
  }
  void change(std::string& bytes) {
    const std::size_t at = below(bytes.size() + 1);
    const std::size_t length = below(std::min(kLongestPiece, bytes.size() - at) + 1);
    const std::string& other = some();
    const std::size_t from = below(other.size() + 1);
    switch (below(5)) {
      case 0:
        bytes.replace(at, std::min<std::size_t>(length, 1), 1, byte());
        break;
      case 1:
        bytes.erase(at, length);
        break;
      case 2:
        bytes.insert(at, bytes.substr(at, length));
        break;
      case 3:
        bytes.insert(at, other.substr(from, below(kLongestPiece)));
        break;
      default:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
    }
  }

  const std::vector<std::string>& seeds_;
  std::mt19937 random_{1};
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  for (const int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGBUS, SIGILL}) std::signal(signal, tell);
  try {
    const std::vector<std::string> seeds = replay(arguments[1]);
    if (seeds.empty()) return 1;
    Changes changes(seeds);
    for (long rounds = std::atol(arguments[2]); rounds > 0; --rounds) {
      const std::string changed = changes.next();
      run(changed, changed.size());
    }
    std::printf("%zu seeds\n", seeds.size());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
