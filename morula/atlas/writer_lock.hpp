// The lock that makes one process at a time the writer of an atlas. The system frees it when the process ends, however it ends.
#pragma once

#include <filesystem>

namespace morula::atlas {

class WriterLock {
public:
    /// Throws resource_limit, naming the process that holds it; permission when the atlas cannot be written to.
    explicit WriterLock(const std::filesystem::path& atlas);
    ~WriterLock();
    WriterLock(WriterLock&& other) noexcept;
    WriterLock& operator=(WriterLock&&) = delete;

private:
    int fd_ = -1;
};

}  // namespace morula::atlas
