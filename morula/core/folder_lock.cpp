#include "morula/core/folder_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "morula/core/error.hpp"

namespace morula {
namespace {

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

/// What the holder wrote: "process 4711 on host".
std::string holder_of(int fd) {
    std::array<char, 512> text{};
    const ssize_t size = ::pread(fd, text.data(), text.size() - 1, 0);
    std::string holder(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!holder.empty() && holder.back() == '\n') holder.pop_back();
    return holder.empty() ? "another process" : holder;
}

/// Whether the file is still the one of that name: its last holder may have taken it away after we opened it.
bool has_name(int fd) {
    struct stat found {};
    return ::fstat(fd, &found) == 0 && found.st_nlink > 0;
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder, std::string next) : path_(folder / "LOCK") {
    do {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
        fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (fd_ < 0) fail_from_errno(errno, "write it", path_.string());
        if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) continue;
        const int error_number = errno;
        const std::string holder = holder_of(fd_);
        ::close(std::exchange(fd_, -1));
        if (error_number != EWOULDBLOCK) fail_from_errno(error_number, "lock it", path_.string());
        fail(ErrorCode::resource_limit, fmt::format("{}: is being written to by {}.", folder.string(), holder), std::move(next));
    } while (!has_name(fd_));
    const std::string text = fmt::format("process {} on {}\n", ::getpid(), host_name());
    // The text only helps others to find us; the lock holds without it.
    if (::ftruncate(fd_, 0) == 0) [[maybe_unused]] const ssize_t put = ::pwrite(fd_, text.data(), text.size(), 0);
}

FolderLock::~FolderLock() {
    if (fd_ < 0) return;
    ::unlink(path_.c_str());  // while nobody else can hold it
    ::close(fd_);
}

FolderLock::FolderLock(FolderLock&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

}  // namespace morula
