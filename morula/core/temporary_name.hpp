// Names of what is written beside its place before it is whole: one pattern, so that what a killed program left is known again.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace morula {

/// ".NAME.UNIQUE.tmp" in the folder of `path`, whose last part is NAME.
std::filesystem::path temporary_beside(const std::filesystem::path& path, std::string_view unique);
/// Whether `name`, without folders, is a temporary name for `path`.
bool is_temporary_of(std::string_view name, const std::filesystem::path& path);

}  // namespace morula
