#include "proxy/answer.hpp"

#include "base/text.hpp"
#include "proxy/pace.hpp"

namespace passerelle::proxy {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};
constexpr Phrase kPhrases[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {424, "Failed Dependency"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
};

bool is_ours(std::string_view name) noexcept {
  constexpr std::string_view kOurs[] = {"content-length", "connection", "transfer-encoding", "date",
                                        "keep-alive"};
  for (const std::string_view ours : kOurs)
    if (text::iequals(name, ours)) return true;
  return false;
}

bool breaks_a_head(std::string_view name, std::string_view value) noexcept {
  constexpr std::string_view kBreaking("\r\n\0", 3);
  return name.empty() || name.find_first_of(": \t") != std::string_view::npos ||
         name.find_first_of(kBreaking) != std::string_view::npos ||
         value.find_first_of(kBreaking) != std::string_view::npos;
}

}  // namespace

std::string_view reason_phrase(int status) noexcept {
  for (const Phrase& phrase : kPhrases)
    if (phrase.status == status) return phrase.text;
  return "Status";
}

std::string response_text(const HubResponse& response,
                          const Request& request,
                          std::string_view date,
                          Ends ends) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out.append(reason_phrase(response.status)).append("\r\nDate: ").append(date).append("\r\n");
  for (const auto& [name, value] : response.headers) {
    if (is_ours(name) || breaks_a_head(name, value)) continue;
    out.append(name).append(": ").append(value).append("\r\n");
  }
  out.append("X-Request-ID: ").append(TraceText(request.entry.trace).view()).append("\r\n");
  const bool bodiless = response.status == 204 || response.status == 304;
  if (ends == Ends::by_length && !bodiless)
    out.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  if (ends == Ends::by_chunks) out += "Transfer-Encoding: chunked\r\n";
  if (!request.keep_alive)
    out += "Connection: close\r\n";
  else if (request.head.minor_version() == 0)
    out += "Connection: keep-alive\r\n";
  return out += "\r\n";
}

Flow<bool> send_all(Lane& lane, Connection& connection, std::string_view bytes) {
  const config::Proxy& limits = lane.settings.limits;
  Millis limit = lane.loop->now() + millis(limits.body_timeout);
  Pace pace;
  while (!bytes.empty()) {
    const Io io = connection.client.write(bytes);
    if (io.state == Io::State::failed) co_return false;
    bytes.remove_prefix(io.count);
    if (bytes.empty()) break;
    if (pace.too_slow(limits, connection.client, Pace::Owes::to_take, lane.loop->now())) {
      lane.counts.too_slow.add();
      co_return false;
    }
    Wait wait(*lane.loop, Phase::busy, std::min(limit, pace.deadline()));
    wait.on(connection.client, kToWrite);
    const Wake wake = co_await wait;
    if (wake == Wake::timeout && lane.loop->now() < limit) continue;
    if (wake != Wake::ready) co_return false;
    limit = lane.loop->now() + millis(limits.body_timeout);
  }
  co_return true;
}

Outcome answer_plain(Lane& lane,
                     Connection& connection,
                     int status,
                     std::string_view detail,
                     std::string_view extra_fields) {
  const std::string line = std::to_string(status) + " " + std::string(reason_phrase(status));
  std::string body = line;
  if (!detail.empty()) body.append(": ").append(detail);
  body += '\n';
  std::string out = "HTTP/1.1 " + line + "\r\nDate: ";
  out.append(lane.date()).append("\r\nContent-Type: text/plain; charset=utf-8\r\n");
  out.append("X-Content-Type-Options: nosniff\r\n").append(extra_fields);
  if (connection.request != nullptr)
    out.append("X-Request-ID: ").append(TraceText(connection.request->trace).view()).append("\r\n");
  out.append("Content-Length: ").append(std::to_string(body.size()));
  out.append("\r\nConnection: close\r\n\r\n").append(body);
  const Io io = connection.client.write(out);
  return io.state == Io::State::ok ? Outcome::linger : Outcome::close;
}

}  // namespace passerelle::proxy
