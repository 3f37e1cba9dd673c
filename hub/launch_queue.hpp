// LaunchQueue: how many launches may be under way at once. The others wait in order of arrival and
// know their place; a full queue refuses. Hub loop only. Waiting launches and places may outlive
// it.
#pragma once

#include <functional>
#include <list>
#include <memory>

#include "base/task.hpp"

namespace passerelle::hub {

class LaunchQueue {
  struct State;

 public:
  LaunchQueue(std::size_t in_flight, std::size_t longest);

  /// The right to be under way; given back when destroyed.
  class Place {
   public:
    Place() = default;
    explicit Place(std::shared_ptr<State> state) : state_(std::move(state)) {}
    Place(Place&&) noexcept = default;
    Place& operator=(Place&& other) noexcept {
      std::swap(state_, other.state_);
      return *this;
    }
    ~Place();

   private:
    std::shared_ptr<State> state_;
  };

  bool full() const noexcept;
  /// Waits for a place. `told(position, of)` is called whenever the queue changes, first at once if
  /// there is a wait at all; it must not call back into the queue. Cancelling the task leaves the
  /// queue.
  Task<Place> enter(std::function<void(std::size_t position, std::size_t of)> told);

  std::size_t under_way() const noexcept;
  std::size_t waiting() const noexcept;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace passerelle::hub
