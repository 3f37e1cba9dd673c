#include "spawners/batch/submit/order.hpp"

#include <algorithm>
#include <array>

namespace passerelle::spawners::batch::submit {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<std::string_view, Verb>, 10> kVerbs = {{{"list", Verb::list},
                                                                       {"details", Verb::details},
                                                                       {"find", Verb::find},
                                                                       {"census", Verb::census},
                                                                       {"estimate", Verb::estimate},
                                                                       {"submit", Verb::submit},
                                                                       {"delete", Verb::remove},
                                                                       {"signal", Verb::signal},
                                                                       {"log", Verb::log},
                                                                       {"clean", Verb::clean}}};
constexpr std::array<std::string_view, 3> kSignals = {"TERM", "INT", "USR2"};
constexpr std::array<std::string_view, 6> kFiles = {"hdr",           "server.crt", "server.key",
                                                    "client-ca.crt", "hub-ca.crt", "note"};

bool only(std::string_view text, std::string_view characters) noexcept {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

constexpr std::string_view kNameCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

bool is_variable(std::string_view text) noexcept {
  return only(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") &&
         (text.front() < '0' || text.front() > '9');
}

bool has_line_end(std::string_view text) noexcept {
  return text.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos;
}

/// Reads members one by one; the first that is missing or wrong is the problem.
class Reader {
 public:
  explicit Reader(const json& value) : value_(value) {}

  std::string text(const char* name) {
    const auto found = value_.find(name);
    if (found == value_.end() || !found->is_string()) return wrong(name), std::string();
    return found->get<std::string>();
  }
  std::vector<std::string> list(const char* name) {
    std::vector<std::string> out;
    const auto found = value_.find(name);
    if (found == value_.end() || !found->is_array()) return wrong(name), out;
    for (const json& item : *found) {
      if (!item.is_string()) return wrong(name), out;
      out.push_back(item.get<std::string>());
    }
    return out;
  }
  std::map<std::string, std::string> map(const char* name) {
    std::map<std::string, std::string> out;
    const auto found = value_.find(name);
    if (found == value_.end() || !found->is_object()) return wrong(name), out;
    for (const auto& [key, item] : found->items()) {
      if (!item.is_string()) return wrong(name), out;
      out[key] = item.get<std::string>();
    }
    return out;
  }
  void require(bool right, const char* name) {
    if (!right) wrong(name);
  }
  const std::string& problem() const { return problem_; }

 private:
  void wrong(const char* name) {
    if (problem_.empty()) problem_ = name;
  }
  const json& value_;
  std::string problem_;
};

void read_wish(const json& value, Reader& read, Order& order) {
  const auto found = value.find("wish");
  const auto wish = found == value.end() ? std::nullopt : wish_from_json(*found);
  read.require(wish && is_acceptable(*wish), "wish");
  if (wish) order.wish = *wish;
}

void read_submission(Reader& read, Order& order) {
  order.command = read.list("command");
  read.require(!order.command.empty(), "command");
  order.prologue = read.list("prologue");
  for (const std::string& line : order.prologue) read.require(!has_line_end(line), "prologue");
  order.environment = read.map("environment");
  for (const auto& [name, text] : order.environment) read.require(is_variable(name), "environment");
  order.settings = read.map("settings");
  for (const auto& [name, text] : order.settings)
    read.require(is_variable(name) && !has_line_end(text), "settings");
  order.files = read.map("files");
  for (const auto& [name, content] : order.files)
    read.require(std::find(kFiles.begin(), kFiles.end(), name) != kFiles.end(), "files");
}

void read_details(Reader& read, Order& order) {
  order.ids = read.list("ids");
  read.require(!order.ids.empty() && order.ids.size() <= 5000 &&
                   std::all_of(order.ids.begin(), order.ids.end(), is_job_id),
               "ids");
}

}  // namespace

bool is_launch(std::string_view text) noexcept {
  return text.size() == 16 && only(text, "0123456789abcdef");
}

Result<Order> order_from_json(std::string_view text) {
  const json value = json::parse(text, nullptr, false);
  if (!value.is_object()) return Error(Errc::invalid, "not a JSON object");
  Reader read(value);
  Order order;
  order.system = adapter_for(read.text("system"));
  read.require(order.system != nullptr, "system");
  const std::string word = read.text("verb");
  const auto verb = std::find_if(kVerbs.begin(), kVerbs.end(),
                                 [&](const auto& one) { return one.first == word; });
  read.require(verb != kVerbs.end(), "verb");
  if (!read.problem().empty()) return Error(Errc::invalid, read.problem() + " is missing or wrong");
  order.verb = verb->second;
  order.user = read.text("user");
  const auto deadline = value.find("deadline");
  if (deadline != value.end() && deadline->is_number_unsigned())
    order.deadline = std::chrono::seconds(std::clamp(deadline->get<unsigned>(), 1U, 60U));
  const Verb what = order.verb;
  if (what == Verb::submit || what == Verb::log || what == Verb::clean) {
    order.launch = read.text("launch");
    read.require(is_launch(order.launch), "launch");
  }
  if (what == Verb::remove || what == Verb::signal) {
    order.job = read.text("job");
    read.require(is_job_id(order.job), "job");
  }
  if (what == Verb::signal) {
    order.signal = read.text("signal");
    read.require(std::find(kSignals.begin(), kSignals.end(), order.signal) != kSignals.end(),
                 "signal");
  }
  if (what == Verb::find) {
    order.name = read.text("name");
    read.require(only(order.name, kNameCharacters), "name");
  }
  const auto way = value.find("way");
  if (way != value.end() && way->is_number_unsigned()) order.way = way->get<std::size_t>();
  if (what == Verb::details) read_details(read, order);
  if (what == Verb::submit || what == Verb::estimate) read_wish(value, read, order);
  if (what == Verb::submit) read_submission(read, order);
  if (!read.problem().empty()) return Error(Errc::invalid, read.problem() + " is missing or wrong");
  return order;
}

std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == kPort) {
      out += "'\"$PORT\"'";
    } else if (c == kDirectory) {
      out += "'\"$dir\"'";
    } else if (c == kHome) {
      out += "'\"$HOME\"'";
    } else if (c != '\0') {
      out += c;
    }
  }
  return out + "'";
}

std::string command_file(const Order& order) {
  std::string out;
  for (const auto& [name, value] : order.environment)
    out += "export " + name + "=" + shell_quoted(value) + "\n";
  for (const std::string& line : order.prologue) out += line + "\n";
  out += "set --";
  for (const std::string& word : order.command) out += " " + shell_quoted(word);
  return out + "\n";
}

std::string settings_file(const Order& order) {
  std::string out;
  for (const auto& [name, value] : order.settings)
    out += "P_" + name + "=" + shell_quoted(value) + "\n";
  return out;
}

}  // namespace passerelle::spawners::batch::submit
