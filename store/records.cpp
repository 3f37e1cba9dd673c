#include "store/records.hpp"

namespace passerelle::store {

std::string_view to_string(Phase phase) noexcept {
  switch (phase) {
    case Phase::pending:
      return "pending";
    case Phase::running:
      return "running";
    case Phase::stopping:
      return "stopping";
    case Phase::stopped:
      return "stopped";
  }
  return "stopped";
}

std::optional<Phase> phase_from_string(std::string_view text) noexcept {
  for (const Phase phase : {Phase::pending, Phase::running, Phase::stopping, Phase::stopped})
    if (text == to_string(phase)) return phase;
  return std::nullopt;
}

}  // namespace passerelle::store
