// Tables that are built into the program, made from tables/ by the build.
#pragma once

#include <string_view>

namespace morula::knowledge {

extern const std::string_view kHumanMarkers;  // tables/human_markers.tsv
extern const std::string_view kHumanMarkersSha256;

}  // namespace morula::knowledge
