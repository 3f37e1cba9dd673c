// Which keys a chart's form asks for.
#pragma once

#include "spawners/kubernetes/chart/json.hpp"

namespace passerelle::spawners::kubernetes {

struct Needs {
  bool s3 = false;
  bool vault = false;
};

/// Adds what the expressions (`x-onyxia`) anywhere in `schema` name.
void add_needs(const chart::Json& schema, Needs& needs);

}  // namespace passerelle::spawners::kubernetes
