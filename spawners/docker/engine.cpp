#include "spawners/docker/engine.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace passerelle::spawners::docker {
namespace {

using nlohmann::json;

constexpr const char* kVersion = "/v1.41";
constexpr std::size_t kMostLog = 256U << 10U;
constexpr std::size_t kFrameHead = 8;
constexpr int kNotFound = 404;
constexpr int kConflict = 409;

json parsed(const HttpResponse& response) {
  return json::parse(response.body, nullptr, false);
}

std::string text_in(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The engine's own words.
Error refused(const HttpResponse& response) {
  std::string words = text_in(parsed(response), "message");
  if (words.empty()) words = "HTTP status " + std::to_string(response.status);
  const Errc code = response.status == kNotFound   ? Errc::not_found
                    : response.status == kConflict ? Errc::conflict
                                                   : Errc::unavailable;
  return {code, Cause::spawner_down, "docker: " + words};
}

bool good(const HttpResponse& response) {
  return response.status >= 200 && response.status < 300;
}

Container container_of(const json& document) {
  Container container;
  container.id = text_in(document, "Id");
  const json state = document.value("State", json::object());
  container.status = text_in(state, "Status");
  container.running = state.value("Running", false);
  container.exit_code = state.value("ExitCode", 0);
  container.out_of_memory = state.value("OOMKilled", false);
  container.error = text_in(state, "Error");
  container.networks = document.value("NetworkSettings", json::object());
  return container;
}

}  // namespace

Engine::Engine(asio::io_context& loop, std::string socket)
    : http_(loop), socket_(std::move(socket)) {}

Task<Result<HttpResponse>> Engine::call(Call call) {
  HttpRequest request;
  request.method = call.method;
  request.url = "http://docker" + std::string(kVersion) + call.target;
  if (call.body) {
    request.headers = {{"Content-Type", "application/json"}};
    request.body = call.body->dump(-1, ' ', false, json::error_handler_t::replace);
  }
  request.connect_to = Upstream{Upstream::Kind::unix_socket, {}, 0, socket_};
  request.timeout = call.limit;
  request.most_body = call.most_body;
  auto response = co_await http_.fetch(std::move(request));
  if (response) co_return response;
  const Error& why = response.error();
  co_return Error(why.code(), Cause::spawner_down,
                  "the Docker engine at " + socket_ + " does not answer: " + why.message());
}

Task<Result<Container>> Engine::inspect(std::string name) {
  Call question{.target = "/containers/" + name + "/json"};
  auto response = co_await call(std::move(question));
  if (!response) co_return std::move(response.error());
  if (!good(*response)) co_return refused(*response);
  const json document = parsed(*response);
  try {
    co_return container_of(document);
  } catch (const json::exception& error) {
    co_return Error(Errc::unavailable, Cause::spawner_down,
                    std::string("docker: an answer that is none: ") + error.what());
  }
}

Task<Result<void>> Engine::create(std::string name, json settings) {
  Call order{.method = "POST", .target = "/containers/create?name=" + name};
  order.body = std::move(settings);
  auto response = co_await call(std::move(order));
  if (!response) co_return std::move(response.error());
  if (!good(*response)) co_return refused(*response);
  co_return Result<void>();
}

Task<Result<void>> Engine::start(std::string name) {
  Call order{.method = "POST", .target = "/containers/" + name + "/start"};
  order.limit = std::chrono::seconds(120);
  auto response = co_await call(std::move(order));
  if (!response) co_return std::move(response.error());
  if (good(*response) || response->status == 304) co_return Result<void>();
  Error why = refused(*response);
  // "OCI runtime create failed: ... exec: \"x\": executable file not found in $PATH"
  const std::string words = why.message();
  const bool program = words.find("exec: ") != std::string::npos;
  if (program)
    co_return Error(Errc::invalid, Cause::crashed, words.substr(words.find("exec: ")))
        .with_exit_code(127);
  co_return why;
}

Task<Result<void>> Engine::stop(std::string name, std::chrono::seconds patience) {
  Call order{.method = "POST",
             .target = "/containers/" + name + "/stop?t=" + std::to_string(patience.count())};
  order.limit = patience + std::chrono::seconds(30);
  auto response = co_await call(std::move(order));
  if (!response) co_return std::move(response.error());
  const bool gone = response->status == 304 || response->status == kNotFound;
  if (!good(*response) && !gone) co_return refused(*response);
  co_return Result<void>();
}

Task<Result<void>> Engine::remove(std::string name) {
  constexpr int kTries = 50;  // somebody else removes it just now: it takes a moment
  Error last;
  for (int tried = 0; tried < kTries; ++tried) {
    Call order{.method = "DELETE", .target = "/containers/" + name + "?force=1&v=1"};
    order.limit = std::chrono::seconds(60);
    auto response = co_await call(std::move(order));
    if (!response) co_return std::move(response.error());
    if (good(*response) || response->status == kNotFound) co_return Result<void>();
    last = refused(*response);
    if (response->status != kConflict) co_return last;
    co_await sleep_for(std::chrono::milliseconds(200));
  }
  co_return last;
}

Task<Result<void>> Engine::wait(std::string name) {
  Call question{.method = "POST", .target = "/containers/" + name + "/wait?condition=not-running"};
  question.limit = std::chrono::hours(1);
  auto response = co_await call(std::move(question));
  if (!response && response.error().code() == Errc::timeout) co_return Result<void>();
  if (!response) co_return std::move(response.error());
  if (!good(*response)) co_return refused(*response);
  co_return Result<void>();
}

Task<Result<std::string>> Engine::logs(std::string name, unsigned lines) {
  Call question{.target = "/containers/" + name + "/logs?stdout=1&stderr=1&tail=" +
                          (lines == 0 ? std::string("all") : std::to_string(lines))};
  question.most_body = kMostLog;
  auto response = co_await call(std::move(question));
  if (!response) co_return std::move(response.error());
  if (!good(*response)) co_return refused(*response);
  co_return log_text(response->body);
}

Task<Result<std::vector<std::string>>> Engine::labelled(std::vector<std::string> labels,
                                                        std::string wanted) {
  const json filters{{"label", labels}};
  Call question{.target = "/containers/json?all=1&filters=" + text::percent_encode(filters.dump())};
  question.most_body = 64U << 20U;
  auto response = co_await call(std::move(question));
  if (!response) co_return std::move(response.error());
  if (!good(*response)) co_return refused(*response);
  std::vector<std::string> values;
  const json document = parsed(*response);
  if (!document.is_array())
    co_return Error(Errc::unavailable, Cause::spawner_down, "docker: no list of containers");
  for (const json& one : document) {
    const json own = one.value("Labels", json::object());
    if (std::string value = text_in(own, wanted.c_str()); !value.empty())
      values.push_back(std::move(value));
  }
  co_return values;
}

Task<Result<bool>> Engine::has_image(std::string image) {
  Call question{.target = "/images/" + image + "/json"};
  auto response = co_await call(std::move(question));
  if (!response) co_return std::move(response.error());
  if (response->status == kNotFound) co_return false;
  if (!good(*response)) co_return refused(*response);
  co_return true;
}

Task<Result<void>> Engine::pull(std::string image, std::chrono::milliseconds limit) {
  Call order{.method = "POST", .target = "/images/create?fromImage=" + text::percent_encode(image)};
  order.limit = limit;
  order.most_body = 32U << 20U;  // lines of progress
  auto response = co_await call(std::move(order));
  if (!response) co_return std::move(response.error());
  std::string words = good(*response) ? std::string() : refused(*response).message();
  // An error on the way is a line of a response that began well.
  for (const std::string_view line : text::split(response->body, '\n')) {
    const std::string error = text_in(json::parse(line, nullptr, false), "error");
    if (!error.empty()) words = error;
  }
  if (words.empty()) co_return Result<void>();
  co_return Error(Errc::unavailable, Cause::image_pull, image + ": " + words);
}

std::string log_text(std::string_view frames) {
  std::string text;
  while (!frames.empty()) {
    const bool framed = frames.size() >= kFrameHead && frames[0] >= 0 && frames[0] <= 2 &&
                        frames.substr(1, 3) == std::string_view("\0\0\0", 3);
    if (!framed) return text.append(frames);
    std::size_t size = 0;
    for (std::size_t i = 4; i < kFrameHead; ++i)
      size = (size << 8U) | static_cast<unsigned char>(frames[i]);
    frames.remove_prefix(kFrameHead);
    text.append(frames.substr(0, size));
    frames.remove_prefix(std::min(size, frames.size()));
  }
  return text;
}

}  // namespace passerelle::spawners::docker
