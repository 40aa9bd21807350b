// What a run finds between two conditions: state by `de`, composition by `abundance`, kept as slots so that a cached run shows the same page.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "morula/analysis/abundance.hpp"
#include "morula/analysis/pseudobulk.hpp"
#include "morula/commands/comparison_cells.hpp"
#include "morula/commands/de.hpp"
#include "morula/commands/donor_table.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kStripGenes = 8;  // of a type, shown donor by donor
constexpr double kMillion = 1e6;

DeIo de_io(const DifferencesChoice& choice) {
    DeIo io;
    io.condition = choice.condition;
    io.case_name = choice.case_name;
    io.control_name = choice.control_name;
    io.donor = choice.donor;
    io.cell_type = choice.cell_type;
    io.batch = choice.batch;
    return io;
}

/// Columns of uns, one entry a compared gene of a type.
struct GeneColumns {
    std::vector<std::int64_t> type, gene;
    std::vector<double> log2fc, shrunk, se, log10_p, log10_fdr;

    void add(std::size_t number, const DeType& each) {
        const bool claims = each.plan.evidence == analysis::Evidence::tested;
        for (std::size_t i = 0; i < each.result.gene.size(); ++i) {
            type.push_back(static_cast<std::int64_t>(number));
            gene.push_back(each.result.gene[i]);
            log2fc.push_back(each.result.log2fc[i]);
            shrunk.push_back(each.result.log2fc_shrunk[i]);
            se.push_back(each.result.se[i]);
            log10_p.push_back(each.result.log10_p[i]);
            log10_fdr.push_back(claims ? each.result.log10_fdr[i] : kNaN);
        }
    }
    data::UnsMap map() const {
        return {{"type", uns_of(type)}, {"gene", uns_of(gene)}, {"log2fc", uns_of(log2fc)}, {"log2fc_shrunk", uns_of(shrunk)}, {"se", uns_of(se)}, {"log10_p", uns_of(log10_p)}, {"log10_fdr", uns_of(log10_fdr)}};
    }
};

/// log2 counts per million of the genes of smallest p, one entry a gene and sample.
struct StripColumns {
    std::vector<std::int64_t> type, gene;
    std::vector<double> log2_cpm;

    void add(std::size_t number, const DeType& each, const DeCells& cells, const analysis::Pseudobulk& sums) {
        std::vector<std::size_t> order(each.result.gene.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return each.result.log10_p[a] < each.result.log10_p[b]; });
        order.resize(std::min(order.size(), kStripGenes));
        for (const std::size_t i : order) {
            type.push_back(static_cast<std::int64_t>(number));
            gene.push_back(each.result.gene[i]);
            for (std::int64_t s = 0; s < cells.cohort.n_samples(); ++s) {
                const bool used = std::find(each.plan.samples.begin(), each.plan.samples.end(), static_cast<std::int32_t>(s)) != each.plan.samples.end();
                const double count = static_cast<double>(sums.sums(cells.group(number, s), each.result.gene[i]));
                const double total = static_cast<double>(each.n_counts[static_cast<std::size_t>(s)]);
                log2_cpm.push_back(used ? std::log2((count + 0.5) / (total + 1.0) * kMillion) : kNaN);
            }
        }
    }
    data::UnsMap map() const { return {{"type", uns_of(type)}, {"gene", uns_of(gene)}, {"log2_cpm", uns_of(log2_cpm)}}; }
};

data::UnsMap types_map(const std::vector<DeType>& types) {
    std::vector<std::string> name, status;
    std::vector<std::int64_t> evidence, n_case, n_control, n_genes, n_up, n_down, n_cells;
    std::vector<double> detectable;
    for (const DeType& type : types) {
        name.push_back(type.name);
        status.push_back(type.plan.status);
        evidence.push_back(static_cast<std::int64_t>(type.plan.evidence));
        n_case.push_back(type.plan.n_case);
        n_control.push_back(type.plan.n_control);
        n_genes.push_back(std::ssize(type.result.gene));
        n_up.push_back(type.n_up);
        n_down.push_back(type.n_down);
        detectable.push_back(type.result.gene.empty() ? kNaN : type.detectable_log2fc);
        n_cells.insert(n_cells.end(), type.n_cells.begin(), type.n_cells.end());
    }
    return {{"name", uns_of(name)}, {"status", uns_of(status)}, {"evidence", uns_of(evidence)}, {"n_case", uns_of(n_case)}, {"n_control", uns_of(n_control)}, {"n_genes", uns_of(n_genes)},
            {"n_up", uns_of(n_up)}, {"n_down", uns_of(n_down)}, {"n_cells", uns_of(n_cells)}, {"detectable_log2fc", uns_of(detectable)}};
}

data::UnsMap samples_map(const analysis::Cohort& cohort) {
    const std::vector<std::int64_t> is_case(cohort.level.begin(), cohort.level.end());  // of two levels
    std::vector<std::string> batch = cohort.batch.texts;
    batch.resize(cohort.donor.size());
    return {{"donor", uns_of(cohort.donor)}, {"is_case", uns_of(is_case)}, {"batch", uns_of(batch)}};
}

data::UnsMap donors_map(const DonorTable& table) {
    const std::vector<std::int64_t> is_case(table.is_case.begin(), table.is_case.end());
    std::vector<std::string> columns, texts, sentences, of_group, group, in_case, in_control;
    std::vector<std::int64_t> balance;
    for (const DonorColumn& column : table.columns) {
        columns.push_back(column.name);
        texts.insert(texts.end(), column.texts.begin(), column.texts.end());
        sentences.push_back(column.sentence);
        balance.push_back(static_cast<std::int64_t>(column.balance));
        for (const DonorGroup& each : column.groups) {
            of_group.push_back(column.name);
            group.push_back(each.name);
            in_case.push_back(each.in_case);
            in_control.push_back(each.in_control);
        }
    }
    return {{"donor", uns_of(table.donor)}, {"is_case", uns_of(is_case)}, {"n_cells", uns_of(table.n_cells)}, {"columns", uns_of(columns)}, {"texts", uns_of(texts)}, {"sentences", uns_of(sentences)}, {"balance", uns_of(balance)},
            {"of_group", uns_of(of_group)}, {"group", uns_of(group)}, {"in_case", uns_of(in_case)}, {"in_control", uns_of(in_control)}, {"n_more", uns_of(table.n_more)}};
}

/// A donor in a condition, its batches taken together, and its cells of each type.
struct Composition {
    analysis::AbundanceUnits units;
    matrix::Dense<double> counts;
    std::vector<double> totals;
};
Composition composition_of(const DeCells& cells, const std::vector<DeType>& types) {
    Composition out;
    std::vector<std::size_t> unit_of_sample;
    for (std::size_t s = 0; s < cells.cohort.donor.size(); ++s) {
        std::size_t unit = 0;
        while (unit < out.units.donor.size() && (out.units.donor[unit] != cells.cohort.donor[s] || out.units.is_case[unit] != cells.cohort.level[s])) ++unit;
        if (unit == out.units.donor.size()) {
            out.units.donor.push_back(cells.cohort.donor[s]);
            out.units.is_case.push_back(static_cast<std::uint8_t>(cells.cohort.level[s]));
        }
        unit_of_sample.push_back(unit);
    }
    out.counts = matrix::Dense<double>(std::ssize(out.units.donor), std::ssize(types));
    out.totals.assign(out.units.donor.size(), 0.0);
    for (std::size_t t = 0; t < types.size(); ++t) {
        for (std::size_t s = 0; s < unit_of_sample.size(); ++s) {
            const auto n = static_cast<double>(types[t].n_cells[s]);
            out.counts(static_cast<std::int64_t>(unit_of_sample[s]), static_cast<std::int64_t>(t)) += n;
            out.totals[unit_of_sample[s]] += n;
        }
    }
    return out;
}

/// The composition test; empty with the reason where it cannot be made (one type, too few cells).
data::UnsMap composition_map(const DeCells& cells, const std::vector<DeType>& types, Context& context) {
    std::vector<double> effect, low, high, p, fdr;
    std::vector<std::string> status;
    double least_p = 0.0;
    std::string refused;
    try {
        const Composition composition = composition_of(cells, types);
        const analysis::AbundanceOptions options;
        const analysis::AbundancePlan plan = analysis::plan_abundance(composition.units, composition.totals, cells.cohort.levels[1], cells.cohort.levels[0], options);
        const analysis::AbundanceResult result = analysis::abundance(composition.counts.view(), plan, -1, options, context);
        least_p = result.least_p;
        const double per_log2 = 1.0 / std::log(2.0);
        for (const analysis::TypeAbundance& type : result.types) {
            effect.push_back(type.test.effect * per_log2);
            low.push_back(type.test.low * per_log2);
            high.push_back(type.test.high * per_log2);
            p.push_back(type.test.p);
            fdr.push_back(type.fdr);
            status.push_back(type.status);
        }
    } catch (const Error& error) {
        if (error.code() != ErrorCode::invalid_data) throw;
        context.events().warning("Composition was not tested: " + error.message());
        refused = error.message();
    }
    return {{"log2_ratio", uns_of(effect)}, {"low", uns_of(low)}, {"high", uns_of(high)}, {"p", uns_of(p)}, {"fdr", uns_of(fdr)}, {"status", uns_of(status)}, {"least_p", uns_of(least_p)}, {"refused", uns_of(refused)}};
}

}  // namespace

void check_differences(const data::Dataset& dataset, const DifferencesChoice& choice, Context& context) {
    // The file's own batches are left to the page, which says what they hide; those that the user wants mixed are asked here.
    const std::string batch = choice.batch.empty() ? std::string(kNoBatch) : choice.batch;
    const ComparisonUnits units = comparison_units(dataset, {choice.condition, choice.case_name, choice.control_name, choice.donor, batch, choice.cell_type}, DonorsInBoth::settle, context);
    // One donor a condition is left to the page, which says why nothing was compared; one donor in all is a column named by mistake.
    if (std::all_of(units.donor.begin(), units.donor.end(), [&](const std::string& donor) { return donor == units.donor.front(); })) {
        invalid_data(fmt::format("{}: column '{}' names one donor, '{}': a difference within one person cannot be told from chance.", dataset.name, choice.donor, units.donor.empty() ? "" : units.donor.front()),
                     "Name the column with donors with --donor, or leave --condition away.");
    }
    if (!choice.cell_type.empty() && choice.cell_type != "leiden") type_groups(dataset, choice.cell_type, "--cell-type", context);
}

namespace {

/// What was found, beside the choice.
data::UnsMap found_differences(const data::Dataset& in, const DifferencesChoice& choice, const analysis::DeOptions& options, Context& context) {
    const DeIo io = de_io(choice);
    const DeCells cells = de_cells(in, io, context);
    const analysis::Pseudobulk sums = analysis::pseudobulk(*require_counts(in), cells.group_of_cell, cells.n_groups(), context);
    std::vector<DeType> types;
    GeneColumns genes;
    StripColumns strips;
    for (std::size_t type = 0; type < cells.types.size(); ++type) {
        types.push_back(std::move(compare_type(cells, type, sums, io, options, context).contrasts.front()));
        genes.add(type, types.back());
        strips.add(type, types.back(), cells, sums);
    }
    return {{"design", uns_of(cells.cohort.formula)}, {"samples", uns_of(samples_map(cells.cohort))}, {"types", uns_of(types_map(types))}, {"genes", uns_of(genes.map())}, {"strips", uns_of(strips.map())},
            {"composition", uns_of(composition_map(cells, types, context))}, {"refused", uns_of(std::string())}};
}

}  // namespace

namespace {

/// Who is compared, and what else sets them apart: shown beside a refusal too. Empty where no donor is left to be compared.
data::UnsMap donors_of(const data::Dataset& in, const DifferencesChoice& choice, Context& context) {
    Context quiet({.threads = context.threads(), .memory_bytes = context.memory_bytes()});  // what there is to say, the comparison says
    try {
        return donors_map(donor_table(in, {choice.condition, choice.case_name, choice.control_name, choice.donor, choice.batch, choice.cell_type}, quiet));
    } catch (const Error& error) {
        if (error.code() != ErrorCode::invalid_data) throw;
        return donors_map({});
    }
}

}  // namespace

data::Dataset differences_slots(const data::Dataset& in, const DifferencesChoice& choice, const analysis::DeOptions& options, Context& context) {
    data::UnsMap map;
    try {
        map = found_differences(in, choice, options, context);
    } catch (const Error& error) {
        // Donors that allow no comparison are an answer, and no reason to lose the map: the page says why.
        if (error.code() != ErrorCode::invalid_data) throw;
        context.events().warning("Conditions were not compared. " + error.message());
        map["refused"] = uns_of(error.message() + (error.message().find('\n') == std::string::npos ? " " : "\n") + error.next());  // a table's lines stay its own
    }
    map["donors"] = uns_of(donors_of(in, choice, context));
    map["condition"] = uns_of(choice.condition);
    map["case"] = uns_of(choice.case_name);
    map["control"] = uns_of(choice.control_name);
    map["donor"] = uns_of(choice.donor);
    map["cell_type"] = uns_of(choice.cell_type);
    data::Dataset out = slots_like(in);
    out.uns["differences"] = uns_of(std::move(map));
    return out;
}

}  // namespace morula::commands
