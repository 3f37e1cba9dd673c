#include "spawners/kubernetes/needs.hpp"

#include <algorithm>

namespace passerelle::spawners::kubernetes {
namespace {

using chart::Json;

bool names(const Json& node, std::string_view root) {
  if (node.is_string()) return node.get_ref<const std::string&>().find(root) != std::string::npos;
  return node.is_structured() && std::any_of(node.begin(), node.end(), [root](const Json& inner) {
           return names(inner, root);
         });
}

}  // namespace

void add_needs(const Json& schema, Needs& needs) {
  if (schema.is_array())
    for (const Json& inner : schema) add_needs(inner, needs);
  if (!schema.is_object()) return;
  for (const auto& [key, inner] : schema.items()) {
    if (key != "x-onyxia") {
      add_needs(inner, needs);
      continue;
    }
    needs.s3 = needs.s3 || names(inner, "s3.");
    needs.vault = needs.vault || names(inner, "vault.");
  }
}

}  // namespace passerelle::spawners::kubernetes
