#include "spawners/batch/adapter.hpp"

namespace passerelle::spawners::batch {

#define SYSTEM(system) const Adapter& system();
#include "batch_systems.inc"
#undef SYSTEM

const Adapter* adapter_for(std::string_view name) {
#define SYSTEM(system) \
  if (name == #system) return &system();
#include "batch_systems.inc"
#undef SYSTEM
  return nullptr;
}

bool is_job_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 12 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace passerelle::spawners::batch
