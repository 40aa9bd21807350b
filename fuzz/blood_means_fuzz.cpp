// A table of mean expression: any bytes give profiles of one length with finite rates, or invalid_data.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "morula/analysis/cell_profiles.hpp"
#include "morula/core/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const auto profiles = morula::analysis::profiles_from_means({reinterpret_cast<const char*>(data), size});
        for (const auto& rates : profiles.types) {
            if (rates.size() != profiles.gene_symbols.size()) __builtin_trap();
            for (const double rate : rates) {
                if (!std::isfinite(rate) || rate < 0.0) __builtin_trap();
            }
        }
    } catch (const morula::Error& error) {
        if (error.code() != morula::ErrorCode::invalid_data) __builtin_trap();
    }
    return 0;
}
