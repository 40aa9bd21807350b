// Known ligand-receptor pairs whose genes are expressed by pairs of cell types, and how specific that is to the types.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/analysis/abundance.hpp"
#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/compact_columns.hpp"

namespace morula::analysis {

struct CommunicationOptions {
    std::int32_t permutations = 1000;
    double min_fraction = 0.1;
    std::int64_t min_cells = 10;
    std::uint64_t seed = 0;
};

constexpr auto describe(const CommunicationOptions*) {
    using O = CommunicationOptions;
    return std::tuple{
        field("permutations", &O::permutations, "Permutations of the cells' types behind each p.", {.minimum = 1.0, .maximum = 1e6}),
        field("min_fraction", &O::min_fraction, "Share of a type's cells that must express every gene of a partner.", {.minimum = 0.0, .maximum = 1.0}),
        field("min_cells", &O::min_cells, "A type with fewer cells takes no part; nor does a donor's type in a comparison of conditions.", {.minimum = 1.0}),
        field("seed", &O::seed, "Seed of the permutations."),
    };
}

/// A pair as columns of the genes at hand. Ligand and receptor need all of theirs; cofactors act one by one.
struct PairGenes {
    std::vector<std::int64_t> ligand;
    std::vector<std::int64_t> receptor;
    std::vector<std::int64_t> agonists{};
    std::vector<std::int64_t> antagonists{};
    std::vector<std::int64_t> co_activators{};
    std::vector<std::int64_t> co_inhibitors{};
};

/// Expression of genes by groups of cells.
struct GroupExpression {
    matrix::Dense<double> mean;          // n_genes x n_groups, of log values; NaN for a group without cells
    matrix::Dense<double> fraction;      // of the group's cells with a value above 0
    std::vector<std::int64_t> n_cells;
};

/// The given columns of log values (increasing) held gene by gene. Asks the memory budget first, as if entries were spread evenly over genes, twice over.
matrix::CompactColumns expression_columns(const matrix::Matrix& log_values, const std::vector<std::int64_t>& columns, Context& context);

/// group_of_cell: n_cells codes in [0, n_groups), -1 for cells that take no part. Sums run over the cells in their order, one task a gene: the same bits however rows were read.
GroupExpression group_expression(const matrix::CompactColumns& genes, std::span<const std::int32_t> group_of_cell, std::int32_t n_groups, Context& context);

/// Ligand and receptor expressed by a sender and a receiver type.
struct CoExpression {
    std::int32_t pair = 0;
    std::int32_t sender = 0;    // type that expresses the ligand
    std::int32_t receiver = 0;  // type that expresses the receptor
    double ligand_mean = 0.0;   // the least of the parts' means
    double receptor_mean = 0.0;
    double ligand_fraction = 0.0;
    double receptor_fraction = 0.0;
    double score = 0.0;         // (ligand_mean + receptor_mean) / 2
    double cofactors = 1.0;     // by how much CellChat's formulas would scale the pair; NaN: none is known
    double p = 1.0;
    double fdr = 1.0;
};

struct CommunicationResult {
    std::vector<CoExpression> found;           // sorted by pair, sender, receiver
    std::vector<std::uint8_t> type_is_used;    // n_types: min_cells and more
    std::int64_t n_looked_at = 0;              // pairs x used senders x used receivers
};

/// score of one pair in one pair of types: CellPhoneDB's (Efremova et al. 2020): the mean of the ligand's mean in the sender and the receptor's in the receiver, a complex having the
/// least of its parts' means; 0 where either is 0.
double pair_score(const GroupExpression& expression, const PairGenes& pair, std::int64_t sender, std::int64_t receiver);

/// Product of CellChat's terms (Jin et al. 2021, with K = 0.5 and n = 1): each co-activating receptor 1 + x and each co-inhibiting one 1 / (1 + x), x its mean in the receiver; each agonist
/// 1 + x / (K + x) and each antagonist K / (K + x), in the sender and in the receiver. NaN for a pair without cofactors.
double cofactor_factor(const GroupExpression& expression, const PairGenes& pair, std::int64_t sender, std::int64_t receiver);

/// Pairs of types in which at least min_fraction of the cells express every part of ligand and receptor, with p = (1 + permutations whose score is at least this one) /
/// (1 + permutations): the cells' types are shuffled among the cells that take part, all genes and pairs together. So p asks whether the score is higher than in two random
/// groups of cells of these sizes: whether the pair is **specific to the types**, not whether any signal passes. fdr: Benjamini & Hochberg over what is found.
/// types: n_cells codes, -1: takes no part. Permutations are group sums, not passes over the cells: each value is added for 128 permutations at once to the sums of its gene.
/// Cost: entries of the genes needed x permutations additions; memory 128 bytes a cell (256 with more than 256 types), and 1 kB x genes x types.
CommunicationResult communication(const matrix::CompactColumns& genes, std::span<const PairGenes> pairs, std::span<const std::int32_t> types, std::int32_t n_types, const CommunicationOptions& options,
                                  Context& context);

/// A pair in two types, compared between conditions.
struct CommunicationContrast {
    std::int32_t pair = 0;
    std::int32_t sender = 0;
    std::int32_t receiver = 0;
    double score_case = 0.0;     // mean over donors
    double score_control = 0.0;
    std::int64_t n_case = 0;     // donors
    std::int64_t n_control = 0;
    LogRatioTest test{};         // of the scores; p is Student's
    double fdr = 0.0;            // NaN where exploratory
    bool is_exploratory = false;
    std::string status;
};

/// expression: of n_units x n_types groups (unit * n_types + type). Each donor's score is computed from its own cells; a donor with fewer than min_cells of either type has none. Compared are
/// pairs that pass min_fraction in half of the donors of a condition, or more. The plan's donors are the replicates: Welch's t, or the paired t. Benjamini & Hochberg over all tests
/// that are not exploratory (three donors a condition, or three pairs).
/// Exact permutations of so few donors could not survive so many tests, so p rests on scores being near normal: means over cells are.
std::vector<CommunicationContrast> compare_communication(const GroupExpression& expression, std::span<const PairGenes> pairs, std::int32_t n_types, const AbundancePlan& plan, const CommunicationOptions& options,
                                                         Context& context);

}  // namespace morula::analysis
