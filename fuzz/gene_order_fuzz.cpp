// What users bring to `morula cnv`: gene positions, chromosome arms, and the segments of an earlier sample. Places on chromosomes, or an Error with line and column.
#include <cstddef>
#include <cstdint>

#include "fuzz/expect.hpp"
#include "fuzz/memory_file.hpp"
#include "morula/commands/cnv.hpp"
#include "morula/core/context.hpp"
#include "morula/knowledge/gene_order.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static morula::Context context({.threads = 1, .memory_bytes = 200'000'000});
    const morula::fuzz::MemoryFile file(data, size);
    morula::fuzz::expect_value_or_error([&] {
        const auto order = morula::knowledge::read_gene_order(file.path(), context);
        if (order.genes.empty()) __builtin_trap();
        for (const auto& gene : order.genes) {
            if ((gene.symbol.empty() && gene.id.empty()) || gene.chromosome.empty() || gene.start < 0 || gene.end < gene.start) __builtin_trap();
            if (!gene.arm.empty() && gene.arm != gene.chromosome + "p" && gene.arm != gene.chromosome + "q") __builtin_trap();
            static_cast<void>(morula::knowledge::masked_locus(gene.symbol));
        }
    });
    morula::fuzz::expect_value_or_error([&] {
        const auto ends = morula::knowledge::read_short_arm_ends(file.path(), context);
        if (ends.empty()) __builtin_trap();
        for (const auto& [chromosome, end] : ends) {
            if (end < 0) __builtin_trap();
        }
    });
    morula::fuzz::expect_value_or_error([&] {
        for (const auto& span : morula::commands::read_previous(file.path().string(), context)) {
            if (span.start < 0 || span.end < span.start) __builtin_trap();
        }
    });
    return 0;
}
