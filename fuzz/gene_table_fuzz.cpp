// Genes by all their names, as tables of several publishers or a GTF: every name that is told belongs to a gene of the table, and what is written reads back.
#include <cstddef>
#include <cstdint>

#include "fuzz/expect.hpp"
#include "fuzz/memory_file.hpp"
#include "morula/core/context.hpp"
#include "morula/knowledge/gene_table.hpp"

using morula::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static morula::Context context({.threads = 1, .memory_bytes = 200'000'000});
    const morula::fuzz::MemoryFile file(data, size);
    morula::fuzz::expect_value_or_error([&] {
        const auto table = morula::knowledge::read_gene_table(file.path(), context);
        const auto n = static_cast<std::int64_t>(table.genes().size());
        require(n > 0 && table.n_ambiguous() >= 0);
        for (const auto& gene : table.genes()) {
            require(!gene.symbol.empty());
            for (const auto* names : {&gene.ids, &gene.other_ids, &gene.previous, &gene.aliases}) {
                for (const auto& name : *names) {
                    require(!name.empty());
                    const auto match = table.find(name);
                    require(match.gene == morula::knowledge::kAmbiguous || (match.gene >= 0 && match.gene < n));
                }
            }
        }
    });
    return 0;
}
