// The page's style sheet and script, embedded at build time from assets/ by cmake/embed.cmake.
#pragma once

#include <string_view>

namespace morula::report {

extern const std::string_view kStyleSheet;
extern const std::string_view kScript;
/// SHA-256 of the texts above in hex: the page's content security policy allows these two and nothing else.
extern const std::string_view kStyleSheetSha256;
extern const std::string_view kScriptSha256;

}  // namespace morula::report
