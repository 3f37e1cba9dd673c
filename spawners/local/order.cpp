#include "spawners/local/order.hpp"

#include <nlohmann/json.hpp>

namespace passerelle::spawners::local {
namespace {

using nlohmann::json;

/// The library reports wrong types by exception; here they become values.
template <class T, class Read>
Result<T> decode(std::string_view text, std::string_view what, Read read) {
  const json value = json::parse(text, nullptr, false);
  try {
    if (!value.is_object())
      return Error(Errc::invalid, std::string(what) + " is not a JSON object");
    return read(value);
  } catch (const json::exception& error) {
    return Error(Errc::invalid, std::string(what) + ": " + error.what());
  }
}

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json to_json(const ProcessId& id) {
  return {{"pid", id.pid}, {"start_time", id.start_time}};
}

ProcessId process_from(const json& value) {
  ProcessId id;
  value.at("pid").get_to(id.pid);
  value.at("start_time").get_to(id.start_time);
  return id;
}

RunAs run_as_from(const json& value) {
  RunAs who;
  value.at("uid").get_to(who.uid);
  value.at("gid").get_to(who.gid);
  value.at("groups").get_to(who.groups);
  return who;
}

Order order_from(const json& value) {
  Order order;
  value.at("launch_id").get_to(order.launch_id);
  value.at("directory").get_to(order.directory);
  value.at("command").get_to(order.command);
  value.at("environment").get_to(order.environment);
  value.at("workspace").get_to(order.workspace);
  value.at("socket").get_to(order.socket);
  value.at("port").get_to(order.port);
  if (value.contains("run_as")) order.run_as = run_as_from(value.at("run_as"));
  value.at("memory").get_to(order.limits.memory);
  value.at("cpu").get_to(order.limits.cpu);
  value.at("pids").get_to(order.limits.pids);
  value.at("interrupt").get_to(order.stop.interrupt);
  value.at("terminate").get_to(order.stop.terminate);
  value.at("kill").get_to(order.stop.kill);
  return order;
}

StartedRecord started_from(const json& value) {
  StartedRecord record;
  value.at("boot_id").get_to(record.boot_id);
  record.supervisor = process_from(value.at("supervisor"));
  record.server = process_from(value.at("server"));
  value.at("cgroup").get_to(record.cgroup_kind);
  value.at("cgroup_paths").get_to(record.cgroup_paths);
  value.at("not_limited").get_to(record.not_limited);
  return record;
}

ExitRecord exit_from(const json& value) {
  ExitRecord record;
  value.at("exit_code").get_to(record.exit_code);
  value.at("executed").get_to(record.executed);
  value.at("stopped").get_to(record.stopped);
  value.at("oom_kills").get_to(record.oom_kills);
  value.at("pids_limit_hits").get_to(record.pids_limit_hits);
  value.at("left").get_to(record.left);
  value.at("tail").get_to(record.tail);
  return record;
}

}  // namespace

std::string encode(const Order& order) {
  json value = {{"launch_id", order.launch_id},
                {"directory", order.directory},
                {"command", order.command},
                {"environment", order.environment},
                {"workspace", order.workspace},
                {"socket", order.socket},
                {"port", order.port},
                {"memory", order.limits.memory},
                {"cpu", order.limits.cpu},
                {"pids", order.limits.pids},
                {"interrupt", order.stop.interrupt},
                {"terminate", order.stop.terminate},
                {"kill", order.stop.kill}};
  if (order.run_as) {
    value["run_as"] = {
        {"uid", order.run_as->uid}, {"gid", order.run_as->gid}, {"groups", order.run_as->groups}};
  }
  return text_of(value);
}

std::string encode(const StartedRecord& record) {
  return text_of({{"boot_id", record.boot_id},
                  {"supervisor", to_json(record.supervisor)},
                  {"server", to_json(record.server)},
                  {"cgroup", record.cgroup_kind},
                  {"cgroup_paths", record.cgroup_paths},
                  {"not_limited", record.not_limited}});
}

json to_json(const ExitRecord& record) {
  return {{"exit_code", record.exit_code},
          {"executed", record.executed},
          {"stopped", record.stopped},
          {"oom_kills", record.oom_kills},
          {"left", record.left},
          {"pids_limit_hits", record.pids_limit_hits},
          {"tail", record.tail}};
}

std::string encode(const ExitRecord& record) {
  return text_of(to_json(record));
}

Result<Order> decode_order(std::string_view text) {
  return decode<Order>(text, "order", order_from);
}

Result<StartedRecord> decode_started(std::string_view text) {
  return decode<StartedRecord>(text, "started record", started_from);
}

Result<ExitRecord> decode_exit(std::string_view text) {
  return decode<ExitRecord>(text, "exit record", exit_from);
}

Result<ExitRecord> exit_from_json(const json& value) {
  try {
    return exit_from(value);
  } catch (const json::exception& error) {
    return Error(Errc::invalid, std::string("exit record: ") + error.what());
  }
}

}  // namespace passerelle::spawners::local
