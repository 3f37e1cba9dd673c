#include "hub/exposition.hpp"

#include <array>
#include <charconv>

namespace passerelle::hub {
namespace {

// Shortest text that reads back as the same number: 0.005, 17, 1.5e+09.
std::string text_of(double value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

void append_escaped(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
}

void append_label(std::string& out, bool& begun, std::string_view name, std::string_view value) {
  out.append(begun ? "," : "{").append(name).append("=\"");
  append_escaped(out, value);
  out += '"';
  begun = true;
}

}  // namespace

void Histogram::observe(double value) {
  std::size_t at = 0;
  while (at < bounds_.size() && value > bounds_[at]) ++at;
  ++buckets_[at];
  sum_ += value;
}

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  out_.append("# HELP ").append(name).append(" ").append(help).append("\n");
  out_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void Exposition::line(std::string_view suffix, Labels labels, std::string_view le, double value) {
  out_.append(name_).append(suffix);
  bool begun = false;
  for (const auto& [name, text] : labels) append_label(out_, begun, name, text);
  if (!le.empty()) append_label(out_, begun, "le", le);
  out_.append(begun ? "} " : " ").append(text_of(value)).append("\n");
}

void Exposition::sample(double value, Labels labels) {
  line("", labels, "", value);
}

void Exposition::histogram(const Histogram& values, Labels labels) {
  std::uint64_t so_far = 0;
  for (std::size_t at = 0; at < values.bounds().size(); ++at) {
    so_far += values.buckets()[at];
    line("_bucket", labels, text_of(values.bounds()[at]), static_cast<double>(so_far));
  }
  const auto all = static_cast<double>(so_far + values.buckets().back());
  line("_bucket", labels, "+Inf", all);
  line("_sum", labels, "", values.sum());
  line("_count", labels, "", all);
}

void Exposition::counter(std::string_view name, std::string_view help, std::uint64_t value) {
  family(name, "counter", help);
  sample(static_cast<double>(value));
}

void Exposition::gauge(std::string_view name, std::string_view help, double value) {
  family(name, "gauge", help);
  sample(value);
}

}  // namespace passerelle::hub
