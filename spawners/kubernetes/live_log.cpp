#include "spawners/kubernetes/live_log.hpp"

namespace passerelle::spawners::kubernetes {

Task<void> LiveLog::tell(Api& api, std::string namespace_, Pod pod, Progress& progress) {
  constexpr std::size_t kMost = 64U << 10U;
  if (pod.phase == "Pending" || pod.phase.empty()) co_return;
  if (pod.uid != uid_ || pod.restarts != restarts_) told_ = 0;
  uid_ = pod.uid;
  restarts_ = pod.restarts;
  if (told_ >= kMost) co_return;
  std::string address = "/api/v1/namespaces/" + namespace_ + "/pods/" + pod.name + "/log?";
  const std::string& container = container_.empty() ? pod.container : container_;
  if (!container.empty()) address += "container=" + container + "&";
  address += "limitBytes=" + std::to_string(kMost);
  auto printed = co_await api.text(std::move(address));
  if (!printed || printed->size() <= told_) co_return;
  const std::size_t end = printed->size() >= kMost ? kMost : printed->rfind('\n') + 1;
  if (end <= told_) co_return;
  progress.log(std::string_view(*printed).substr(told_, end - told_));
  told_ = end;
}

}  // namespace passerelle::spawners::kubernetes
