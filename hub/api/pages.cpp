#include "hub/api/pages.hpp"

#include <charconv>

namespace passerelle::hub::api {
namespace {

constexpr std::size_t kMost = 200;
constexpr std::size_t kUsual = 50;
constexpr int kOk = 200;
constexpr std::string_view kPagination = "application/jupyterhub-pagination+json";

// A negative one counts without its sign, as JupyterHub reads it.
Result<std::size_t> number(std::string_view text, std::size_t otherwise) {
  if (text.empty()) return otherwise;
  if (text.front() == '-') text.remove_prefix(1);
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return Error(Errc::invalid, "Invalid argument type, offset and limit must be integers");
  return value;
}

// Followed as it stands, so it names us as the caller does.
std::string next_url(const Call& call, std::size_t offset, std::size_t limit) {
  std::string url = call.request.scheme + "://" + call.request.host + call.request.path + "?";
  for (const auto& [name, value] : call.query)
    if (name != "offset" && name != "limit")
      url += text::percent_encode(name) + "=" + text::percent_encode(value) + "&";
  return url + "offset=" + std::to_string(offset) + "&limit=" + std::to_string(limit);
}

}  // namespace

Result<PageWanted> page_wanted(const Call& call) {
  PageWanted wanted;
  wanted.told = call.request.header("accept").find(kPagination) != std::string_view::npos;
  auto offset = number(text::field(call.query, "offset"), 0);
  auto limit = number(text::field(call.query, "limit"), wanted.told ? kUsual : kMost);
  if (!offset) return std::move(offset).error();
  if (!limit) return std::move(limit).error();
  wanted.offset = *offset;
  wanted.limit = std::clamp<std::size_t>(*limit, 1, kMost);
  return wanted;
}

proxy::HubResponse page_answer(const Call& call,
                               const PageWanted& wanted,
                               Json items,
                               std::size_t total) {
  const std::size_t after = wanted.offset + items.size();
  const bool more = after < total;
  if (!wanted.told) {
    proxy::HubResponse response = json(kOk, items);
    if (more)
      response.headers.emplace_back(
          "Warning", "299 - \"" + std::to_string(total - after) +
                         " more; ask with Accept: " + std::string(kPagination) + "\"");
    return response;
  }
  Json next;
  if (more)
    next = {
        {"offset", after}, {"limit", wanted.limit}, {"url", next_url(call, after, wanted.limit)}};
  return json(kOk, {{"items", std::move(items)},
                    {"_pagination",
                     {{"offset", wanted.offset},
                      {"limit", wanted.limit},
                      {"total", total},
                      {"next", std::move(next)}}}});
}

}  // namespace passerelle::hub::api
