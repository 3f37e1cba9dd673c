// Live: what can be told of a connection while it lives. Connections of a lane stand in one list,
// oldest first, that only the lane's thread touches (survey.hpp walks it there).
#pragma once

#include <cstdint>

namespace passerelle::proxy {

struct AccessEntry;

struct LiveLink {
  LiveLink() = default;
  ~LiveLink() {
    next->before = before;
    before->next = next;
  }
  LiveLink(const LiveLink&) = delete;
  LiveLink& operator=(const LiveLink&) = delete;
  void join(LiveLink& list) noexcept {
    next = &list;
    before = list.before;
    before->next = this;
    list.before = this;
  }

  LiveLink* next = this;
  LiveLink* before = this;
};

struct Live : LiveLink {
  const AccessEntry* request = nullptr;  ///< The one under way.
  std::uint64_t bytes_in = 0;            ///< Of finished requests, or of the tunnel.
  std::uint64_t bytes_out = 0;
  std::uint32_t since = 0;  ///< Unix seconds.
  std::uint32_t held = 0;   ///< Bytes kept because a side does not take them.
};

}  // namespace passerelle::proxy
