// The command line: reads arguments, loads the configuration, and hands over to App.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "base/log.hpp"
#include "base/secrets.hpp"
#include "base/text.hpp"
#include "chp/options.hpp"
#include "chp/server.hpp"
#include "config/describe.hpp"
#include "config/dev.hpp"
#include "config/load.hpp"
#include "hub/app.hpp"
#include "hub/chart_command.hpp"
#include "hub/completion.hpp"
#include "hub/control.hpp"
#include "hub/deep_check.hpp"
#include "hub/import_command.hpp"
#include "hub/lti_command.hpp"
#include "hub/status.hpp"

namespace passerelle::hub {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr const char* kPasswordVariable = "PASSERELLE_DEV_PASSWORD";

struct ServeOptions {
  std::string config;
  bool dev = false;
  std::string listen;  ///< "ADDRESS:PORT", overrides the file's
  std::string data_dir;
  std::string password;  ///< --dev only
};

void set_up_log(const config::Log& settings) {
  const std::map<std::string, log::Level> levels = {{"debug", log::Level::debug},
                                                    {"info", log::Level::info},
                                                    {"warn", log::Level::warn},
                                                    {"error", log::Level::error}};
  const bool json = settings.format == "json";
  const auto level = levels.find(settings.level);
  log::set_up(level == levels.end() ? log::Level::info : level->second,
              settings.format == "auto" ? nullptr : &json);
}

int fail(const Error& error) {
  std::cerr << "passerelle: " << error.message() << "\n";
  return kFailed;
}

// Easy to read aloud and to type, and too many to guess: 4 groups of 4 from 32 characters, 80 bits.
std::string dev_password() {
  constexpr std::string_view kAlphabet = "abcdefghjkmnpqrstuvwxyz23456789x";
  std::string password;
  for (const char byte : secrets::random_bytes(16)) {
    if (!password.empty() && password.size() % 5 == 4) password += '-';
    password += kAlphabet[static_cast<unsigned char>(byte) & 31U];
  }
  return password;
}

Result<config::Settings> settings_for(const ServeOptions& options, const std::string& password) {
  if (options.dev) {
    auto settings = config::dev_settings(password, config::Environment::of_process());
    return settings;
  }
  config::LoadOutcome loaded = config::load(options.config, config::Environment::of_process());
  if (!loaded.settings)
    return Error(Errc::invalid, "nothing was started, because " + options.config +
                                    " is not usable:\n" + loaded.text());
  if (!loaded.problems.empty()) std::cerr << loaded.text();
  return std::move(*loaded.settings);
}

Result<void> override_listen(config::Listen& listen, const std::string& wanted) {
  if (wanted.empty()) return {};
  const auto upstream = upstream_from_string(
      "tcp:" + (wanted.ends_with(":0") ? wanted.substr(0, wanted.size() - 1) + "1" : wanted));
  if (!upstream)
    return Error(Errc::invalid, "--listen takes ADDRESS:PORT, for example 127.0.0.1:8000");
  listen.address = upstream->host;
  listen.port = wanted.ends_with(":0") ? 0 : upstream->port;
  return {};
}

void say_where(const config::Settings& settings,
               const std::string& password,
               bool dev,
               std::uint16_t port) {
  const config::Listen& at = settings.https.on() ? settings.https.at : settings.listen;
  const bool v6 = at.address.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + at.address + "]" : at.address;
  std::string url = settings.public_url;
  if (url.empty())
    url = (settings.https.on() ? "https://" : "http://") + host + ":" + std::to_string(port) +
          settings.base_url;
  if (!dev) {
    log::info("app", "listening", {{"address", host}, {"port", port}, {"url", url}});
    return;
  }
  std::cout << "\n  passerelle is ready. Open\n\n      " << url << "\n\n"
            << "  and sign in with any name and the password\n\n      " << password << "\n\n"
            << "  Only this machine can reach it. Ctrl-C ends it, and the notebooks with it.\n";
  if (geteuid() == 0)
    std::cout << "  You are root: so are the notebooks. Fine for a try, not for more.\n";
  std::cout << std::endl;
}

/// Everything that is to be served, checked; the running gateway that we follow has stopped when
/// this returns.
Result<config::Settings> prepare(const ServeOptions& options,
                                 const std::string& password,
                                 Inheritance* inheritance) {
  auto settings = settings_for(options, password);
  if (!settings) return settings;
  if (!options.data_dir.empty()) settings->data_dir = options.data_dir;
  auto listen = override_listen(settings->listen, options.listen);
  if (!listen) return listen.error();
  if (inheritance == nullptr) return settings;
  auto good = App::check(*settings);
  if (good) good = inheritance->accept(settings->data_dir);
  if (!good) return good.error();
  return settings;
}

int serve(const ServeOptions& options, Program program) {
  if (options.dev == !options.config.empty()) {
    std::cerr << "passerelle serve: give either --config FILE or --dev\n";
    return kUsage;
  }
  // A peer that has gone is an error code where we write, never the end of the program. (Servers
  // get their own signals back in the supervisor.)
  std::signal(SIGPIPE, SIG_IGN);
  const std::string password = options.password.empty() ? dev_password() : options.password;
  if (options.dev) program.variables.push_back(std::string(kPasswordVariable) + "=" + password);
  program.has_file = !options.dev;
  const std::shared_ptr<Inheritance> followed = Inheritance::of_environment();
  const auto cannot = [&followed](const Error& why) {
    if (followed) followed->refuse(why.message());
    return fail(why);
  };
  auto settings = prepare(options, password, followed.get());
  if (!settings) return cannot(settings.error());
  set_up_log(settings->log);
  const config::Settings shown = *settings;
  const bool silent = options.dev && followed;
  App::Origin origin{std::move(program), followed};
  auto app = App::build(std::move(*settings), std::move(origin));
  if (!app) return cannot(app.error());
  auto done = (*app)->run([&](std::uint16_t port) {
    if (!silent) say_where(shown, password, options.dev, port);
  });
  if (!done) return fail(done.error());
  return 0;
}

Result<std::string> data_dir_of(const std::string& config, const std::string& data_dir) {
  if (data_dir.empty() == config.empty())
    return Error(Errc::invalid, "give either --config FILE or --data-dir DIR");
  if (!data_dir.empty()) return data_dir;
  config::LoadOutcome loaded = config::load(config, config::Environment::of_process());
  if (loaded.settings) return loaded.settings->data_dir;
  return Error(Errc::invalid, config + " is not usable; --data-dir needs no file");
}

struct StatusOptions {
  std::string config;
  std::string data_dir;
  bool proxy = false;
  bool json = false;
};

int show_status(const StatusOptions& options) {
  const auto data_dir = data_dir_of(options.config, options.data_dir);
  if (!data_dir) return fail(data_dir.error());
  const auto document = ask_gateway(*data_dir, options.proxy ? "status proxy" : "status");
  if (!document) return fail(document.error());
  const auto text = options.json ? Result<std::string>(*document + "\n") : status_text(*document);
  if (!text) return fail(text.error());
  std::cout << *text;
  return 0;
}

/// `what`: "upgrade" or "reload". Waits until it is done.
int replace_gateway(const StatusOptions& options, const std::string& what) {
  const auto data_dir = data_dir_of(options.config, options.data_dir);
  if (!data_dir) return fail(data_dir.error());
  const auto document = ask_gateway(*data_dir, what);
  if (!document) return fail(document.error());
  const auto said = replacement_text(*document);
  if (!said) return fail(said.error());
  std::cout << *said;
  return 0;
}

struct UserOptions {
  std::string config;
  std::string data_dir;
  std::string verb;
  std::string name;
  std::string identity;
};

int change_user(const UserOptions& options) {
  auto data_dir = data_dir_of(options.config, options.data_dir);
  if (!data_dir) return fail(data_dir.error());
  std::string question = "user " + options.verb;
  for (const std::string& word : {options.name, options.identity})
    if (!word.empty()) question += " " + text::percent_encode(word);
  const auto answer = ask_gateway(*data_dir, question);
  if (!answer) return fail(answer.error());
  const bool failed = answer->starts_with("error: ");
  (failed ? std::cerr : std::cout) << (failed ? "passerelle: " + answer->substr(7) : *answer);
  return failed ? kFailed : 0;
}

/// passerelle user list | show NAME | block NAME | link NAME IDENTITY ...
CLI::App* add_user_command(CLI::App& cli, UserOptions& options) {
  struct Verb {
    const char* name;
    const char* help;
    int words;
  };
  constexpr Verb kVerbs[] = {
      {"list", "Everybody who ever signed in: username, identity, name", 0},
      {"show", "One of them, with identities, groups and whether they may come in", 1},
      {"block", "Keep somebody out: sessions end at once, tokens rest", 1},
      {"unblock", "Let them in again, if the configuration does", 1},
      {"sign-out", "End all their sessions", 1},
      {"link", "Say that AUTHENTICATOR:SUBJECT is the same person", 2},
      {"unlink", "Take that back", 2}};
  CLI::App* command =
      cli.add_subcommand("user", "Look at and change accounts of the running gateway");
  command->require_subcommand(1);
  command->add_option("--config", options.config, "The configuration file it was started with");
  command->add_option("--data-dir", options.data_dir, "Its data_dir, instead of the file");
  for (const Verb& verb : kVerbs) {
    CLI::App* one = command->add_subcommand(verb.name, verb.help);
    one->fallthrough();
    if (verb.words > 0) one->add_option("NAME", options.name, "Username")->required();
    if (verb.words > 1)
      one->add_option("IDENTITY", options.identity, "authenticator:subject")->required();
    one->callback([&options, name = std::string(verb.name)] { options.verb = name; });
  }
  return command;
}

int check_config(const std::string& file, bool deep) {
  const config::LoadOutcome loaded = config::load(file, config::Environment::of_process());
  std::cout << loaded.text();
  if (!loaded.settings) return kFailed;
  if (deep && !deep_check(*loaded.settings, std::cout)) return kFailed;
  // Others than the operator can reach it, so people who do not know each other may come.
  if (loaded.settings->subdomain_host.empty() &&
      loaded.settings->public_url.starts_with("https://"))
    std::cout << file
              << ": note: people's notebooks share one origin, with each other and with the hub; "
                 "`subdomain_host` keeps them apart (docs/subdomains.md)\n";
  std::cout << file << ": good\n";
  return 0;
}

constexpr const char* kProxyVersion = "5.3.0 (passerelle " PASSERELLE_VERSION ")";

int proxy(chp::RawOptions raw) {
  auto options = chp::finish_options(std::move(raw));
  if (options) return chp::run(std::move(*options));
  std::cerr << options.error().message() << "\n";
  return kFailed;
}

/// By the name configurable-http-proxy: what `passerelle proxy` is, without that word.
int run_as_proxy(int argc, char** argv) {
  CLI::App cli(
      "configurable-http-proxy, by passerelle: a reverse proxy with a REST API for its routes");
  cli.set_version_flag("-V,--version", kProxyVersion);
  chp::RawOptions options;
  chp::add_options(cli, options);
  std::vector<std::string> arguments = chp::split_empty_values(argc, argv);
  std::reverse(arguments.begin(), arguments.end());
  try {
    cli.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? 0 : kFailed;
  }
  return proxy(std::move(options));
}

int run(int argc, char** argv) {
  if (argc > 0 && std::filesystem::path(argv[0]).filename() == "configurable-http-proxy")
    return run_as_proxy(argc, argv);
  CLI::App cli(
      "passerelle: a spawner gateway and reverse proxy that takes people to their notebooks");
  cli.set_version_flag("--version", "passerelle " PASSERELLE_VERSION);
  cli.require_subcommand(1);
  cli.footer("Documentation: docs/configuration.md. Exit codes: 0 good, 1 failed, 2 wrong usage.");

  ServeOptions options;
  CLI::App* serving =
      cli.add_subcommand("serve", "Serve until SIGTERM or SIGINT (a second one ends at once)");
  serving->add_option("--config", options.config, "The configuration file (YAML)");
  serving->add_flag("--dev", options.dev,
                    "No configuration: loopback, a password of the day, the Jupyter found on PATH");
  serving->add_option("--listen", options.listen,
                      "ADDRESS:PORT instead of the configured one; port 0 takes a free one");
  serving->add_option("--data-dir", options.data_dir,
                      "Database, keys and servers' directories instead of the configured one");
  serving
      ->add_option("--dev-password", options.password,
                   "With --dev: this password instead of a random one")
      ->envname(kPasswordVariable);

  chp::RawOptions proxy_options;
  CLI::App* proxying = cli.add_subcommand(
      "proxy", "Be configurable-http-proxy: a reverse proxy with a REST API for its routes");
  proxying->set_version_flag("-V,--version", kProxyVersion);
  chp::add_options(*proxying, proxy_options);
  StatusOptions status;
  CLI::App* telling = cli.add_subcommand("status", "Tell what the running gateway does");
  telling->add_option("--config", status.config, "The configuration file it was started with");
  telling->add_option("--data-dir", status.data_dir, "Its data_dir, instead of the file");
  StatusOptions which;
  CLI::App* upgrading = cli.add_subcommand(
      "upgrade", "Let the program that is installed now take over from the running gateway");
  CLI::App* reloading = cli.add_subcommand(
      "reload", "Let the running gateway take over its changed configuration file");
  for (CLI::App* command : {upgrading, reloading}) {
    command->add_option("--config", which.config, "The configuration file it was started with");
    command->add_option("--data-dir", which.data_dir, "Its data_dir, instead of the file");
  }
  telling->add_flag("--proxy", status.proxy, "Counters, routes and live connections too");
  telling->add_flag("--json", status.json, "As JSON");

  UserOptions user;
  CLI::App* changing = add_user_command(cli, user);
  ChartOptions chart;
  CLI::App* charting = add_chart_command(cli, chart);
  ImportOptions import;
  CLI::App* importing = add_import_command(cli, import);
  std::string z2jh_values;
  CLI::App* importing_z2jh = add_z2jh_command(cli, z2jh_values);
  LtiOptions lti;
  CLI::App* lti_asked = add_lti_command(cli, lti);
  std::string file;
  CLI::App* checking =
      cli.add_subcommand("check-config", "Tell everything that is wrong with a configuration file");
  checking->add_option("FILE", file, "The file")->required();
  bool deep = false;
  checking->add_flag("--deep", deep,
                     "Also ask the sign-in providers: discovery, keys, TLS, look-ups, clocks");
  CLI::App* schema =
      cli.add_subcommand("schema", "Print the JSON Schema of the configuration file");
  CLI::App* reference = cli.add_subcommand(
      "reference", "Print the reference of configuration keys (docs/configuration.md)");
  bool french = false;
  reference->add_flag("--fr", french, "In French");
  std::string shell;
  CLI::App* completing =
      cli.add_subcommand("completion", "Print a script that completes these words in a shell");
  completing->add_option("SHELL", shell, "bash, zsh or fish")->required();

  try {
    std::vector<std::string> arguments = chp::split_empty_values(argc, argv);
    std::reverse(arguments.begin(), arguments.end());
    cli.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    const int code = cli.exit(error);
    if (code == 0) return 0;
    return proxying->parsed() ? kFailed : kUsage;
  }
  if (serving->parsed()) return serve(options, program_of(argc, argv));
  if (proxying->parsed()) return proxy(std::move(proxy_options));
  if (telling->parsed()) return show_status(status);
  if (upgrading->parsed()) return replace_gateway(which, "upgrade");
  if (reloading->parsed()) return replace_gateway(which, "reload");
  if (changing->parsed()) return change_user(user);
  if (charting->parsed()) return run_chart_command(chart);
  if (importing->parsed()) return run_import_command(import);
  if (importing_z2jh->parsed()) return run_z2jh_command(z2jh_values);
  if (lti_asked->parsed()) return run_lti_command(lti);
  if (checking->parsed()) return check_config(file, deep);
  if (completing->parsed()) {
    const auto script = completion(cli, shell);
    if (!script) return fail(script.error());
    std::cout << *script;
  }
  if (schema->parsed()) std::cout << config::schema_json();
  if (reference->parsed())
    std::cout << config::reference_markdown(french ? config::Language::french
                                                   : config::Language::english);
  return 0;
}

}  // namespace
}  // namespace passerelle::hub

int main(int argc, char** argv) {
  try {
    return passerelle::hub::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "passerelle: %s\n", error.what());
    return 1;
  }
}
