// Reading the two sides of `annotate`.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "morula/commands/annotate.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/input_ahead.hpp"
#include "morula/commands/shared_genes.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

bool is_number_column(const data::Column& column) {
    return std::holds_alternative<std::vector<double>>(column) || std::holds_alternative<std::vector<float>>(column) || std::holds_alternative<std::vector<std::int64_t>>(column) ||
           std::holds_alternative<data::NullableIntegers>(column);
}

/// "0", "12", "3.0": what clusters are called.
bool looks_like_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos && text.find_first_of("0123456789") != std::string::npos;
}

std::vector<std::string> text_columns(const data::Table& obs) {
    std::vector<std::string> names;
    for (const auto& [name, column] : obs.columns()) {
        if (std::holds_alternative<data::Categorical>(column) || std::holds_alternative<std::vector<std::string>>(column)) names.push_back(name);
    }
    return names;
}

/// The label column, missing values allowed.
data::Categorical labels_of(const data::Dataset& reference, const std::string& column) {
    if (!reference.obs.has(column)) require_groups(reference, column);  // throws what is missing
    const data::Column& found = reference.obs.at(column);
    const data::Categorical labels = data::as_categorical(found);
    const bool numbers = is_number_column(found) || (!labels.categories.empty() && std::ranges::all_of(labels.categories, looks_like_number));
    if (numbers) {
        const std::vector<std::string> others = text_columns(reference.obs);
        const std::string example = labels.categories.empty() ? "" : fmt::format(" such as {}", labels.categories.front());
        invalid_data(fmt::format("{}: the column '{}' holds numbers{}, not labels.", reference.name, column, example),
                     others.empty() ? "Add a column with the names of the cell types." : fmt::format("Name a column with cell types; columns of text are: {}.", fmt::join(others, ", ")));
    }
    return labels;
}

data::Dataset labelled_cells(data::Dataset reference, const data::Categorical& labels, const std::string& column, Context& context) {
    std::vector<std::int64_t> kept;
    for (std::size_t cell = 0; cell < labels.codes.size(); ++cell) {
        if (labels.codes[cell] >= 0) kept.push_back(static_cast<std::int64_t>(cell));
    }
    if (kept.empty()) invalid_data(fmt::format("{}: no cell has a value in column '{}'.", reference.name, column), "Name the column that holds the labels.");
    const auto without = std::ssize(labels.codes) - std::ssize(kept);
    if (without == 0) return reference;
    context.events().decision(fmt::format("{}: {} of {} cells have no label in '{}' and take no part.", reference.name, without, labels.codes.size(), column));
    std::vector<std::int64_t> genes(static_cast<std::size_t>(reference.n_genes()));
    std::iota(genes.begin(), genes.end(), std::int64_t{0});
    return data::select(reference, kept, genes);
}

data::Categorical groups_or_one(const data::Dataset& dataset, const std::string& column) {
    if (column.empty()) return {std::vector<std::int32_t>(static_cast<std::size_t>(dataset.n_cells()), 0), {"all"}, false};
    return used_categories(require_groups(dataset, column));
}

void check_labels(const data::Dataset& reference, const data::Categorical& label, const std::string& column, Context& context) {
    if (label.categories.size() < 2) {
        invalid_data(fmt::format("{}: all cells have the label '{}' in column '{}'.", reference.name, label.categories.front(), column), "Name a column with two labels or more.");
    }
    std::vector<std::int64_t> n(label.categories.size(), 0);
    for (const std::int32_t code : label.codes) ++n[static_cast<std::size_t>(code)];
    constexpr std::int64_t kFewCells = 10;
    std::string few;
    for (std::size_t i = 0; i < n.size(); ++i) {
        if (n[i] < kFewCells) few += fmt::format("{}'{}' ({})", few.empty() ? "" : ", ", label.categories[i], n[i]);
    }
    if (!few.empty()) context.events().warning(fmt::format("{}: labels with fewer than {} cells are hardly learned: {}.", reference.name, kFewCells, few));
}

data::Dataset cells_of(InputAhead& input, const std::string& layer, Context& context) {
    const std::string path = input.path().string();
    std::vector<data::Dataset> parts = input.read(context);
    std::vector<SampleRow> rows;
    for (data::Dataset& part : parts) {
        if (!layer.empty() || !part.layers.contains("counts")) part = with_counts(std::move(part), layer, context);
        part = gene_expression(part, context);
        rows.push_back({path, part.name, {}});
    }
    if (parts.size() == 1) return std::move(parts.front());
    data::Dataset joined = join_samples(std::move(parts), rows, context);
    joined.name = std::filesystem::path(path).filename().string();
    return joined;
}

}  // namespace

data::Dataset open_cells(const std::string& path, const std::string& layer, formats::TextOrientation orientation, Context& context) {
    InputAhead input(path, orientation, context);
    return cells_of(input, layer, context);
}

AnnotateSides open_sides(const AnnotateIo& io, VerbRecord& record, Context& context) {
    AnnotateSides sides;
    InputAhead reference_input(io.reference, io.orientation, context);
    InputAhead query_input(io.query, io.orientation, context);  // checked while the reference is read
    data::Dataset reference = cells_of(reference_input, io.reference_layer, context);
    add_derived_columns(reference, io.derive, context);
    record.add_input(io.reference, reference);
    const data::Categorical labels = labels_of(reference, io.label);
    sides.reference = labelled_cells(std::move(reference), labels, io.label, context);
    sides.label = used_categories(labels_of(sides.reference, io.label));
    check_labels(sides.reference, sides.label, io.label, context);
    if (!io.donor.empty()) sides.donor = used_categories(require_groups(sides.reference, io.donor));
    std::error_code error;
    if (std::filesystem::equivalent(io.query, io.reference, error)) {
        context.events().warning(fmt::format("{}: query and reference are one: each labelled cell finds itself, so that confidence and agreement say nothing of other cells. Give a query of cells that the reference lacks.", io.query));
    }
    sides.query = cells_of(query_input, io.layer, context);
    record.add_input(io.query, sides.query);
    sides.reference_batch = groups_or_one(sides.reference, io.batch);
    sides.query_batch = groups_or_one(sides.query, sides.query.obs.has(io.batch) ? io.batch : "");
    const SharedGenes shared = shared_genes(sides.reference, sides.query, open_gene_table(io.gene_table, context), context);
    sides.genes_of_reference = shared.in_reference;
    sides.reference_counts = matrix::select_cols(require_counts(sides.reference), shared.in_reference);
    std::vector<std::int64_t> place(static_cast<std::size_t>(sides.query.n_genes()), -1);
    for (std::size_t i = 0; i < shared.in_query.size(); ++i) place[static_cast<std::size_t>(shared.in_query[i])] = static_cast<std::int64_t>(i);
    sides.query_counts = matrix::remap_cols(require_counts(sides.query), place, std::ssize(shared.in_query));
    record.add_count("n_shared_genes", static_cast<std::int64_t>(shared.in_query.size()));
    return sides;
}

}  // namespace morula::commands
