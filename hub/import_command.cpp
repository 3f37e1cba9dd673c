#include "hub/import_command.hpp"

#include <iostream>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "base/files.hpp"
#include "config/document.hpp"
#include "config/load.hpp"
#include "hub/control.hpp"
#include "hub/import/people.hpp"
#include "hub/import/translate.hpp"
#include "hub/import/z2jh.hpp"
#include "hub/subject.hpp"

namespace passerelle::hub {
namespace {

Result<config::Settings> settings_of(const ImportOptions& options) {
  config::LoadOutcome loaded = config::load(options.config, config::Environment::of_process());
  if (!loaded.settings) return Error(Errc::invalid, loaded.text());
  return std::move(*loaded.settings);
}

Result<ImportWish> wish_of(const ImportOptions& options, const config::Settings& settings) {
  ImportWish wish{options.authenticator, options.profile};
  if (wish.authenticator.empty()) wish.authenticator = settings.authenticators.front().name;
  if (wish.profile.empty()) wish.profile = settings.profiles.front().name;
  const auto named = [&](const auto& one) { return one.name == wish.authenticator; };
  if (std::none_of(settings.authenticators.begin(), settings.authenticators.end(), named))
    return Error(Errc::invalid, "there is no authenticator " + wish.authenticator);
  if (find_profile(settings, wish.profile) == nullptr)
    return Error(Errc::invalid, "there is no profile " + wish.profile);
  return wish;
}

Result<Imported> write_people(const ImportOptions& options, const store::JupyterHubData& data) {
  auto settings = settings_of(options);
  if (!settings) return std::move(settings).error();
  auto wish = wish_of(options, *settings);
  if (!wish) return std::move(wish).error();
  if (ask_gateway(settings->data_dir, "status"))
    return Error(Errc::conflict, "the gateway is running: stop it first");
  if (auto made = files::make_directory(settings->data_dir, 0700); !made)
    return std::move(made).error();
  auto store = store::open_sqlite(settings->data_dir + "/passerelle.sqlite");
  if (!store) return std::move(store).error();
  asio::io_context loop(1);
  Result<Imported> outcome = Error(Errc::internal, "nothing was done");
  auto work = import_people(**store, *settings, data, std::move(*wish));
  asio::co_spawn(loop, std::move(work), [&](const std::exception_ptr& thrown, auto result) {
    if (!thrown) outcome = std::move(result);
  });
  loop.run();
  return outcome;
}

int fail(const Error& error) {
  std::cerr << "passerelle: " << error.message() << "\n";
  return 1;
}

void tell(const Imported& done) {
  std::cerr << "taken over: " << done.users << " users (" << done.admins << " administrators), "
            << done.groups << " groups, " << done.servers << " servers, " << done.tokens
            << " tokens\n";
  for (const std::string& note : done.notes) std::cerr << "note: " << note << "\n";
}

void print(const Translation& translation) {
  std::cout << to_yaml(translation.settings);
  for (const std::string& line : translation.advice) std::cout << "# " << line << "\n";
}

}  // namespace

CLI::App* add_import_command(CLI::App& cli, ImportOptions& options) {
  CLI::App* command = cli.add_subcommand(
      "import-jupyterhub", "Take over the people of a JupyterHub, and translate its configuration");
  command->add_option("DATABASE", options.database, "jupyterhub.sqlite")->required();
  command->add_option("TRAITS", options.traits, "jupyterhub_config.py; it is read, never run");
  command->add_option("--config", options.config,
                      "Our configuration file; without it nothing is written");
  command->add_option("--authenticator", options.authenticator,
                      "Whose subjects JupyterHub's names are; the first otherwise");
  command->add_option("--profile", options.profile,
                      "The profile of servers that name none of ours; the first otherwise");
  return command;
}

int run_import_command(const ImportOptions& options) {
  const auto data = store::read_jupyterhub(options.database);
  if (!data) return fail(data.error());
  Traits traits;
  if (!options.traits.empty()) {
    auto read = read_traits(options.traits);
    if (!read) return fail(read.error());
    traits = std::move(*read);
  }
  print(translate(traits, *data));
  if (options.config.empty()) {
    std::cerr << data->users.size() << " users, " << data->groups.size() << " groups, "
              << data->servers.size() << " servers, " << data->tokens.size()
              << " tokens were read; --config FILE takes them over\n";
    return 0;
  }
  const auto done = write_people(options, *data);
  if (!done) return fail(done.error());
  tell(*done);
  return 0;
}

CLI::App* add_z2jh_command(CLI::App& cli, std::string& values) {
  CLI::App* command = cli.add_subcommand(
      "import-z2jh", "Translate the values of a zero-to-jupyterhub release into a configuration");
  command->add_option("VALUES", values, "values.yaml, as it is given to helm")->required();
  return command;
}

int run_z2jh_command(const std::string& values) {
  const auto text = files::read(values, config::kLargestFile);
  if (!text) return fail(text.error());
  const auto translation = translate_z2jh(*text);
  if (!translation) return fail(translation.error());
  print(*translation);
  return 0;
}

}  // namespace passerelle::hub
