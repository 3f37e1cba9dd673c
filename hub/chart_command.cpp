#include "hub/chart_command.hpp"

#include <iostream>

#include <CLI/CLI.hpp>

#include "base/files.hpp"
#include "base/text.hpp"
#include "spawners/kubernetes/chart/initial_values.hpp"

namespace passerelle::hub {
namespace {

using namespace spawners;

Result<chart::Json> context_of(const std::string& file) {
  if (file.empty()) return chart::Json::object();
  const auto text = files::read(file, chart::Bounds{}.bytes);
  if (!text) return text.error();
  auto context = chart::parse_json(*text, file);
  if (context && !context->is_object()) return Error(Errc::invalid, file + ": is not an object");
  return context;
}

std::vector<std::string> roles_in(const std::string& list) {
  std::vector<std::string> roles;
  for (const std::string_view role : text::split(list, ','))
    if (!text::trim(role).empty()) roles.emplace_back(text::trim(role));
  return roles;
}

Result<chart::Json> initial_values_of(const ChartOptions& options) {
  auto read = chart::load_chart(options.chart);
  if (!read) return std::move(read.error());
  if (!read->schema)
    return Error(Errc::invalid, options.chart + ": has no values.schema.json, so no form");
  auto context = context_of(options.context);
  if (!context) return context;
  Result<chart::Overrides> overrides{chart::Overrides()};
  if (!options.overrides.empty()) overrides = chart::Overrides::load(options.overrides);
  if (!overrides) return std::move(overrides.error());
  auto schema = chart::resolve_schema(*read->schema, *overrides, roles_in(options.roles));
  if (!schema) return schema;
  return chart::initial_values(*schema, read->values, *context);
}

}  // namespace

CLI::App* add_chart_command(CLI::App& cli, ChartOptions& options) {
  CLI::App* command = cli.add_subcommand("chart", "Look at a Helm chart as the launch form does");
  command->require_subcommand(1);
  CLI::App* values = command->add_subcommand("initial-values",
                                             "Print the values that the form begins with, as JSON");
  values->add_option("CHART", options.chart, "A folder or a .tgz")->required();
  values->add_option("--context", options.context,
                     "What expressions may read (user, project, region, k8s...): a JSON file");
  values->add_option("--roles", options.roles, "The person's roles, separated by commas");
  values->add_option(
      "--overrides", options.overrides,
      "Schemas for overwriteSchemaWith: default/NAME and roles/ROLE/NAME below here");
  values->callback([&options] { options.verb = "initial-values"; });
  return command;
}

int run_chart_command(const ChartOptions& options) {
  const auto values = initial_values_of(options);
  if (!values) {
    std::cerr << "passerelle: " << values.error().message() << "\n";
    return 1;
  }
  std::cout << values->dump(2) << "\n";
  return 0;
}

}  // namespace passerelle::hub
