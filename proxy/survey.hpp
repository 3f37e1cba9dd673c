// Survey: a look at the live connections of all proxy threads. Each thread tells of its own, in a
// letter, so that nobody takes a lock while requests are served; bounded, oldest first.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/mailbox.hpp"

namespace passerelle::proxy {

struct Lane;

struct LiveConnection {
  std::string peer;        ///< Of the connection, or of the request under way, by trusted_proxies.
  std::string_view state;  ///< "idle", "head", "request", "hub", "tunnel"
  std::string method;      ///< Of the request under way; empty for the others.
  std::string path;        ///< Without query.
  std::string route;       ///< The route's prefix.
  std::int64_t since = 0;  ///< Unix seconds of the accept.
  std::uint64_t bytes_in = 0;  ///< Bodies or tunnel, from the client, so far.
  std::uint64_t bytes_out = 0;
  std::uint64_t held = 0;  ///< Kept because a side does not take them.
};

/// Collects what the threads tell. The last letter that is done with, opened or thrown away, calls
/// `done`, on whatever thread that is.
class Survey {
 public:
  using Done = std::function<void(std::vector<LiveConnection> oldest_first)>;
  Survey(std::size_t most, Done done) : most_(most), done_(std::move(done)) {}
  ~Survey();
  Survey(const Survey&) = delete;
  Survey& operator=(const Survey&) = delete;

  void look_at(const Lane& lane);  ///< On the lane's thread.
  static std::shared_ptr<Letter> letter(std::shared_ptr<Survey> survey, const Lane& lane);

 private:
  const std::size_t most_;
  const Done done_;
  std::mutex mutex_;
  std::vector<LiveConnection> found_;
};

}  // namespace passerelle::proxy
