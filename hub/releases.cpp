#include "hub/releases.hpp"

#include "base/text.hpp"
#include "hub/subject.hpp"
#include "spawners/kubernetes/chart_desk.hpp"

namespace passerelle::hub {
namespace {

using nlohmann::json;

constexpr std::size_t kLongest = 16U << 10U;

bool leads_out(std::string_view url) {
  return url.starts_with("https://") || url.starts_with("http://");
}

/// Without what no text has.
std::string printable(std::string_view words) {
  std::string clean;
  for (const char c : words.substr(0, kLongest))
    if (c == '\n' || c == '\t' || static_cast<unsigned char>(c) >= ' ') clean += c;
  while (!clean.empty() && !text::is_utf8(clean)) clean.pop_back();  // cut within a character
  return clean;
}

/// One line's pieces.
class Inline {
 public:
  explicit Inline(json& pieces) : pieces_(pieces) {}

  void take(std::string_view line) {
    while (!line.empty()) {
      const std::size_t taken = marked(line);
      if (taken == 0) plain_ += line.front();
      line.remove_prefix(taken == 0 ? 1 : taken);
    }
    end_plain();
  }

 private:
  void end_plain() {
    if (!plain_.empty()) pieces_.push_back({{"plain", std::exchange(plain_, {})}});
  }

  void add(json piece) {
    end_plain();
    pieces_.push_back(std::move(piece));
  }

  /// How much of `line` is something else than plain text, which is added.
  std::size_t marked(std::string_view line) {
    if (const std::size_t end = line.find("**", 2); line.starts_with("**") && end != line.npos) {
      add({{"strong", std::string(line.substr(2, end - 2))}});
      return end + 2;
    }
    if (const std::size_t end = line.find('`', 1); line.starts_with('`') && end != line.npos) {
      add({{"mono", std::string(line.substr(1, end - 1))}});
      return end + 1;
    }
    if (line.starts_with('[')) return linked(line);
    if (!leads_out(line)) return 0;
    std::size_t end = std::min(line.find_first_of(" \t<>\"'`)]*"), line.size());
    while (end > 0 && (line[end - 1] == '.' || line[end - 1] == ',')) --end;
    const std::string url(line.substr(0, end));
    add({{"link", url}, {"label", url}});
    return end;
  }

  /// "[words](url)"
  std::size_t linked(std::string_view line) {
    const std::size_t middle = line.find("](");
    const std::size_t end = middle == line.npos ? line.npos : line.find(')', middle);
    if (end == line.npos) return 0;
    const std::string url(line.substr(middle + 2, end - middle - 2));
    const std::string words(line.substr(1, middle - 1));
    if (!leads_out(url)) return 0;
    add({{"link", url}, {"label", words.empty() ? url : words}});
    return end + 1;
  }

  json& pieces_;
  std::string plain_;
};

const config::Profile* chart_profile(const Parts& parts, const Server& server) {
  const config::Profile* profile = find_profile(parts.settings, server.record.profile);
  return profile != nullptr && profile->kubernetes ? profile : nullptr;
}

}  // namespace

bool is_release(const Parts& parts, const Server& server) {
  return chart_profile(parts, server) != nullptr;
}

Task<Result<void>> uninstall(Parts& parts, ServerPtr server) {
  const config::Profile* profile = chart_profile(parts, *server);
  if (profile == nullptr) co_return Result<void>();
  if (server->active()) co_return Error(Errc::conflict, "the server is not stopped");
  auto* desk = parts.launcher.chart_desk(*profile);
  if (desk == nullptr) co_return Result<void>();
  auto owner = co_await parts.store.users().find(server->record.user);
  if (!owner) co_return std::move(owner).error();
  auto offer =
      co_await parts.launcher.chart_offer(std::move(*owner), server->record.name, *profile);
  if (!offer) co_return std::move(offer.error());
  spawners::ServerSpec spec = *(*offer)->spec;
  spec.values = server->record.values;
  auto gone = co_await desk->uninstall(std::move(spec));
  co_return gone;
}

json notes_view(std::string_view words) {
  const std::string clean = printable(words);
  json blocks = json::array();
  json pieces = json::array();
  const auto end_paragraph = [&] {
    if (!pieces.empty())
      blocks.push_back({{"words", {{"pieces", std::exchange(pieces, json::array())}}}});
  };
  std::optional<std::string> code;
  for (const std::string_view line : text::split(clean, '\n')) {
    if (line.starts_with("```")) {
      end_paragraph();
      if (code) blocks.push_back({{"code", *code}});
      code = code ? std::nullopt : std::optional<std::string>("");
    } else if (code) {
      *code += std::string(line) + "\n";
    } else if (line.starts_with('#')) {
      end_paragraph();
      const std::size_t begin = line.find_first_not_of("# ");
      if (begin != line.npos) blocks.push_back({{"heading", std::string(line.substr(begin))}});
    } else if (text::trim(line).empty()) {
      end_paragraph();
    } else {
      if (!pieces.empty()) pieces.push_back({{"line_end", true}});
      Inline(pieces).take(line);
    }
  }
  if (code) blocks.push_back({{"code", *code}});
  end_paragraph();
  return blocks;
}

}  // namespace passerelle::hub
