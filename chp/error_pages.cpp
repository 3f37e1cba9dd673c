#include "chp/error_pages.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "base/files.hpp"
#include "base/text.hpp"
#include "chp/public_gate.hpp"
#include "proxy/answer.hpp"

namespace passerelle::chp {
namespace {

constexpr int kNotFound = 404;
constexpr int kInternal = 500;
constexpr int kUnavailable = 503;

int status_of(const proxy::HubRequest& request) noexcept {
  if (request.reason == reason::kNoRoute) return kNotFound;
  if (request.reason == reason::kBadTarget || request.reason == proxy::kBadPath) return kInternal;
  return kUnavailable;  // the target did not answer
}

struct Words {
  std::string_view title, text;
};

Words words_for(int status, bool french) noexcept {
  if (status == kNotFound)
    return french ? Words{"404: Introuvable", "Aucun service n'est enregistré à cette adresse."}
                  : Words{"404: Not Found", "No service is registered at this URL."};
  if (status == kUnavailable)
    return french ? Words{"503: Service indisponible", "Le service à cette adresse ne répond pas."}
                  : Words{"503: Proxy Target Missing", "The upstream service is unavailable."};
  return french ? Words{"500: Erreur du proxy", "Cette requête ne peut pas être transmise."}
                : Words{"500: Proxy Error", "This request cannot be passed on."};
}

/// The page for a proxy that nobody gave one.
proxy::HubResponse own_page(int status, std::string_view languages) {
  const bool french = text::ascii_lower(languages).starts_with("fr");
  const Words words = words_for(status, french);
  std::string page = "<!DOCTYPE html>\n<html lang=\"";
  page.append(french ? "fr" : "en")
      .append("\">\n<head><meta charset=\"utf-8\"><title>")
      .append(words.title);
  page.append("</title></head>\n<body>\n<h1>")
      .append(words.title)
      .append("</h1>\n<p>")
      .append(words.text);
  page.append("</p>\n</body>\n</html>\n");
  return {status, {{"Content-Type", "text/html"}}, std::move(page)};
}

proxy::HubResponse plain(int status) {
  return {status, {}, std::string(proxy::reason_phrase(status))};
}

std::string asked_for(const proxy::HubRequest& request) {
  return request.query.empty() ? request.path : request.path + "?" + request.query;
}

}  // namespace

ErrorPages::ErrorPages(asio::io_context& loop,
                       const Options& options,
                       std::optional<Target> target,
                       Metrics& metrics,
                       const Journal& journal)
    : loop_(loop),
      options_(options),
      target_(std::move(target)),
      metrics_(metrics),
      journal_(journal),
      client_(loop) {}

void ErrorPages::handle(proxy::HubRequest request,
                        std::shared_ptr<proxy::HubReply> reply) noexcept {
  try {
    answer(std::move(request), std::move(reply));
  } catch (const std::exception& error) {
    log::error("chp", "an error page failed", {{"what", error.what()}});
  }
}

void ErrorPages::answer(proxy::HubRequest request, std::shared_ptr<proxy::HubReply> reply) {
  if (request.reason == reason::kHealth)
    return reply->send({200, {{"Content-Type", "application/json"}}, R"({"status":"OK"})"});
  const int status = status_of(request);
  metrics_.requests_proxy.add(status);
  journal_.write(log::Level::error,
                 {std::to_string(status), request.method, request.path, request.reason});
  if (!request.header("sec-websocket-key").empty()) return reply->send({status, {}, {}, true});
  asio::post(loop_, [this, status, request = std::move(request),
                     reply = std::move(reply)]() mutable {
    asio::co_spawn(loop_, send_page(status, std::move(request), std::move(reply)), asio::detached);
  });
}

Task<void> ErrorPages::send_page(int status,
                                 proxy::HubRequest request,
                                 std::shared_ptr<proxy::HubReply> reply) {
  std::optional<proxy::HubResponse> page;
  std::string asked = asked_for(request);
  if (target_) page = co_await from_target(status, std::move(asked));
  if (!page && !options_.error_path.empty()) page = from_folder(status);
  const bool own = !target_ && options_.error_path.empty();
  if (!page) page = own ? own_page(status, request.header("accept-language")) : plain(status);
  reply->send(std::move(*page));
}

HttpRequest ErrorPages::request_for(int status, const std::string& asked) const {
  HttpRequest request;
  request.url = target_->url() + "/" + std::to_string(status) + "?";
  if (!target_->query.empty()) request.url += target_->query + "&";
  request.url += "url=" + text::percent_encode(asked);
  request.connect_to = target_->upstream;  // whatever the environment says of proxies
  request.ca_file = options_.client_ssl.ca;
  request.cert_file = options_.client_ssl.cert;
  request.key_file = options_.client_ssl.key;
  request.verify = !options_.insecure;
  return request;
}

Task<std::optional<proxy::HubResponse>> ErrorPages::from_target(int status, std::string asked) {
  HttpRequest request = request_for(status, asked);
  Result<HttpResponse> got = co_await client_.fetch(std::move(request));
  if (!got) {
    journal_.write(log::Level::error, {"Failed to get custom error page:", got.error().message()});
    co_return std::nullopt;
  }
  proxy::HubResponse page{status, {}, std::move(got->body)};
  for (auto& [name, value] : got->headers)
    if (name == "content-type" || name == "content-encoding")
      page.headers.emplace_back(name, std::move(value));
  co_return page;
}

std::optional<proxy::HubResponse> ErrorPages::from_folder(int status) const {
  for (const std::string& name : {std::to_string(status), std::string("error")}) {
    Result<std::string> page = files::read(options_.error_path + "/" + name + ".html");
    if (page) return proxy::HubResponse{status, {{"Content-Type", "text/html"}}, std::move(*page)};
  }
  journal_.write(log::Level::error, {"No error file in", options_.error_path});
  return std::nullopt;
}

}  // namespace passerelle::chp
