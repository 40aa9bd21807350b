#include "morula/atlas/writer_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "morula/core/error.hpp"

namespace morula::atlas {
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

}  // namespace

WriterLock::WriterLock(const std::filesystem::path& atlas) {
    const auto path = atlas / "LOCK";
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) fail_from_errno(errno, "write to the atlas", path.string());
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        const int error_number = errno;
        const std::string holder = holder_of(fd_);
        ::close(std::exchange(fd_, -1));
        if (error_number != EWOULDBLOCK) fail_from_errno(error_number, "lock the atlas", path.string());
        fail(ErrorCode::resource_limit, fmt::format("{}: is being written to by {}.", atlas.string(), holder), "Wait until it is done, or write to another atlas.");
    }
    const std::string text = fmt::format("process {} on {}\n", ::getpid(), host_name());
    // The text only helps others to find us; the lock holds without it.
    if (::ftruncate(fd_, 0) == 0) [[maybe_unused]] const ssize_t put = ::pwrite(fd_, text.data(), text.size(), 0);
}

WriterLock::~WriterLock() {
    if (fd_ >= 0) ::close(fd_);
}

WriterLock::WriterLock(WriterLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

}  // namespace morula::atlas
