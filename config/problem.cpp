#include "config/problem.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace passerelle::config {

void Problems::error(Mark mark, std::string message) {
  ++errors_;
  add(Severity::error, mark, std::move(message));
}

void Problems::warning(Mark mark, std::string message) {
  add(Severity::warning, mark, std::move(message));
}

void Problems::add(Severity severity, Mark mark, std::string message) {
  if (full()) {
    ++dropped_;
  } else {
    list_.push_back({severity, mark, std::move(message)});
  }
}

std::vector<Problem> Problems::take() {
  std::stable_sort(list_.begin(), list_.end(),
                   [](const Problem& a, const Problem& b) { return a.mark < b.mark; });
  if (dropped_ > 0) {
    list_.push_back({errors_ > 0 ? Severity::error : Severity::warning,
                     {},
                     "and " + std::to_string(dropped_) + " problems more; correct these first"});
  }
  errors_ = 0;
  dropped_ = 0;
  return std::exchange(list_, {});
}

std::string to_string(const Problem& problem, std::string_view file) {
  std::string out(file);
  if (problem.mark.line > 0) {
    out += ':' + std::to_string(problem.mark.line) + ':' + std::to_string(problem.mark.column);
  }
  out += problem.severity == Severity::warning ? ": warning: " : ": ";
  return out + problem.message;
}

std::string shown(std::string_view value) {
  constexpr std::size_t kMost = 60;
  std::string out = "`";
  std::size_t end = std::min(value.size(), kMost);
  // Never cut inside a character.
  while (end < value.size() && end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0U) == 0x80U)
    --end;
  for (const char c : value.substr(0, end)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? '?' : c;
  }
  if (end < value.size()) out += "...";
  return out + '`';
}

std::string did_you_mean(std::string_view word,
                         const std::vector<std::string_view>& known,
                         std::string_view otherwise) {
  const std::string_view close = text::closest(word, known);
  if (!close.empty()) return "; did you mean " + shown(close) + "?";
  return otherwise.empty() ? std::string() : "; " + std::string(otherwise);
}

std::string one_of(const std::vector<std::string_view>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += shown(words[i]);
  }
  return out;
}

}  // namespace passerelle::config
