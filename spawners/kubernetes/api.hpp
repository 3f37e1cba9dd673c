// Api: calls of a Kubernetes API server. JSON over one or two connections, in lanes so that a flood
// of launches does not keep anything from being stopped. An API server that cannot be reached is
// Errc::unavailable (spawner-down) and never "there is no such object".
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/http_stream.hpp"
#include "spawners/kubernetes/access.hpp"

namespace passerelle::spawners::kubernetes {

using Json = nlohmann::json;

enum class Lane { read, write, remove };

/// So many at once; whoever comes later waits in order. One loop.
class Seats {
 public:
  explicit Seats(std::size_t free) : free_(free) {}
  Seats(const Seats&) = delete;
  Seats& operator=(const Seats&) = delete;

  bool all_free() const noexcept { return waiting_.empty() && taken_ == 0; }

  /// Held until it is destroyed.
  class Seat {
   public:
    explicit Seat(Seats* seats) : seats_(seats) {}
    ~Seat() {
      if (seats_ != nullptr) seats_->leave();
    }
    Seat(Seat&& other) noexcept : seats_(std::exchange(other.seats_, nullptr)) {}
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    Seat& operator=(Seat&&) = delete;

   private:
    Seats* seats_;
  };
  Task<Seat> enter();

 private:
  void leave();

  std::size_t free_;
  std::size_t taken_ = 0;
  std::deque<std::shared_ptr<asio::steady_timer>> waiting_;
};

class Api {
 public:
  Api(asio::io_context& loop, Access access);

  const Access& access() const noexcept { return credentials_.access(); }

  /// Errc::not_found; Errc::forbidden. 429 and 503 are tried again when the server says when.
  Task<Result<Json>> get(std::string path);
  /// Errc::conflict: it exists. Errc::forbidden with Cause::quota_user: the namespace is full.
  Task<Result<Json>> create(std::string path, Json object);
  /// JSON merge patch.
  Task<Result<Json>> patch(std::string path, Json change);
  /// Not there is success. `uid` not empty: only this very object.
  Task<Result<void>> remove(std::string path, std::chrono::seconds grace, std::string uid = {});
  /// A text: a container's log. At most 256 KiB.
  Task<Result<std::string>> text(std::string path);
  /// A watch: lines of events. Broken after 150 s without a byte.
  Task<Result<std::unique_ptr<HttpStream>>> watch(std::string path);

 private:
  struct Call {
    const char* method = "GET";
    std::string path;
    std::string body = {};
    const char* type = "application/json";
    Lane lane = Lane::read;
    std::size_t most_body = 16U << 20U;
  };
  Task<Result<HttpResponse>> call(Call call);
  Task<Result<HttpResponse>> attempt(const Call& call);
  Task<Result<Json>> document(Call call);

  Task<Result<void>> sign(HttpRequest& request, HttpStreamOptions& options);
  /// After a 401: whether there is something else to show.
  bool renew();

  HttpStreams http_;
  Credentials credentials_;
  std::shared_ptr<ExecPlugin> plugin_;  ///< Null: none
  std::array<Seats, 3> lanes_;
};

/// What the server's `Status` object says of a refusal.
Error refusal(int status, std::string_view body);

}  // namespace passerelle::spawners::kubernetes
