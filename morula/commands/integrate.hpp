// One space for cells of several batches: joined data sets, variable genes in each batch, joint components, batches mixed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morula/analysis/harmony.hpp"
#include "morula/analysis/hvg.hpp"
#include "morula/analysis/pca.hpp"
#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"
#include "morula/knowledge/gene_table.hpp"

namespace morula::commands {

enum class WhenMixed { leave, mix };

/// Share of neighbourhoods that a test of random batches accepts from which batches count as mixed; .95 is expected of random ones.
inline constexpr double kMixedAcceptance = 0.9;

struct IntegrationRecipe {
    analysis::HvgOptions hvg;
    analysis::PcaOptions pca;
    analysis::HarmonyOptions harmony;
    std::int32_t n_dims = 30;  // leading components that are mixed, as in recipe morula-1
    WhenMixed when_mixed = WhenMixed::leave;
};

struct IntegrationOutcome {
    std::int32_t n_batches = 0;
    std::int64_t n_variable_genes = 0;
    double acceptance_before = 0.0;  // batch_acceptance() in the leading components, all cells; NaN under 10 cells
    double acceptance_after = 0.0;
    double ilisi_before = 0.0;       // medians
    double ilisi_after = 0.0;
    double ilisi_expected = 0.0;     // with no structure at all
    bool moved = false;              // false: batches were mixed already, and X_integrated is the leading components
};

/// Data sets with layers["counts"] below one another on the union of their genes; by ids, or by symbols where the first and another share more of those (that one then takes the first's ids).
/// Cells become INPUT_CELL; obs sample is the input, or stays what it was where every input has that column, and the input is obs input then (where some have it, it is kept as own_sample). obs `batch` stays where an input has it;
/// else it is the input's name. table: other names of genes (see shared_genes); may know none. Values of `batch` that several inputs have are taken for one batch, with a warning.
/// Throws invalid_data: fewer than 200 genes in common with the first (see shared_genes), the same cells twice.
data::Dataset join_for_integration(std::vector<data::Dataset> parts, const std::string& batch, const knowledge::GeneTable& table, Context& context);

/// Throws invalid_data, with the table, where every condition is one batch: mixing would remove what is looked for. Where each batch has one condition but conditions have several,
/// it warns. condition "": the column condition, where there is one.
void refuse_batches_that_are_conditions(const data::Dataset& dataset, const std::string& batch, const std::string& condition, Context& context);

/// counts -> layer X (log values), var highly_variable, obsm X_pca and X_integrated, varm PCs, uns integration (what was done, mixing before and after). Counts stay as they are.
/// X_integrated and all measures are of the leading n_dims components. No cell is left out. Where a test accepts kMixedAcceptance of the neighbourhoods there as draws of random batches, nothing is moved unless the recipe says so: noise between batches
/// would be taken for their difference. Throws not_found, invalid_data: no such column, cells without a batch, one batch.
IntegrationOutcome integrate(data::Dataset& dataset, const std::string& batch, const IntegrationRecipe& recipe, Context& context);

}  // namespace morula::commands
