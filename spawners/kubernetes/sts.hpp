// STS AssumeRoleWithWebIdentity (API version 2011-06-15), as MinIO and AWS speak it: a person's
// token becomes keys for S3 that end by themselves. Pure: what is sent, and what an answer means.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/http_client.hpp"
#include "config/spawners/lent.hpp"

namespace passerelle::spawners::kubernetes {

/// All of them are secrets.
struct S3Credentials {
  std::string key_id;
  std::string secret;
  std::string session;  ///< The session's token
  Instant expires;
};

/// `session_name`: for the service's own audit.
HttpRequest sts_request(const config::S3Keys& settings,
                        const std::string& session_name,
                        const std::string& token);

/// Errc::forbidden: it does not give any, with its own words; Errc::unavailable: asking again may
/// help; Errc::invalid: this is no answer of an STS.
Result<S3Credentials> sts_answer(const HttpResponse& response);

}  // namespace passerelle::spawners::kubernetes
