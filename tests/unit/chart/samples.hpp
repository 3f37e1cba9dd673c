// What the tests of charts share: JSON out of text, and the sample chart.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "base/files.hpp"
#include "spawners/kubernetes/chart/chart.hpp"
#include "spawners/kubernetes/chart/initial_values.hpp"

namespace passerelle::spawners::chart {

inline Json json(const std::string& text) {
  return Json::parse(text);
}

inline Json json_file(const std::string& name) {
  return json(*files::read(std::string(TEST_DATA) + "/charts/" + name));
}

inline Chart minilab() {
  return *load_chart(std::string(TEST_DATA) + "/charts/minilab");
}

/// The sample's schema as somebody with these roles gets it.
inline Json minilab_schema(const std::vector<std::string>& roles = {}) {
  const auto overrides = Overrides::load(std::string(TEST_DATA) + "/charts/overrides");
  return *resolve_schema(*minilab().schema, *overrides, roles);
}

}  // namespace passerelle::spawners::chart
