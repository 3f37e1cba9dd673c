#include <array>

#include "spawners/batch/adapter.hpp"

namespace passerelle::spawners::batch {

const Adapter* adapter_for(std::string_view name) {
  const std::array<const Adapter*, 2> all = {&oar(), &slurm()};
  for (const Adapter* one : all)
    if (one->name() == name) return one;
  return nullptr;
}

bool is_job_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 12 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace passerelle::spawners::batch
