#include "proxy/http2_floods.hpp"

namespace passerelle::proxy {

bool Http2Floods::Rate::exceeds(std::uint32_t most, Millis now) noexcept {
  if (now - since_ > kWindow) {
    since_ = now;
    count_ = 0;
  }
  return ++count_ > most;
}

bool Http2Floods::window_update(Millis now) noexcept {
  if (updates_due_ == 0) return control(now);
  --updates_due_;
  return false;
}

}  // namespace passerelle::proxy
