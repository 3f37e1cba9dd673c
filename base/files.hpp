// Files that must survive a power cut, and directories that must be ours alone. Blocking; any
// thread.
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/result.hpp"

namespace passerelle::files {

/// Errc::not_found if there is none, Errc::exhausted above `most` bytes.
Result<std::string> read(const std::string& path, std::size_t most = 16U << 20U);
/// Writes beside, fsyncs, renames over `path`, fsyncs the directory: the old or the new content,
/// never a mixture.
Result<void> write_durable(const std::string& path, std::string_view content, mode_t mode);
/// Makes the directory and its parents, `mode` for the last one; an existing one is left as it is.
Result<void> make_directory(const std::string& path, mode_t mode);

}  // namespace passerelle::files
