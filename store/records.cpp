#include "store/records.hpp"

namespace passerelle::store {

std::string_view to_string(Phase phase) noexcept {
  switch (phase) {
    case Phase::pending: return "pending";
    case Phase::running: return "running";
    case Phase::stopping: return "stopping";
    case Phase::stopped: return "stopped";
  }
  return "stopped";
}

}  // namespace passerelle::store
