// Settings: the configuration file as plain structs, after all checks. Nothing here parses; after
// load() it is const. Key names, defaults and documentation stand in config/keys.cpp, the one table
// that also yields the JSON Schema and docs/configuration.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "config/authenticators/authenticator.hpp"
#include "config/form.hpp"
#include "config/secret.hpp"
#include "config/spawners/spawner.hpp"

namespace passerelle::config {

struct Listen {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8000;
};

struct Certificate {
  std::string cert;  ///< PEM file: the chain, our own first.
  std::string key;   ///< PEM file; empty: in the same one.
};

struct Https {
  Listen at{"0.0.0.0", 443};
  std::string cert;
  std::string key;
  std::vector<Certificate> certificates;  ///< More of them, chosen by name (SNI).
  bool http2 = false;
  bool on() const noexcept { return !cert.empty(); }
};

/// Which people: the union of both lists; `everyone` is written `allow: all`.
struct People {
  bool everyone = false;
  std::vector<std::string> users;  ///< "username" or "authenticator:subject"
  std::vector<std::string> groups;
  bool empty() const noexcept { return !everyone && users.empty() && groups.empty(); }
};

struct Access {
  People allow;  ///< Nobody gets in unless this says so.
  People admins;
  People block;                      ///< Wins over allow.
  bool block_stops_servers = false;  ///< Also those whom an authenticator refuses later.
};

struct Sessions {
  seconds idle{std::chrono::hours(24)};           ///< Ends when not used that long.
  seconds absolute{std::chrono::hours(24 * 14)};  ///< Ends that long after the sign-in.
  seconds refresh{
      300};  ///< The authenticator is asked again that long after it last was; 0: never.
};

enum class Transport { unix_socket, tcp };

struct Profile {
  std::string name;
  std::map<std::string, std::string> title;        ///< By language; empty: the name.
  std::map<std::string, std::string> description;  ///< By language.
  std::string spawner;
  /// argv; {username}, {base_url}, {socket} or {port}... are filled in, secrets never (argv is
  /// readable by every user of the machine). `jupyter-*` commands get what
  /// they need by themselves.
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;
  Transport transport = Transport::unix_socket;
  std::string access = "gateway";  ///< "jupyterhub": it asks us who comes, by OAuth.
  People allow;                    ///< Empty: everyone who may sign in.
  std::string default_url;         ///< Opened below the server's prefix: "lab", "tree".
  std::string ready_path;          ///< Asked to see whether it answers; below the prefix.
  seconds start_timeout{60};
  std::uint64_t memory = 0;  ///< Overrides the spawner's, if set.
  double cpu = 0;
  std::uint32_t pids = 0;
  std::vector<FormField> form;  ///< What a person chooses before the launch.
  /// What only spawners of that kind read; null when the file sets nothing of it (see Spawner).
  std::shared_ptr<BatchProfile> batch;
  std::shared_ptr<KubernetesProfile> kubernetes;
  std::shared_ptr<ContainerProfile> container;
};

struct Limits {
  std::uint32_t servers_per_user = 1;
  std::uint32_t servers = 0;  ///< All servers, running or starting; 0: unlimited.
  std::uint32_t launches_in_flight = 64;
  std::uint32_t queue = 1000;  ///< Launches that may wait; more are refused: queue-full.
};

struct CullRule {
  std::string group;    ///< Empty: everybody.
  std::string profile;  ///< Empty: every profile.
  seconds idle{0};      ///< No HTTP or WebSocket traffic that long.
  seconds age{0};       ///< Running that long, whatever it does; 0: never.
  seconds notice{0};    ///< Told on the home page and in the API that long before.
};

struct Link {
  std::map<std::string, std::string> text;  ///< By language.
  std::string url;
};

struct Branding {
  std::string name = "passerelle";
  std::string logo;                ///< Path of an SVG or PNG; empty: ours.
  std::string colour = "#1f5fbf";  ///< Checked for contrast at load.
  std::vector<Link> links;
};

struct Log {
  std::string level = "info";   ///< debug, info, warn, error
  std::string format = "auto";  ///< auto, json, text
  bool access = true;
};

struct Proxy {
  std::uint32_t threads = 0;                       ///< 0: one per core.
  seconds header_timeout{10};                      ///< A request head must be complete by then.
  seconds body_timeout{60};                        ///< Longest silence inside a body, either way.
  seconds idle_timeout{75};                        ///< Keep-alive connection without a request.
  seconds tunnel_timeout{std::chrono::hours(24)};  ///< WebSocket without a byte.
  seconds response_timeout{3600};                  ///< Upstream's response head.
  seconds drain{10};           ///< Graceful stop: how long running requests may take.
  std::uint64_t max_body = 0;  ///< Bytes of a proxied request body; 0: unlimited.
  std::uint32_t max_connections = 20000;
  std::vector<std::string> hosts;  ///< Served besides the host of public_url; "*": every name.
  std::string via;                 ///< Our name in Via; empty: made up at the start.
  /// From one client address (an IPv6 /64); 0: unlimited. Whole classrooms share one address.
  std::uint32_t max_connections_per_address = 1000;
  std::uint32_t min_rate = 256;  ///< Bytes a second that a client must send or take; 0: any.
  seconds min_rate_after{30};    ///< Looked at over spans of that length, from the second one on.
  std::uint64_t max_buffered = 512U
                               << 20U;  ///< Bytes kept for slow sides, all together; 0: unlimited.
};

struct Rbac;  // rbac.hpp

struct Metrics {
  std::vector<std::string> allow;  ///< CIDRs that may read /hub/metrics without a token.
};

struct Settings {
  std::string public_url;      ///< As browsers see us; empty: from the listener (loopback only).
  std::string base_url = "/";  ///< The path of public_url, with both slashes.
  std::string subdomain_host;  ///< Each person's servers at a name below it; empty: at public_url.
  Listen listen;               ///< listen.http
  bool plain_http = true;      ///< False: https is there and http was not written.
  bool redirect = true;        ///< With https, plain HTTP only shows the way there.
  Https https;
  std::string data_dir;
  std::vector<std::string> trusted_proxies;  ///< CIDRs whose X-Forwarded-* are believed.
  std::vector<std::string> proxy_protocol;   ///< CIDRs whose connections begin with a PROXY header.
  std::vector<Authenticator> authenticators;
  Access access;
  bool auto_login =
      false;  ///< With one method that needs nothing typed, the sign-in page is skipped.
  Sessions sessions;
  std::vector<Spawner> spawners;
  std::vector<Profile> profiles;
  Limits limits;
  std::vector<CullRule> cull;
  Branding branding;
  Log log;
  Proxy proxy;
  Metrics metrics;
  bool stop_servers_on_exit = false;
  std::string hub_url;  ///< Where servers and services reach us, with base_url; empty: as they can.
  std::shared_ptr<Rbac> rbac;  ///< Null when the file says nothing of it.
};

}  // namespace passerelle::config
