// Tables that people write by hand: the sheet of samples and the table of marker genes. Samples and genes with names, or an Error with line and column.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "fuzz/expect.hpp"
#include "fuzz/memory_file.hpp"
#include "morula/commands/input.hpp"
#include "morula/core/context.hpp"
#include "morula/knowledge/marker_table.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static morula::Context context({.threads = 1, .memory_bytes = 200'000'000});
    const morula::fuzz::MemoryFile file(data, size);
    morula::fuzz::expect_value_or_error([&] {
        const auto samples = morula::commands::read_sample_sheet(file.path(), context);
        if (samples.empty()) __builtin_trap();
        for (const auto& sample : samples) {
            if (sample.name.empty() || sample.path.empty()) __builtin_trap();
        }
    });
    morula::fuzz::expect_value_or_error([&] {
        const auto table = morula::knowledge::read_marker_table(file.path(), context);
        if (table.types.empty()) __builtin_trap();
        for (const auto& type : table.types) {
            if (type.name.empty() || type.genes.empty()) __builtin_trap();
            if (!type.parent.empty() && std::none_of(table.types.begin(), table.types.end(), [&](const auto& other) { return other.name == type.parent && other.parent.empty(); })) __builtin_trap();
            for (const auto& gene : type.genes) {
                if (gene.symbol.empty() || !std::isfinite(gene.weight) || gene.weight <= 0.0) __builtin_trap();
            }
        }
    });
    return 0;
}
