// The files of a chart that the gateway itself reads, out of a folder or a .tgz. Templates are
// Helm's matter. An archive is a stranger's: names that lead out of it, links in place of files,
// and archives that unpack to far more than they are, are refused. Blocking; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace passerelle::spawners::chart {

inline constexpr std::size_t kLargestArchive = 16U << 20U;    ///< Bytes of the .tgz
inline constexpr std::size_t kLargestUnpacked = 128U << 20U;  ///< All files together
inline constexpr std::size_t kLargestMember = 1U << 20U;      ///< Each of the files below

struct Files {
  std::string about;                  ///< Chart.yaml
  std::string values;                 ///< values.yaml; empty: none
  std::optional<std::string> schema;  ///< values.schema.json
};

/// Errc::not_found when there is nothing there, Errc::exhausted above a bound, Errc::invalid for
/// what is no chart.
Result<Files> read_chart_files(const std::string& path);

}  // namespace passerelle::spawners::chart
