// A look at a file by another process, so that a crash of the library on damaged data stays there.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"

namespace morula::formats {

/// A child process that looks at a file while the caller does something else. wait() must return before the caller reads the file itself.
class FileCheck {
public:
    /// Starts `look` in the child, without threads. Throws resource_limit where no process can be had.
    FileCheck(std::filesystem::path path, int seconds, const std::function<void(Context&)>& look);
    /// Ends a child that nobody waited for.
    ~FileCheck();
    FileCheck(const FileCheck&) = delete;
    FileCheck& operator=(const FileCheck&) = delete;

    /// Ordinary errors of the look are left to the caller's own reading; where the child crashed or took longer than seconds from its start, throws invalid_data that names the path.
    /// Throws cancelled when the Context is.
    void wait(Context& context);

private:
    std::filesystem::path path_;
    int seconds_;
    pid_t child_ = -1;  // -1: ended
};

/// Both at once.
void check_in_child(const std::filesystem::path& path, int seconds, const std::function<void(Context&)>& look, Context& context);

/// A file that a child reads from now on, as its owner will.
class CheckedFile {
public:
    using Reader = data::Dataset (*)(const std::filesystem::path& path, Context& context);  // read_h5ad, read_tenx_h5
    CheckedFile(const std::filesystem::path& path, Reader reader);
    /// Waits for the child, then reads.
    data::Dataset read(Context& context);

private:
    std::filesystem::path path_;
    Reader reader_;
    FileCheck check_;
};

}  // namespace morula::formats
