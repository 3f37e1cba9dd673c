// FrontDesk: takes requests from the proxy's threads to the hub's loop, reads and authenticates
// them, finds the endpoint, and gives the answer back with the headers that every answer carries.
#pragma once

#include "hub/call.hpp"
#include "hub/parts.hpp"
#include "proxy/gate.hpp"

namespace passerelle::hub {

class FrontDesk final : public proxy::Hub {
 public:
  explicit FrontDesk(Parts& parts) : parts_(parts) {}

  /// Requests whose answers are not begun yet. Any thread.
  int under_way() const noexcept { return under_way_; }
  /// Another process is the hub now: streams end, what is not answered yet is dropped, and so is
  /// what still comes. Once the loop stands still for good.
  void close();

  /// Any thread. Above kMostAtOnce requests under way, new ones are refused with 503.
  void handle(proxy::HubRequest request, std::shared_ptr<proxy::HubReply> reply) noexcept override;

 private:
  static constexpr int kMostAtOnce = 4000;

  Task<void> serve(proxy::HubRequest request, std::shared_ptr<proxy::HubReply> reply);
  Task<Answer> answer(Call& call);
  void read(Call& call) const;
  void authenticate(Call& call) const;
  void stand_in(Call& call, const auth::StandIns::Meant& meant) const;
  std::optional<proxy::HubResponse> check_guard(const Endpoint& endpoint, Call& call) const;
  bool forged(const Endpoint& endpoint, const Call& call) const;
  std::string frame_ancestors(const Call& call) const;
  void dress(const Call& call, proxy::HubResponse& response) const;

  Parts& parts_;
  void remember(const std::shared_ptr<proxy::HubReply>& reply);

  std::atomic<int> under_way_{0};
  std::atomic<bool> closed_{false};
  std::vector<std::weak_ptr<proxy::HubReply>> replies_;  ///< Open ones, and some that are over.
};

}  // namespace passerelle::hub
