// The columns that `morula de` reads, as a cohort of samples.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "morula/commands/comparison_cells.hpp"
#include "morula/commands/de.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

using Groups = data::Categorical;

constexpr std::size_t kMostTypes = 1'000;

/// Cell types; one called "all" without a column. Cells without a type take no part.
Groups type_groups(const data::Dataset& dataset, const DeIo& io, Context& context) {
    if (io.cell_type.empty()) return {std::vector<std::int32_t>(static_cast<std::size_t>(dataset.n_cells()), 0), {"all"}, false};
    const Groups types = groups_with_gaps(dataset, io.cell_type);
    const data::Column& column = *dataset.obs.find(io.cell_type);
    if (std::holds_alternative<std::vector<double>>(column) || std::holds_alternative<std::vector<float>>(column)) {
        for (const double value : data::column_numbers(column)) {
            if (std::isfinite(value) && value != std::floor(value)) {
                invalid_data(fmt::format("{}: column '{}' holds numbers such as {}, which name no cell types.", dataset.name, io.cell_type, value), "Name the column with cell types with --cell-type.");
            }
        }
    }
    if (types.categories.size() > kMostTypes) {
        invalid_data(fmt::format("{}: column '{}' has {} values, too many for cell types.", dataset.name, io.cell_type, types.categories.size()), "Name the column with cell types with --cell-type.");
    }
    const auto n_gaps = std::count(types.codes.begin(), types.codes.end(), -1);
    if (n_gaps > 0) context.events().warning(fmt::format("{}: {} cells without a value in '{}' take no part.", dataset.name, n_gaps, io.cell_type));
    return types;
}

/// Everything of a cell that decides its sample.
struct CellColumns {
    Groups condition;
    std::int32_t case_code = 0;
    std::int32_t control_code = 0;
    Groups donor;
    Groups batch;  // no codes where none is named
    std::vector<std::uint8_t> takes_part;
    bool is_case(std::size_t cell) const { return condition.codes[cell] == case_code; }
};

void require_value(const data::Dataset& dataset, const Groups& groups, const std::string& column, const CellColumns& cells) {
    for (std::size_t cell = 0; cell < groups.codes.size(); ++cell) {
        if (cells.takes_part[cell] == 0 || groups.codes[cell] >= 0) continue;
        invalid_data(fmt::format("{}: cell '{}' has no value in column '{}'.", dataset.name, dataset.obs.index()[cell], column), "Fill the column, or leave those cells out.");
    }
}

CellColumns read_columns(const data::Dataset& dataset, const DeIo& io, const Groups& types) {
    if (io.case_name == io.control_name) fail(ErrorCode::usage, fmt::format("--case and --control are both '{}'.", io.case_name), "Name two values of the condition.");
    CellColumns out;
    out.condition = groups_with_gaps(dataset, io.condition);
    out.case_code = code_of_value(dataset, out.condition, io.condition, io.case_name, "--case");
    out.control_code = code_of_value(dataset, out.condition, io.condition, io.control_name, "--control");
    out.donor = groups_with_gaps(dataset, io.donor);
    if (!io.batch.empty()) out.batch = groups_with_gaps(dataset, io.batch);
    for (std::size_t cell = 0; cell < types.codes.size(); ++cell) {
        const std::int32_t code = out.condition.codes[cell];
        out.takes_part.push_back(types.codes[cell] >= 0 && (code == out.case_code || code == out.control_code) ? 1 : 0);
    }
    require_value(dataset, out.donor, io.donor, out);
    if (!io.batch.empty()) require_value(dataset, out.batch, io.batch, out);
    return out;
}

/// Donors with cells in both conditions, and whether any donor has cells of several batches.
struct Pairing {
    std::size_t n_paired = 0;
    std::size_t n_donors = 0;
    bool batch_varies_in_donor = false;
    std::size_t n_batches = 0;
};
Pairing look_at_pairing(const CellColumns& cells) {
    std::map<std::int32_t, int> sides;  // donor -> 1 control, 2 case, 3 both
    std::map<std::int32_t, std::set<std::int32_t>> batches;
    std::set<std::int32_t> all_batches;
    for (std::size_t cell = 0; cell < cells.takes_part.size(); ++cell) {
        if (cells.takes_part[cell] == 0) continue;
        sides[cells.donor.codes[cell]] |= cells.is_case(cell) ? 2 : 1;
        if (cells.batch.codes.empty()) continue;
        batches[cells.donor.codes[cell]].insert(cells.batch.codes[cell]);
        all_batches.insert(cells.batch.codes[cell]);
    }
    Pairing out;
    out.n_donors = sides.size();
    for (const auto& [donor, side] : sides) out.n_paired += side == 3 ? 1U : 0U;
    for (const auto& [donor, own] : batches) out.batch_varies_in_donor = out.batch_varies_in_donor || own.size() > 1;
    out.n_batches = all_batches.size();
    return out;
}

std::vector<analysis::FormulaTerm> default_formula(const data::Dataset& dataset, const DeIo& io, const CellColumns& cells, Context& context) {
    const Pairing pairing = look_at_pairing(cells);
    std::vector<analysis::FormulaTerm> terms;
    std::string why;
    const bool paired = pairing.n_paired > 0;
    if (paired) {
        terms.push_back({io.donor, false});
        why = fmt::format("{} of {} donors are in both conditions, so that each is compared with itself", pairing.n_paired, pairing.n_donors);
    } else {
        why = "each donor is in one condition";
    }
    if (pairing.n_batches > 1 && (!paired || pairing.batch_varies_in_donor)) terms.push_back({io.batch, false});
    else if (pairing.n_batches > 1) why += fmt::format("; '{}' is the same within each donor and needs no term of its own", io.batch);
    terms.push_back({io.condition, false});
    context.events().decision(fmt::format("{}: design {}: {}.", dataset.name, analysis::formula_text(terms), why));
    if (paired && pairing.n_paired < pairing.n_donors) {
        context.events().warning(fmt::format("{}: {} donors are in one condition only and tell nothing in a comparison within donors.", dataset.name, pairing.n_donors - pairing.n_paired));
    }
    return terms;
}

/// Samples in order of donor, condition (control first) and batch, and the sample of each cell.
struct Samples {
    std::vector<std::size_t> first_cell;   // of each sample
    std::vector<std::int32_t> of_cell;     // -1: none
};
Samples find_samples(const CellColumns& cells, bool by_batch) {
    using Key = std::tuple<std::int32_t, bool, std::int32_t>;
    const auto key_of = [&](std::size_t cell) { return Key{cells.donor.codes[cell], cells.is_case(cell), by_batch ? cells.batch.codes[cell] : 0}; };
    std::map<Key, std::size_t> first;
    for (std::size_t cell = 0; cell < cells.takes_part.size(); ++cell) {
        if (cells.takes_part[cell] != 0) first.emplace(key_of(cell), cell);
    }
    Samples out;
    std::map<Key, std::int32_t> number;
    for (const auto& [key, cell] : first) {
        number.emplace(key, static_cast<std::int32_t>(number.size()));
        out.first_cell.push_back(cell);
    }
    for (std::size_t cell = 0; cell < cells.takes_part.size(); ++cell) out.of_cell.push_back(cells.takes_part[cell] != 0 ? number.at(key_of(cell)) : -1);
    return out;
}

bool is_number_column(const data::Column& column) {
    return std::holds_alternative<std::vector<double>>(column) || std::holds_alternative<std::vector<float>>(column) || std::holds_alternative<std::vector<std::int64_t>>(column) || std::holds_alternative<data::NullableIntegers>(column);
}

/// A column that must be the same for all cells of a sample.
analysis::SampleColumn covariate(const data::Dataset& dataset, const analysis::FormulaTerm& term, const CellColumns& cells, const Samples& samples, Context& context) {
    const Groups values = groups_with_gaps(dataset, term.column);
    require_value(dataset, values, term.column, cells);
    for (std::size_t cell = 0; cell < samples.of_cell.size(); ++cell) {
        if (samples.of_cell[cell] < 0) continue;
        const std::size_t first = samples.first_cell[static_cast<std::size_t>(samples.of_cell[cell])];
        if (values.codes[cell] == values.codes[first]) continue;
        invalid_data(fmt::format("{}: column '{}' of the design differs among the cells of donor '{}' in condition '{}' ('{}' and '{}').", dataset.name, term.column, cells.donor.categories[static_cast<std::size_t>(cells.donor.codes[first])],
                                 cells.condition.categories[static_cast<std::size_t>(cells.condition.codes[first])], values.categories[static_cast<std::size_t>(values.codes[first])], values.categories[static_cast<std::size_t>(values.codes[cell])]),
                     fmt::format("A design takes one value a sample; for batches write --batch {}, which keeps a donor's batches apart.", term.column));
    }
    const data::Column& column = *dataset.obs.find(term.column);
    analysis::SampleColumn out{term.column, {}, {}, ""};
    const bool as_number = is_number_column(column) && !term.as_groups;
    const std::vector<double> numbers = as_number ? data::column_numbers(column) : std::vector<double>();
    for (const std::size_t cell : samples.first_cell) {
        if (as_number) out.numbers.push_back(numbers[cell]);
        else out.texts.push_back(values.categories[static_cast<std::size_t>(values.codes[cell])]);
    }
    if (as_number) context.events().decision(fmt::format("{}: '{}' is taken as a number; write factor({}) where its values only name groups.", dataset.name, term.column, term.column));
    return out;
}

std::vector<std::string> texts_of_samples(const Groups& groups, const Samples& samples) {
    std::vector<std::string> out;
    for (const std::size_t cell : samples.first_cell) out.push_back(groups.categories[static_cast<std::size_t>(groups.codes[cell])]);
    return out;
}

/// The batch of each sample; "b1+b2" where a sample has cells of both.
std::vector<std::string> batches_of_samples(const CellColumns& cells, const Samples& samples) {
    std::vector<std::set<std::string>> found(samples.first_cell.size());
    for (std::size_t cell = 0; cell < samples.of_cell.size(); ++cell) {
        if (samples.of_cell[cell] >= 0) found[static_cast<std::size_t>(samples.of_cell[cell])].insert(cells.batch.categories[static_cast<std::size_t>(cells.batch.codes[cell])]);
    }
    std::vector<std::string> out;
    for (const auto& names : found) out.push_back(fmt::format("{}", fmt::join(names, "+")));
    return out;
}

analysis::Cohort make_cohort(const data::Dataset& dataset, const DeIo& io, const CellColumns& cells, const Samples& samples, const std::vector<analysis::FormulaTerm>& formula, Context& context) {
    analysis::Cohort out;
    out.source = dataset.name;
    out.case_name = io.case_name;
    out.control_name = io.control_name;
    out.formula = analysis::formula_text(formula);
    out.donor = texts_of_samples(cells.donor, samples);
    for (const std::size_t cell : samples.first_cell) out.is_case.push_back(cells.is_case(cell) ? 1 : 0);
    out.batch.name = io.batch;
    if (!io.batch.empty()) out.batch.texts = batches_of_samples(cells, samples);
    out.condition_term = -1;
    for (const analysis::FormulaTerm& term : formula) {
        const auto at = static_cast<std::int32_t>(out.terms.size());
        if (term.column == io.condition) {
            out.condition_term = at;
            out.terms.push_back({io.condition, {}, texts_of_samples(cells.condition, samples), io.control_name});
        } else if (term.column == io.donor) {
            out.donor_term = at;
            out.terms.push_back({io.donor, {}, out.donor, ""});
        } else if (term.column == io.batch) {
            out.terms.push_back({io.batch, {}, out.batch.texts, ""});
        } else {
            out.terms.push_back(covariate(dataset, term, cells, samples, context));
        }
    }
    if (out.condition_term < 0) {
        fail(ErrorCode::usage, fmt::format("--design '{}' does not hold the condition '{}'.", io.design, io.condition), fmt::format("Write for instance --design '{} + {}'.", out.formula, io.condition));
    }
    return out;
}

}  // namespace

DeCells de_cells(const data::Dataset& dataset, const DeIo& io, Context& context) {
    const Groups types = type_groups(dataset, io, context);
    const CellColumns cells = read_columns(dataset, io, types);
    const std::vector<analysis::FormulaTerm> formula = io.design.empty() ? default_formula(dataset, io, cells, context) : analysis::parse_formula(io.design);
    const bool by_batch = !io.batch.empty() && std::any_of(formula.begin(), formula.end(), [&](const analysis::FormulaTerm& term) { return term.column == io.batch; });
    const Samples samples = find_samples(cells, by_batch);
    DeCells out;
    out.cohort = make_cohort(dataset, io, cells, samples, formula, context);
    analysis::check_cohort(out.cohort);
    // Types in their own order, without those that no cell of the two conditions has.
    std::vector<std::int32_t> number(types.categories.size(), -1);
    for (std::size_t cell = 0; cell < samples.of_cell.size(); ++cell) {
        if (samples.of_cell[cell] >= 0) number[static_cast<std::size_t>(types.codes[cell])] = 0;
    }
    for (std::size_t type = 0; type < number.size(); ++type) {
        if (number[type] < 0) continue;
        number[type] = static_cast<std::int32_t>(out.types.size());
        out.types.push_back(types.categories[type]);
    }
    for (std::size_t cell = 0; cell < samples.of_cell.size(); ++cell) {
        const std::int32_t sample = samples.of_cell[cell];
        out.group_of_cell.push_back(sample < 0 ? -1 : out.group(static_cast<std::size_t>(number[static_cast<std::size_t>(types.codes[cell])]), sample));
    }
    return out;
}

}  // namespace morula::commands
