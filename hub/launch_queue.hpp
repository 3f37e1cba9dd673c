// LaunchQueue: how many launches may be under way at once. The others wait in order of arrival and
// know their place; a full queue refuses. Hub loop only.
#pragma once

#include <functional>
#include <list>
#include <memory>

#include "base/task.hpp"

namespace passerelle::hub {

class LaunchQueue {
 public:
  LaunchQueue(std::size_t in_flight, std::size_t longest)
      : in_flight_(in_flight), longest_(longest) {}
  LaunchQueue(const LaunchQueue&) = delete;
  LaunchQueue& operator=(const LaunchQueue&) = delete;

  /// The right to be under way; given back when destroyed.
  class Place {
   public:
    Place() = default;
    explicit Place(LaunchQueue* queue) : queue_(queue) {}
    Place(Place&& other) noexcept : queue_(std::exchange(other.queue_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(queue_, other.queue_);
      return *this;
    }
    ~Place() {
      if (queue_ != nullptr) queue_->give_back();
    }

   private:
    LaunchQueue* queue_ = nullptr;
  };

  bool full() const noexcept { return waiting_.size() >= longest_; }
  /// Waits for a place. `told(position, of)` is called whenever the place in the queue changes,
  /// first at once if there is a wait at all; it must not call back into the queue. Cancelling the
  /// task leaves the queue.
  Task<Place> enter(std::function<void(std::size_t position, std::size_t of)> told);

  std::size_t under_way() const noexcept { return under_way_; }
  std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  struct Ticket {
    std::function<void(std::size_t, std::size_t)> told;
    std::unique_ptr<asio::steady_timer> wake;  ///< Never expires; cancelled when the turn comes.
    bool called = false;
  };

  void give_back();
  void call_next();
  void tell_places();

  std::size_t in_flight_;
  std::size_t longest_;
  std::size_t under_way_ = 0;
  std::list<Ticket> waiting_;
};

}  // namespace passerelle::hub
