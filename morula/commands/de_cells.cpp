// The columns that `morula de` reads, as a cohort of samples.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "morula/commands/comparison_cells.hpp"
#include "morula/commands/de.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

using Groups = data::Categorical;

/// Cell types; one called "all" without a column. Cells without a type take no part.
Groups types_of(const data::Dataset& dataset, const DeIo& io, Context& context) {
    if (io.cell_type.empty()) return {std::vector<std::int32_t>(static_cast<std::size_t>(dataset.n_cells()), 0), {"all"}, false};
    return type_groups(dataset, io.cell_type, "--cell-type", context);
}

/// Everything of a cell that decides its sample.
struct CellColumns {
    ComparisonCells cells;
    std::vector<std::string> levels;  // names of the sides
    bool takes_part(std::size_t cell) const { return cells.takes_part(cell); }
    std::int32_t level(std::size_t cell) const { return cells.side[cell]; }
    const std::string& condition(std::size_t cell) const { return levels[static_cast<std::size_t>(cells.side[cell])]; }
};

CellColumns read_columns(const data::Dataset& dataset, const DeIo& io, const Groups& types, Context& context) {
    std::vector<std::string> cases = dataset.n_cells() > 0 ? named_values(dataset, io.condition, io.case_name) : std::vector<std::string>{io.case_name};
    std::vector<std::string> levels{io.control_name};
    levels.insert(levels.end(), cases.begin(), cases.end());
    const std::string first = cases.front();
    cases.erase(cases.begin());
    const ComparisonColumns columns{io.condition, first, io.control_name, io.donor, io.batch, io.cell_type, std::move(cases)};
    CellColumns out{comparison_cells(dataset, columns, io.design.empty() ? DonorsInBoth::settle : DonorsInBoth::keep, context), std::move(levels)};
    for (std::size_t cell = 0; cell < types.codes.size(); ++cell) {
        if (types.codes[cell] < 0) out.cells.side[cell] = -1;
    }
    return out;
}

/// How many batches there are, and whether any donor has cells of several.
struct Batches {
    std::size_t n = 0;
    bool vary_in_donor = false;
};
Batches look_at_batches(const CellColumns& columns) {
    std::map<std::int32_t, std::set<std::int32_t>> of_donor;
    std::set<std::int32_t> all;
    const Groups& batch = columns.cells.batch;
    for (std::size_t cell = 0; cell < batch.codes.size(); ++cell) {
        if (!columns.takes_part(cell)) continue;
        of_donor[columns.cells.donor.codes[cell]].insert(batch.codes[cell]);
        all.insert(batch.codes[cell]);
    }
    Batches out{all.size(), false};
    for (const auto& [donor, own] : of_donor) out.vary_in_donor = out.vary_in_donor || own.size() > 1;
    return out;
}

std::vector<analysis::FormulaTerm> default_formula(const data::Dataset& dataset, const DeIo& io, const CellColumns& columns, Context& context) {
    const Batches batches = look_at_batches(columns);
    const std::int64_t n_one_sided = std::accumulate(columns.cells.n_only.begin(), columns.cells.n_only.end(), std::int64_t{0});
    const std::int64_t n_donors = columns.cells.n_both + n_one_sided;
    std::vector<analysis::FormulaTerm> terms;
    std::string why;
    const bool paired = columns.cells.n_both > 0;
    if (paired) {
        terms.push_back({io.donor, false});
        why = fmt::format("{} of {} donors are in {} conditions, so that each is compared with itself", columns.cells.n_both, n_donors, columns.levels.size() == 2 ? "both" : "several");
    } else {
        why = "each donor is in one condition";
    }
    if (batches.n > 1 && (!paired || batches.vary_in_donor)) terms.push_back({io.batch, false});
    else if (batches.n > 1) why += fmt::format("; '{}' is the same within each donor and needs no term of its own", io.batch);
    terms.push_back({io.condition, false});
    context.events().decision(fmt::format("{}: design {}: {}.", dataset.name, analysis::formula_text(terms), why));
    if (paired && n_one_sided > 0) {
        context.events().warning(fmt::format("{}: {} donors are in one condition only and tell nothing in a comparison within donors.", dataset.name, n_one_sided));
    }
    return terms;
}

/// Samples in order of donor, condition (control first) and batch, and the sample of each cell.
struct Samples {
    std::vector<std::size_t> first_cell;   // of each sample
    std::vector<std::int32_t> of_cell;     // -1: none
};
Samples find_samples(const CellColumns& columns, bool by_batch) {
    using Key = std::tuple<std::int32_t, std::int32_t, std::int32_t>;
    const std::size_t n_cells = columns.cells.side.size();
    const auto key_of = [&](std::size_t cell) { return Key{columns.cells.donor.codes[cell], columns.level(cell), by_batch ? columns.cells.batch.codes[cell] : 0}; };
    std::map<Key, std::size_t> first;
    for (std::size_t cell = 0; cell < n_cells; ++cell) {
        if (columns.takes_part(cell)) first.emplace(key_of(cell), cell);
    }
    Samples out;
    std::map<Key, std::int32_t> number;
    for (const auto& [key, cell] : first) {
        number.emplace(key, static_cast<std::int32_t>(number.size()));
        out.first_cell.push_back(cell);
    }
    for (std::size_t cell = 0; cell < n_cells; ++cell) out.of_cell.push_back(columns.takes_part(cell) ? number.at(key_of(cell)) : -1);
    return out;
}

bool is_number_column(const data::Column& column) {
    return std::holds_alternative<std::vector<double>>(column) || std::holds_alternative<std::vector<float>>(column) || std::holds_alternative<std::vector<std::int64_t>>(column) || std::holds_alternative<data::NullableIntegers>(column);
}

/// A column that must be the same for all cells of a sample.
analysis::SampleColumn covariate(const data::Dataset& dataset, const analysis::FormulaTerm& term, const CellColumns& columns, const Samples& samples, Context& context) {
    const Groups values = groups_with_gaps(dataset, term.column);
    for (std::size_t cell = 0; cell < samples.of_cell.size(); ++cell) {
        if (samples.of_cell[cell] < 0) continue;
        if (values.codes[cell] < 0) invalid_data(fmt::format("{}: cell '{}' has no value in column '{}' of the design.", dataset.name, dataset.obs.index()[cell], term.column), "Fill the column, or leave it out of the design.");
        const std::size_t first = samples.first_cell[static_cast<std::size_t>(samples.of_cell[cell])];
        if (values.codes[cell] == values.codes[first]) continue;
        invalid_data(fmt::format("{}: column '{}' of the design differs among the cells of donor '{}' in condition '{}' ('{}' and '{}').", dataset.name, term.column,
                                 columns.cells.donor.categories[static_cast<std::size_t>(columns.cells.donor.codes[first])], columns.condition(first), values.categories[static_cast<std::size_t>(values.codes[first])], values.categories[static_cast<std::size_t>(values.codes[cell])]),
                     fmt::format("A design takes one value a sample; for batches write --batch {}, which keeps a donor's batches apart.", term.column));
    }
    const data::Column& column = *dataset.obs.find(term.column);
    analysis::SampleColumn out{term.column, {}, {}, ""};
    const bool as_number = is_number_column(column) && !term.as_groups;
    const std::vector<double> numbers = as_number ? data::column_numbers(column) : std::vector<double>();
    for (const std::size_t cell : samples.first_cell) {
        if (as_number && !std::isfinite(numbers[cell])) {
            invalid_data(fmt::format("{}: column '{}' of the design holds {} for donor '{}', with which nothing can be reckoned.", dataset.name, term.column, numbers[cell],
                                     columns.cells.donor.categories[static_cast<std::size_t>(columns.cells.donor.codes[cell])]),
                         "Correct the value, or leave the column out of the design.");
        }
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
std::vector<std::string> batches_of_samples(const Groups& batch, const Samples& samples) {
    std::vector<std::set<std::string>> found(samples.first_cell.size());
    for (std::size_t cell = 0; cell < samples.of_cell.size(); ++cell) {
        if (samples.of_cell[cell] >= 0) found[static_cast<std::size_t>(samples.of_cell[cell])].insert(batch.categories[static_cast<std::size_t>(batch.codes[cell])]);
    }
    std::vector<std::string> out;
    for (const auto& names : found) out.push_back(fmt::format("{}", fmt::join(names, "+")));
    return out;
}

/// Each case against the control, then those that the user wrote.
std::vector<analysis::Contrast> contrasts_of(const std::vector<std::string>& levels, const std::vector<std::string>& written) {
    std::vector<analysis::Contrast> out;
    for (std::size_t k = 1; k < levels.size(); ++k) out.push_back(analysis::difference_of(levels, k, 0));
    for (const std::string& text : written) {
        analysis::Contrast contrast = analysis::parse_contrast(text, levels);
        const auto same = std::find_if(out.begin(), out.end(), [&](const analysis::Contrast& other) { return analysis::same_direction(contrast, other); });
        if (same != out.end()) {
            fail(ErrorCode::usage, fmt::format("--contrast '{}' asks the same as '{}'.", contrast.name, same->name), "Name each contrast once; each case is compared with the control without being asked.");
        }
        out.push_back(std::move(contrast));
    }
    return out;
}

analysis::Cohort make_cohort(const data::Dataset& dataset, const DeIo& io, const CellColumns& columns, const Samples& samples, const std::vector<analysis::FormulaTerm>& formula, Context& context) {
    analysis::Cohort out;
    out.source = dataset.name;
    out.levels = columns.levels;
    out.contrasts = contrasts_of(columns.levels, io.contrast);
    out.formula = analysis::formula_text(formula);
    out.donor = texts_of_samples(columns.cells.donor, samples);
    std::vector<std::string> condition;
    for (const std::size_t cell : samples.first_cell) {
        out.level.push_back(columns.level(cell));
        condition.push_back(columns.condition(cell));
    }
    out.batch.name = io.batch;
    if (!columns.cells.batch.codes.empty()) out.batch.texts = batches_of_samples(columns.cells.batch, samples);
    out.condition_term = -1;
    for (const analysis::FormulaTerm& term : formula) {
        const auto at = static_cast<std::int32_t>(out.terms.size());
        if (term.column == io.condition) {
            out.condition_term = at;
            out.terms.push_back({io.condition, {}, condition, columns.levels.front()});
        } else if (term.column == io.donor) {
            out.donor_term = at;
            out.terms.push_back({io.donor, {}, out.donor, ""});
        } else if (term.column == io.batch && !out.batch.texts.empty()) {
            out.terms.push_back({io.batch, {}, out.batch.texts, ""});
        } else {
            out.terms.push_back(covariate(dataset, term, columns, samples, context));
        }
    }
    if (out.condition_term < 0) {
        fail(ErrorCode::usage, fmt::format("--design '{}' does not hold the condition '{}'.", io.design, io.condition), fmt::format("Write for instance --design '{} + {}'.", out.formula, io.condition));
    }
    return out;
}

}  // namespace

DeCells de_cells(const data::Dataset& dataset, const DeIo& io, Context& context) {
    const Groups types = types_of(dataset, io, context);
    const CellColumns columns = read_columns(dataset, io, types, context);
    const std::vector<analysis::FormulaTerm> formula = io.design.empty() ? default_formula(dataset, io, columns, context) : analysis::parse_formula(io.design);
    const bool by_batch = !columns.cells.batch.codes.empty() && std::any_of(formula.begin(), formula.end(), [&](const analysis::FormulaTerm& term) { return term.column == io.batch; });
    const Samples samples = find_samples(columns, by_batch);
    DeCells out;
    out.cohort = make_cohort(dataset, io, columns, samples, formula, context);
    analysis::check_cohort(out.cohort);
    // Types in their own order, without those that no cell of the conditions has.
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
