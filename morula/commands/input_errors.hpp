// Errors about the cells of an input name its file.
#pragma once

#include <string>

#include "morula/core/error.hpp"

namespace morula::commands {

/// The error with `path` before its message, in the place of `name` (what the data set of the file is called) where that stands there.
/// As it is when it names the path already, or is about the machine (memory, disk, rights), not about cells.
Error naming_input(const Error& error, const std::string& path, const std::string& name);

/// Does the work; its errors name the input.
template <class Work>
auto with_named_errors(const std::string& path, const std::string& name, Work work) -> decltype(work()) {
    try {
        return work();
    } catch (const Error& error) {
        throw naming_input(error, path, name);
    }
}

}  // namespace morula::commands
