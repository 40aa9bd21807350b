// How a file or folder is known again without reading it: name, size, change time and inode.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "morula/atlas/manifest.hpp"

namespace morula::atlas {

/// Of a file, or of all files below a folder; `how` stays empty. nullopt when it is not there or cannot be looked at.
std::optional<SourceRecord> look_at_source(const std::filesystem::path& source);

}  // namespace morula::atlas
