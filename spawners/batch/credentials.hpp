// Credentials: the keys of one launch. An authority that lives for a moment signs two certificates,
// one for the server in the job and one for us, and its own key is forgotten: nobody else's
// certificate is ever taken on either side, not even that of another server of ours. On a shared
// node this keeps other people from our server, and us from theirs when it listens on a port that
// was ours.
#pragma once

#include <chrono>
#include <string>

#include "base/result.hpp"

namespace passerelle::spawners::batch {

struct Credentials {
  std::string authority;           ///< PEM: judges both sides
  std::string server_certificate;  ///< PEM
  std::string server_key;
  std::string client;  ///< PEM: certificate and key, ours
};

/// `name`: of the server, a DNS name that leads nowhere.
Result<Credentials> make_credentials(const std::string& name, std::chrono::seconds valid);

}  // namespace passerelle::spawners::batch
