#include "proxy/exchange.hpp"

#include <utility>

namespace passerelle::proxy {

class Reply final : public HubReply {
 public:
  explicit Reply(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~Reply() override { exchange_->put_end(false); }

  void send(HubResponse response) override {
    exchange_->put_head(std::move(response), false);
    exchange_->put_end(true);
  }
  void begin(HubResponse head) override { exchange_->put_head(std::move(head), true); }
  bool write(std::string bytes) override { return exchange_->put_bytes(std::move(bytes)); }
  void finish() override { exchange_->put_end(true); }
  void on_close(std::function<void()> callback) override {
    exchange_->when_closed(std::move(callback));
  }

 private:
  std::shared_ptr<Exchange> exchange_;
};

std::shared_ptr<HubReply> Exchange::reply() {
  return std::make_shared<Reply>(shared_from_this());
}

void Exchange::put_head(HubResponse response, bool streams) {
  {
    const std::lock_guard lock(mutex_);
    if (begun_ || over_ || gone_) return;
    begun_ = true;
    news_.streams = streams;
    news_.head = std::move(response);
  }
  if (streams) post();  // otherwise the end follows at once
}

bool Exchange::put_bytes(std::string bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (!begun_ || over_ || gone_) return false;
    if (news_.bytes.size() + bytes.size() > kMostUnread) return false;
    news_.bytes += bytes;
  }
  post();
  return true;
}

void Exchange::put_end(bool whole) {
  {
    const std::lock_guard lock(mutex_);
    closed_ = nullptr;
    if (over_ || gone_) return;
    over_ = true;
    news_.finished = whole && begun_;
    news_.abandoned = !news_.finished;
  }
  post();
}

void Exchange::when_closed(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    if (!gone_) {
      closed_ = std::move(callback);
      return;
    }
  }
  callback();
}

Exchange::News Exchange::collect() {
  const std::lock_guard lock(mutex_);
  return std::exchange(news_, News{});
}

void Exchange::client_gone() {
  std::function<void()> callback;
  {
    const std::lock_guard lock(mutex_);
    if (gone_ || over_) return;
    gone_ = true;
    callback = std::exchange(closed_, nullptr);
  }
  if (callback) callback();
}

void Exchange::open() noexcept {
  if (wait_ != nullptr) wait_->notify();
}

}  // namespace passerelle::proxy
