#include "failing_disk.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace passerelle::store {
namespace {

constexpr std::size_t kSector = 512;

/// Our part of a file SQLite has opened; the default VFS's part follows it in the same memory.
struct Wrapped {
  sqlite3_file base;
  std::string* path;  // empty: a file whose loss does no harm
};

sqlite3_vfs* inner() {
  static sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
  return vfs;
}
sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<Wrapped*>(file) + 1);
}
const std::string& path_of(sqlite3_file* file) {
  return *reinterpret_cast<Wrapped*>(file)->path;
}

int close(sqlite3_file* file) {
  delete reinterpret_cast<Wrapped*>(file)->path;
  return real(file)->pMethods->xClose(real(file));
}
int read(sqlite3_file* file, void* data, int count, sqlite3_int64 offset) {
  return real(file)->pMethods->xRead(real(file), data, count, offset);
}
int write(sqlite3_file* file, const void* data, int count, sqlite3_int64 offset) {
  const int refused = FailingDisk::the().write(path_of(file), data, count, offset);
  return refused != SQLITE_OK ? refused
                              : real(file)->pMethods->xWrite(real(file), data, count, offset);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  const int refused = FailingDisk::the().truncate(path_of(file), size);
  return refused != SQLITE_OK ? refused : real(file)->pMethods->xTruncate(real(file), size);
}
int sync(sqlite3_file* file, int) {
  return FailingDisk::the().sync(path_of(file));
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xLock(real(file), level);
}
int unlock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int check_lock(sqlite3_file* file, int* held) {
  return real(file)->pMethods->xCheckReservedLock(real(file), held);
}
int control(sqlite3_file* file, int what, void* data) {
  return real(file)->pMethods->xFileControl(real(file), what, data);
}
int sector_size(sqlite3_file*) {
  return static_cast<int>(kSector);
}
int characteristics(sqlite3_file*) {
  return 0;
}  // no promise about the order or wholeness of writes
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) {
  real(file)->pMethods->xShmBarrier(real(file));
}
int shm_unmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

constexpr sqlite3_io_methods kMethods = {
    2,         close,      read,    write,       truncate,        sync,    file_size, lock,
    unlock,    check_lock, control, sector_size, characteristics, shm_map, shm_lock,  shm_barrier,
    shm_unmap, nullptr,    nullptr};

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  const bool kept = (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0;
  file->pMethods = nullptr;
  const int result = inner()->xOpen(inner(), name, real(file), flags, out_flags);
  if (result != SQLITE_OK) return result;
  reinterpret_cast<Wrapped*>(file)->path = new std::string(kept ? name : "");
  file->pMethods = &kMethods;
  if (kept) FailingDisk::the().opened(name);
  return SQLITE_OK;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

FailingDisk& FailingDisk::the() {
  static FailingDisk disk;
  return disk;
}

FailingDisk::FailingDisk() {
  static sqlite3_vfs vfs = *inner();
  vfs.zName = kVfs;
  vfs.szOsFile = static_cast<int>(sizeof(Wrapped)) + inner()->szOsFile;
  vfs.xOpen = open;
  sqlite3_vfs_register(&vfs, 0);
}

void FailingDisk::set(Fault fault) {
  const std::lock_guard held(mutex_);
  fault_ = fault;
}

void FailingDisk::forget() {
  const std::lock_guard held(mutex_);
  files_.clear();
  fault_ = Fault::none;
}

void FailingDisk::opened(const std::string& path) {
  const std::lock_guard held(mutex_);
  const auto [entry, fresh] = files_.try_emplace(path);
  if (fresh) entry->second.durable = content_of(path);
}

int FailingDisk::write(const std::string& path, const void* data, int count, sqlite3_int64 offset) {
  const std::lock_guard held(mutex_);
  if (path.empty()) return SQLITE_OK;
  if (fault_ == Fault::full) return SQLITE_FULL;
  if (fault_ == Fault::write_error) return SQLITE_IOERR_WRITE;
  const auto* bytes = static_cast<const char*>(data);
  files_[path].pending.push_back({static_cast<std::size_t>(offset),
                                  std::string(bytes, static_cast<std::size_t>(count)), false});
  return SQLITE_OK;
}

int FailingDisk::truncate(const std::string& path, sqlite3_int64 size) {
  const std::lock_guard held(mutex_);
  if (!path.empty()) files_[path].pending.push_back({static_cast<std::size_t>(size), "", true});
  return SQLITE_OK;
}

int FailingDisk::sync(const std::string& path) {
  const std::lock_guard held(mutex_);
  if (fault_ == Fault::sync_error) return SQLITE_IOERR_FSYNC;
  File& file = files_[path];
  for (const Change& change : file.pending) apply(file.durable, change);
  file.pending.clear();
  return SQLITE_OK;
}

void FailingDisk::apply(std::string& image, const Change& change) {
  if (change.truncates) {
    image.resize(std::min(image.size(), change.offset));
    return;
  }
  if (image.size() < change.offset + change.bytes.size())
    image.resize(change.offset + change.bytes.size());
  image.replace(change.offset, change.bytes.size(), change.bytes);
}

/// Each sector of it arrives or does not.
void FailingDisk::tear(std::string& image, const Change& change, std::mt19937& random) {
  if (change.truncates) {
    if (random() % 2 == 0) apply(image, change);
    return;
  }
  for (std::size_t at = 0; at < change.bytes.size(); at += kSector)
    if (random() % 2 == 0)
      apply(image, {change.offset + at, change.bytes.substr(at, kSector), false});
}

void FailingDisk::cut_power(const std::string& folder, std::mt19937& random) {
  const std::lock_guard held(mutex_);
  for (const auto& [path, file] : files_) {
    std::string image = file.durable;
    const auto fate = random() % 3;  // all of it lost, all of it kept, or any part
    for (const Change& change : file.pending) {
      if (fate == 1) apply(image, change);
      if (fate == 2) tear(image, change, random);
    }
    std::ofstream(folder / std::filesystem::path(path).filename(), std::ios::binary) << image;
  }
}

}  // namespace passerelle::store
