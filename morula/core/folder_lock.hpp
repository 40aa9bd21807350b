// The lock that makes one process at a time the writer of a folder. The system frees it when the process ends, however it ends.
#pragma once

#include <filesystem>
#include <string>

namespace morula {

/// Holds FOLDER/LOCK, which says who holds it and goes away with the lock; what a killed process left of it locks nothing.
class FolderLock {
public:
    /// Throws resource_limit, naming the process that holds it, with `next` as what to do; permission where the folder cannot be written to.
    FolderLock(const std::filesystem::path& folder, std::string next);
    ~FolderLock();
    FolderLock(FolderLock&& other) noexcept;
    FolderLock& operator=(FolderLock&&) = delete;

private:
    std::filesystem::path path_;
    int fd_ = -1;
};

}  // namespace morula
