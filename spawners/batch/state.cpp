#include "spawners/batch/state.hpp"

#include "spawners/batch/submit/order.hpp"

namespace passerelle::spawners::batch {

using nlohmann::json;

State to_state(const Launch& launch) {
  return json({{"launch", launch.id},
               {"name", launch.name},
               {"user", launch.user},
               {"key", launch.key_hash},
               {"submitting", launch.submitting},
               {"job", launch.job},
               {"walltime", launch.walltime},
               {"patience", launch.start_patience},
               {"queue_patience", launch.queue_patience},
               {"host", launch.host},
               {"address", launch.address},
               {"port", launch.port},
               {"socket", launch.socket},
               {"ends", launch.ends},
               {"command", launch.command}})
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<Launch> launch_from(const State& state) {
  const json value = json::parse(state, nullptr, false);
  if (!value.is_object()) return std::nullopt;
  Launch launch;
  try {
    launch.id = value.at("launch").get<std::string>();
    launch.name = value.at("name").get<std::string>();
    launch.user = value.at("user").get<std::string>();
    launch.key_hash = value.at("key").get<std::string>();
    launch.submitting = value.at("submitting").get<std::int64_t>();
    launch.job = value.at("job").get<std::string>();
    launch.walltime = value.at("walltime").get<std::int64_t>();
    launch.start_patience = value.at("patience").get<std::int64_t>();
    launch.queue_patience = value.at("queue_patience").get<std::int64_t>();
    launch.host = value.at("host").get<std::string>();
    launch.address = value.at("address").get<std::string>();
    launch.port = value.at("port").get<std::uint16_t>();
    launch.socket = value.value("socket", "");
    launch.ends = value.at("ends").get<std::int64_t>();
    launch.command = value.at("command").get<std::string>();
  } catch (const json::exception&) {
    return std::nullopt;
  }
  if (!submit::is_launch(launch.id)) return std::nullopt;  // it names directories
  return launch;
}

std::optional<Upstream> upstream_of(const Launch& launch) {
  if (!launch.socket.empty()) return Upstream{Upstream::Kind::unix_socket, {}, 0, launch.socket};
  if (launch.address.empty() || launch.port == 0) return std::nullopt;
  Upstream upstream;
  upstream.host = launch.address;
  upstream.port = launch.port;
  return upstream;
}

}  // namespace passerelle::spawners::batch
