// DockerSpawner against a real engine, whose socket stands in DOCKER_SOCKET
// (tests/peers/docker/engine.py starts it, with the network "lab" and the image below). What runs
// in the containers is server.py beside this file.
#include <cstdlib>
#include <filesystem>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/secrets.hpp"
#include "spawners/docker/docker.hpp"

namespace passerelle::spawners::docker {
namespace {

using nlohmann::json;

const char* kImage = "peer.local/machine:1";

class Diary final : public Progress {
 public:
  void step(std::string_view name) override { steps.emplace_back(name); }
  void log(std::string_view lines) override { printed += lines; }
  Task<Result<void>> remember(State state) override {
    remembered = std::move(state);
    co_return Result<void>();
  }

  std::vector<std::string> steps;
  std::string printed;
  std::optional<State> remembered;
};

class Containers : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* socket = std::getenv("DOCKER_SOCKET");
    ASSERT_NE(socket, nullptr) << "run it by tests/peers/docker/engine.py";
    settings.socket = socket;
    settings.network = "lab";
    settings.pull = "never";
    settings.images = {"peer.local/*:1"};
    settings.binds = {"/usr:/usr:ro", std::string(SERVER_FOLDER) + ":/test:ro"};
    settings.memory = 64U << 20U;
    settings.cpu = 1.5;
    settings.pids = 64;
    settings.stop_patience = seconds(1);
    containers["box"].image = kImage;
    containers["box"].user = "1000:100";
    std::string pattern = "/tmp/passerelle-docker-test-XXXXXX";
    data_dir = ::mkdtemp(pattern.data());
  }

  void TearDown() override {
    spawner = make();
    auto left = run(spawner->found());
    ASSERT_TRUE(left) << left.error().message();
    EXPECT_TRUE(left->empty()) << "containers are left";
    for (const auto& [launch, state] : *left) EXPECT_TRUE(run(spawner->stop(state, StopMode::now)));
    std::filesystem::remove_all(data_dir);
  }

  std::unique_ptr<DockerSpawner> make() {
    const Surroundings around{.loop = loop, .workers = workers, .data_dir = data_dir};
    return std::make_unique<DockerSpawner>("engine", settings, around);
  }

  ServerSpec spec(std::vector<std::string> mode, const std::string& user = "alice") {
    ServerSpec one;
    one.launch_id = secrets::random_hex(8);
    one.username = user;
    one.base_path = "/user/" + user + "/";
    one.secret = secrets::random_token();
    one.profile.name = "box";
    one.profile.command = {"python3", "/test/server.py"};
    one.profile.command.insert(one.profile.command.end(), mode.begin(), mode.end());
    one.profile.container = std::make_shared<config::ContainerProfile>(containers.at("box"));
    one.data_dir = data_dir;
    one.start_timeout = std::chrono::seconds(30);
    return one;
  }

  template <class T>
  Result<T> run(Task<Result<T>> task) {
    std::optional<Result<T>> outcome;
    const auto body = [&]() -> Task<void> {
      outcome = co_await std::move(task);
      loop.stop();
    };
    loop.restart();
    asio::co_spawn(loop, body(), asio::detached);
    loop.run_for(std::chrono::seconds(90));
    if (!outcome) return Error(Errc::timeout, "the test waited 90 s");
    return std::move(*outcome);
  }

  Result<HttpResponse> ask(HttpRequest request) {
    HttpClient http(loop);
    return run(http.fetch(std::move(request)));
  }
  std::string answer_of(const Upstream& upstream, const std::string& path) {
    HttpRequest request;
    request.url = "http://localhost" + path;
    request.connect_to = upstream;
    const auto response = ask(std::move(request));
    return response ? response->body : "error: " + response.error().message();
  }
  json engine(const std::string& method, const std::string& path) {
    HttpRequest request;
    request.method = method;
    request.url = "http://docker/v1.41" + path;
    request.connect_to = Upstream{Upstream::Kind::unix_socket, {}, 0, settings.socket};
    request.timeout = std::chrono::seconds(60);
    const auto response = ask(std::move(request));
    return response ? json::parse(response->body, nullptr, false) : json();
  }
  Result<Started> start(ServerSpec one) {
    one.profile.container =
        std::make_shared<config::ContainerProfile>(containers.at(one.profile.name));
    return run(spawner->start(std::move(one), diary));
  }

  config::DockerSpawner settings;
  std::map<std::string, config::ContainerProfile> containers;  ///< By the profile's name
  std::string data_dir;
  asio::io_context loop;
  WorkerPool workers{1};
  Diary diary;
  std::unique_ptr<DockerSpawner> spawner;
};

TEST_F(Containers, AServerIsAContainerWithLimits) {
  spawner = make();
  const ServerSpec one = spec({"serve"});
  const auto started = start(one);
  ASSERT_TRUE(started) << started.error().message() << started.error().log_tail();
  EXPECT_EQ(diary.steps, (std::vector<std::string>{"prepare", "spawn", "listen"}));
  EXPECT_EQ(diary.remembered, started->state);
  EXPECT_EQ(started->upstream.host, "127.0.0.1");
  const std::string text = answer_of(started->upstream, "/user/alice/hello");
  EXPECT_NE(text.find("uid 1000 note - path /user/alice/hello"), std::string::npos) << text;
  EXPECT_NE(text.find("PASSERELLE_SECRET"), std::string::npos) << text;
  EXPECT_EQ(text.find("LOGNAME"), std::string::npos) << "a variable of this machine: " << text;
  const json made = engine("GET", "/containers/passerelle-" + one.launch_id + "/json");
  const json& host = made["HostConfig"];
  EXPECT_EQ(host["Memory"], 64U << 20U);
  EXPECT_EQ(host["MemorySwap"], 64U << 20U);
  EXPECT_EQ(host["NanoCpus"], 1'500'000'000);
  EXPECT_EQ(host["PidsLimit"], 64);
  EXPECT_EQ(host["CapDrop"], json::array({"ALL"}));
  EXPECT_EQ(host["Privileged"], false);
  EXPECT_EQ(made["NetworkSettings"]["Ports"]["8888/tcp"].size(), 1U);
  EXPECT_EQ(made["NetworkSettings"]["Ports"]["8888/tcp"][0]["HostIp"], "127.0.0.1");
  EXPECT_EQ(made["Config"]["Cmd"].dump().find(one.secret), std::string::npos);
  EXPECT_EQ(made["Config"]["Labels"].dump().find(one.secret), std::string::npos);
  EXPECT_EQ(started->state.find(one.secret), std::string::npos);
  EXPECT_TRUE(run(spawner->stop(started->state, StopMode::gentle)));
  EXPECT_TRUE(run(spawner->stop(started->state, StopMode::gentle))) << "already gone is success";
}

TEST_F(Containers, TheNetworksAddressIsAnotherWay) {
  settings.reach = "network";
  spawner = make();
  const auto started = start(spec({"serve"}));
  ASSERT_TRUE(started) << started.error().message();
  EXPECT_EQ(started->upstream.port, 8888);
  EXPECT_NE(answer_of(started->upstream, "/user/alice/").find("uid 1000"), std::string::npos);
  EXPECT_TRUE(run(spawner->stop(started->state, StopMode::now)));
}

TEST_F(Containers, FilesOfAPersonStay) {
  spawner = make();
  settings.volume = "passerelle-test-" + secrets::random_hex(4) + "-{user}";
  spawner = make();
  auto first = start(spec({"serve"}));
  ASSERT_TRUE(first) << first.error().message();
  answer_of(first->upstream, "/user/alice/write");
  ASSERT_TRUE(run(spawner->stop(first->state, StopMode::gentle)));
  auto second = start(spec({"serve"}));
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_NE(answer_of(second->upstream, "/").find("note kept"), std::string::npos);
  auto other = start(spec({"serve"}, "Alice"));
  ASSERT_TRUE(other) << other.error().message();
  EXPECT_NE(answer_of(other->upstream, "/").find("note -"), std::string::npos) << "somebody else";
  EXPECT_TRUE(run(spawner->stop(second->state, StopMode::now)));
  EXPECT_TRUE(run(spawner->stop(other->state, StopMode::now)));
}

TEST_F(Containers, AnotherGatewayFindsItsOwnOnly) {
  spawner = make();
  const ServerSpec one = spec({"serve"});
  const auto started = start(one);
  ASSERT_TRUE(started) << started.error().message();
  auto again = make();  // the same data_dir: as after a restart
  const auto found = run(again->found());
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().first, one.launch_id);
  EXPECT_EQ(found->front().second, started->state);
  const auto alive = run(again->poll(started->state));
  ASSERT_TRUE(alive);
  EXPECT_EQ(alive->kind, Liveness::Kind::running);
  EXPECT_EQ(alive->upstream, started->upstream);
  const std::string own = std::exchange(data_dir, data_dir + "/other");
  auto stranger = make();
  data_dir = own;
  const auto others = run(stranger->found());
  ASSERT_TRUE(others);
  EXPECT_TRUE(others->empty());
  EXPECT_TRUE(run(again->stop(started->state, StopMode::now)));
}

TEST_F(Containers, WhatEndsIsReportedWithItsReason) {
  spawner = make();
  auto started = start(spec({"exit", "3"}));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().cause(), Cause::crashed);
  EXPECT_EQ(started.error().exit_code(), 3);
  EXPECT_NE(started.error().log_tail().find("a reason to end"), std::string::npos);
  started = start(spec({"eat"}));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().cause(), Cause::out_of_memory) << started.error().message();
  ServerSpec missing = spec({});
  missing.profile.command = {"no-such-notebook"};
  started = start(missing);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().cause(), Cause::crashed);
  EXPECT_EQ(started.error().exit_code(), 127);
  EXPECT_NE(started.error().log_tail().find("no-such-notebook"), std::string::npos)
      << started.error().message();
}

TEST_F(Containers, AServerThatNeverAnswersTimesOut) {
  spawner = make();
  ServerSpec one = spec({"silent"});
  one.start_timeout = std::chrono::seconds(3);
  const auto started = start(one);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().cause(), Cause::start_timeout);
  EXPECT_NE(started.error().log_tail().find("server.py silent"), std::string::npos);
}

TEST_F(Containers, TheEndOfAServerIsTold) {
  spawner = make();
  const auto started = start(spec({"serve"}));
  ASSERT_TRUE(started) << started.error().message();
  std::optional<Result<Liveness>> ended;
  const auto body = [&]() -> Task<void> {
    ended = co_await spawner->wait_for_end(started->state);
    loop.stop();
  };
  const auto leave = [&]() -> Task<void> {
    HttpClient http(loop);
    HttpRequest request;
    request.url = "http://localhost/leave";
    request.connect_to = started->upstream;
    auto left = co_await http.fetch(std::move(request));
    EXPECT_FALSE(left);
  };
  loop.restart();
  asio::co_spawn(loop, body(), asio::detached);
  asio::co_spawn(loop, leave(), asio::detached);
  loop.run_for(std::chrono::seconds(30));
  ASSERT_TRUE(ended && *ended);
  EXPECT_EQ((*ended)->kind, Liveness::Kind::ended);
  EXPECT_EQ((*ended)->exit_code, 7);
  EXPECT_EQ((*ended)->cause, Cause::crashed);
  EXPECT_TRUE(run(spawner->stop(started->state, StopMode::gentle)));
  const auto gone = run(spawner->poll(started->state));
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->kind, Liveness::Kind::ended);
}

TEST_F(Containers, OnlyAllowedImagesCanBeChosen) {
  containers["any"].image = "{image}";
  containers["ours"] = containers["box"];
  containers["ours"].image = "peer.local/{image}:1";
  containers["absent"].image = "peer.local/absent:1";
  spawner = make();
  for (const char* chosen :
       {"other.example/machine:1", "peer.local/machine:2", "peer.local/sub/machine:1",
        "peer.local/../machine:1", "peer.local/machine:1 x", "peer.local/machine:1?x=1", "",
        "/machine:1", "peer.local/machine:1@sha256:00"}) {
    ServerSpec one = spec({"serve"});
    one.profile.name = "any";
    one.values = {{"image", chosen}};
    const auto started = start(one);
    ASSERT_FALSE(started) << chosen;
    EXPECT_EQ(started.error().cause(), Cause::values_invalid) << chosen;
  }
  ServerSpec one = spec({"serve"});
  one.profile.name = "ours";
  one.values = {{"image", "machine"}};
  const auto started = start(one);
  ASSERT_TRUE(started) << started.error().message();
  EXPECT_TRUE(run(spawner->stop(started->state, StopMode::now)));
  one = spec({"serve"});
  one.profile.name = "absent";
  const auto absent = start(one);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().cause(), Cause::image_pull);
}

TEST_F(Containers, CancellingAStartLeavesNothing) {
  spawner = make();
  for (const int after : {1, 20, 100, 400, 1000}) {
    auto cancelled = run(with_timeout(spawner->start(spec({"silent"}), diary),
                                      std::chrono::milliseconds(after), "the start"));
    ASSERT_FALSE(cancelled);
    const auto found = run(spawner->found());
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->empty()) << "cancelled after " << after << " ms";
  }
}

TEST_F(Containers, AnEngineThatIsDownIsNotAServerThatIsGone) {
  spawner = make();
  const auto started = start(spec({"serve"}));
  ASSERT_TRUE(started) << started.error().message();
  const std::string socket = std::exchange(settings.socket, "/nowhere/docker.sock");
  auto lost = make();
  settings.socket = socket;
  const auto unknown = run(lost->poll(started->state));
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->kind, Liveness::Kind::unknown);
  EXPECT_FALSE(run(lost->found()));
  EXPECT_FALSE(run(lost->stop(started->state, StopMode::now)));
  auto failed = run(lost->start(spec({"serve"}), diary));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().cause(), Cause::spawner_down);
  EXPECT_TRUE(run(spawner->stop(started->state, StopMode::now)));
}

TEST_F(Containers, ARealJupyterAnswersBelowItsPrefix) {
  settings.memory = 1U << 30U;
  settings.pids = 512;
  spawner = make();
  ServerSpec one = spec({});
  one.profile.command = {"jupyter-notebook"};
  one.profile.environment = {{"HOME", "/home/jovyan"}};
  one.start_timeout = std::chrono::seconds(80);
  const auto started = start(one);
  ASSERT_TRUE(started) << started.error().message() << started.error().log_tail();
  const std::string api = answer_of(started->upstream, "/user/alice/api");
  EXPECT_NE(api.find("version"), std::string::npos) << api;
  EXPECT_TRUE(run(spawner->stop(started->state, StopMode::gentle)));
}

TEST(DockerLog, FramesAreText) {
  using namespace std::string_literals;
  EXPECT_EQ(log_text("\x01\0\0\0\0\0\0\x03one\x02\0\0\0\0\0\0\x03two"s), "onetwo");
  EXPECT_EQ(log_text("\x01\0\0\0\0\0\0\x09"s + "cut"), "cut");
  EXPECT_EQ(log_text("a terminal has no frames"), "a terminal has no frames");
  EXPECT_EQ(log_text(""), "");
}

}  // namespace
}  // namespace passerelle::spawners::docker
