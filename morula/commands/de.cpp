// Genes that differ between conditions, donors being the replicates.
#include "morula/commands/de.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <numeric>

#include "morula/analysis/pseudobulk.hpp"
#include "morula/commands/comparison_commands.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/step_command.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kFewestGenes = 10;

/// Words that stand in names of matrices that no longer hold what was counted.
constexpr std::string_view kChanged[] = {"denois", "correct", "imput", "magic", "scvi", "soupx", "decontx", "cellbender", "saver", "smooth"};

void refuse_changed_values(const DeIo& io) {
    std::string lower = io.layer;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    for (const std::string_view word : kChanged) {
        if (lower.find(word) == std::string::npos) continue;
        invalid_data(fmt::format("--layer {}: by its name it holds denoised or corrected values; their spread between donors is not that of counts, so p values would be wrong.", io.layer), "Name the matrix with raw counts.");
    }
}

data::Dataset open_counts(const DeIo& io, VerbRecord& record, Context& context) {
    refuse_changed_values(io);
    std::vector<data::Dataset> found = open_datasets(io.input, io.orientation, context);
    if (found.size() != 1) {
        fail(ErrorCode::unsupported, fmt::format("{}: holds {} data sets; de compares within one.", io.input, found.size()), "Name one data set.");
    }
    data::Dataset dataset = gene_expression(with_counts(std::move(found.front()), io.layer, context), context);
    record.add_input(io.input, dataset);
    add_derived_columns(dataset, io.derive, context);
    return dataset;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values.empty() ? 0.0 : values[values.size() / 2];
}

/// What may be said of a finished comparison: too few genes make it exploratory, and only tested types count genes.
void judge(DeType& type) {
    const std::int64_t n_genes = std::ssize(type.result.gene);
    if (n_genes == 0) {
        type.plan.evidence = analysis::Evidence::none;
        type.plan.status = "not compared: no gene has counts enough";
        return;
    }
    if (n_genes < kFewestGenes) {
        const std::string reason = fmt::format("fewer than {} genes to learn from how genes vary ({})", kFewestGenes, n_genes);
        type.plan.status = type.plan.evidence == analysis::Evidence::tested ? "exploratory: " + reason : type.plan.status + "; " + reason;
        type.plan.evidence = analysis::Evidence::exploratory;
    }
    const double least_p = std::log10(kDeFdr / static_cast<double>(n_genes));
    type.detectable_log2fc = analysis::detectable_log2fc(median(type.result.se), median(type.result.df), least_p);
    if (type.plan.evidence != analysis::Evidence::tested) return;
    for (std::size_t i = 0; i < type.result.gene.size(); ++i) {
        if (!(type.result.log10_fdr[i] <= std::log10(kDeFdr))) continue;
        ++(type.result.log2fc[i] > 0.0 ? type.n_up : type.n_down);
    }
}

void warn_of_few_cells(const std::vector<DeType>& types, const analysis::Cohort& cohort, Context& context) {
    std::vector<std::string> few;
    for (const DeType& type : types) {
        std::vector<std::string> samples;
        for (const std::int32_t sample : type.plan.samples) {
            const auto s = static_cast<std::size_t>(sample);
            if (type.n_cells[s] < kDeFewCells) samples.push_back(fmt::format("{} {}: {}", cohort.donor[s], cohort.is_case[s] != 0 ? cohort.case_name : cohort.control_name, type.n_cells[s]));
        }
        if (!samples.empty()) few.push_back(fmt::format("{} ({})", type.name, fmt::join(samples, ", ")));
    }
    if (!few.empty()) context.events().warning(fmt::format("Fewer than {} cells make noisy sums: {}.", kDeFewCells, fmt::join(few, "; ")));
}

void require_any(const std::vector<DeType>& types, const DeIo& io) {
    if (std::any_of(types.begin(), types.end(), [](const DeType& type) { return type.plan.evidence != analysis::Evidence::none; })) return;
    std::string reasons;
    constexpr std::size_t shown = 5;
    for (std::size_t i = 0; i < std::min(types.size(), shown); ++i) reasons += fmt::format("{}{}: {}", i == 0 ? "" : "; ", types[i].name, types[i].plan.status);
    invalid_data(fmt::format("{}: no cell type can be compared ({}{}).", io.input, reasons, types.size() > shown ? "; ..." : ""),
                 fmt::format("Check that '{}' names donors and not cells, join rare types, or lower --min-cells.", io.donor));
}

void add_results(const DeCells& cells, const std::vector<DeType>& types, VerbRecord& record) {
    const auto n_with = [&](analysis::Evidence evidence) { return static_cast<std::int64_t>(std::count_if(types.begin(), types.end(), [&](const DeType& type) { return type.plan.evidence == evidence; })); };
    record.add_text("design", cells.cohort.formula);
    record.add_count("n_types_tested", n_with(analysis::Evidence::tested));
    record.add_count("n_types_exploratory", n_with(analysis::Evidence::exploratory));
    record.add_count("n_types_not_compared", n_with(analysis::Evidence::none));
}

CommandResult run_de(const FieldValues& values, Context& context) {
    const auto io = options_among<DeIo>(values);
    const auto options = options_among<analysis::DeOptions>(values);
    FieldValues all = values_of(io);
    for (auto& value : values_of(options)) all.push_back(std::move(value));
    VerbRecord record("de", std::move(all), context);
    const data::Dataset dataset = open_counts(io, record, context);
    const DeCells cells = de_cells(dataset, io, context);
    const analysis::Pseudobulk sums = analysis::pseudobulk(*require_counts(dataset), cells.group_of_cell, cells.n_groups(), context);
    std::vector<DeType> types;
    for (std::size_t type = 0; type < cells.types.size(); ++type) types.push_back(compare_type(cells, type, sums, io, options, context));
    require_any(types, io);
    warn_of_few_cells(types, cells.cohort, context);
    const fs::path folder = io.out;
    fs::create_directories(folder);
    write_de_tables(folder, io, cells, dataset.var, types);
    add_results(cells, types, record);
    for (const char* name : {"de.csv", "donors.csv", "run.json"}) record.add_output(name);
    record.write(folder);
    return {de_text(io, cells, dataset.var, types), de_json(io, types, record)};
}

}  // namespace

DeType compare_type(const DeCells& cells, std::size_t number, const analysis::Pseudobulk& sums, const DeIo& io, const analysis::DeOptions& options, Context& context) {
    DeType type;
    type.name = cells.types[number];
    for (std::int64_t sample = 0; sample < cells.cohort.n_samples(); ++sample) {
        const std::int32_t group = cells.group(number, sample);
        const auto counts = sums.sums.row(group);
        type.n_cells.push_back(sums.n_cells[static_cast<std::size_t>(group)]);
        type.n_counts.push_back(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
    }
    type.plan = analysis::plan_comparison(cells.cohort, type.n_cells, type.n_counts, io.min_cells);
    if (type.plan.evidence == analysis::Evidence::none) return type;
    std::vector<std::int32_t> groups;
    for (const std::int32_t sample : type.plan.samples) groups.push_back(cells.group(number, sample));
    const matrix::Dense<double> counts = analysis::genes_by_samples(sums, groups);
    type.result = analysis::de(counts.view(), type.plan.design, type.plan.contrast, options, context);
    judge(type);
    return type;
}

Command de_command() {
    Command command;
    command.name = "de";
    command.summary = "Compare two conditions gene by gene, cell type by cell type, with donors as replicates.";
    command.help = "Counts are added up over the cells of each donor, condition and cell type; a negative-binomial quasi-likelihood F test compares the donors. Under 3 donors a group the result is exploratory: "
                   "effects and ranks, no false discovery rate. A condition that is confounded with batch is refused.";
    command.examples = {{"Disease against healthy, type by type", "morula de study.h5ad --condition disease --case asthma --control normal --donor donor_id --cell-type cell_type --out de"},
                        {"The donor's name inside the sample's, and a batch in the design",
                         "morula de study.h5ad --condition group --case stim --control ctrl --derive 'donor=sample_id:[0-9]+' --donor donor --batch plate --out de"}};
    command.options = joined_schema<DeIo, analysis::DeOptions>();
    command.run = run_de;
    return command;
}

}  // namespace morula::commands
