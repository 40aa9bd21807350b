#include "morula/commands/measured_states.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "morula/analysis/count_levels.hpp"
#include "morula/analysis/kmeans.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::commands {
namespace {

constexpr std::int64_t kBlockRows = 1'024;

std::map<std::string, std::int32_t> types_by_label(const data::Dataset& dataset, const data::Categorical& labels, const MeasuredStatesOptions& options) {
    std::map<std::string, std::int32_t> type;
    for (std::size_t t = 0; t < options.labels.size(); ++t) {
        for (const std::string& label : options.labels[t]) {
            if (std::find(labels.categories.begin(), labels.categories.end(), label) == labels.categories.end()) {
                const std::string nearest = nearest_name(label, labels.categories);
                fail(ErrorCode::not_found, fmt::format("{}: no cell is of type '{}' in obs column '{}', so there are no states for it.", dataset.name, label, options.cell_type),
                     nearest.empty() ? "Name the labels that stand for the type, or list it under `without`." : fmt::format("Did you mean '{}'? Else name the labels that stand for the type, or list it under `without`.", nearest));
            }
            if (!type.emplace(label, static_cast<std::int32_t>(t)).second) invalid_data(fmt::format("The label '{}' stands for more than one cell type.", label), "Name it once.");
        }
    }
    return type;
}

/// One flag a cell; empty where the choice is all.
std::vector<std::uint8_t> chosen(const data::Dataset& dataset, const CellChoice& choice) {
    if (choice.column.empty()) return {};
    const data::Categorical groups = require_groups(dataset, choice.column);
    std::vector<std::uint8_t> wanted(groups.categories.size(), 0), flags;
    for (const std::string& label : choice.labels) {
        const auto found = std::find(groups.categories.begin(), groups.categories.end(), label);
        if (found == groups.categories.end()) {
            const std::string nearest = nearest_name(label, groups.categories);
            fail(ErrorCode::not_found, fmt::format("{}: no cell has '{}' in obs column '{}'.", dataset.name, label, choice.column), nearest.empty() ? "Name labels of that column." : fmt::format("Did you mean '{}'?", nearest));
        }
        wanted[static_cast<std::size_t>(found - groups.categories.begin())] = 1;
    }
    for (const auto code : groups.codes) flags.push_back(wanted[static_cast<std::size_t>(code)]);
    return flags;
}

/// Numbers within the type of the cells that agents start as.
std::vector<std::vector<std::int64_t>> starting_cells(const data::Dataset& dataset, const MeasuredStates& states, const MeasuredStatesOptions& options) {
    const std::vector<std::uint8_t> flags = chosen(dataset, options.start);
    if (flags.empty()) return {};
    std::vector<std::vector<std::int64_t>> start(options.labels.size());
    std::vector<std::int64_t> n(options.labels.size(), 0);
    for (std::size_t c = 0; c < states.row.size(); ++c) {
        const auto type = static_cast<std::size_t>(states.cells.type[c]);
        if (flags[static_cast<std::size_t>(states.row[c])] != 0) start[type].push_back(n[type]);
        ++n[type];
    }
    return start;
}

/// Every type that is to have states must have cells that they, and the agents' first ones, come from.
void require_cells(const data::Dataset& dataset, const MeasuredStates& states, const MeasuredStatesOptions& options) {
    std::vector<std::int64_t> n(options.labels.size(), 0);
    for (const std::int32_t type : states.cells.type) ++n[static_cast<std::size_t>(type)];
    for (std::size_t type = 0; type < n.size(); ++type) {
        if (options.labels[type].empty()) continue;
        const bool is_known = n[type] > 0;
        const CellChoice& choice = is_known ? options.start : options.only;
        if (choice.column.empty() || (is_known && !states.start[type].empty())) continue;
        fail(ErrorCode::not_found, fmt::format("{}: no cell of type '{}' {} in obs column '{}' has one of the labels {}.", dataset.name, options.labels[type].front(), is_known ? "to start as" : "to take states from", choice.column,
                                               fmt::join(choice.labels, ", ")),
             "Choose more labels, or list the type under `without`.");
    }
}

/// k-means codes of the cells of each type.
void group_cells(simulation::MeasuredCells& cells, std::size_t n_types, std::int64_t cells_a_metacell, Context& context) {
    cells.metacell.assign(cells.type.size(), 0);
    for (std::size_t type = 0; type < n_types; ++type) {
        std::vector<std::int64_t> own;
        for (std::size_t c = 0; c < cells.type.size(); ++c) {
            if (cells.type[c] == static_cast<std::int32_t>(type)) own.push_back(static_cast<std::int64_t>(c));
        }
        if (own.empty()) continue;
        matrix::Dense<float> points(std::ssize(own), cells.latent.n_cols);
        for (std::int64_t r = 0; r < points.n_rows; ++r) std::copy_n(cells.latent.row(own[static_cast<std::size_t>(r)]).begin(), points.n_cols, points.row(r).begin());
        const auto n_clusters = static_cast<std::int32_t>(std::clamp<std::int64_t>(std::llround(static_cast<double>(own.size()) / static_cast<double>(cells_a_metacell)), 1, std::min<std::int64_t>(std::ssize(own), simulation::kMostMetacells)));
        const analysis::KMeansResult found = analysis::kmeans(points.view(), {.n_clusters = n_clusters}, context);
        for (std::size_t r = 0; r < own.size(); ++r) cells.metacell[static_cast<std::size_t>(own[r])] = found.cluster[r];
    }
}

/// What least squares needs of the latents z (about their mean) and the genes' values y.
struct Moments {
    std::vector<double> mean;      // of z
    matrix::Dense<double> gram;    // z' z, with the least ridge that lets a dimension without spread have a solution
    matrix::Dense<double> cross;   // z' y
    std::vector<double> sum, squares;  // of y
};

std::string normalize_first(const data::Dataset& dataset) { return fmt::format("Run `morula normalize {}` first, or pass --layer with the layer that holds them.", dataset.name); }

/// X, refused by what markers refuses (values that are no logarithms, or no numbers), and where it holds whole numbers alone: choose_counts takes such a matrix for counts, however small they are.
matrix::Matrix logs_of(const data::Dataset& dataset) {
    const matrix::Matrix x = require_log_values(dataset);
    const data::ValueLook look = data::look_at_values(*x, dataset.obs, dataset.var);
    const std::string next = normalize_first(dataset);
    if (look.space == data::ValueSpace::not_finite) invalid_data(fmt::format("{}: in X {}, which is no number.", dataset.name, look.example), "Leave the cell or the gene out, or compute the values again.");
    if (look.space == data::ValueSpace::counts) invalid_data(fmt::format("{}: X holds whole numbers alone ({}), so raw counts; log-normalized values are needed.", dataset.name, look.example), next);
    if (look.largest > static_cast<double>(analysis::kLargestLogValue)) {
        invalid_data(fmt::format("{}: X holds values up to {:g}, of which no logarithm was taken; log-normalized values are needed.", dataset.name, look.largest), next);
    }
    return x;
}

/// Who and what a value of a part of X is of.
struct PartOfX {
    const data::Dataset& dataset;
    const std::vector<std::int64_t>& rows;
    const std::vector<std::int64_t>& columns;
};

[[noreturn]] void refuse_value(const PartOfX& part, std::int64_t row, std::int64_t column, float value) {
    const auto cell = static_cast<std::size_t>(part.rows[static_cast<std::size_t>(row)]), gene = static_cast<std::size_t>(part.columns[static_cast<std::size_t>(column)]);
    invalid_data(fmt::format("{}: in X cell '{}', gene '{}' holds {:g}, which is no log-normalized value.", part.dataset.name, part.dataset.obs.index()[cell], part.dataset.var.index()[gene], value),
                 normalize_first(part.dataset));
}

Moments moments_of(const matrix::Dense<float>& z, const matrix::RowBlockSource& values, const PartOfX& part, Context& context) {
    const std::int64_t k = z.n_cols;
    const auto n_genes = static_cast<std::size_t>(values.n_cols());
    Moments m{std::vector<double>(static_cast<std::size_t>(k), 0.0), matrix::Dense<double>(k, k), matrix::Dense<double>(k, values.n_cols()), std::vector<double>(n_genes, 0.0), std::vector<double>(n_genes, 0.0)};
    for (std::int64_t r = 0; r < z.n_rows; ++r) {
        for (std::int64_t d = 0; d < k; ++d) m.mean[static_cast<std::size_t>(d)] += static_cast<double>(z(r, d)) / static_cast<double>(z.n_rows);
    }
    std::vector<double> centered(static_cast<std::size_t>(k));
    matrix::CsrScratch scratch;
    for (std::int64_t begin = 0; begin < z.n_rows; begin += kBlockRows) {
        context.check_cancelled();
        const matrix::CsrView rows = values.read({begin, std::min(z.n_rows, begin + kBlockRows)}, scratch);
        for (std::int64_t r = 0; r < rows.n_rows; ++r) {
            for (std::int64_t d = 0; d < k; ++d) centered[static_cast<std::size_t>(d)] = static_cast<double>(z(begin + r, d)) - m.mean[static_cast<std::size_t>(d)];
            for (std::int64_t a = 0; a < k; ++a) {
                for (std::int64_t b = 0; b < k; ++b) m.gram(a, b) += centered[static_cast<std::size_t>(a)] * centered[static_cast<std::size_t>(b)];
            }
            const auto index = rows.row_indices(r);
            const auto value = rows.row_values(r);
            for (std::size_t e = 0; e < index.size(); ++e) {
                if (!(value[e] >= 0.0F && value[e] <= analysis::kLargestLogValue)) refuse_value(part, begin + r, index[e], value[e]);
                const auto y = static_cast<double>(value[e]);
                m.sum[index[e]] += y;
                m.squares[index[e]] += y * y;
                for (std::int64_t d = 0; d < k; ++d) m.cross(d, index[e]) += centered[static_cast<std::size_t>(d)] * y;
            }
        }
    }
    double trace = 0.0;
    for (std::int64_t d = 0; d < k; ++d) trace += m.gram(d, d);
    for (std::int64_t d = 0; d < k; ++d) m.gram(d, d) += 1e-10 * trace + 1e-30;
    return m;
}

}  // namespace

MeasuredStates measured_states(const data::Dataset& dataset, const MeasuredStatesOptions& options, Context& context) {
    const data::Categorical labels = require_groups(dataset, options.cell_type);
    const auto type_of = types_by_label(dataset, labels, options);
    const matrix::Dense<float>& embedding = require_obsm(dataset, options.embedding, "pca");
    const std::int64_t n_dims = std::min(options.n_dims, embedding.n_cols);
    std::vector<double> height;
    if (!options.height.empty()) height = data::column_numbers(dataset.obs.at(options.height));
    const std::vector<std::uint8_t> is_chosen = chosen(dataset, options.only);
    MeasuredStates states;
    states.n_dims_left_out = embedding.n_cols - n_dims;
    for (std::int64_t row = 0; row < dataset.n_cells(); ++row) {
        const auto type = type_of.find(labels.categories[static_cast<std::size_t>(labels.codes[static_cast<std::size_t>(row)])]);
        if (type == type_of.end() || (!is_chosen.empty() && is_chosen[static_cast<std::size_t>(row)] == 0)) continue;
        const std::span<const float> values = embedding.row(row).first(static_cast<std::size_t>(n_dims));
        const bool is_finite = std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }) && (height.empty() || std::isfinite(height[static_cast<std::size_t>(row)]));
        if (!is_finite) {
            invalid_data(fmt::format("{}: cell '{}' has no finite numbers in obsm '{}'{}.", dataset.name, dataset.obs.index()[static_cast<std::size_t>(row)], options.embedding,
                                     height.empty() ? "" : fmt::format(" or obs '{}'", options.height)),
                         "Leave the cell out, or compute them again.");
        }
        states.row.push_back(row);
        states.cells.type.push_back(type->second);
        states.cells.latent.values.insert(states.cells.latent.values.end(), values.begin(), values.end());
        if (!height.empty()) states.cells.height.push_back(height[static_cast<std::size_t>(row)]);
    }
    states.cells.latent.n_rows = std::ssize(states.row);
    states.cells.latent.n_cols = n_dims;
    states.start = starting_cells(dataset, states, options);
    require_cells(dataset, states, options);
    group_cells(states.cells, options.labels.size(), options.cells_a_metacell, context);
    return states;
}

simulation::Decoder fit_decoder(const data::Dataset& dataset, const MeasuredStates& states, const std::vector<std::int64_t>& columns, std::vector<std::string> names, Context& context) {
    simulation::Decoder decoder{.genes = std::move(names)};
    const std::int64_t k = states.cells.latent.n_cols;
    decoder.weights = matrix::Dense<float>(k, std::ssize(columns));
    decoder.intercept.resize(columns.size());
    decoder.explained.resize(columns.size());
    if (columns.empty()) return decoder;
    std::vector<std::int64_t> sorted = columns;
    std::sort(sorted.begin(), sorted.end());
    MORULA_ASSERT(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end());
    Moments moments = moments_of(states.cells.latent, *matrix::select(logs_of(dataset), states.row, sorted), {dataset, states.row, sorted}, context);
    matrix::Dense<double> weights = moments.cross;
    matrix::solve_spd(std::move(moments.gram), weights);
    const auto n = static_cast<double>(states.cells.latent.n_rows);
    for (std::size_t gene = 0; gene < columns.size(); ++gene) {
        const auto from = std::lower_bound(sorted.begin(), sorted.end(), columns[gene]) - sorted.begin();
        double intercept = moments.sum[static_cast<std::size_t>(from)] / n, explained = 0.0;
        const double total = moments.squares[static_cast<std::size_t>(from)] - n * intercept * intercept;
        for (std::int64_t d = 0; d < k; ++d) {
            decoder.weights(d, static_cast<std::int64_t>(gene)) = static_cast<float>(weights(d, from));
            intercept -= weights(d, from) * moments.mean[static_cast<std::size_t>(d)];
            explained += weights(d, from) * moments.cross(d, from);
        }
        decoder.intercept[gene] = static_cast<float>(intercept);
        decoder.explained[gene] = total > 0.0 ? std::clamp(explained / total, 0.0, 1.0) : 0.0;
    }
    return decoder;
}

}  // namespace morula::commands
