// The time of day, as text.
#pragma once

#include <string>

namespace morula {

/// Now, in UTC, as ISO 8601 to the second: "2026-11-30T09:15:02Z".
std::string utc_now();

}  // namespace morula
