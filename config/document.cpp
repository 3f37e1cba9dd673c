#include "config/document.hpp"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "base/text.hpp"

namespace passerelle::config {
namespace {

constexpr std::size_t kMostNodes = 10'000;
constexpr std::size_t kMostBytes = 4U << 20U;  // All texts together, aliases counted each time.
constexpr std::size_t kDeepest = 32;

/// Leaves yaml-cpp's parser early; caught in parse_document, where the library's own exceptions
/// are.
struct Refused {
  Mark mark;
  std::string why;
};

/// yaml-cpp counts bytes from 0; people count characters from 1.
class Places {
 public:
  explicit Places(std::string_view source) : lines_(text::split(source, '\n')) {}

  Mark operator()(const YAML::Mark& mark) const {
    if (mark.line < 0) return {};
    const auto line = static_cast<std::size_t>(mark.line);
    const auto column = static_cast<std::size_t>(std::max(mark.column, 0));
    if (line >= lines_.size()) return {mark.line + 1, mark.column + 1};
    const std::string_view before = lines_[line].substr(0, column);
    const auto inside = std::count_if(before.begin(), before.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    });
    return {mark.line + 1, static_cast<int>(column - static_cast<std::size_t>(inside)) + 1};
  }
  std::string_view line(Mark mark) const {
    const auto index = static_cast<std::size_t>(mark.line - 1);
    return mark.line > 0 && index < lines_.size() ? lines_[index] : std::string_view();
  }

 private:
  std::vector<std::string_view> lines_;
};

class Builder final : public YAML::EventHandler {
 public:
  Builder(const Places& places, Problems& problems) : places_(places), problems_(problems) {}

  Value take() { return std::move(root_); }
  Mark begin() const { return begin_; }

  void OnDocumentStart(const YAML::Mark& mark) override { begin_ = places_(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    leaf(Value::Kind::null, mark, anchor, {}, true);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Mark at = places_(mark);
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end())
      throw Refused{at, "this alias refers to a value that contains it; write the value out"};
    charge(known->second, at);
    Value copy = known->second;
    copy.mark = at;
    place(std::move(copy));
  }
  void OnScalar(const YAML::Mark& mark,
                const std::string& tag,
                YAML::anchor_t anchor,
                const std::string& text) override {
    const bool plain = check_tag(tag, places_(mark), true);
    leaf(Value::Kind::scalar, mark, anchor, text, plain);
  }
  void OnSequenceStart(const YAML::Mark& mark,
                       const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    check_tag(tag, places_(mark), false);
    open(Value::Kind::list, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    check_tag(tag, places_(mark), false);
    open(Value::Kind::map, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Value value;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<std::pair<std::string, Mark>> key;  ///< map: read, its value comes next
  };

  /// True if the scalar is plain. Tags would let a file say "this is a binary" or worse; we only
  /// know texts.
  static bool check_tag(const std::string& tag, Mark at, bool scalar) {
    if (tag.empty() || tag == "?") return true;
    if (tag == "!") return false;
    if (scalar && tag == "tag:yaml.org,2002:str") return false;
    throw Refused{at, "tags (`!...`) have no meaning here; remove it, or put the text in quotes"};
  }

  void leaf(Value::Kind kind,
            const YAML::Mark& mark,
            YAML::anchor_t anchor,
            std::string text,
            bool plain) {
    Value value;
    value.kind = kind;
    value.mark = places_(mark);
    value.text = std::move(text);
    value.plain = plain;
    charge(value, value.mark);
    finish(std::move(value), anchor);
  }

  void open(Value::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    Open begun;
    begun.value.kind = kind;
    begun.value.mark = places_(mark);
    begun.anchor = anchor;
    if (stack_.size() >= kDeepest)
      throw Refused{begun.value.mark,
                    "nested too deeply (more than 32 levels); nothing here needs that"};
    if (!stack_.empty() && expects_key()) refuse_key(begun.value.mark);
    charge(begun.value, begun.value.mark);
    stack_.push_back(std::move(begun));
  }

  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    finish(std::move(done.value), done.anchor);
  }

  void finish(Value value, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = value;
    place(std::move(value));
  }

  bool expects_key() const {
    return stack_.back().value.kind == Value::Kind::map && !stack_.back().key;
  }
  [[noreturn]] static void refuse_key(Mark at) {
    throw Refused{
        at, "a key must be a simple text; put a value that begins with `{`, `[` or `*` in quotes"};
  }

  void place(Value value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& top = stack_.back();
    if (top.value.kind == Value::Kind::list) {
      top.value.items.push_back(std::move(value));
    } else if (!top.key) {
      if (value.kind != Value::Kind::scalar) refuse_key(value.mark);
      top.key.emplace(std::move(value.text), value.mark);
    } else {
      add_entry(top, std::move(value));
    }
  }

  void add_entry(Open& top, Value value) {
    Entry entry{std::move(top.key->first), top.key->second, std::move(value)};
    top.key.reset();
    for (const Entry& earlier : top.value.entries) {
      if (earlier.key != entry.key) continue;
      problems_.error(entry.mark, "the key " + shown(entry.key) + " stands twice, first in line " +
                                      std::to_string(earlier.mark.line) + "; keep one of them");
      return;
    }
    top.value.entries.push_back(std::move(entry));
  }

  void charge(const Value& value, Mark at) {
    ++nodes_;
    bytes_ += value.text.size();
    if (nodes_ > kMostNodes || bytes_ > kMostBytes) {
      throw Refused{at, "too large: at most 10000 values, each repetition of an alias counted"};
    }
    for (const Value& item : value.items) charge(item, at);
    for (const Entry& entry : value.entries) {
      bytes_ += entry.key.size();
      charge(entry.value, at);
    }
  }

  const Places& places_;
  Problems& problems_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Value> anchors_;
  Value root_;
  Mark begin_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
};

/// The library's reason in our words where people stumble most; its own message may end in a
/// quotation of the file (the name of an anchor), which is cut: it could be half a password.
std::string explain(const YAML::Exception& error, std::string_view line) {
  const std::string_view indent = line.substr(0, line.find_first_not_of(" \t"));
  if (indent.find('\t') != std::string_view::npos)
    return "not valid YAML: a tab in the indentation; indent with spaces";
  const std::string_view reason(error.msg);
  if (reason == YAML::ErrorMsg::MAP_VALUE) {
    return "not valid YAML: `: ` inside a text, or a wrong indentation; put the text in quotes";
  }
  if (reason.starts_with(YAML::ErrorMsg::UNKNOWN_ANCHOR)) {
    return "not valid YAML: an alias (`*name`) without its anchor; put a text that begins with `*` "
           "in quotes";
  }
  return "not valid YAML: " + std::string(reason.substr(0, reason.find(": ")));
}

/// Where the first byte stands that a text file cannot hold; nothing if there is none.
std::optional<Mark> bad_byte(std::string_view source) {
  const auto lines = text::split(source, '\n');
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto bad = std::find_if(lines[i].begin(), lines[i].end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\t' && c != '\r') || byte == 0x7F;
    });
    const int line = static_cast<int>(i) + 1;
    if (bad != lines[i].end()) return Mark{line, static_cast<int>(bad - lines[i].begin()) + 1};
    if (!text::is_utf8(lines[i])) return Mark{line, 1};
  }
  return std::nullopt;
}

/// Where a further document begins; nothing if there is none.
std::optional<Mark> next_document(YAML::Parser& parser, const Places& places, Problems& problems) {
  Builder rest(places, problems);
  if (!parser.HandleNextDocument(rest)) return std::nullopt;
  return rest.begin();
}

}  // namespace

const Value* Value::find(std::string_view key) const noexcept {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::optional<Value> parse_document(std::string_view source, Problems& problems) {
  if (source.size() > kLargestFile) {
    problems.error({}, "larger than 1 MiB: this is no configuration file");
    return std::nullopt;
  }
  if (source.starts_with("\xEF\xBB\xBF")) source.remove_prefix(3);
  if (const auto bad = bad_byte(source)) {
    problems.error(*bad, "a byte that is not text; save the file as UTF-8");
    return std::nullopt;
  }
  const Places places(source);
  try {
    std::istringstream stream{std::string(source)};
    YAML::Parser parser(stream);
    Builder builder(places, problems);
    if (!parser.HandleNextDocument(builder)) {
      Value empty;
      empty.kind = Value::Kind::map;
      empty.mark = {1, 1};
      return empty;
    }
    Value root = builder.take();
    if (const auto second = next_document(parser, places, problems)) {
      problems.error(*second, "a second document (`---`) begins here; keep one");
      return std::nullopt;
    }
    return root;
  } catch (const Refused& refused) {
    problems.error(refused.mark, refused.why);
  } catch (const YAML::Exception& error) {
    const Mark at = places(error.mark);
    problems.error(at, explain(error, places.line(at)));
  }
  return std::nullopt;
}

}  // namespace passerelle::config
