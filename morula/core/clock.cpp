#include "morula/core/clock.hpp"

#include <fmt/chrono.h>

#include <chrono>

namespace morula {

std::string utc_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()))); }

}  // namespace morula
