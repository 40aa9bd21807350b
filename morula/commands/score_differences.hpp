// Programmes and ligand-receptor pairs that differ between the conditions of a run, kept as slots beside those of `differences`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "morula/commands/communicate.hpp"
#include "morula/commands/programmes.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {

/// The user's tables, read; the hash of their files says whether kept results still answer for them.
struct DifferencesTables {
    std::optional<ProgrammeTable> sets;
    std::string sets_hash;
    std::optional<ProgrammeTable> regulons;
    std::string regulons_hash;
    std::optional<PairTable> pairs;
    std::string pairs_hash;  // of pairs and parts
};
/// Files of gene sets (GMT), of regulons, of pairs, and of what their complexes are made of; "" and none where not given.
DifferencesTables read_differences_tables(const std::string& gene_sets, const std::string& regulons, const std::string& interactions, const std::vector<std::string>& parts, Context& context);

/// counts, the choice's columns -> uns NAME (programme_differences, regulon_differences): table, refused, context, and an entry a programme and type: what, where (places in names, places), value_case, value_control, effect, low,
/// high, p, fdr, is_exploratory, status.
data::Dataset programme_differences_slots(const data::Dataset& in, std::string_view name, const DifferencesChoice& choice, const ProgrammeTable& table, Context& context);
/// The same of pairs and pairs of types -> uns communication_differences.
data::Dataset communication_differences_slots(const data::Dataset& in, const DifferencesChoice& choice, const PairTable& table, Context& context);

}  // namespace morula::commands
