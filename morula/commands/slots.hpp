// Slots of a Dataset as steps use them: looked up with a sentence when missing, and merged back after a step.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "morula/data/dataset.hpp"

namespace morula::commands {

/// Each throws not_found: what is missing, and the command that makes it.
matrix::Matrix require_counts(const data::Dataset& dataset);      // layers["counts"]
matrix::Matrix require_log_values(const data::Dataset& dataset);  // layers["X"], checked not to be raw counts
const matrix::Dense<float>& require_obsm(const data::Dataset& dataset, std::string_view name, std::string_view made_by);
const matrix::Csr& require_obsp(const data::Dataset& dataset, std::string_view name, std::string_view made_by);
/// Codes and names of a categorical obs column; throws not_found with the nearest name, invalid_data for missing values.
data::Categorical require_groups(const data::Dataset& dataset, std::string_view column);
/// Codes over the categories in use, in the order of their names.
data::Categorical used_categories(const data::Categorical& from);
/// The column "sample", or one sample called as the data set when there is none.
data::Categorical samples_of(const data::Dataset& dataset);
/// Columns of obsm[name] up to n_dims (all when it has fewer).
matrix::Dense<float> leading_columns(const matrix::Dense<float>& embedding, std::int64_t n_dims);
/// Gene symbols: var column gene_symbols, feature_name or gene_name, else the index.
std::vector<std::string> symbols_of(const data::Table& var);
/// Gene ids: var column gene_ids, else the index.
std::vector<std::string> ids_of(const data::Table& var);

/// An empty data set over the same cells and genes, to be filled with the slots that a step writes.
data::Dataset slots_like(const data::Dataset& dataset);
/// Adds the slots of a step; those of the same name are replaced.
void merge_slots(data::Dataset& dataset, data::Dataset slots);

// Trees of results in uns.
data::Uns uns_of(std::string text);
data::Uns uns_of(double number);
data::Uns uns_of(std::int64_t number);
data::Uns uns_of(bool flag);
data::Uns uns_of(std::vector<double> numbers);
data::Uns uns_of(std::vector<std::int64_t> numbers);
data::Uns uns_of(std::vector<std::string> texts);
data::Uns uns_of(data::UnsMap map);
/// Entry of a map; throws internal when it is not there or of another kind.
const data::UnsMap& uns_map(const data::UnsMap& map, std::string_view name);
const std::vector<double>& uns_numbers(const data::UnsMap& map, std::string_view name);
const std::vector<std::int64_t>& uns_integers(const data::UnsMap& map, std::string_view name);
const std::vector<std::string>& uns_texts(const data::UnsMap& map, std::string_view name);
double uns_number(const data::UnsMap& map, std::string_view name);
const std::string& uns_text(const data::UnsMap& map, std::string_view name);

}  // namespace morula::commands
