#include "options.hpp"

#include <cstdlib>
#include <fstream>

#include "link.hpp"

namespace bench {
namespace {

std::string read_lines(const char* file) {
  std::ifstream in(file);
  std::string out;
  for (std::string line; std::getline(in, line);) out += line + "\r\n";
  return out;
}

void append_length(std::string& frame, std::size_t size, unsigned char mask_bit) {
  const std::size_t wide = size < 126 ? 0 : size < 65536 ? 2 : 8;
  const std::size_t code = wide == 0 ? size : wide == 2 ? 126 : 127;
  frame.push_back(static_cast<char>(code | mask_bit));
  for (std::size_t i = wide; i > 0; --i) frame.push_back(static_cast<char>(size >> (i - 1) * 8));
}

}  // namespace

Options parse(int argc, char** argv) {
  Options options;
  options.mode = argc > 1 ? argv[1] : "";
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    const auto number = [value] { return std::strtoul(value, nullptr, 10); };
    if (name == "--port")
      options.port = static_cast<std::uint16_t>(number());
    else if (name == "--path")
      options.path = value;
    else if (name == "--headers")
      options.headers = read_lines(value);
    else if (name == "--connections")
      options.connections = number();
    else if (name == "--requests")
      options.requests = number();
    else if (name == "--size")
      options.size = number();
    else if (name == "--routes")
      options.routes = number();
    else if (name == "--tls")
      options.tls = number() != 0;
    else if (name == "--seconds")
      options.seconds = std::strtod(value, nullptr);
    else if (name == "--rate")
      options.rate = std::strtod(value, nullptr);
    else
      fail("unknown option " + std::string(name));
  }
  if (options.port == 0) fail("usage: load get|up|close|websocket|handshake|idle --port PORT ...");
  return options;
}

std::string request_head(const Options& options,
                         std::string_view method,
                         std::string_view extra,
                         std::size_t number) {
  std::string path = options.path;
  if (const std::size_t hole = path.find("{}"); hole != std::string::npos)
    path.replace(hole, 2, std::to_string(number));
  return std::string(method) + " " + path +
         " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options.port) +
         "\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/140.0 Safari/537.36"
         "\r\nAccept: application/json, text/plain, */*\r\nAccept-Language: fr-FR,fr;q=0.9,en;q=0.8"
         "\r\nAccept-Encoding: gzip, deflate, br\r\n" +
         options.headers + std::string(extra) + "\r\n";
}

std::string websocket_head(const Options& options) {
  return request_head(options, "GET",
                      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
}

std::string websocket_message(std::size_t size) {
  std::string frame = "\x82";
  append_length(frame, size, 0x80);
  return frame.append(4, '\0').append(size, 'm');
}

std::size_t websocket_answer_size(std::size_t size) {
  std::string frame = "\x82";
  append_length(frame, size, 0);
  return frame.size() + size;
}

}  // namespace bench
