#include "morula/data/dataset.hpp"

#include <algorithm>

#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"

namespace morula::data {
namespace {

std::string shape_text(std::int64_t rows, std::int64_t cols) { return std::to_string(rows) + " x " + std::to_string(cols); }

void check_slot(const Dataset& dataset, const std::string& slot, std::int64_t rows, std::int64_t cols, std::int64_t expected_rows, std::int64_t expected_cols,
                const std::string& expected) {
    if (rows == expected_rows && cols == expected_cols) return;
    invalid_data(dataset.name + ": " + slot + " is " + shape_text(rows, cols) + ", but " + expected + " make it " + shape_text(expected_rows, expected_cols) + ".",
                 "Write the file again with the program that made it; its parts do not belong together.");
}

matrix::Dense<float> select_dense_rows(const matrix::Dense<float>& from, const std::vector<std::int64_t>& rows) {
    matrix::Dense<float> out(static_cast<std::int64_t>(rows.size()), from.n_cols);
    for (std::size_t r = 0; r < rows.size(); ++r) {
        const std::span<const float> row = from.row(rows[r]);
        std::copy(row.begin(), row.end(), out.row(static_cast<std::int64_t>(r)).begin());
    }
    return out;
}

bool is_raw(std::string_view layer) { return layer == "raw.X" || layer == "raw/X" || layer == "raw"; }

}  // namespace

void check_shapes(const Dataset& dataset) {
    const std::int64_t cells = dataset.n_cells();
    const std::int64_t genes = dataset.n_genes();
    const std::string cells_text = std::to_string(cells) + " cells in obs";
    const std::string genes_text = std::to_string(genes) + " genes in var";
    const std::string both = cells_text + " and " + genes_text;
    for (const auto& entry : dataset.layers) {
        check_slot(dataset, entry.first == "X" ? "X" : "layer '" + entry.first + "'", entry.second->n_rows(), entry.second->n_cols(), cells, genes, both);
    }
    if (dataset.raw) {
        const std::int64_t raw_genes = dataset.raw->var.n_rows();
        check_slot(dataset, "raw.X", dataset.raw->x->n_rows(), dataset.raw->x->n_cols(), cells, raw_genes,
                   cells_text + " and " + std::to_string(raw_genes) + " genes in raw.var");
    }
    for (const auto& entry : dataset.obsm) check_slot(dataset, "obsm '" + entry.first + "'", entry.second.n_rows, entry.second.n_cols, cells, entry.second.n_cols, cells_text);
    for (const auto& entry : dataset.varm) check_slot(dataset, "varm '" + entry.first + "'", entry.second.n_rows, entry.second.n_cols, genes, entry.second.n_cols, genes_text);
    for (const auto& entry : dataset.obsp) check_slot(dataset, "obsp '" + entry.first + "'", entry.second.n_rows, entry.second.n_cols, cells, cells, cells_text);
}

Dataset select(const Dataset& dataset, const std::vector<std::int64_t>& cells, const std::vector<std::int64_t>& genes) {
    Dataset out;
    out.name = dataset.name;
    out.obs = dataset.obs.select(cells);
    out.var = dataset.var.select(genes);
    for (const auto& entry : dataset.layers) out.layers[entry.first] = matrix::select(entry.second, cells, genes);
    // raw keeps its own genes, as in AnnData.
    if (dataset.raw) out.raw = Raw{matrix::select_rows(dataset.raw->x, cells), dataset.raw->var};
    for (const auto& entry : dataset.obsm) out.obsm[entry.first] = select_dense_rows(entry.second, cells);
    for (const auto& entry : dataset.varm) out.varm[entry.first] = select_dense_rows(entry.second, genes);
    return out;
}

matrix::Matrix find_matrix(const Dataset& dataset, std::string_view layer) {
    const auto found = dataset.layers.find(std::string(layer));
    if (found != dataset.layers.end()) return found->second;
    if (is_raw(layer) && dataset.raw) return dataset.raw->x;
    std::vector<std::string> names;
    if (dataset.raw) names.push_back("raw.X");
    for (const auto& entry : dataset.layers) names.push_back(entry.first);
    std::string listed;
    for (const std::string& name : names) listed += (listed.empty() ? "" : ", ") + name;
    const std::string nearest = nearest_name(layer, names);
    fail(ErrorCode::not_found, dataset.name + " has no layer '" + std::string(layer) + "'; it holds " + (listed.empty() ? "no matrix" : listed) + ".",
         !nearest.empty() ? "Did you mean '" + nearest + "'?" : listed.empty() ? "Check that this is the right file." : "Name one of them with --layer.");
}

const Table& find_genes(const Dataset& dataset, std::string_view layer) {
    const bool own_layer = dataset.layers.count(std::string(layer)) != 0;
    if (!own_layer && is_raw(layer) && dataset.raw) return dataset.raw->var;
    return dataset.var;
}

}  // namespace morula::data
