// A folder of results as the verbs that write it in place see it: whose it is, and which of what they read lies in it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace morula::commands {

/// The verb whose results lie in the folder, by its run.json or, where a run has not ended, by the state that it kept; "": none that is known.
std::string verb_of_results(const std::filesystem::path& folder);

/// Throws usage where the results of another verb lie in the folder: tables of the two would stand side by side, with the page and the record of one of them. Touches no file.
void refuse_results_of_others(const std::filesystem::path& folder, std::string_view verb);

/// Paths below the folder where a file lies, by its own name and, where it is a link, by that of what it leads to; none where it lies elsewhere.
std::vector<std::filesystem::path> paths_below(const std::filesystem::path& folder, const std::filesystem::path& file);

}  // namespace morula::commands
