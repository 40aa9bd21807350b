// Scenarios of the tissue simulator: a scenario whose rates all have a unit, a source and a finite value, or an Error with file and line.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "fuzz/expect.hpp"
#include "fuzz/memory_file.hpp"
#include "morula/commands/scenario.hpp"
#include "morula/core/context.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static morula::Context context({.threads = 1, .memory_bytes = 200'000'000});
    const morula::fuzz::MemoryFile file(data, size);
    morula::fuzz::expect_value_or_error([&] {
        const auto scenario = morula::commands::read_scenario(file.path(), context);
        if (scenario.title.empty() || !(scenario.until_min > 0.0) || !(scenario.every_min > 0.0)) __builtin_trap();
        for (const auto& rate : scenario.rates) {
            if (rate.name.empty() || rate.unit.empty() || !std::isfinite(rate.value)) __builtin_trap();
        }
    });
    return 0;
}
