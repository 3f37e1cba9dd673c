#include "hub/completion.hpp"

#include <CLI/App.hpp>

namespace passerelle::hub {
namespace {

// "--config --dev --help": the long options of a command.
std::string options_of(const CLI::App& command) {
  std::string words;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames())
      words.append(words.empty() ? "" : " ").append("--" + name);
  return words;
}

std::vector<const CLI::App*> commands_of(const CLI::App& cli) {
  return cli.get_subcommands([](const CLI::App*) { return true; });
}

std::string bash(const CLI::App& cli) {
  std::string names;
  std::string cases;
  for (const CLI::App* command : commands_of(cli)) {
    names.append(names.empty() ? "" : " ").append(command->get_name());
    cases += "    " + command->get_name() + ") words='" + options_of(*command) + "' ;;\n";
  }
  return "_passerelle() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} words\n"
         "  case ${COMP_WORDS[1]} in\n" +
         cases + "    *) words='" + names + " " + options_of(cli) +
         "' ;;\n"
         "  esac\n"
         "  [ \"$COMP_CWORD\" -gt 1 ] || words='" +
         names + " " + options_of(cli) +
         "'\n"
         "  if [[ $word == -* || $COMP_CWORD -eq 1 ]]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
         "  else\n"
         "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _passerelle passerelle\n";
}

std::string quoted(std::string text) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\\'");
  return "'" + text + "'";
}

std::string fish(const CLI::App& cli) {
  std::string script;
  for (const CLI::App* command : commands_of(cli)) {
    script += "complete -c passerelle -n __fish_use_subcommand -f -a " + command->get_name() +
              " -d " + quoted(command->get_description()) + "\n";
    for (const CLI::Option* option : command->get_options())
      for (const std::string& name : option->get_lnames())
        script += "complete -c passerelle -n '__fish_seen_subcommand_from " + command->get_name() +
                  "' -l " + name + (option->get_expected_max() > 0 ? " -r" : " -f") + " -d " +
                  quoted(option->get_description()) + "\n";
  }
  return script;
}

}  // namespace

Result<std::string> completion(const CLI::App& cli, std::string_view shell) {
  if (shell == "bash") return bash(cli);
  if (shell == "zsh") return "autoload -U +X bashcompinit && bashcompinit\n" + bash(cli);
  if (shell == "fish") return fish(cli);
  return Error(Errc::invalid, "completion is there for bash, zsh and fish");
}

}  // namespace passerelle::hub
