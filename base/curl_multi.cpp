#include "base/curl_multi.hpp"

#include <chrono>
#include <utility>

namespace passerelle {
namespace {

constexpr std::size_t kMostTransfers = 1024;
constexpr long kIdleConnections = 32;

CURLM* make_multi() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  return started == CURLE_OK ? curl_multi_init() : nullptr;
}

}  // namespace

struct CurlMulti::Watch {
  Watch(boost::asio::io_context& loop, curl_socket_t s) : descriptor(loop), socket(s) {}
  bool& waiting(int direction) { return direction == CURL_CSELECT_IN ? reading : writing; }

  boost::asio::posix::stream_descriptor
      descriptor;  // curl owns the socket: always released, never closed
  curl_socket_t socket;
  int wanted = 0;  // CURL_CSELECT_IN, _OUT or both; 0: curl has let go of it
  bool reading = false;
  bool writing = false;
};

CurlMulti::CurlMulti(boost::asio::io_context& loop)
    : loop_(loop), timer_(loop), multi_(make_multi()) {
  if (multi_ == nullptr) return;  // add() says so
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMulti::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kIdleConnections);
}

CurlMulti::~CurlMulti() {
  for (const auto& [easy, ended] : transfers_) curl_multi_remove_handle(multi_, easy);
  curl_multi_cleanup(multi_);  // its last callbacks still find watches_
  for (const auto& [socket, left] : watches_) left->descriptor.release();
}

Result<void> CurlMulti::add(CURL* easy, Ended ended) {
  if (transfers_.size() >= kMostTransfers)
    return Error(Errc::exhausted, "too many HTTP requests at once");
  const CURLMcode code =
      multi_ != nullptr ? curl_multi_add_handle(multi_, easy) : CURLM_OUT_OF_MEMORY;
  if (code != CURLM_OK)
    return Error(Errc::internal, std::string("curl: ") + curl_multi_strerror(code));
  transfers_.emplace(easy, std::move(ended));
  return {};
}

void CurlMulti::remove(CURL* easy) {
  if (transfers_.erase(easy) != 0) curl_multi_remove_handle(multi_, easy);
}

int CurlMulti::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  return static_cast<CurlMulti*>(self)->watch(socket, what);
}

int CurlMulti::on_timer(CURLM*, long milliseconds, void* self) {
  auto* multi = static_cast<CurlMulti*>(self);
  if (milliseconds < 0) {
    multi->timer_.cancel();
    return 0;
  }
  // Even 0 goes through the loop: curl must not be entered from its own callback.
  multi->timer_.expires_after(std::chrono::milliseconds(milliseconds));
  multi->timer_.async_wait(
      [weak = multi->weak_from_this()](const boost::system::error_code& error) {
        const auto alive = weak.lock();
        if (!error && alive) alive->act(CURL_SOCKET_TIMEOUT, 0);
      });
  return 0;
}

int CurlMulti::watch(curl_socket_t socket, int what) {
  auto found = watches_.find(socket);
  if (what == CURL_POLL_REMOVE) {
    if (found == watches_.end()) return 0;
    found->second->wanted = 0;
    found->second->descriptor.release();
    watches_.erase(found);
    return 0;
  }
  if (found == watches_.end()) {
    auto fresh = std::make_shared<Watch>(loop_, socket);
    boost::system::error_code error;
    fresh->descriptor.assign(socket, error);
    if (error) return -1;
    found = watches_.emplace(socket, std::move(fresh)).first;
  }
  found->second->wanted = what == CURL_POLL_IN    ? CURL_CSELECT_IN
                          : what == CURL_POLL_OUT ? CURL_CSELECT_OUT
                                                  : CURL_CSELECT_IN | CURL_CSELECT_OUT;
  arm(found->second);
  return 0;
}

void CurlMulti::arm(const std::shared_ptr<Watch>& watch) {
  for (const int direction : {CURL_CSELECT_IN, CURL_CSELECT_OUT})
    if ((watch->wanted & direction) != 0 && !watch->waiting(direction)) wait(watch, direction);
}

void CurlMulti::wait(const std::shared_ptr<Watch>& watch, int direction) {
  watch->waiting(direction) = true;
  const auto kind = direction == CURL_CSELECT_IN ? boost::asio::posix::descriptor_base::wait_read
                                                 : boost::asio::posix::descriptor_base::wait_write;
  watch->descriptor.async_wait(
      kind, [weak = weak_from_this(), watch, direction](const auto& error) {
        watch->waiting(direction) = false;
        const auto alive = weak.lock();
        if (!alive || (watch->wanted & direction) == 0) return;
        alive->act(watch->socket, error ? CURL_CSELECT_ERR : direction);
        alive->arm(watch);  // does nothing if curl has let go of the socket meanwhile
      });
}

void CurlMulti::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, socket, events, &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    CURL* const easy = message->easy_handle;  // the message does not outlive the removal
    const auto found = transfers_.find(easy);
    if (found == transfers_.end()) continue;
    const Ended ended = std::move(found->second);
    transfers_.erase(found);
    curl_multi_remove_handle(multi_, easy);
    ended(code);
  }
}

}  // namespace passerelle
