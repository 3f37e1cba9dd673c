#include "web/template.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.hpp"
#include "web/assets.hpp"

namespace passerelle::web {
namespace {

constexpr int kDeepest = 4;  // Partials within partials.

Error broken(std::string_view file, const std::string& what) {
  return {Errc::internal, "templates/" + std::string(file) + ".mustache: " + what};
}

const Asset* find_template(std::string_view file) {
  return find_asset("templates/" + std::string(file) + ".mustache");
}

struct Split {
  std::string_view comment;
  std::string_view body;
};

// The comment at the head, and what follows its line.
Split split_head(std::string_view content) {
  if (!content.starts_with("{{!")) return {{}, content};
  const std::size_t end = content.find("}}");
  if (end == std::string_view::npos) return {{}, content};
  Split parts{content.substr(3, end - 3), content.substr(end + 2)};
  if (parts.body.starts_with('\n')) parts.body.remove_prefix(1);
  return parts;
}

// Replaces every `open`...`close` by what `answer` makes of the text between.
template <class Answer>
Result<std::string> replace_each(std::string_view in,
                                 std::string_view open,
                                 std::string_view close,
                                 Answer answer) {
  std::string out;
  for (;;) {
    const std::size_t begin = in.find(open);
    if (begin == std::string_view::npos) return out.append(in);
    const std::size_t end = in.find(close, begin);
    if (end == std::string_view::npos)
      return Error(Errc::internal, "no end of " + std::string(in.substr(begin, 40)));
    const std::string_view inside =
        text::trim(in.substr(begin + open.size(), end - begin - open.size()));
    Result<std::string> replaced = answer(inside);
    if (!replaced) return std::move(replaced).error();
    out.append(in.substr(0, begin)).append(*replaced);
    in.remove_prefix(end + close.size());
    if (open == "{{>" && in.starts_with('\n')) in.remove_prefix(1);
  }
}

Result<std::string> with_partials(std::string_view body, int depth) {
  if (depth > kDeepest) return Error(Errc::internal, "partials include each other");
  return replace_each(body, "{{>", "}}", [depth](std::string_view name) -> Result<std::string> {
    const Asset* const file = find_template("_" + std::string(name));
    if (!file) return Error(Errc::internal, "no partial " + std::string(name));
    return with_partials(split_head(file->content).body, depth + 1);
  });
}

// A message as template text: escaped here and now, its placeholders left to the view.
std::string message_source(std::string_view message) {
  std::string out;
  for (const char c : text::html_escape(message))
    if (c == '{' || c == '}')
      out.append(2, c);
    else
      out += c;
  return out;
}

struct Tag {
  char kind = 0;  // '#', '^', '/', 0 for a variable
  std::string name;
};

Result<Tag> read_tag(std::string_view inside) {
  inside = text::trim(inside);
  if (inside.empty() || inside[0] == '{' || inside[0] == '&' || inside[0] == '=')
    return Error(Errc::internal, "tag not allowed: {{" + std::string(inside) + "}}");
  if (inside[0] == '!') return Tag{'!', {}};
  if (inside[0] == '#' || inside[0] == '^' || inside[0] == '/')
    return Tag{inside[0], std::string(text::trim(inside.substr(1)))};
  return Tag{0, std::string(inside)};
}

// Where a name is found from inside the open sections: innermost first, as Mustache looks.
std::optional<std::string> resolve(const std::vector<std::string>& open,
                                   const std::string& name,
                                   const Contract& page,
                                   const Contract& frame) {
  if (name.starts_with("frame.")) {
    if (frame.declares(name.substr(6))) return name;
    return std::nullopt;
  }
  for (auto scope = open.rbegin(); scope != open.rend(); ++scope) {
    const std::string path = *scope + "." + name;
    const bool in_frame = path.starts_with("frame.");
    if (in_frame ? frame.declares(path.substr(6)) : page.declares(path)) return path;
  }
  if (page.declares(name)) return name;
  return std::nullopt;
}

Result<void> check_tags(std::string_view body, const Contract& page, const Contract& frame) {
  std::vector<std::string> open;  // Paths of the sections we are in.
  for (std::size_t begin = body.find("{{"); begin != std::string_view::npos;
       begin = body.find("{{", begin + 2)) {
    const std::size_t end = body.find("}}", begin);
    if (end == std::string_view::npos) return Error(Errc::internal, "a tag has no end");
    Result<Tag> tag = read_tag(body.substr(begin + 2, end - begin - 2));
    if (!tag) return std::move(tag).error();
    if (tag->kind == '!') continue;
    if (tag->kind == '/') {
      if (open.empty())
        return Error(Errc::internal, "section " + tag->name + " is closed but not open");
      open.pop_back();
      continue;
    }
    const std::optional<std::string> path = resolve(open, tag->name, page, frame);
    if (!path) return Error(Errc::internal, "{{" + tag->name + "}} is not in the contract");
    if (tag->kind != 0) open.push_back(*path);
  }
  if (!open.empty()) return Error(Errc::internal, "section " + open.back() + " is not closed");
  return {};
}

}  // namespace

Result<Contract> read_contract(std::string_view file) {
  const Asset* const asset = find_template(file);
  if (!asset) return broken(file, "not in this program");
  Result<Contract> contract = Contract::parse(split_head(asset->content).comment);
  if (!contract) return broken(file, contract.error().message());
  return contract;
}

Result<Source> read_template(std::string_view page,
                             std::string_view language,
                             const Messages& messages,
                             const AssetUrl& asset_url,
                             const Contract& frame) {
  Result<Contract> contract = read_contract(page);
  if (!contract) return std::move(contract).error();
  Result<std::string> body = with_partials(split_head(find_template(page)->content).body, 0);
  if (!body) return broken(page, body.error().message());
  Result<std::string> worded =
      replace_each(*body, "[[", "]]", [&](std::string_view inside) -> Result<std::string> {
        if (inside.starts_with("asset ")) {
          std::string url = asset_url(text::trim(inside.substr(6)));
          if (url.empty())
            return Error(Errc::internal, "no file for [[" + std::string(inside) + "]]");
          return url;
        }
        const std::string* const message = messages.find(language, inside);
        if (!message) return Error(Errc::internal, "no message " + std::string(inside));
        return message_source(*message);
      });
  if (!worded) return broken(page, worded.error().message());
  const Result<void> checked = check_tags(*worded, *contract, frame);
  if (!checked) return broken(page, checked.error().message());
  return Source{std::move(*worded), std::move(*contract)};
}

}  // namespace passerelle::web
