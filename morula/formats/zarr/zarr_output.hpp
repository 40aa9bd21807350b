// A file of a tree that is being written: counted and hashed as it goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "morula/core/direct_writer.hpp"
#include "morula/core/hash.hpp"
#include "morula/formats/zarr/zarr_writer.hpp"

namespace morula::formats {

class ZarrOutputFile {
public:
    /// path is relative to root; folders on the way are made. Throws permission, resource_limit (disk full).
    ZarrOutputFile(const std::filesystem::path& root, std::string path);
    /// Deletes the file unless close() was called.
    ~ZarrOutputFile();
    ZarrOutputFile(const ZarrOutputFile&) = delete;
    ZarrOutputFile& operator=(const ZarrOutputFile&) = delete;

    void write(std::span<const std::byte> bytes);
    std::int64_t size() const { return size_; }
    WrittenFile close();

private:
    std::filesystem::path full_;
    std::string path_;
    int fd_ = -1;
    std::int64_t size_ = 0;
    std::unique_ptr<DirectWriter> direct_;  // of a large file
    Hasher hasher_;
};

}  // namespace morula::formats
