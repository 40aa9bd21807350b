// Files: reads by pread into owned buffers, writes that appear whole or not at all.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <thread>

namespace morula {

/// A file open for reading. read_at is safe to call from many threads.
class InputFile {
public:
    /// Throws not_found, permission, or invalid_data when path is a folder.
    explicit InputFile(std::filesystem::path path);
    ~InputFile();
    InputFile(InputFile&& other) noexcept;
    InputFile& operator=(InputFile&&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::int64_t size() const { return size_; }
    /// Fills `out` from `offset`; throws invalid_data ("ends early") when the file is too short.
    void read_at(std::int64_t offset, std::span<std::byte> out) const;
    /// Reads up to out.size() bytes; returns how many.
    std::int64_t read_some(std::int64_t offset, std::span<std::byte> out) const;

private:
    std::filesystem::path path_;
    int fd_ = -1;
    std::int64_t size_ = 0;
};

/// Whole file as text; throws resource_limit above max_bytes.
std::string read_text_file(const std::filesystem::path& path, std::int64_t max_bytes);

/// A file that is written under a temporary name beside its place; commit() does fsync, rename, fsync of the folder.
/// Without commit() the destructor removes it.
class AtomicFile {
public:
    explicit AtomicFile(std::filesystem::path path);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    void write(std::span<const std::byte> bytes);
    void write(std::string_view text);
    void commit();
    /// Only the rename: whole for every process from now on, but perhaps lost, or empty, after a loss of power.
    void commit_unforced();
    /// Lets the disk begin with what has been written while the caller works on; commit() waits for it and passes its error on.
    void sync_in_background();
    /// The temporary name, for libraries that write files themselves.
    const std::filesystem::path& temporary_path() const { return temporary_; }
    std::int64_t bytes_written() const { return bytes_written_; }

private:
    std::filesystem::path path_;
    std::filesystem::path temporary_;
    int fd_ = -1;
    std::int64_t bytes_written_ = 0;
    bool committed_ = false;
    std::thread background_;  // sleeps in one system call: no work for the pool
    std::atomic<int> background_error_ = 0;
};

/// Removes temporary files for `path` that a killed program left; nobody else may be writing it.
void remove_left_over(const std::filesystem::path& path);

void write_text_file(const std::filesystem::path& path, std::string_view text);
void write_text_file_unforced(const std::filesystem::path& path, std::string_view text);
void sync_file(const std::filesystem::path& path);
void sync_folder(const std::filesystem::path& folder);
/// Moves a finished file or folder to its place; the disk hears of it when it likes.
void rename_unforced(const std::filesystem::path& from, const std::filesystem::path& to);
/// The same for good: fsync of the source's folder, rename, fsync of the target's folder.
void rename_atomically(const std::filesystem::path& from, const std::filesystem::path& to);
/// Bytes free for us on the disk that holds `path` (or its nearest existing parent).
std::int64_t free_disk_bytes(const std::filesystem::path& path);
/// Throws resource_limit with both figures when fewer than `bytes` are free at `path`.
void require_disk_space(const std::filesystem::path& path, std::int64_t bytes, std::string_view what);

}  // namespace morula
