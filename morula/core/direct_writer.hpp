// A long stretch of a file, written around the system's page cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace morula {

/// Writes a stretch of an existing file from its start to its end. Whole blocks go to the disk as they lie in memory (O_DIRECT): nobody reads gigabytes of results at once, and to copy them
/// into the page cache took an eighth of a run's processor time. Ends of the stretch that fill no block go the usual way, and all of it where the file system knows no other.
class DirectWriter {
public:
    /// Throws as files do (permission, not_found).
    DirectWriter(std::filesystem::path path, std::int64_t offset);
    ~DirectWriter();
    DirectWriter(const DirectWriter&) = delete;
    DirectWriter& operator=(const DirectWriter&) = delete;

    /// Throws resource_limit where the disk is full.
    void write(std::span<const std::byte> bytes);
    /// Writes what waits; a stretch that is left without is not whole.
    void finish();

private:
    struct Free {
        void operator()(std::byte* bytes) const;
    };
    void write_buffer();
    void put(int fd, std::span<const std::byte> bytes, std::int64_t at);

    std::filesystem::path path_;
    int plain_ = -1;
    int direct_ = -1;                             // -1: not here
    std::unique_ptr<std::byte[], Free> buffer_;   // begins where a block of the file does
    std::size_t begin_ = 0;                       // first byte that waits
    std::size_t end_ = 0;                         // behind the last
    std::int64_t block_at_ = 0;                   // place of the buffer in the file
};

}  // namespace morula
