// What one request costs before a byte is sent on: reading its head, building the upstream's,
// finding the route.
#include <array>
#include <string>

#include <benchmark/benchmark.h>

#include "proxy/cookies.hpp"
#include "proxy/headers.hpp"
#include "proxy/route_table.hpp"
#include "proxy/trusted.hpp"

namespace passerelle::proxy {
namespace {

constexpr std::array<std::string_view, 2> kOurs = {"passerelle-", "__Host-passerelle-"};

/// Ten fields, as a browser sends them for a file of JupyterLab.
std::string browser_request() {
  return "GET /user/alice/static/lab/main.7f3c2a.js?v=20261122 HTTP/1.1\r\n"
         "Host: jupyter.example.fr\r\n"
         "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
         "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
         "Accept-Language: fr,fr-FR;q=0.8,en-US;q=0.5,en;q=0.3\r\n"
         "Accept-Encoding: gzip, deflate, br, zstd\r\n"
         "Referer: https://jupyter.example.fr/user/alice/lab/tree/notes.ipynb\r\n"
         "Connection: keep-alive\r\n"
         "Cookie: passerelle-session=mV8b1T0Zk3yqzX4cR7uHn2eLw5sDfGaJpQiKoMxNtYB; "
         "_xsrf=2|1234abcd|0123456789abcdef; "
         "lang=fr\r\n"
         "Sec-Fetch-Dest: script\r\n"
         "Sec-Fetch-Site: same-origin\r\n\r\n";
}

void scan(benchmark::State& state) {
  std::string bytes = browser_request();
  RequestHead head;
  for (auto _ : state) {
    const Scan result = scan_request(bytes, 0, head);
    benchmark::DoNotOptimize(result.used);
  }
}
BENCHMARK(scan);

void build_upstream(benchmark::State& state) {
  std::string bytes = browser_request();
  RequestHead head;
  scan_request(bytes, 0, head);
  const std::array<std::pair<std::string, std::string>, 1> set = {
      {{"Authorization", "token 0123456789abcdef"}}};
  const Client client = resolve_client(head, "192.0.2.1", "https", {});
  const ToUpstream wish = {client, set, kOurs, false};
  std::array<char, 8192> out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(build_upstream_head(head, wish, out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(build_upstream);

void scan_and_build(benchmark::State& state) {
  std::string bytes = browser_request();
  RequestHead head;
  const TrustedProxies nobody;
  std::array<char, 8192> out;
  for (auto _ : state) {
    scan_request(bytes, 0, head);
    const ToUpstream wish = {resolve_client(head, "192.0.2.1", "https", nobody), {}, kOurs, false};
    benchmark::DoNotOptimize(build_upstream_head(head, wish, out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(scan_and_build);

void session_cookie(benchmark::State& state) {
  std::string bytes = browser_request();
  RequestHead head;
  scan_request(bytes, 0, head);
  for (auto _ : state)
    benchmark::DoNotOptimize(find_cookie(head, "passerelle-session").value.data());
}
BENCHMARK(session_cookie);

void response(benchmark::State& state) {
  const std::string bytes =
      "HTTP/1.1 200 OK\r\nServer: TornadoServer/6.4.1\r\nContent-Type: application/json\r\n"
      "Date: Sun, 22 Nov 2026 01:00:00 GMT\r\nX-Content-Type-Options: nosniff\r\n"
      "Content-Security-Policy: frame-ancestors 'self'; report-uri "
      "/user/alice/api/security/csp-report\r\n"
      "Etag: \"0123456789abcdef\"\r\nContent-Length: 1234\r\n\r\n";
  ResponseHead head;
  const ToClient wish{.own_cookies = kOurs};
  std::array<char, 8192> out;
  for (auto _ : state) {
    scan_response(bytes, 0, {}, head);
    benchmark::DoNotOptimize(build_client_head(head, wish, out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(response);

std::string prefix_of(std::int64_t user) {
  return "/user/user-" + std::to_string(user) + "/";
}

void fill(RouteTable& table, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    auto route = std::make_shared<Route>();
    route->prefix = prefix_of(i);
    table.add(std::move(route));
  }
}

void route_match(benchmark::State& state) {
  RouteTable table;
  fill(table, state.range(0));
  std::vector<std::string> paths;
  for (std::int64_t i = 0; i < 1024; ++i) {
    paths.push_back(prefix_of(i * 7919 % state.range(0)) + "api/contents/notes.ipynb");
  }
  std::size_t next = 0;
  for (auto _ : state) benchmark::DoNotOptimize(table.match(paths[next++ % paths.size()]).get());
}
BENCHMARK(route_match)->Arg(1)->Arg(1000)->Arg(10000);

void route_change(benchmark::State& state) {
  RouteTable table;
  fill(table, state.range(0));
  std::int64_t next = 0;
  for (auto _ : state) {
    auto route = std::make_shared<Route>();
    route->prefix = prefix_of(next++ % state.range(0));
    table.add(std::move(route));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(route_change)->Arg(1)->Arg(1000)->Arg(10000);

/// What GET /api/routes of the drop-in begins with.
void route_list(benchmark::State& state) {
  RouteTable table;
  fill(table, state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(table.all().size());
}
BENCHMARK(route_list)->Arg(10000);

}  // namespace
}  // namespace passerelle::proxy

BENCHMARK_MAIN();
