// Grade 2 of state dynamics, experimental: what a change of some genes does to others, by ridge regressions that a table of regulators limits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"
#include "morula/simulation/expression_kernel.hpp"

namespace morula::simulation {

struct RidgeOptions {
    double penalty = 10.0;    // on squared coefficients of regulators scaled to a standard deviation of 1, beside the sum of squares over cells; above 0
    std::int32_t rounds = 3;  // how many steps along the table a change is carried
};

/// Coefficients of every gene on its regulators. They come from cells measured once: they tell what goes together, and neither what acts on what nor how fast. A regression on a snapshot cannot
/// tell a regulator from its target, nor either from what both have in common; where the table is wrong about that, so is every number here.
struct RegulatorWeights {
    std::int64_t n_genes = 0;
    std::vector<std::vector<std::int32_t>> regulators;  // one a gene, ascending
    std::vector<std::vector<double>> weights;           // change of the gene for a change of 1 of that regulator
    std::vector<double> explained;                      // share of the gene's variance, 0 where it has no regulators or does not vary
};

/// Ridge regression (Hoerl & Kennard 1970) of each gene on the genes that may regulate it, after CellOracle (Kamimoto et al. 2023, doi 10.1038/s41586-022-05688-9), which fits bagged ridges on
/// smoothed counts; here one ridge on whatever levels are given. values: n_cells x n_genes. regulators: one list a gene; the gene itself and repeats are left out.
/// Throws invalid_data for levels that are no numbers, fewer than 3 cells, a regulator that is no gene, and a penalty or rounds out of range. The same bits for any number of threads.
RegulatorWeights fit_regulators(matrix::DenseView<const float> values, const std::vector<std::vector<std::int32_t>>& regulators, const RidgeOptions& options, Context& context);

/// Carries a change along the table: in each round every gene changes by its weights times the changes of its regulators in the round before; genes in `held` keep theirs.
/// change: n_genes, 0 where nothing was done; held: the genes that something was done to.
std::vector<double> carried_change(const RegulatorWeights& weights, std::vector<double> change, std::span<const std::int32_t> held, std::int32_t rounds);

/// The regressions of a scenario, and what they are read off and act on.
struct Regulation {
    std::vector<std::string> genes;
    std::vector<RegulatorWeights> of_type;  // one a type; of a type without states nothing
    matrix::Dense<float> levels;            // n_metacells x n_genes
    double strength = 1.0;                  // 1: a cloud of states that is normal moves its mean by the change
    std::int32_t rounds = 3;
};

/// A gene that is multiplied by a factor in all cells of a type.
struct GeneFactor {
    std::int32_t type = 0;
    std::int32_t gene = 0;  // number in Regulation::genes
    double factor = 0.0;

    bool operator==(const GeneFactor&) const = default;
};

/// What is added to the tilt of each metacell while these factors act. A type's genes change by (factor - 1) times their mean over its measured cells, the change is carried along the table, and
/// metacells are tilted by strength change' C^-1 (levels - mean), C the covariance of the levels of the type's metacells (with a thousandth of its mean diagonal added): the exponential tilt that moves the mean of a
/// normal cloud by the change. Cells stay among measured states, so that a change beyond these is cut short.
std::vector<float> shift_of_states(const Regulation& regulation, const ExpressionKernel& kernel, std::span<const GeneFactor> factors);

}  // namespace morula::simulation
