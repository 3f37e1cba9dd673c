// What the gateway asks passerelle-submit to do, as one JSON document on its standard input, and
// the rules by which it is refused. Nothing that is asked for becomes part of a shell's line here:
// the command line is the adapter's, and what the job's shell reads is quoted by shell_quoted().
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "spawners/batch/adapter.hpp"

namespace passerelle::spawners::batch::submit {

enum class Verb { list, details, find, census, estimate, submit, remove, signal, log, clean };

struct Order {
  Verb verb = Verb::list;
  const Adapter* system = nullptr;
  std::string user;  ///< Whose; empty: nobody's, for list, details and find
  std::chrono::seconds deadline{20};
  std::string launch;                              ///< submit, log, clean
  std::string job;                                 ///< remove, signal
  std::string signal;                              ///< "TERM", "USR2"
  std::vector<std::string> ids;                    ///< details
  std::size_t way = 0;                             ///< details, census: which of the commands
  std::string name;                                ///< find
  Wish wish;                                       ///< submit, estimate
  std::vector<std::string> command;                ///< submit: may hold the three marks below
  std::map<std::string, std::string> environment;  ///< submit: the server's; may hold them too
  std::vector<std::string> prologue;               ///< submit: lines of shell, the site's own
  std::map<std::string, std::string> settings;     ///< submit: what the start script reads
  std::map<std::string, std::string> files;        ///< submit: by name, 0600
};

/// Stand for what only the job knows: the port it chose, its directory, and the person's home.
inline constexpr char kPort = '\x01';
inline constexpr char kDirectory = '\x02';
inline constexpr char kHome = '\x03';

Result<Order> order_from_json(std::string_view text);

/// One word of sh, whatever is in it; the marks become "$PORT", "$dir", "$HOME".
std::string shell_quoted(std::string_view text);

/// The file that the job's shell reads: environment, prologue, and the server's arguments as `set
/// --`.
std::string command_file(const Order& order);
std::string settings_file(const Order& order);

/// Sixteen hex digits.
bool is_launch(std::string_view text) noexcept;

extern const char* const kStartScript;
extern const char* const kRelayScript;

}  // namespace passerelle::spawners::batch::submit
