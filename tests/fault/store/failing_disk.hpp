// FailingDisk: a SQLite VFS over the default one that refuses writes on demand, and that knows what
// a power cut would leave: what was synced, and of the rest any part.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include <sqlite3.h>

namespace passerelle::store {

class FailingDisk {
 public:
  static constexpr const char* kVfs = "failing-disk";
  enum class Fault { none, full, write_error, sync_error };

  /// One for the process: SQLite looks a VFS up by name.
  static FailingDisk& the();

  void set(Fault fault);
  /// Writes into `folder` what a power cut at this moment could leave of every database and log
  /// file that is open: unsynced writes are lost, kept or torn at 512 bytes, as `random` says.
  void cut_power(const std::string& folder, std::mt19937& random);
  void forget();  ///< The files of the test before.

  // What the VFS reports.
  int write(const std::string& path, const void* data, int count, sqlite3_int64 offset);
  int truncate(const std::string& path, sqlite3_int64 size);
  int sync(const std::string& path);
  void opened(const std::string& path);

 private:
  struct Change {
    std::size_t offset = 0;
    std::string bytes;
    bool truncates = false;
  };
  struct File {
    std::string durable;
    std::vector<Change> pending;
  };

  FailingDisk();
  static void apply(std::string& image, const Change& change);
  static void tear(std::string& image, const Change& change, std::mt19937& random);

  std::mutex mutex_;
  Fault fault_ = Fault::none;
  std::map<std::string, File> files_;
};

}  // namespace passerelle::store
