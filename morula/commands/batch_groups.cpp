#include "morula/commands/batch_groups.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "morula/core/error.hpp"

namespace morula::commands {

void refuse_values_of_single_cells(const data::Dataset& dataset, std::string_view column, const data::Categorical& groups, std::string_view what) {
    constexpr std::int64_t kFewCells = 10;  // where each may well be a group of its own
    const std::int64_t n_cells = dataset.n_cells();
    if (n_cells <= kFewCells || 2 * std::ssize(groups.categories) <= n_cells) return;
    invalid_data(fmt::format("{}: the column '{}' holds {} values for {} cells, such as '{}': those are no {}.", dataset.name, column, groups.categories.size(), n_cells, groups.categories.front(), what),
                 fmt::format("Name a column whose values are {}.", what));
}

}  // namespace morula::commands
