// Exchange: where the hub's threads and a proxy thread meet over one answer. The hub's side puts
// in, from any thread; the proxy's side is woken through the mailbox and collects what is there.
// Bounded: a stream that its client does not read is ended.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "proxy/gate.hpp"
#include "proxy/loop.hpp"

namespace passerelle::proxy {

class Exchange final : public Letter, public std::enable_shared_from_this<Exchange> {
 public:
  explicit Exchange(std::shared_ptr<Mailbox> mailbox) : mailbox_(std::move(mailbox)) {}

  /// The hub's end of it.
  std::shared_ptr<HubReply> reply();

  // The proxy's side.
  struct News {
    std::optional<HubResponse> head;
    bool streams = false;  ///< `bytes` follow the head as they come.
    std::string bytes;
    bool finished = false;
    bool abandoned = false;  ///< The hub dropped its end before the answer was whole.
    bool any() const noexcept { return head || !bytes.empty() || finished || abandoned; }
  };
  News collect();
  void wait_with(Wait* wait) noexcept { wait_ = wait; }  ///< Null when the wait is over.
  void client_gone();                                    ///< Tells the hub, unless it has finished.
  void open() noexcept override;

 private:
  friend class Reply;
  static constexpr std::size_t kMostUnread = 256U << 10U;
  void put_head(HubResponse response, bool streams);
  bool put_bytes(std::string bytes);
  void put_end(bool whole);
  void when_closed(std::function<void()> callback);
  void post() { mailbox_->post(shared_from_this()); }

  const std::shared_ptr<Mailbox> mailbox_;
  Wait* wait_ = nullptr;  ///< Proxy thread only.
  std::mutex mutex_;      ///< Guards what follows; held for moments.
  News news_;
  bool begun_ = false;
  bool over_ = false;
  bool gone_ = false;
  std::function<void()> closed_;
};

}  // namespace passerelle::proxy
