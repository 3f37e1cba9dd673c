// Lender: what a chart's launch gets from elsewhere for the person whose launch it is: keys for S3
// from an STS, a token from Vault, both for the access token of the sign-in. Asked at every launch,
// so one that resumes has new ones. Nothing is kept.
#pragma once

#include <string>
#include <vector>

#include "base/http_client.hpp"
#include "config/spawners/lent.hpp"
#include "spawners/kubernetes/needs.hpp"
#include "spawners/spawner.hpp"

namespace passerelle::spawners::kubernetes {

class Lender {
 public:
  Lender(asio::io_context& loop, config::S3Keys s3, config::VaultTokens vault);

  /// `{"s3": {...}, "vault": {...}}`, to be laid over the context; what is not configured or not
  /// needed is left out, and so is what nobody gave but nothing requires (progress tells).
  /// What is required and was not given: Cause::profile_forbidden,
  /// or Cause::spawner_down when nobody answers. Three tries of ten seconds each.
  Task<Result<chart::Json>> lend(Needs needs,
                                 std::string username,
                                 std::string token,
                                 Progress& progress);

  /// The same with covers in place of secrets: for a form. Nobody is asked.
  chart::Json shown(Needs needs, const std::string& username, const std::string& token) const;

  /// "s3", "vault": what is needed and cannot be had, because the sign-in has left no token.
  std::vector<std::string> out_of_reach(Needs needs, const std::string& token) const;

 private:
  Task<Result<chart::Json>> s3(std::string username, std::string token);
  Task<Result<chart::Json>> vault(std::string username, std::string token);
  Task<Result<HttpResponse>> ask(HttpRequest request);

  config::S3Keys s3_;
  config::VaultTokens vault_;
  HttpClient http_;
};

}  // namespace passerelle::spawners::kubernetes
