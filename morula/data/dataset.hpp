// A data set: cells x genes with everything known about them, named as in AnnData. Matrices are handles; counts are never modified.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "morula/data/table.hpp"
#include "morula/data/uns.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::data {

/// AnnData's .raw: the same cells, possibly more genes.
struct Raw {
    matrix::Matrix x;
    Table var;
};

struct Dataset {
    std::string name;  // how messages call it: the file's name
    Table obs;         // cells
    Table var;         // genes
    std::map<std::string, matrix::Matrix> layers;  // "X" is AnnData's X; n_cells x n_genes each
    std::optional<Raw> raw;
    std::map<std::string, matrix::Dense<float>> obsm;  // n_cells x dims
    std::map<std::string, matrix::Dense<float>> varm;  // n_genes x dims
    std::map<std::string, matrix::Csr> obsp;           // n_cells x n_cells
    UnsMap uns;

    std::int64_t n_cells() const { return obs.n_rows(); }
    std::int64_t n_genes() const { return var.n_rows(); }
};

/// Throws invalid_data when a slot's shape does not fit obs and var.
void check_shapes(const Dataset& dataset);
/// The cells and genes kept, each strictly increasing; obsp and uns are dropped, layers become lazy views.
Dataset select(const Dataset& dataset, const std::vector<std::int64_t>& cells, const std::vector<std::int64_t>& genes);

/// What looking at the first values of a matrix says.
enum class ValueSpace { counts, fractional, negative, not_finite, empty };
struct ValueLook {
    ValueSpace space = ValueSpace::empty;
    double largest = 0.0;
    std::int64_t cells_looked_at = 0;
    std::string example;  // "cell 'AAAC-1', gene 'MALAT1' holds 3.7"
};
/// Looks at whole cells spread over the matrix (at most 2,000) and says what its values are.
ValueLook look_at_values(const matrix::RowBlockSource& matrix, const Table& obs, const Table& var);

struct CountsChoice {
    std::string layer;    // "X", "raw.X" or a layer's name
    std::string reason;   // for the user: "layer 'counts' holds integers; X holds 1.32 (cell ...), so it is not raw counts"
    std::vector<std::string> others;  // other matrices that hold integers too
};
/// Finds the raw counts: `wanted` decides when not empty, but must hold integers of 0 or more; else layers named counts or raw_counts, raw.X, X,
/// other layers, the first that holds counts. Layers of RNA velocity (spliced, unspliced ...) are parts of the counts and only taken when wanted.
/// Throws invalid_data when none does, saying what each holds; not_found when there is no matrix of the wanted name.
CountsChoice choose_counts(const Dataset& dataset, std::string_view wanted);
/// The matrix that belongs to a layer's name ("X", "raw.X", "counts"); throws not_found with the nearest name.
matrix::Matrix find_matrix(const Dataset& dataset, std::string_view layer);
/// The gene table that belongs to a layer's name: raw.var for "raw.X", else var.
const Table& find_genes(const Dataset& dataset, std::string_view layer);

}  // namespace morula::data
