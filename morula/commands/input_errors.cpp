#include "morula/commands/input_errors.hpp"

#include <algorithm>
#include <array>

namespace morula::commands {

Error naming_input(const Error& error, const std::string& path, const std::string& name) {
    constexpr std::array kAboutCells{ErrorCode::invalid_data, ErrorCode::not_found, ErrorCode::unsupported};
    const bool about_cells = std::find(kAboutCells.begin(), kAboutCells.end(), error.code()) != kAboutCells.end();
    if (!about_cells || path.empty() || error.message().find(path) != std::string::npos) return error;
    const bool names_dataset = !name.empty() && error.message().starts_with(name + ": ");
    return {error.code(), path + (names_dataset ? error.message().substr(name.size()) : ": " + error.message()), error.next()};
}

}  // namespace morula::commands
