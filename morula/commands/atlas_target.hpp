// Data sets written to an atlas that is made when it is not there.
#pragma once

#include <filesystem>
#include <functional>

#include "morula/atlas/atlas.hpp"

namespace morula::commands {

/// Opens the atlas, or makes it, locks it, and lets `write` add to it. When that fails, nothing is left of an atlas that was not there before and holds nothing.
void write_into_atlas(const std::filesystem::path& path, const std::function<void(atlas::Atlas&)>& write);

}  // namespace morula::commands
