// What a file holds once a donor (batch, sex, age, site), beside the conditions that are compared: what else sets the donors apart.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morula/commands/comparison_cells.hpp"

namespace morula::commands {

/// How a column is shared out between the conditions. strong: Cramer's V of .5 or more between groups and conditions, or means that are .8 standard deviations apart (Cohen 1988 calls that large).
/// complete: no chain of shared groups links the conditions, or the numbers of one lie above all of the other. These describe the donors at hand; with few of them chance does as much.
enum class Balance { even, strong, complete };

/// A group of a column, or all of its numbers, in each condition.
struct DonorGroup {
    std::string name;
    std::string in_case;     // "3", "54 (41 to 66)"
    std::string in_control;
};

struct DonorColumn {
    std::string name;
    std::vector<std::string> texts;   // one a unit; "" where nobody knows
    std::vector<DonorGroup> groups;
    Balance balance = Balance::even;
    std::string sentence;             // what is uneven; "" where nothing is
};

/// One entry a donor and condition.
struct DonorTable {
    std::vector<std::string> donor;
    std::vector<std::uint8_t> is_case;
    std::vector<std::int64_t> n_cells;
    std::vector<DonorColumn> columns;
    std::int64_t n_more = 0;          // columns beyond the first that are shown
};

inline constexpr std::size_t kMostDonorColumns = 12;

/// The obs columns that have one value a donor and condition and more than one among them, and are no names of donors or samples; the column of batches (that of columns.batch, else "batch") also where
/// donors have cells of several. In the order of the file, batches first. columns.batch refuses nothing here. Throws what comparison_units throws.
DonorTable donor_table(const data::Dataset& dataset, const ComparisonColumns& columns, Context& context);

}  // namespace morula::commands
