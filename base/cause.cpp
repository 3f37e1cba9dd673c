#include "base/cause.hpp"

#include <array>
#include <cstddef>

namespace passerelle {
namespace {
constexpr std::array<std::string_view, 25> kNames = {
    "quota-user",     "quota-group",     "limit-global",      "queue-full",     "breaker-open",
    "maintenance",    "profile-gone",    "profile-forbidden", "values-invalid", "image-pull",
    "unschedulable",  "storage-pending", "node-lost",         "out-of-memory",  "crashed",
    "start-timeout",  "not-answering",   "auth-handshake",    "batch-refused",  "batch-held",
    "batch-walltime", "batch-killed",    "spawner-down",      "internal",       "cancelled"};
static_assert(kNames.size() == static_cast<std::size_t>(Cause::cancelled) + 1);
}  // namespace

std::string_view to_string(Cause cause) noexcept {
  return kNames[static_cast<std::size_t>(cause)];
}

std::optional<Cause> cause_from_string(std::string_view text) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == text) return static_cast<Cause>(i);
  return std::nullopt;
}

}  // namespace passerelle
