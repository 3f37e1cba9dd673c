// The sample pages of tests/data/pages: one file is a page (its name up to the first dot) with its
// frame and view.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "web/render.hpp"

namespace passerelle::web {

struct Sample {
  std::string name;  ///< "home.empty"
  std::string page;  ///< "home"
  Frame frame;
  Json view;
};

inline Frame sample_frame(const Json& json) {
  Frame frame;
  frame.path = json.value("path", "/");
  frame.csrf = json.value("csrf", "");
  frame.now =
      Instant(std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + std::chrono::hours(14));
  if (json.contains("person"))
    frame.person = Frame::Person{json["person"].value("username", ""),
                                 json["person"].value("display_name", ""),
                                 json["person"].value("admin", false)};
  if (json.contains("notice")) {
    const bool good = json["notice"].value("level", "") == "success";
    frame.notice = Frame::Notice{good ? "success" : "info", json["notice"]["text"]};
  }
  return frame;
}

inline std::vector<Sample> read_samples(const std::string& folder) {
  std::vector<Sample> samples;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path());
    const Json json = Json::parse(in);
    const std::string name = entry.path().stem().string();
    samples.push_back(
        {name, name.substr(0, name.find('.')), sample_frame(json["frame"]), json["view"]});
  }
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.name < b.name; });
  return samples;
}

}  // namespace passerelle::web
