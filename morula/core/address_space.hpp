// What the process may still map, where that is limited: `ulimit -v`, the h_vmem of a batch job.
#pragma once

#include <cstdint>
#include <optional>

namespace morula {

/// Bytes of address space that are left below RLIMIT_AS; none where it is not limited.
std::optional<std::int64_t> address_space_left();

}  // namespace morula
