#include "spawners/kubernetes/chart/json.hpp"

#include <algorithm>
#include <vector>

namespace passerelle::spawners::chart {
namespace {

/// Counts before anything is built.
class Counter final : public nlohmann::json_sax<Json> {
 public:
  explicit Counter(const Bounds& bounds) : bounds_(bounds) {}

  const std::string& broken() const noexcept { return broken_; }
  const std::string& bad() const noexcept { return bad_; }

  bool null() override { return value(); }
  bool boolean(bool /*value*/) override { return value(); }
  bool number_integer(number_integer_t /*value*/) override { return value(); }
  bool number_unsigned(number_unsigned_t /*value*/) override { return value(); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return value(); }
  bool string(string_t& /*value*/) override { return value(); }
  bool binary(binary_t& /*value*/) override { return value(); }
  bool start_object(std::size_t /*size*/) override { return open(); }
  bool key(string_t& /*value*/) override { return true; }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override { return open(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position,
                   const std::string& /*token*/,
                   const nlohmann::detail::exception& /*why*/) override {
    bad_ = "not valid JSON near byte " + std::to_string(position);
    return false;
  }

 private:
  bool value() {
    if (++values_ > bounds_.values)
      return refuse("more than " + std::to_string(bounds_.values) + " values");
    if (open_.empty() || ++open_.back() <= bounds_.members) return true;
    return refuse("more than " + std::to_string(bounds_.members) + " members in one place");
  }
  bool open() {
    if (!value()) return false;
    if (open_.size() >= bounds_.depth)
      return refuse("nested more than " + std::to_string(bounds_.depth) + " levels deep");
    open_.push_back(0);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  bool refuse(std::string why) {
    broken_ = std::move(why);
    return false;
  }

  const Bounds& bounds_;
  std::vector<std::size_t> open_;  ///< Members so far of each open object or list
  std::size_t values_ = 0;
  std::string broken_;
  std::string bad_;
};

bool same_members(const Json& a, const Json& b) {
  return std::all_of(a.items().begin(), a.items().end(), [&b](const auto& entry) {
    const Json* other = member(b, entry.key());
    return other != nullptr && same(entry.value(), *other);
  });
}

}  // namespace

Result<Json> parse_json(std::string_view text, const std::string& what, const Bounds& bounds) {
  if (text.size() > bounds.bytes)
    return Error(Errc::exhausted,
                 what + ": larger than " + std::to_string(bounds.bytes) + " bytes");
  Counter counter(bounds);
  if (!Json::sax_parse(text, &counter)) {
    if (!counter.broken().empty()) return Error(Errc::exhausted, what + ": " + counter.broken());
    return Error(Errc::invalid, what + ": " + counter.bad());
  }
  return Json::parse(text, nullptr, false);
}

bool same(const Json& a, const Json& b) {
  if (a.is_object() && b.is_object()) return a.size() == b.size() && same_members(a, b);
  if (a.is_array() && b.is_array()) return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
  return a == b;
}

std::size_t count_values(const Json& tree) {
  std::size_t values = 1;
  if (!tree.is_structured()) return values;
  for (const Json& one : tree) values += count_values(one);
  return values;
}

const Json* member(const Json& node, std::string_view key) {
  if (!node.is_object()) return nullptr;
  const auto found = node.find(std::string(key));
  return found == node.end() ? nullptr : &*found;
}

}  // namespace passerelle::spawners::chart
