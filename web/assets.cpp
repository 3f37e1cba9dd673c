#include "web/assets.hpp"

namespace passerelle::web {

const Asset* find_asset(std::string_view path) noexcept {
  for (std::size_t i = 0; i < kAssetCount; ++i)
    if (kAssets[i].path == path) return &kAssets[i];
  return nullptr;
}

}  // namespace passerelle::web
