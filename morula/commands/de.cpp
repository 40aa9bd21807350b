// Genes that differ between conditions, donors being the replicates.
#include "morula/commands/de.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <exception>
#include <numeric>
#include <set>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/pseudobulk.hpp"
#include "morula/commands/comparison_commands.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/reading_memory.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/step_command.hpp"
#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"

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

/// All data sets behind the inputs, each once.
std::vector<data::Dataset> open_studies(const DeIo& io, Context& context) {
    refuse_changed_values(io);
    std::vector<data::Dataset> out;
    std::set<std::string> seen;
    for (const std::string& input : io.input) {
        if (!seen.insert(fs::weakly_canonical(input).string()).second) fail(ErrorCode::usage, fmt::format("{} is given twice.", input), "Name each data set once: donors counted twice look like more evidence.");
        for (data::Dataset& dataset : open_datasets(input, io.orientation, context)) out.push_back(std::move(dataset));
    }
    return out;
}

data::Dataset with_columns(data::Dataset found, const DeIo& io, Context& context) {
    data::Dataset dataset = gene_expression(with_counts(std::move(found), io.layer, context), context);
    add_derived_columns(dataset, io.derive, context);
    return dataset;
}

std::string few_genes(std::int64_t n_genes) { return fmt::format("fewer than {} genes to learn from how genes vary ({})", kFewestGenes, n_genes); }

/// What may be said of a finished comparison: too few genes make it exploratory, and only tested types count genes.
void judge(DeType& type) {
    const std::int64_t n_genes = std::ssize(type.result.gene);
    if (n_genes == 0) {
        type.plan.evidence = analysis::Evidence::none;
        type.plan.status = "not compared: no gene has counts enough";
        return;
    }
    if (n_genes < kFewestGenes) {
        const std::string reason = few_genes(n_genes);
        type.plan.status = type.plan.evidence == analysis::Evidence::tested ? "exploratory: " + reason : type.plan.status + "; " + reason;
        type.plan.evidence = analysis::Evidence::exploratory;
    }
    const double least_p = std::log10(kDeFdr / static_cast<double>(n_genes));
    type.detectable_log2fc = analysis::detectable_log2fc(analysis::median(type.result.se), analysis::median(type.result.df), least_p);
    if (type.plan.evidence != analysis::Evidence::tested) return;
    for (std::size_t i = 0; i < type.result.gene.size(); ++i) {
        if (!(type.result.log10_fdr[i] <= std::log10(kDeFdr))) continue;
        ++(type.result.log2fc[i] > 0.0 ? type.n_up : type.n_down);
    }
}

void judge(DeLevels& type) {
    if (type.result.gene.empty()) {
        if (type.plan.evidence != analysis::Evidence::none) type.plan.status = "not compared: no gene has counts enough";
        type.plan.evidence = analysis::Evidence::none;
        return;
    }
    if (std::ssize(type.result.gene) < kFewestGenes && type.plan.evidence == analysis::Evidence::tested) {
        type.plan.evidence = analysis::Evidence::exploratory;
        type.plan.status = "exploratory: " + few_genes(std::ssize(type.result.gene));
    }
    if (type.plan.evidence == analysis::Evidence::tested) type.n_found = std::count_if(type.result.log10_fdr.begin(), type.result.log10_fdr.end(), [](double fdr) { return fdr <= std::log10(kDeFdr); });
}

void warn_of_few_cells(const DeStudy& study, Context& context) {
    const analysis::Cohort& cohort = study.cells.cohort;
    std::vector<std::string> few;
    for (std::size_t first = 0; first < study.types.size(); first += study.n_contrasts()) {
        const DeType& type = study.types[first];  // all contrasts of a type use the same samples
        std::vector<std::string> samples;
        for (const std::int32_t sample : type.plan.samples) {
            const auto s = static_cast<std::size_t>(sample);
            if (type.n_cells[s] < kDeFewCells) samples.push_back(fmt::format("{} {}: {}", cohort.donor[s], cohort.condition(s), type.n_cells[s]));
        }
        if (!samples.empty()) few.push_back(fmt::format("{} ({})", type.name, listed(samples)));
    }
    if (!few.empty()) context.events().warning(fmt::format("{}: fewer than {} cells make noisy sums: {}.", study.name, kDeFewCells, listed(few)));
}

void require_any(const DeStudy& study, const DeIo& io) {
    if (std::any_of(study.types.begin(), study.types.end(), [](const DeType& type) { return type.plan.evidence != analysis::Evidence::none; })) return;
    std::vector<std::string> reasons;
    for (const DeType& type : study.types) reasons.push_back(fmt::format("{}: {}", study.n_contrasts() == 1 ? type.name : type.name + ", " + type.contrast, type.plan.status));
    invalid_data(fmt::format("{}: no cell type can be compared ({}).", study.name, listed(reasons)), fmt::format("Check that '{}' names donors and not cells, join rare types, or lower --min-cells.", io.donor));
}

/// Asked before the counts are read: the sums of all groups, the tables of one cell type (counts and means of its samples, dispersions on a grid), and what a pass holds.
void require_room(const matrix::RowBlockSource& counts, const DeCells& cells, Context& context) {
    constexpr std::int64_t kTablesOfSamples = 4;
    constexpr std::int64_t kNumbersOfGenes = 64;
    const std::int64_t of_genes = std::int64_t{cells.n_groups()} + kTablesOfSamples * cells.cohort.n_samples() + kNumbersOfGenes;
    context.require_memory(checked_size_product(checked_size_product(counts.n_cols(), of_genes), static_cast<std::int64_t>(sizeof(double))) + reading_bytes(counts, context), "de");
}

DeStudy compare_study(const data::Dataset& dataset, const DeIo& io, const analysis::DeOptions& options, Context& context) {
    DeStudy study;
    study.name = dataset.name;
    study.var = dataset.var;
    study.cells = de_cells(dataset, io, context);
    require_room(*require_counts(dataset), study.cells, context);
    const analysis::Pseudobulk sums = analysis::pseudobulk(*require_counts(dataset), study.cells.group_of_cell, study.cells.n_groups(), context);
    for (std::size_t type = 0; type < study.cells.types.size(); ++type) {
        ComparedType compared = compare_type(study.cells, type, sums, io, options, context);
        std::move(compared.contrasts.begin(), compared.contrasts.end(), std::back_inserter(study.types));
        std::move(compared.levels.begin(), compared.levels.end(), std::back_inserter(study.levels));
    }
    require_any(study, io);
    warn_of_few_cells(study, context);
    return study;
}

/// All data sets, one after the other. Where there are several, one that cannot be compared is no reason to lose the others.
std::vector<DeStudy> compare_studies(const DeIo& io, const analysis::DeOptions& options, VerbRecord& record, Context& context) {
    std::vector<data::Dataset> found = open_studies(io, context);
    const std::string input = io.input.size() == 1 ? io.input[0] : "";
    std::vector<DeStudy> out;
    std::exception_ptr first_refusal;
    for (data::Dataset& raw : found) {
        const std::string name = raw.name;
        try {
            const data::Dataset dataset = with_columns(std::move(raw), io, context);
            record.add_input(found.size() == 1 && !input.empty() ? input : name, dataset);
            out.push_back(compare_study(dataset, io, options, context));
        } catch (const Error& error) {
            const bool may_differ = error.code() == ErrorCode::invalid_data || error.code() == ErrorCode::not_found;
            if (found.size() == 1 || !may_differ) throw;
            if (!first_refusal) first_refusal = std::current_exception();
            context.events().warning(fmt::format("{} is left out. {}", name, error.message()));
            out.push_back({.name = name, .var = {}, .cells = {}, .types = {}, .levels = {}, .refused = error.message()});
        }
    }
    if (std::all_of(out.begin(), out.end(), [](const DeStudy& study) { return !study.refused.empty(); })) std::rethrow_exception(first_refusal);
    return out;
}

/// A folder name for each data set: letters, digits, dots, lines; a number behind a name that stands twice.
std::vector<std::string> folder_names(const std::vector<DeStudy>& studies) {
    std::vector<std::string> out;
    std::set<std::string> seen;
    for (const DeStudy& study : studies) {
        std::string name;
        for (const char c : study.name) name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' ? c : '_';
        while (!name.empty() && name.front() == '.') name.erase(name.begin());
        if (name.empty()) name = "data";
        std::string unique = name;
        for (int number = 2; !seen.insert(unique).second; ++number) unique = fmt::format("{}-{}", name, number);
        out.push_back(unique);
    }
    return out;
}

/// A type counts as what its best contrast is.
void add_counts(const DeStudy& study, VerbRecord& record) {
    std::int64_t n_with[3] = {0, 0, 0};
    for (std::size_t first = 0; first < study.types.size(); first += study.n_contrasts()) {
        analysis::Evidence best = analysis::Evidence::none;
        for (std::size_t c = 0; c < study.n_contrasts(); ++c) best = std::min(best, study.types[first + c].plan.evidence);
        ++n_with[static_cast<int>(best)];
    }
    record.add_text("design", study.cells.cohort.formula);
    record.add_count("n_types_tested", n_with[static_cast<int>(analysis::Evidence::tested)]);
    record.add_count("n_types_exploratory", n_with[static_cast<int>(analysis::Evidence::exploratory)]);
    record.add_count("n_types_not_compared", n_with[static_cast<int>(analysis::Evidence::none)]);
}

void make_folder(const fs::path& folder, const DeStudy& study) {
    if (de_tables(study).size() > 2) make_output_folder(folder, {"de.csv", "donors.csv", "together.csv"});
    else make_output_folder(folder, {"de.csv", "donors.csv"});
}

CommandResult finish_one(const DeIo& io, const std::vector<DeStudy>& studies, VerbRecord& record) {
    const DeStudy& study = studies.front();
    write_de_tables(io.out, io, study);
    add_counts(study, record);
    for (const std::string& name : de_tables(study)) record.add_output(name);
    record.add_output("run.json");
    record.write(io.out);
    const std::string_view together = study.levels.empty() ? "" : " together.csv (genes that differ between any of the conditions),";
    return {de_text(io, study) + fmt::format("{}: de.csv (genes), donors.csv (who was used, and why not),{} run.json.\n", io.out, together), de_json(io, studies, {}, record)};
}

CommandResult finish_several(const DeIo& io, const std::vector<DeStudy>& studies, VerbRecord& record, Context& context) {
    const std::vector<std::string> folders = folder_names(studies);
    std::string text;
    for (std::size_t i = 0; i < studies.size(); ++i) {
        if (!studies[i].refused.empty()) {
            text += fmt::format("{}: not compared. {}\n", studies[i].name, studies[i].refused);
            continue;
        }
        const fs::path folder = fs::path(io.out) / folders[i];
        make_folder(folder, studies[i]);
        write_de_tables(folder, io, studies[i]);
        for (const std::string& name : de_tables(studies[i])) record.add_output((fs::path(folders[i]) / name).string());
        text += de_text(io, studies[i]);
    }
    const bool several_cases = std::any_of(studies.begin(), studies.end(), [](const DeStudy& study) { return !study.levels.empty(); });
    const std::vector<PooledType> pooled = pool_studies(studies, context);
    write_pooled_table(io.out, pooled);
    record.add_count("n_datasets", std::ssize(studies));
    record.add_count("n_datasets_compared", static_cast<std::int64_t>(std::count_if(studies.begin(), studies.end(), [](const DeStudy& study) { return study.refused.empty(); })));
    for (const char* name : {"pooled.csv", "run.json"}) record.add_output(name);
    record.write(io.out);
    text += pooled_text(pooled) + fmt::format("{}: pooled.csv (all data sets together), a folder a data set with {}, run.json.\n", io.out, several_cases ? "de.csv, donors.csv and together.csv" : "de.csv and donors.csv");
    return {text, de_json(io, studies, pooled, record)};
}

CommandResult run_de(const FieldValues& values, Context& context) {
    const auto io = options_among<DeIo>(values);
    const auto options = options_among<analysis::DeOptions>(values);
    FieldValues all = values_of(io);
    for (auto& value : values_of(options)) all.push_back(std::move(value));
    VerbRecord record("de", std::move(all), context);
    const std::vector<DeStudy> studies = compare_studies(io, options, record, context);
    if (studies.size() == 1) make_folder(io.out, studies.front());
    else make_output_folder(io.out, {"pooled.csv"});
    return studies.size() == 1 ? finish_one(io, studies, record) : finish_several(io, studies, record, context);
}

}  // namespace

ComparedType compare_type(const DeCells& cells, std::size_t number, const analysis::Pseudobulk& sums, const DeIo& io, const analysis::DeOptions& options, Context& context) {
    DeType type;
    type.name = cells.types[number];
    for (std::int64_t sample = 0; sample < cells.cohort.n_samples(); ++sample) {
        const std::int32_t group = cells.group(number, sample);
        const auto counts = sums.sums.row(group);
        type.n_cells.push_back(sums.n_cells[static_cast<std::size_t>(group)]);
        type.n_counts.push_back(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
    }
    ComparedType out;
    analysis::DeQuestions questions;
    const analysis::ComparisonPlan* fit = nullptr;
    for (analysis::ComparisonPlan& plan : analysis::plan_comparisons(cells.cohort, type.n_cells, type.n_counts, io.min_cells)) {
        out.contrasts.push_back(type);
        out.contrasts.back().contrast = cells.cohort.contrasts[out.contrasts.size() - 1].name;
        out.contrasts.back().plan = std::move(plan);
    }
    for (const DeType& each : out.contrasts) {
        if (each.plan.evidence == analysis::Evidence::none) continue;
        questions.contrasts.push_back(each.plan.contrast);
        fit = &each.plan;
    }
    if (cells.cohort.levels.size() > 2) {
        std::vector<analysis::ComparisonPlan> plans;
        for (const DeType& each : out.contrasts) plans.push_back(each.plan);
        out.levels.push_back({type.name, analysis::plan_together(cells.cohort, plans), {}, 0});
        questions.together = out.levels.front().plan.contrasts;
    }
    if (fit == nullptr) return out;
    std::vector<std::int32_t> groups;
    for (const std::int32_t sample : fit->samples) groups.push_back(cells.group(number, sample));
    const matrix::Dense<double> counts = analysis::genes_by_samples(sums, groups);
    analysis::DeAnswers answers = analysis::de(counts.view(), fit->design, questions, options, context);
    std::size_t next = 0;
    for (DeType& each : out.contrasts) {
        if (each.plan.evidence == analysis::Evidence::none) continue;
        each.result = std::move(answers.contrasts[next++]);
        judge(each);
    }
    for (DeLevels& levels : out.levels) {
        levels.result = std::move(answers.together);
        judge(levels);
    }
    return out;
}

Command de_command() {
    Command command;
    command.name = "de";
    command.summary = "Compare conditions gene by gene, cell type by cell type, with donors as replicates.";
    command.help = "Counts are added up over the cells of each donor, condition and cell type; a negative-binomial quasi-likelihood F test compares the donors. Under 3 donors a group the result is exploratory: "
                   "effects and ranks, no false discovery rate. A condition that is confounded with batch is refused. Several cases are each compared with the control, in one fit, and tested together. Several data sets are compared one by one; a random-effects mean then says what holds across them.";
    command.examples = {{"Disease against healthy, type by type", "morula de study.h5ad --condition disease --case asthma --control normal --donor donor_id --cell-type cell_type --out de"},
                        {"The donor's name inside the sample's, and a batch in the design",
                         "morula de study.h5ad --condition group --case stim --control ctrl --derive 'donor=sample_id:[0-9]+' --donor donor --batch plate --out de"},
                        {"Two grades of a disease, each against healthy and one against the other", "morula de study.h5ad --condition grade --case mild,severe --control healthy --contrast 'severe - mild' --donor donor_id --out de"},
                        {"Every data set of an atlas on its own, then together", "morula de lungs.atlas --condition disease --case asthma --control normal --donor donor_id --cell-type cell_type --out de"}};
    command.options = joined_schema<DeIo, analysis::DeOptions>();
    command.run = run_de;
    return command;
}

}  // namespace morula::commands
