// Where tests write: memory where the system offers it, since a run forces many small files to disk.
#pragma once

#include <unistd.h>

#include <filesystem>

namespace morula::test {

inline std::filesystem::path scratch_folder() {
    const std::filesystem::path memory = "/dev/shm";
    return ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
}

}  // namespace morula::test
