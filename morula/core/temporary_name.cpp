#include "morula/core/temporary_name.hpp"

#include <fmt/format.h>

namespace morula {
namespace {

constexpr std::string_view kSuffix = ".tmp";

std::string prefix(const std::filesystem::path& path) { return fmt::format(".{}.", path.filename().string()); }

}  // namespace

std::filesystem::path temporary_beside(const std::filesystem::path& path, std::string_view unique) {
    const auto folder = path.parent_path();
    return (folder.empty() ? std::filesystem::path(".") : folder) / fmt::format("{}{}{}", prefix(path), unique, kSuffix);
}

bool is_temporary_of(std::string_view name, const std::filesystem::path& path) { return name.starts_with(prefix(path)) && name.ends_with(kSuffix); }

}  // namespace morula
