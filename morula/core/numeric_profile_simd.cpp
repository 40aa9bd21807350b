#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <hwy/highway.h>
#include <hwy/targets.h>

#include "morula/core/numeric_profile.hpp"

namespace morula {

NumericProfile core_numeric_profile() {
    // The best target this processor supports is the one that dispatch takes: the lowest set bit.
    const auto targets = hwy::SupportedTargets();
    const auto best = targets & (~targets + 1);
    return {hwy::TargetName(best), "", fmt::format("glibc {}", gnu_get_libc_version())};
}

}  // namespace morula
