#include "morula/core/direct_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "morula/core/error.hpp"

namespace morula {
namespace {

constexpr std::size_t kBlock = 4096;                     // what disks ask for, in memory and in the file
constexpr std::size_t kBufferBytes = std::size_t{4} << 20;

}  // namespace

void DirectWriter::Free::operator()(std::byte* bytes) const { std::free(bytes); }

DirectWriter::DirectWriter(std::filesystem::path path, std::int64_t offset)
    : path_(std::move(path)), buffer_(static_cast<std::byte*>(std::aligned_alloc(kBlock, kBufferBytes))), begin_(static_cast<std::size_t>(offset) % kBlock), end_(begin_),
      block_at_(offset - static_cast<std::int64_t>(begin_)) {
    if (!buffer_) throw std::bad_alloc();
    plain_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (plain_ < 0) fail_from_errno(errno, "write it", path_.string());
    direct_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_DIRECT);
}

DirectWriter::~DirectWriter() {
    if (plain_ >= 0) ::close(plain_);
    if (direct_ >= 0) ::close(direct_);
}

void DirectWriter::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const std::size_t n = std::min(bytes.size(), kBufferBytes - end_);
        std::memcpy(buffer_.get() + end_, bytes.data(), n);
        end_ += n;
        bytes = bytes.subspan(n);
        if (end_ == kBufferBytes) write_buffer();
    }
}

void DirectWriter::finish() { write_buffer(); }

void DirectWriter::write_buffer() {
    const std::span<const std::byte> waiting(buffer_.get(), end_);
    const std::size_t first_whole = std::min(end_, (begin_ + kBlock - 1) / kBlock * kBlock);
    const std::size_t last_whole = std::max(first_whole, end_ / kBlock * kBlock);
    const auto put_part = [&](int fd, std::size_t from, std::size_t to) {
        if (from < to) put(fd, waiting.subspan(from, to - from), block_at_ + static_cast<std::int64_t>(from));
    };
    put_part(plain_, begin_, first_whole);
    put_part(direct_ >= 0 ? direct_ : plain_, first_whole, last_whole);
    put_part(plain_, last_whole, end_);
    block_at_ += static_cast<std::int64_t>(end_ / kBlock * kBlock);
    begin_ = end_ = end_ % kBlock;
}

void DirectWriter::put(int fd, std::span<const std::byte> bytes, std::int64_t at) {
    while (!bytes.empty()) {
        const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), at);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && errno == EINVAL && fd == direct_) {  // other blocks than ours, or a rest that is none
            ::close(std::exchange(direct_, -1));
            fd = plain_;
            continue;
        }
        if (put < 0) fail_from_errno(errno, "write it", path_.string());
        bytes = bytes.subspan(static_cast<std::size_t>(put));
        at += put;
    }
}

}  // namespace morula
