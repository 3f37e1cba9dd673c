// A server for the tests: tiny, ready at once, and ill-behaved on demand. `test-server MODE...`; it
// listens where its environment says (PASSERELLE_SOCKET or PASSERELLE_PORT) and answers every
// connection with a short HTTP response.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

int listen_on_port(int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof(name)) != 0) std::exit(98);
  ::listen(listener, 16);
  return listener;
}

int listen_on_socket(const char* path) {
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof(name)) != 0) std::exit(98);
  ::chmod(path, 0600);
  ::listen(listener, 16);
  return listener;
}

int open_listener() {
  if (const char* path = std::getenv("PASSERELLE_SOCKET")) return listen_on_socket(path);
  return listen_on_port(std::atoi(std::getenv("PASSERELLE_PORT")));
}

[[noreturn]] void serve(int listener) {
  for (;;) {
    const int client = ::accept(listener, nullptr, nullptr);
    if (client < 0) continue;
    const std::string answer =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    char request[4096];
    if (::read(client, request, sizeof(request)) > 0 &&
        ::write(client, answer.data(), answer.size()) < 0)
      continue;
    ::close(client);
  }
}

[[noreturn]] void wait_for_ever() {
  for (;;) ::pause();
}

/// Like kernels: sessions of their own, deaf to all but KILL, each with a child.
void fork_kernels(int count, bool clean_environment) {
  for (int i = 0; i < count; ++i) {
    if (::fork() != 0) continue;
    ::setsid();
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGTERM, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    char name[] = "test-server";
    char wait[] = "wait";
    char* const arguments[] = {name, wait, nullptr};
    char* const nothing[] = {nullptr};
    const bool grandchild = ::fork() == 0;
    if (grandchild && clean_environment) ::execve("/proc/self/exe", arguments, nothing);
    wait_for_ever();
  }
}

void eat_memory() {
  constexpr std::size_t kStep = 4U << 20U;
  for (int i = 0; i < 1024; ++i) std::memset(std::malloc(kStep), i + 1, kStep);
}

}  // namespace

int main(int count, char** words) {
  const std::string mode = count > 1 ? words[1] : "serve";
  const std::string value = count > 2 ? words[2] : "";
  std::printf("test-server %s, secret %s\n", mode.c_str(), std::getenv("PASSERELLE_SECRET"));
  if (const char* port = std::getenv("PASSERELLE_PORT")) std::printf("port %s.\n", port);
  std::fflush(stdout);
  if (mode == "exit") {
    std::fprintf(stderr, "a reason to end\n");
    return std::atoi(value.c_str());
  }
  if (mode == "silent" || mode == "wait") wait_for_ever();
  if (mode == "wrong-port") serve(listen_on_port(0));
  if (mode == "deaf") {
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGTERM, SIG_IGN);
  }
  if (mode == "kernels") fork_kernels(3, false);
  if (mode == "clean-kernels") fork_kernels(2, true);
  if (mode == "slow") ::usleep(static_cast<useconds_t>(std::atoi(value.c_str()) * 1000));
  if (mode == "eat") eat_memory();
  const int listener = open_listener();
  if (mode == "serve-then-eat") {
    for (int seen = 0; seen < 2; ++seen) ::close(::accept(listener, nullptr, nullptr));
    eat_memory();
  }
  if (mode == "serve-then-exit") {
    for (int seen = 0; seen < 2; ++seen) ::close(::accept(listener, nullptr, nullptr));
    return std::atoi(value.c_str());
  }
  serve(listener);
}
