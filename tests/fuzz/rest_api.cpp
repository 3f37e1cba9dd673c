// The REST API of `passerelle proxy`: any requests, one after the other, are answered once each
// with a status that the contract knows; the routes they leave are JSON, and lead upstream with
// request targets that are nothing but one.
#include "chp/rest_api.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "chp/target.hpp"
#include "proxy/head.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace passerelle::chp {
namespace {

class OneReply final : public proxy::HubReply {
 public:
  void send(proxy::HubResponse response) override {
    REQUIRE(!answer);
    answer = std::move(response);
  }
  void begin(proxy::HubResponse) override { REQUIRE(false); }
  bool write(std::string) override { return false; }
  void finish() override {}
  void on_close(std::function<void()>) override {}
  std::optional<proxy::HubResponse> answer;
};

/// "METHOD PATH[?QUERY]", a newline, the body.
proxy::HubRequest request_of(std::string_view text) {
  proxy::HubRequest request;
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  const std::size_t space = std::min(line.find(' '), line.size());
  request.method = line.substr(0, space);
  const std::string_view target = line.substr(std::min(space + 1, line.size()));
  const std::size_t question = std::min(target.find('?'), target.size());
  request.path = target.substr(0, question);
  request.query = target.substr(std::min(question + 1, target.size()));
  request.body = text.substr(std::min(end + 1, text.size()));
  if (!line.ends_with('!')) request.headers = {{"authorization", "token t"}};
  return request;
}

void check_answer(const proxy::HubRequest& request, const OneReply& reply) {
  constexpr std::array kStatuses = {200, 201, 204, 400, 403, 404, 405};
  REQUIRE(reply.answer);
  REQUIRE(std::ranges::find(kStatuses, reply.answer->status) != kStatuses.end());
  if (request.headers.empty()) REQUIRE(reply.answer->status >= 400);
  if (reply.answer->status == 200) REQUIRE(Json::accept(reply.answer->body));
}

/// No target can break the request line that it becomes a part of, or the Host.
void check_routes(const Routes& routes) {
  std::string bytes = "GET /user/a%20b//c/d?e=%0a HTTP/1.1\r\nHost: h\r\n\r\n";
  proxy::RequestHead head;
  REQUIRE(proxy::scan_request(bytes, 0, head, 0).state == proxy::Scan::State::complete);
  const auto clean = [](std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
  };
  for (const auto& route : routes.table().all()) {
    const auto& entry = *static_cast<const RouteEntry*>(route->for_gate.get());
    if (!entry.usable) continue;
    const std::string target = route->policy->target_of(head);
    REQUIRE(target.starts_with('/') && clean(target));
    REQUIRE(clean(route->policy->target_authority) && !route->policy->target_authority.empty());
  }
  REQUIRE(Json::accept(routes.all(std::nullopt)));
}

void run(std::string_view input) {
  if (input.empty()) return;
  Options options;
  options.host_routing = (input.front() & 1) != 0;
  options.include_prefix = (input.front() & 2) != 0;
  options.prepend_path = (input.front() & 4) != 0;
  Metrics metrics;
  const Journal journal(log::Level::error);
  Routes routes(options, metrics.requests_proxy);
  const auto resolve = [](const std::shared_ptr<RouteEntry>&, const std::function<void()>& done) {
    done();
  };
  const RestApi api(routes, "t", resolve, metrics, journal);
  input.remove_prefix(1);
  for (int count = 0; count < 8 && !input.empty(); ++count) {
    const std::size_t end = std::min(input.find('\0'), input.size());
    const proxy::HubRequest request = request_of(input.substr(0, end));
    const auto reply = std::make_shared<OneReply>();
    api.handle(request, reply);
    check_answer(request, *reply);
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  check_routes(routes);
}

}  // namespace
}  // namespace passerelle::chp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  passerelle::chp::run(passerelle::fuzz::text_of(data, size));
  return 0;
}
