// `type: oar`, `type: slurm`: servers as jobs of a batch system.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace passerelle::config {

struct BatchSpawner {
  /// How the scheduler's commands are run: "sudo" (our helper through sudo, as the person), "self"
  /// (as the gateway's own user, for whom all jobs run), "ssh" (the helper as forced command of a
  /// login node), "api" (oar: not at all; its REST API is asked).
  std::string act_as = "sudo";
  std::string login_node;       ///< ssh: "gateway@login.example.fr", "ssh://...:2222"
  std::string ssh_key;          ///< ssh: file; empty: what ssh finds itself.
  std::string ssh_known_hosts;  ///< ssh: file with the login node's key; empty: ssh's own ones.
  std::string api_url;          ///< api: "https://oar.example.fr/oarapi"
  std::string api_ca;           ///< api: PEM file its server is judged by; empty: the system's.
  std::string api_cert;         ///< api: PEM file with our certificate and key.
  std::string system_user = "{username}";  ///< Template: who somebody is on the cluster.
  std::string helper;  ///< passerelle-submit; empty: beside the gateway's program.
  /// "direct": the gateway connects to the node. "wormhole": the job connects to the gateway, for
  /// nodes that take no connections; they need Python.
  std::string transport = "direct";
  std::string callback_url;          ///< Where jobs report; empty: public_url.
  std::string callback_ca;           ///< PEM file that curl on the nodes trusts; empty: their own.
  std::uint32_t first_port = 20000;  ///< Servers listen on a port from here
  std::uint32_t last_port = 32000;   ///< to here.
  seconds poll{5};                   ///< One status call for all jobs that often.
  seconds command_timeout{20};       ///< A command of the scheduler may take that long.
  seconds silent_after{15};          ///< A server that does not answer that long is told as such,
  seconds lost_after{600};           ///< and given up after that long.
  seconds warning{300};              ///< Told that long before the walltime ends.
  seconds checkpoint{30};            ///< SIGUSR2 to the job that long before it; 0: none.
  seconds stop_patience{10};         ///< After SIGTERM, until the job is deleted.
};

/// What a profile asks of the cluster; templates with {username} and the form's {name}s.
struct BatchProfile {
  std::string resources;  ///< oar: what -l takes, without walltime; empty: made of the four below.
  std::string nodes;
  std::string cores;
  std::string memory;  ///< slurm: as --mem takes it.
  std::string gpus;
  std::string walltime;            ///< Empty: an hour.
  std::string queue;               ///< oar: queue; slurm: partition.
  std::string project;             ///< oar: project; slurm: account.
  std::string qos;                 ///< slurm
  std::string properties;          ///< oar: -p; slurm: --constraint.
  std::string reservation;         ///< oar: start date (-r); slurm: a reservation's name.
  std::vector<std::string> types;  ///< oar: -t, such as "inner=4711".
  std::vector<std::string>
      prologue;              ///< Shell lines before the server, such as "module load python".
  seconds queue_timeout{0};  ///< Given up after waiting that long; 0: never.
};

}  // namespace passerelle::config
