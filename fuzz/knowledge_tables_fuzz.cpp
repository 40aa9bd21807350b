// Tables of knowledge that users bring: gene sets (GMT), ligand-receptor pairs with the parts of complexes and cofactors, regulons, rules of cell behaviour.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "fuzz/expect.hpp"
#include "fuzz/memory_file.hpp"
#include "morula/core/context.hpp"
#include "morula/knowledge/behavior_rules.hpp"
#include "morula/knowledge/gmt.hpp"
#include "morula/knowledge/ligand_receptor.hpp"
#include "morula/knowledge/regulons.hpp"

using morula::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static morula::Context context({.threads = 1, .memory_bytes = 200'000'000});
    const morula::fuzz::MemoryFile file(data, size);
    morula::fuzz::expect_value_or_error([&] {
        const auto sets = morula::knowledge::read_gmt(file.path(), context);
        require(!sets.empty());
        for (const auto& set : sets) require(!set.name.empty() && !set.genes.empty() && set.line > 0);
    });
    morula::fuzz::expect_value_or_error([&] {
        const auto regulons = morula::knowledge::read_regulons(file.path(), {}, context);
        require(!regulons.empty());
        for (const auto& regulon : regulons) {
            require(!regulon.source.empty() && !regulon.targets.empty());
            for (const auto& target : regulon.targets) require(!target.gene.empty() && std::isfinite(target.weight) && target.weight != 0.0);
        }
    });
    morula::fuzz::expect_value_or_error([&] {
        const auto rules = morula::knowledge::read_behavior_rules(file.path(), context);
        require(!rules.empty());
        for (const auto& rule : rules) {
            require(!rule.cell_type.empty() && !rule.signal.empty() && !rule.behavior.empty() && rule.line > 0);
            require(std::isfinite(rule.saturation) && std::isfinite(rule.half_max) && std::isfinite(rule.hill_power) && rule.half_max > 0.0 && rule.hill_power > 0.0);
        }
    });
    // The same bytes as pairs and as the table that takes names apart.
    morula::knowledge::NameParts parts;
    morula::fuzz::expect_value_or_error([&] {
        parts = morula::knowledge::read_name_parts(std::array{file.path()}, context);
        for (const auto& [name, names] : parts) require(!name.empty() && !names.empty());
    });
    morula::fuzz::expect_value_or_error([&] {
        const auto table = morula::knowledge::read_ligand_receptor(file.path(), parts, context);
        require(!table.interactions.empty());
        for (const auto& pair : table.interactions) require(!pair.name.empty() && !pair.ligand_genes.empty() && !pair.receptor_genes.empty());
    });
    return 0;
}
