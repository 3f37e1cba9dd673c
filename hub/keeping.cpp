#include "hub/keeping.hpp"

#include <charconv>

namespace passerelle::hub {
namespace {

constexpr const char* kKept = "kept-servers";

std::string row_name(const Server& server) {
  return std::to_string(server.record.user) + "/" + server.record.name;
}

std::optional<Instant> until_from(std::string_view text) {
  std::int64_t micros = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), micros);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return from_micros(micros);
}

}  // namespace

Task<Result<void>> keep_server(store::Store& store, ServerPtr server, Instant until) {
  server->kept_until = until;
  std::string name = row_name(*server);
  std::string value = std::to_string(to_micros(until));
  auto written = co_await store.kept().put(kKept, std::move(name), std::move(value));
  co_return written;
}

Task<Result<void>> load_kept(store::Store& store, const Launcher& launcher, Instant now) {
  auto rows = co_await store.kept().all(kKept);
  if (!rows) co_return std::move(rows).error();
  std::map<std::string, Instant> known;
  for (const auto& [name, value] : *rows)
    if (const auto until = until_from(value); until && *until > now) known.emplace(name, *until);
  for (const auto& [key, server] : launcher.all())
    if (const auto found = known.find(row_name(*server)); found != known.end() && server->active())
      server->kept_until = found->second;
  for (const auto& [name, value] : *rows) {
    if (known.contains(name)) continue;
    auto erased = co_await store.kept().erase(kKept, name);
    if (!erased) co_return erased;
  }
  co_return Result<void>();
}

}  // namespace passerelle::hub
