// A look at a file by another process, so that a crash of the library on damaged data stays there.
#pragma once

#include <filesystem>
#include <functional>

#include "morula/core/context.hpp"

namespace morula::formats {

/// Runs `look` in a child process, without threads. Its ordinary errors are left to the caller's own reading; when the child crashes or takes longer
/// than seconds, throws invalid_data that names `path`. Throws cancelled when the Context is.
void check_in_child(const std::filesystem::path& path, int seconds, const std::function<void(Context&)>& look, Context& context);

}  // namespace morula::formats
