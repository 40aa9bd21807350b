// Options and donors of a comparison of two conditions that a verb may be asked for beside its main table.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/analysis/abundance.hpp"
#include "morula/commands/comparison_cells.hpp"
#include "morula/commands/derived_columns.hpp"
#include "morula/commands/log_cells.hpp"
#include "morula/core/describe.hpp"

namespace morula::commands {

struct ContrastIo {
    std::string condition;
    std::string case_name;
    std::string control_name;
    std::string donor;
    std::string batch;
    analysis::AbundanceDesign design = analysis::AbundanceDesign::automatic;
    std::vector<std::string> derive;
};
constexpr auto describe(const ContrastIo*) {
    using O = ContrastIo;
    return std::tuple{
        field("condition", &O::condition, "obs column with conditions to compare, donors being the replicates; with --case, --control and --donor."),
        field("case", &O::case_name, "Value of the condition that is compared, for instance diseased."),
        field("control", &O::control_name, "Value that it is compared with, for instance healthy."),
        field("donor", &O::donor, "obs column with the donors."),
        field("batch", &O::batch, "obs column with the batches: a condition that cannot be told from them is refused, as it is where the file's own column batch says so; none: it is compared all the same."),
        field("design", &O::design, "paired: donors are compared with themselves; unpaired: each donor has one condition; auto: paired where donors have both.", {.choices = "auto|paired|unpaired"}),
        field("derive", &O::derive, kDeriveHelp),
    };
}

struct ConditionContrast {
    ComparisonColumns columns;
    ComparisonUnits units;
    analysis::AbundancePlan plan;
};

/// None when no condition is named. cell_type: the column with the types, or "". Cells without counts take no part, and a donor who has no others in a condition is left out there, as is one with
/// fewer than min_cells; both are said: their values would be zeros that nobody measured.
/// Throws usage when some of condition, case, control and donor are missing, and what comparison_units and plan_abundance throw.
std::optional<ConditionContrast> find_contrast(const LogCells& cells, const ContrastIo& io, const std::string& cell_type, std::int64_t min_cells, Context& context);

/// unit * n_types + type of each cell; -1 where it has no unit or no type.
std::vector<std::int32_t> units_by_types(const ComparisonUnits& units, std::span<const std::int32_t> types, std::int32_t n_types);

/// "6 donors against 5", "4 donors, each compared with itself".
std::string donors_text(const analysis::AbundancePlan& plan);

}  // namespace morula::commands
