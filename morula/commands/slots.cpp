#include "morula/commands/slots.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"

namespace morula::commands {
namespace {

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : map) keys.push_back(key);
    return keys;
}

[[noreturn]] void missing(const data::Dataset& dataset, std::string_view slot, std::string_view name, const std::vector<std::string>& there, std::string_view made_by) {
    const std::string nearest = nearest_name(name, there);
    const std::string has = there.empty() ? "nothing" : fmt::format("{}", fmt::join(there, ", "));
    fail(ErrorCode::not_found, fmt::format("{}: has no {} '{}' (it has {}).", dataset.name, slot, name, has),
         nearest.empty() ? fmt::format("Run `morula {}` first.", made_by) : fmt::format("Did you mean '{}'? Else run `morula {}` first.", nearest, made_by));
}

template <class T>
const T& held(const data::UnsMap& map, std::string_view name) {
    const auto found = map.find(std::string(name));
    if (found == map.end() || !std::holds_alternative<T>(found->second.value)) {
        fail(ErrorCode::internal, fmt::format("The stored result '{}' is missing or of another kind.", name), "Delete the results folder and run again.");
    }
    return std::get<T>(found->second.value);
}

std::vector<std::string> text_column(const data::Table& var, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
        if (const data::Column* column = var.find(name)) return data::column_texts(*column);
    }
    return var.index();
}

}  // namespace

matrix::Matrix require_counts(const data::Dataset& dataset) {
    const auto found = dataset.layers.find("counts");
    if (found == dataset.layers.end()) missing(dataset, "layer", "counts", keys_of(dataset.layers), "filter");
    return found->second;
}

matrix::Matrix require_log_values(const data::Dataset& dataset) {
    const auto found = dataset.layers.find("X");
    if (found == dataset.layers.end()) missing(dataset, "layer", "X", keys_of(dataset.layers), "normalize");
    const data::ValueLook look = data::look_at_values(*found->second, dataset.obs, dataset.var);
    if (look.space == data::ValueSpace::counts && look.largest > 30.0) {
        invalid_data(fmt::format("{}: X holds {}, so raw counts; log-normalized values are needed.", dataset.name, look.example),
                     fmt::format("Run `morula normalize {}` first, or pass --layer with the layer that holds them.", dataset.name));
    }
    if (look.space == data::ValueSpace::negative) {
        invalid_data(fmt::format("{}: X holds {}, so scaled values; log-normalized values are needed.", dataset.name, look.example), "Pass --layer with the layer that holds them.");
    }
    return found->second;
}

const matrix::Dense<float>& require_obsm(const data::Dataset& dataset, std::string_view name, std::string_view made_by) {
    const auto found = dataset.obsm.find(std::string(name));
    if (found == dataset.obsm.end()) missing(dataset, "embedding", name, keys_of(dataset.obsm), made_by);
    return found->second;
}

const matrix::Csr& require_obsp(const data::Dataset& dataset, std::string_view name, std::string_view made_by) {
    const auto found = dataset.obsp.find(std::string(name));
    if (found == dataset.obsp.end()) missing(dataset, "graph", name, keys_of(dataset.obsp), made_by);
    return found->second;
}

data::Categorical require_groups(const data::Dataset& dataset, std::string_view column) {
    const data::Column* found = dataset.obs.find(column);
    if (found == nullptr) {
        const std::vector<std::string> names = dataset.obs.names();
        const std::string nearest = nearest_name(column, names);
        fail(ErrorCode::not_found, fmt::format("{}: obs has no column '{}'.", dataset.name, column),
             nearest.empty() ? fmt::format("Columns are: {}.", fmt::join(names, ", ")) : fmt::format("Did you mean '{}'?", nearest));
    }
    data::Categorical groups = data::as_categorical(*found);
    const auto gap = std::find(groups.codes.begin(), groups.codes.end(), -1);
    if (gap != groups.codes.end()) {
        const auto cell = static_cast<std::size_t>(gap - groups.codes.begin());
        invalid_data(fmt::format("{}: cell '{}' has no value in column '{}'.", dataset.name, dataset.obs.index()[cell], column), "Fill the column or leave those cells out.");
    }
    return groups;
}

data::Categorical used_categories(const data::Categorical& from) {
    std::vector<std::string> texts;
    for (const std::int32_t code : from.codes) texts.push_back(code < 0 ? "" : from.categories[static_cast<std::size_t>(code)]);
    return data::to_categorical(texts);
}

data::Categorical samples_of(const data::Dataset& dataset) {
    if (dataset.obs.has("sample")) return require_groups(dataset, "sample");
    return {std::vector<std::int32_t>(static_cast<std::size_t>(dataset.n_cells()), 0), {dataset.name}, false};
}

matrix::Dense<float> leading_columns(const matrix::Dense<float>& embedding, std::int64_t n_dims) {
    matrix::Dense<float> out(embedding.n_rows, std::min(n_dims, embedding.n_cols));
    for (std::int64_t row = 0; row < out.n_rows; ++row) {
        const auto from = embedding.row(row).first(static_cast<std::size_t>(out.n_cols));
        std::copy(from.begin(), from.end(), out.row(row).begin());
    }
    return out;
}

std::vector<std::string> symbols_of(const data::Table& var) { return text_column(var, {"gene_symbols", "feature_name", "gene_symbol", "gene_name", "symbol"}); }
std::vector<std::string> ids_of(const data::Table& var) { return text_column(var, {"gene_ids", "feature_id", "gene_id", "ensembl_id"}); }

data::Dataset slots_like(const data::Dataset& dataset) {
    data::Dataset slots;
    slots.name = dataset.name;
    slots.obs = data::Table(dataset.obs.index());
    slots.var = data::Table(dataset.var.index());
    return slots;
}

void merge_slots(data::Dataset& dataset, data::Dataset slots) {
    for (auto& [name, column] : slots.obs.columns()) dataset.obs.set(name, column);
    for (auto& [name, column] : slots.var.columns()) dataset.var.set(name, column);
    for (auto& [name, matrix] : slots.layers) dataset.layers[name] = std::move(matrix);
    for (auto& [name, dense] : slots.obsm) dataset.obsm[name] = std::move(dense);
    for (auto& [name, dense] : slots.varm) dataset.varm[name] = std::move(dense);
    for (auto& [name, graph] : slots.obsp) dataset.obsp[name] = std::move(graph);
    for (auto& [name, node] : slots.uns) dataset.uns[name] = std::move(node);
}

data::Uns uns_of(std::string text) { return {data::UnsValue(std::move(text))}; }
data::Uns uns_of(double number) { return {data::UnsValue(number)}; }
data::Uns uns_of(std::int64_t number) { return {data::UnsValue(number)}; }
data::Uns uns_of(bool flag) { return {data::UnsValue(flag)}; }
data::Uns uns_of(std::vector<double> numbers) { return {data::UnsValue(std::move(numbers))}; }
data::Uns uns_of(std::vector<std::int64_t> numbers) { return {data::UnsValue(std::move(numbers))}; }
data::Uns uns_of(std::vector<std::string> texts) { return {data::UnsValue(std::move(texts))}; }
data::Uns uns_of(data::UnsMap map) { return {data::UnsValue(std::move(map))}; }

const data::UnsMap& uns_map(const data::UnsMap& map, std::string_view name) { return held<data::UnsMap>(map, name); }
const std::vector<double>& uns_numbers(const data::UnsMap& map, std::string_view name) { return held<std::vector<double>>(map, name); }
const std::vector<std::int64_t>& uns_integers(const data::UnsMap& map, std::string_view name) { return held<std::vector<std::int64_t>>(map, name); }
const std::vector<std::string>& uns_texts(const data::UnsMap& map, std::string_view name) { return held<std::vector<std::string>>(map, name); }
double uns_number(const data::UnsMap& map, std::string_view name) { return held<double>(map, name); }
const std::string& uns_text(const data::UnsMap& map, std::string_view name) { return held<std::string>(map, name); }

}  // namespace morula::commands
