// The text of a scenario, made safe to parse.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace morula::commands::scenario_detail {

/// The scenario in ASCII, line by line the same: toml++ 3.3 is undefined on some letters beyond it wherever they stand in a malformed line. In texts they become escapes and in
/// comments question marks; elsewhere they are refused, and with them texts of several lines, inside of which a line does not tell where it is.
/// Throws invalid_data with file and line.
std::string ascii_form(std::string_view text, const std::filesystem::path& path);

/// What stands between double quotes for a text of any letters: quotes, backslashes and control characters are escaped.
std::string between_quotes(std::string_view text);

}  // namespace morula::commands::scenario_detail
