// What the table of keys says to others: a JSON Schema for editors, the reference page for people,
// and the configuration in force for whoever looks for a fault. All three are derived, nothing is
// written twice.
#pragma once

#include <string>
#include <string_view>

#include "config/keys.hpp"
#include "config/settings.hpp"

namespace passerelle::config {

enum class Language { english, french };

/// JSON Schema, draft 2020-12, indented, with a newline at the end. It reads types as YAML does and
/// so is a little stricter than the loader: `name: 2026` needs quotes. What values mean for one
/// another is for the loader alone.
std::string schema_json();

/// docs/configuration.md and docs/configuration.fr.md.
std::string reference_markdown(Language language);

/// All values in force as YAML that loads again; secrets and values of environment variables are
/// `********`.
std::string effective_yaml(Settings settings);

/// One value as it would be written in the file, on one line; empty if it is not set. Secrets are
/// masked.
std::string written(const Key& key, const Slot& slot);
/// A text as one YAML scalar, in quotes where YAML would read something else.
std::string yaml_text(std::string_view text);

}  // namespace passerelle::config
