#include "morula/core/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include "morula/core/context.hpp"
#include "morula/core/error.hpp"
#include "morula/core/temporary_name.hpp"

namespace morula {
namespace {

int open_or_fail(const std::filesystem::path& path, int flags, mode_t mode, std::string_view doing) {
    int fd = -1;
    do {
        fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) fail_from_errno(errno, doing, path.string());
    return fd;
}

void sync_path(const std::filesystem::path& path, int flags) {
    const int fd = open_or_fail(path, flags, 0, "open it");
    const int status = ::fsync(fd);
    const int error_number = errno;
    ::close(fd);
    if (status != 0 && error_number != EINVAL) fail_from_errno(error_number, "save it to disk", path.string());
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
    const auto parent = path.parent_path();
    return parent.empty() ? std::filesystem::path(".") : parent;
}

}  // namespace

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
    fd_ = open_or_fail(path_, O_RDONLY, 0, "read it");
    struct stat info{};
    if (::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
        const bool is_folder = S_ISDIR(info.st_mode);
        ::close(fd_);
        fd_ = -1;
        invalid_data(fmt::format("{}: {}, a file is needed.", path_.string(), is_folder ? "is a folder" : "is not a plain file"), "Name a file.");
    }
    size_ = info.st_size;
}

InputFile::~InputFile() {
    if (fd_ >= 0) ::close(fd_);
}

InputFile::InputFile(InputFile&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

std::int64_t InputFile::read_some(std::int64_t offset, std::span<std::byte> out) const {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t got = ::pread(fd_, out.data() + done, out.size() - done, offset + static_cast<off_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail_from_errno(errno, "read it", path_.string());
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return static_cast<std::int64_t>(done);
}

void InputFile::read_at(std::int64_t offset, std::span<std::byte> out) const {
    const std::int64_t got = read_some(offset, out);
    if (got != static_cast<std::int64_t>(out.size())) {
        invalid_data(fmt::format("{}: the file ends early, {} bytes are needed at byte {} and {} are there.", path_.string(), out.size(), offset, got),
                     "Copy or download the file again.");
    }
}

std::string read_text_file(const std::filesystem::path& path, std::int64_t max_bytes) {
    const InputFile file(path);
    if (file.size() > max_bytes) {
        fail(ErrorCode::resource_limit, fmt::format("{}: holds {}, at most {} are read here.", path.string(), format_bytes(file.size()), format_bytes(max_bytes)),
             "Check that this is the right file.");
    }
    std::string text(static_cast<std::size_t>(file.size()), '\0');
    file.read_at(0, std::as_writable_bytes(std::span(text)));
    return text;
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
    static std::atomic<int> counter{0};
    temporary_ = temporary_beside(path_, fmt::format("{}-{}", ::getpid(), counter++));
    fd_ = open_or_fail(temporary_, O_WRONLY | O_CREAT | O_EXCL, 0644, "write it");
}

AtomicFile::~AtomicFile() {
    if (background_.joinable()) background_.join();
    if (fd_ >= 0) ::close(fd_);
    if (!committed_) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t put = ::write(fd_, bytes.data() + done, bytes.size() - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) fail_from_errno(errno, "write it", path_.string());
        done += static_cast<std::size_t>(put);
    }
    bytes_written_ += static_cast<std::int64_t>(bytes.size());
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void AtomicFile::sync_in_background() {
    if (background_.joinable()) background_.join();
    try {
        background_ = std::thread([this] {
            if (::fdatasync(fd_) != 0) background_error_ = errno;
        });
    } catch (const std::system_error&) {  // no thread to be had: commit() does all
    }
}

void AtomicFile::commit() {
    if (background_.joinable()) background_.join();
    // The kernel tells an error once only.
    if (background_error_ != 0) fail_from_errno(background_error_, "save it to disk", path_.string());
    if (::fsync(fd_) != 0) fail_from_errno(errno, "save it to disk", path_.string());
    commit_unforced();
    sync_folder(folder_of(path_));
}

void AtomicFile::commit_unforced() {
    if (background_.joinable()) background_.join();
    if (::close(std::exchange(fd_, -1)) != 0) fail_from_errno(errno, "save it to disk", path_.string());
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_from_errno(errno, "put it in place", path_.string());
    committed_ = true;
}

void remove_left_over(const std::filesystem::path& path) {
    std::error_code problem;
    for (auto entry = std::filesystem::directory_iterator(folder_of(path), problem); !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem)) {
        const std::string name = entry->path().filename().string();
        std::error_code ignored;
        if (is_temporary_of(name, path)) std::filesystem::remove_all(entry->path(), ignored);
    }
}

void write_text_file(const std::filesystem::path& path, std::string_view text) {
    AtomicFile file(path);
    file.write(text);
    file.commit();
}

void write_text_file_unforced(const std::filesystem::path& path, std::string_view text) {
    AtomicFile file(path);
    file.write(text);
    file.commit_unforced();
}

void sync_file(const std::filesystem::path& path) { sync_path(path, O_RDONLY); }
void sync_folder(const std::filesystem::path& folder) { sync_path(folder, O_RDONLY | O_DIRECTORY); }

void rename_unforced(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) fail_from_errno(errno, "put it in place", to.string());
}

void rename_atomically(const std::filesystem::path& from, const std::filesystem::path& to) {
    sync_folder(folder_of(from));
    rename_unforced(from, to);
    sync_folder(folder_of(to));
}

std::int64_t free_disk_bytes(const std::filesystem::path& path) {
    std::filesystem::path at = std::filesystem::absolute(path);
    while (!at.empty() && !std::filesystem::exists(at) && at != at.parent_path()) at = at.parent_path();
    struct statvfs info{};
    if (::statvfs(at.c_str(), &info) != 0) fail_from_errno(errno, "look at the free space", at.string());
    return static_cast<std::int64_t>(info.f_bavail) * static_cast<std::int64_t>(info.f_frsize);
}

void require_disk_space(const std::filesystem::path& path, std::int64_t bytes, std::string_view what) {
    const std::int64_t free = free_disk_bytes(path);
    if (free < bytes) {
        fail(ErrorCode::resource_limit, fmt::format("{}: {} needs about {} of disk, {} are free.", path.string(), what, format_bytes(bytes), format_bytes(free)),
             "Free some space, or write to another disk.");
    }
}

}  // namespace morula
