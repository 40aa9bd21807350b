// Expression states from a data set: its cells in an embedding, in metacells by type, and genes read off that embedding.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"
#include "morula/simulation/expression_kernel.hpp"
#include "morula/simulation/signalling.hpp"

namespace morula::commands {

/// Cells by what an obs column says of them.
struct CellChoice {
    std::string column{};  // "": all
    std::vector<std::string> labels{};
};

struct MeasuredStatesOptions {
    std::string embedding = "X_pca";
    std::string cell_type = "cell_type";  // obs column
    std::string height{};                   // obs column with a pseudotime; "": none
    std::vector<std::vector<std::string>> labels{};  // one a type of the scenario: what the column calls it; empty: it has no states
    CellChoice only{};   // cells that states are taken from
    CellChoice start{};  // cells that agents start as
    std::int64_t n_dims = simulation::kMostLatentDims;  // the leading ones
    std::int64_t cells_a_metacell = 30;
};

struct MeasuredStates {
    simulation::MeasuredCells cells;
    std::vector<std::int64_t> row;  // of each cell in the data set
    std::vector<std::vector<std::int64_t>> start{};  // one a type: those of its cells, by their number within it, that agents start as; empty: all
    std::int64_t n_dims_left_out = 0;
};

/// Metacells are k-means clusters of the cells of one type, about cells_a_metacell each (at least one a type), with seed 0.
/// Throws not_found for an embedding or column that is not there (with the nearest), a label that no cell has, or a type without cells among those that are chosen; invalid_data for a height that is no number.
MeasuredStates measured_states(const data::Dataset& dataset, const MeasuredStatesOptions& options, Context& context);

/// Linear functions of the embedding that fit the log values of genes best (least squares over the cells of `states`, one intercept a gene). Of a PCA's own genes these are its loadings
/// and means. genes: columns of var and how they are to be called. Throws what require_log_values throws, and invalid_data for an X of whole numbers alone
/// (counts), of values above analysis::kLargestLogValue (no logarithm), or of what is no number, with the cell and the gene.
simulation::Decoder fit_decoder(const data::Dataset& dataset, const MeasuredStates& states, const std::vector<std::int64_t>& columns, std::vector<std::string> names, Context& context);

}  // namespace morula::commands
