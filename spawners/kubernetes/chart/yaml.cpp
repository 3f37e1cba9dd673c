// parse_yaml: the events of yaml-cpp's parser as JSON. Its own tree is not used: it would expand
// nothing and count nothing, and copies of it share their nodes.
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "base/text.hpp"
#include "spawners/kubernetes/chart/json.hpp"

namespace passerelle::spawners::chart {
namespace {

struct Refused {
  Errc code;
  std::string why;
};

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

template <class Number>
std::optional<Number> number_in(std::string_view text, int base = 10) {
  Number number{};
  std::from_chars_result end{};
  if constexpr (std::is_floating_point_v<Number>)
    end = std::from_chars(text.data(), text.data() + text.size(), number);
  else
    end = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Json> integer(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0o")) {
    const auto number = number_in<std::int64_t>(text.substr(2), text[1] == 'x' ? 16 : 8);
    return number ? std::optional<Json>(*number) : std::nullopt;
  }
  const bool sign = text.starts_with('-') || text.starts_with('+');
  if (!all_digits(text.substr(sign ? 1 : 0))) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  if (const auto number = number_in<std::int64_t>(text)) return Json(*number);
  const auto large = number_in<double>(text);
  return large ? std::optional<Json>(*large) : std::nullopt;
}

std::optional<Json> fraction(std::string_view text) {
  if (text.find_first_not_of("+-.0123456789eE") != std::string_view::npos) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto number = number_in<double>(text);
  if (!number || !std::isfinite(*number)) return std::nullopt;
  return Json(*number);
}

/// What a text without quotes means (YAML 1.2, core schema).
Json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (auto number = integer(text)) return *number;
  if (auto number = fraction(text)) return *number;
  return text;
}

class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const Bounds& bounds) : bounds_(bounds) {}

  Json take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t anchor) override {
    finish({}, {}, anchor, 1);
  }
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end())
      throw Refused{Errc::invalid, "an alias refers to a value that contains it"};
    charge(known->second.values);
    place(known->second.value, known->second.text);
  }
  void OnScalar(const YAML::Mark& /*mark*/,
                const std::string& tag,
                YAML::anchor_t anchor,
                const std::string& text) override {
    const bool quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!text::is_utf8(text)) throw Refused{Errc::invalid, "a text that is not UTF-8"};
    charge(1);
    finish(quoted ? Json(text) : plain_scalar(text), text, anchor, 1);
  }
  void OnSequenceStart(const YAML::Mark& /*mark*/,
                       const std::string& /*tag*/,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(Json::array(), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& /*mark*/,
                  const std::string& /*tag*/,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(Json::object(), anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Json value;
    YAML::anchor_t anchor;
    std::size_t before;                   ///< Values counted when it began
    std::optional<std::string> key = {};  ///< Read, its value comes next
    std::vector<Json> merged = {};        ///< What stood behind `<<`
  };
  struct Anchored {
    Json value;
    std::optional<std::string> text;  ///< As written: an alias may be a key
    std::size_t values;
  };

  void open(Json empty, YAML::anchor_t anchor) {
    if (stack_.size() >= bounds_.depth)
      throw Refused{Errc::exhausted,
                    "nested more than " + std::to_string(bounds_.depth) + " levels deep"};
    charge(1);
    stack_.push_back({std::move(empty), anchor, values_});
  }

  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    for (const Json& merged : done.merged)
      for (const auto& [key, value] : merged.items())
        if (!done.value.contains(key)) done.value[key] = value;
    finish(std::move(done.value), {}, done.anchor, values_ - done.before + 1);
  }

  void finish(Json value,
              std::optional<std::string> text,
              YAML::anchor_t anchor,
              std::size_t values) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = {value, text, values};
    place(std::move(value), std::move(text));
  }

  void place(Json value, std::optional<std::string> text) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& top = stack_.back();
    if (top.value.size() >= bounds_.members)
      throw Refused{Errc::exhausted,
                    "more than " + std::to_string(bounds_.members) + " members in one place"};
    if (top.value.is_array()) {
      top.value.push_back(std::move(value));
    } else if (!top.key) {
      if (value.is_structured()) throw Refused{Errc::invalid, "a key that is not a simple text"};
      top.key = text.value_or("null");
    } else {
      const std::string key = std::move(*top.key);
      top.key.reset();
      if (key == "<<" && value.is_structured())
        merge(top, std::move(value));
      else
        top.value[key] = std::move(value);
    }
  }

  static void merge(Open& top, Json value) {
    if (value.is_object()) {
      top.merged.push_back(std::move(value));
      return;
    }
    for (Json& one : value) {
      if (!one.is_object()) throw Refused{Errc::invalid, "`<<` takes maps"};
      top.merged.push_back(std::move(one));
    }
  }

  void charge(std::size_t values) {
    values_ += values;
    if (values_ > bounds_.values)
      throw Refused{Errc::exhausted, "more than " + std::to_string(bounds_.values) + " values"};
  }

  const Bounds& bounds_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  Json root_;
  std::size_t values_ = 0;
};

}  // namespace

Result<Json> parse_yaml(std::string_view text, const std::string& what, const Bounds& bounds) {
  if (text.size() > bounds.bytes)
    return Error(Errc::exhausted,
                 what + ": larger than " + std::to_string(bounds.bytes) + " bytes");
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder(bounds);
    if (!parser.HandleNextDocument(builder)) return Json();
    return builder.take();
  } catch (const Refused& refused) {
    return Error(refused.code, what + ": " + refused.why);
  } catch (const YAML::Exception& error) {
    return Error(Errc::invalid,
                 what + ": not valid YAML, line " + std::to_string(error.mark.line + 1));
  }
}

}  // namespace passerelle::spawners::chart
