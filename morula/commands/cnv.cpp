// Gains and losses of chromosomes that cells have acquired, from their expression.
#include "morula/commands/cnv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "morula/commands/comparison_cells.hpp"
#include "morula/commands/comparison_commands.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/step_command.hpp"
#include "morula/commands/verb_record.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using analysis::CnvRole;

constexpr std::string_view kExpressionNext = "Write for instance --reference-cells \"cell_type=T cell,B cell\".";

data::Dataset open_one(const CnvIo& io, Context& context) {
    std::vector<data::Dataset> found = open_datasets(io.input, io.orientation, context);
    if (found.size() != 1) fail(ErrorCode::unsupported, fmt::format("{}: holds {} data sets; cnv reads one.", io.input, found.size()), "Export the one to read: morula export.");
    return std::move(found.front());
}

std::vector<std::string> split_at_commas(const std::string& text) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        if (end > begin) parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

void refuse_old_outputs(const CnvIo& io) {
    if (!io.previous.empty() && fs::exists(io.out) && fs::exists(io.previous) && fs::equivalent(io.previous, io.out)) {
        fail(ErrorCode::usage, fmt::format("--previous and --out are the same folder, {}.", io.out), "Name another folder with --out: the earlier results are read, not replaced.");
    }
}

CommandResult run_cnv(const FieldValues& values, Context& context) {
    const auto io = options_among<CnvIo>(values);
    const analysis::CnvOptions options{options_among<analysis::CnvGeneOptions>(values), options_among<analysis::CnvWindowsOptions>(values), options_among<analysis::CnvCloneOptions>(values),
                                       options_among<analysis::CnvCallOptions>(values)};
    VerbRecord record("cnv", values, context);
    refuse_old_outputs(io);
    std::vector<analysis::CnvSpan> before;
    if (!io.previous.empty()) before = read_previous(io.previous, context);
    data::Dataset dataset = open_one(io, context);
    const matrix::Matrix linear = linear_values(dataset, io.layer, context);
    record.add_input(io.input, dataset);
    add_derived_columns(dataset, io.derive, context);
    const CnvCells cells = cnv_cells(dataset, {io.reference_cells, io.cells, io.donor}, context);
    CnvPositions positions = read_cnv_positions(io.gene_order, io.arms, context);
    positions.genes = open_gene_table(io.gene_table, context);
    const PlacedGenes genes = place_genes(dataset, positions, context);

    analysis::CnvResult result;
    if (!io.reference_cells) {
        context.events().warning(kNoReference);
    } else {
        const matrix::Matrix placed = in_genome_order(linear, genes);
        result = analysis::cnv({*placed, genes.genome, cells.role, cells.donor}, options, context);
        say_calibration(result, context);
    }
    const CnvOutcome outcome{dataset, cells, result, clone_names(result, cells)};
    make_output_folder(io.out, {"cnv_cells.csv", "cnv_segments.csv", "cnv_arms.csv", "cnv_clones.csv", "cnv_changes.csv"});
    for (std::string& name : write_cnv(io.out, outcome, context)) record.add_output(std::move(name));
    std::string text = cnv_text(outcome);
    if (!io.previous.empty() && io.reference_cells) {
        const analysis::CnvChanges changes = analysis::compare_samples(before, spans_of(outcome));
        write_changes(io.out, changes);
        record.add_output("cnv_changes.csv");
        text += changes_text(changes);
    }
    record.add_text("status", !io.reference_cells ? "no reference: nothing is called" : result.clones.empty() ? "no change found" : "clones found");
    record.add_text("resolution", genes.has_arms ? "arms" : "whole chromosomes");
    record.add_count("n_clones", std::ssize(result.clones));
    record.add_count("n_cells_in_clones", std::count_if(result.clone.begin(), result.clone.end(), [](std::int32_t clone) { return clone >= 0; }));
    record.add_count("n_genes", std::ssize(result.genes));
    record.add_number("null_inflation", result.null_inflation);
    record.write(io.out);
    return {text, record.summary_json(io.out)};
}

}  // namespace

void say_calibration(const analysis::CnvResult& result, Context& context) {
    context.events().decision(fmt::format("{} reference cells, {} others in {} groups; {} genes. Tests calibrated by {} {}: z values are divided by {:.2f}.", result.n_reference, result.n_query, result.n_groups, result.genes.size(),
                                          result.n_chunks, result.chunks_are_donors ? "donors' reference cells against one another" : "random parts of the reference cells", result.null_inflation));
    if (result.null_inflation > 2.0) {
        context.events().warning(fmt::format("Reference cells differ from one another {:.1f} times as much as their genes explain, so that only large changes can be called. Name reference cells of fewer types or batches.", result.null_inflation));
    }
}

std::vector<std::uint8_t> cells_of_expression(const data::Dataset& dataset, const std::string& expression, const std::string& flag) {
    const std::size_t equals = expression.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == expression.size()) fail(ErrorCode::usage, fmt::format("{} '{}': is not of the form COLUMN=VALUE.", flag, expression), std::string(kExpressionNext));
    const std::string column = expression.substr(0, equals);
    const std::size_t begin = equals + (expression[equals + 1] == '=' && expression.size() > equals + 2 ? 2 : 1);  // == is read as =
    const std::string rest = expression.substr(begin);
    const data::Categorical groups = groups_with_gaps(dataset, column);
    // A value may hold a comma itself.
    const bool is_one = std::find(groups.categories.begin(), groups.categories.end(), rest) != groups.categories.end();
    std::vector<std::uint8_t> is_wanted(groups.categories.size(), 0);
    for (const std::string& value : is_one ? std::vector<std::string>{rest} : split_at_commas(rest)) {
        const auto found = std::find(groups.categories.begin(), groups.categories.end(), value);
        if (found == groups.categories.end()) {
            const std::string nearest = nearest_name(value, groups.categories);
            fail(ErrorCode::not_found, fmt::format("{}: column '{}' has no value '{}' (it has {}).", dataset.name, column, value, listed(groups.categories)),
                 nearest.empty() ? fmt::format("Name one of its values with {}.", flag) : fmt::format("Did you mean '{}'?", nearest));
        }
        is_wanted[static_cast<std::size_t>(found - groups.categories.begin())] = 1;
    }
    std::vector<std::uint8_t> out;
    for (const std::int32_t code : groups.codes) out.push_back(code >= 0 ? is_wanted[static_cast<std::size_t>(code)] : 0);
    return out;
}

CnvCells cnv_cells(const data::Dataset& dataset, const CnvChoice& choice, Context& context) {
    CnvCells cells;
    cells.role.assign(static_cast<std::size_t>(dataset.n_cells()), CnvRole::query);
    if (choice.cells) {
        const std::vector<std::uint8_t> wanted = cells_of_expression(dataset, *choice.cells, "--cells");
        for (std::size_t cell = 0; cell < wanted.size(); ++cell) {
            if (wanted[cell] == 0) cells.role[cell] = CnvRole::none;
        }
    }
    if (choice.reference_cells) {
        const std::vector<std::uint8_t> reference = cells_of_expression(dataset, *choice.reference_cells, "--reference-cells");
        for (std::size_t cell = 0; cell < reference.size(); ++cell) {
            if (reference[cell] != 0) cells.role[cell] = CnvRole::reference;
        }
    }
    if (choice.cells && choice.reference_cells && std::ranges::find(cells.role, CnvRole::query) == cells.role.end()) {
        invalid_data(fmt::format("{}: every cell of --cells '{}' is one of --reference-cells '{}' too, so that no cell is left to look for changes in.", dataset.name, *choice.cells, *choice.reference_cells),
                     "Name with --cells the cells to look at and with --reference-cells others, which are known to be normal.");
    }
    cells.donor_names = {""};
    cells.donor.assign(cells.role.size(), 0);
    if (choice.donor.empty()) return cells;
    const data::Categorical donor = groups_with_gaps(dataset, choice.donor);
    cells.donor = donor.codes;
    cells.donor_names = donor.categories;
    std::int64_t n_without = 0;
    for (std::size_t cell = 0; cell < cells.role.size(); ++cell) {
        if (cells.donor[cell] >= 0 || cells.role[cell] != CnvRole::query) continue;
        cells.role[cell] = CnvRole::none;
        ++n_without;
    }
    if (n_without > 0) context.events().warning(fmt::format("{}: {} cells without a value in '{}' take no part.", dataset.name, n_without, choice.donor));
    return cells;
}

std::vector<std::string> clone_names(const analysis::CnvResult& result, const CnvCells& cells) {
    std::map<std::int32_t, int> number;
    std::vector<std::string> names;
    for (const analysis::CnvClone& clone : result.clones) {
        const std::string& donor = cells.donor_names[static_cast<std::size_t>(clone.donor)];
        names.push_back(fmt::format("{}{}clone-{}", donor, donor.empty() ? "" : "-", ++number[clone.donor]));
    }
    return names;
}

Command cnv_command() {
    Command command;
    command.name = "cnv";
    command.summary = "Find gains and losses of chromosomes, the clones that share them, and how far each cell carries them.";
    command.help =
        "Cells are compared with normal cells of the same data set, gene by gene along the genome. Groups of cells are told apart only where genes that did not make the groups say so; each group is pooled before anything is called, "
        "and the tests are calibrated by groups of reference cells, which have lost nothing. Immunoglobulin, T-cell receptor and MHC genes are left out. Arms are those of your files; without them whole chromosomes are called. "
        "Without reference cells nothing is called.";
    command.examples = {{"T cells as the reference, clones within each patient", "morula cnv tumour.h5ad --reference-cells \"cell_type=T cell,B cell\" --gene-order genes.gtf.gz --arms cytoBand.txt --donor patient --out cnv"},
                        {"A later sample of the same patient: what is new, what is gone", "morula cnv relapse.h5ad --reference-cells \"cell_type=T cell\" --gene-order genes.gtf.gz --previous cnv --out cnv-relapse"}};
    command.options = joined_schema<CnvIo, analysis::CnvGeneOptions, analysis::CnvWindowsOptions, analysis::CnvCloneOptions, analysis::CnvCallOptions>();
    command.run = run_cnv;
    return command;
}

}  // namespace morula::commands
