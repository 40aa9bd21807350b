// Known ligand-receptor pairs that cell types co-express.
#include "morula/commands/communicate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "morula/commands/comparison_commands.hpp"
#include "morula/commands/log_cells.hpp"
#include "morula/commands/named_genes.hpp"
#include "morula/commands/reading_memory.hpp"
#include "morula/commands/step_command.hpp"
#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

/// Columns of the data set become positions among `columns`.
void number_columns(MeasuredPairs& pairs) {
    std::set<std::int64_t> all;
    const auto each_list = [](analysis::PairGenes& genes) { return std::array{&genes.ligand, &genes.receptor, &genes.agonists, &genes.antagonists, &genes.co_activators, &genes.co_inhibitors}; };
    for (analysis::PairGenes& genes : pairs.genes) {
        for (const auto* list : each_list(genes)) all.insert(list->begin(), list->end());
    }
    pairs.columns.assign(all.begin(), all.end());
    for (analysis::PairGenes& genes : pairs.genes) {
        for (auto* list : each_list(genes)) {
            for (std::int64_t& column : *list) column = std::lower_bound(pairs.columns.begin(), pairs.columns.end(), column) - pairs.columns.begin();
        }
    }
}

MeasuredPairs measured_pairs(const data::Dataset& dataset, PairTable table, Context& context) {
    std::vector<std::string> names;
    for (const knowledge::LigandReceptor& pair : table.pairs.interactions) {
        names.insert(names.end(), pair.ligand_genes.begin(), pair.ligand_genes.end());
        names.insert(names.end(), pair.receptor_genes.begin(), pair.receptor_genes.end());
        if (table.genes.empty()) continue;  // by name, cofactors are found without being asked for here
        for (const auto* cofactors : {&pair.agonists, &pair.antagonists, &pair.co_activators, &pair.co_inhibitors}) names.insert(names.end(), cofactors->begin(), cofactors->end());
    }
    const NamedGenes genes = find_named_genes(dataset, names, table.file, table.genes, context);
    MeasuredPairs out;
    out.n_in_table = std::ssize(table.pairs.interactions);
    for (knowledge::LigandReceptor& pair : table.pairs.interactions) {
        analysis::PairGenes own{genes.all_of(pair.ligand_genes), genes.all_of(pair.receptor_genes)};
        if (own.ligand.empty() || own.receptor.empty()) continue;
        own.agonists = genes.measured(pair.agonists);
        own.antagonists = genes.measured(pair.antagonists);
        own.co_activators = genes.measured(pair.co_activators);
        own.co_inhibitors = genes.measured(pair.co_inhibitors);
        out.genes.push_back(std::move(own));
        out.pairs.push_back(std::move(pair));
    }
    if (out.pairs.empty()) invalid_data(fmt::format("{}: of no pair all genes were measured in {}.", table.file, dataset.name), "Check that complexes are taken apart (--parts), and that the data set holds all genes, not only variable ones.");
    context.events().decision(fmt::format("{}: {} of {} pairs have all their genes in the data set; the others are left out.", table.file, out.pairs.size(), out.n_in_table));
    number_columns(out);
    return out;
}

void say_small_types(const Communication& found, std::span<const std::int32_t> types, std::int64_t min_cells, Context& context) {
    std::vector<std::string> small;
    for (std::size_t type = 0; type < found.types.size(); ++type) {
        const auto n = std::count(types.begin(), types.end(), static_cast<std::int32_t>(type));
        if (n > 0 && found.result.type_is_used[type] == 0) small.push_back(fmt::format("{} ({})", found.types[type], n));
    }
    if (!small.empty()) context.events().warning(fmt::format("Types with fewer than {} cells take no part: {}.", min_cells, fmt::join(small, ", ")));
}

/// Asked before the first pass: the values of the pairs' genes, which stay in memory, their means by type and by donor, and what a pass holds.
void require_room(const LogCells& cells, const Communication& found, Context& context) {
    const std::int64_t n_genes = std::ssize(found.pairs.columns);
    const std::int64_t n_types = std::ssize(found.types);
    const std::int64_t n_groups = n_types * (1 + (found.contrast ? found.contrast->units.n_units() : 0));
    const double share = static_cast<double>(n_genes) / static_cast<double>(std::max<std::int64_t>(1, cells.dataset.n_genes()));
    const double values = share * static_cast<double>(cells.log_values->nnz()) * matrix::CompactColumns::kBytesPerFloat;
    const std::int64_t means = 2 * checked_size_product(checked_size_product(n_genes, n_groups), static_cast<std::int64_t>(sizeof(double)));
    context.require_memory(static_cast<std::int64_t>(values) + means + reading_bytes(*cells.log_values, context), "communicate");
}

void add_results(const Communication& found, VerbRecord& record) {
    record.add_text("caveat", std::string(kCommunicationCaveat));
    record.add_count("n_pairs", std::ssize(found.pairs.pairs));
    record.add_count("n_pairs_in_table", found.pairs.n_in_table);
    record.add_count("n_co_expressed", std::ssize(found.result.found));
    record.add_count("n_looked_at", found.result.n_looked_at);
    if (!found.contrast) return;
    record.add_text("contrast_status", found.contrast->plan.status);
    record.add_count("n_compared", std::ssize(found.compared));
}

CommandResult run_communicate(const FieldValues& values, Context& context) {
    const auto io = options_among<CommunicateIo>(values);
    const auto contrast_io = options_among<ContrastIo>(values);
    const auto options = options_among<analysis::CommunicationOptions>(values);
    VerbRecord record("communicate", values, context);
    PairTable table = read_pairs(io.interactions, io.parts, context);
    table.genes = open_gene_table(io.gene_table, context);
    LogCells cells = open_log_cells(io.input, io.layer, io.orientation, context);
    record.add_input(io.input, cells.dataset);
    add_derived_columns(cells.dataset, contrast_io.derive, context);
    const Communication found = communication_in(cells, std::move(table), io.by, contrast_io, options, context);
    make_output_folder(io.out, {"interactions.csv", "contrast.csv"});
    write_interactions(io.out, found);
    record.add_output("interactions.csv");
    if (found.contrast) {
        write_communication_contrast(io.out, found);
        record.add_output("contrast.csv");
    }
    record.add_output("run.json");
    add_results(found, record);
    record.write(io.out);
    return {communicate_text(io, found), communicate_json(io, found, record)};
}

}  // namespace

PairTable read_pairs(const std::string& interactions, const std::vector<std::string>& parts, Context& context) {
    const std::vector<fs::path> paths(parts.begin(), parts.end());
    PairTable table{fs::path(interactions).filename().string(), knowledge::read_ligand_receptor(interactions, knowledge::read_name_parts(paths, context), context)};
    const knowledge::LigandReceptorTable& pairs = table.pairs;
    if (pairs.n_repeated > 0) context.events().decision(fmt::format("{}: {} pairs stand there more than once and count once.", table.file, pairs.n_repeated));
    if (!pairs.unknown_complexes.empty()) {
        context.events().warning(fmt::format("{}: no table says what {} complexes are made of ({}); they are left out. Give it with --parts.", table.file, pairs.unknown_complexes.size(), listed(pairs.unknown_complexes)));
    }
    if (!pairs.unknown_cofactors.empty()) {
        context.events().warning(fmt::format("{}: no table lists the cofactors of {} groups ({}); they are left out. Give it with --parts.", table.file, pairs.unknown_cofactors.size(), listed(pairs.unknown_cofactors)));
    }
    return table;
}

Communication communication_in(const LogCells& cells, PairTable table, const std::string& by, const ContrastIo& contrast, const analysis::CommunicationOptions& options, Context& context) {
    const data::Categorical types = type_groups(cells.dataset, by, "--by", context);
    const auto n_types = static_cast<std::int32_t>(types.categories.size());
    Communication found;
    found.types = types.categories;
    found.contrast = find_contrast(cells, contrast, by, options.min_cells, context);
    found.pairs = measured_pairs(cells.dataset, std::move(table), context);
    require_room(cells, found, context);
    const matrix::CompactColumns genes = analysis::expression_columns(cells.log_values, found.pairs.columns, context);
    found.result = analysis::communication(genes, found.pairs.genes, types.codes, n_types, options, context);
    say_small_types(found, types.codes, options.min_cells, context);
    if (!found.contrast) return found;
    const std::vector<std::int32_t> groups = units_by_types(found.contrast->units, types.codes, n_types);
    const auto expression = analysis::group_expression(genes, groups, static_cast<std::int32_t>(found.contrast->units.n_units()) * n_types, context);
    found.compared = analysis::compare_communication(expression, found.pairs.genes, n_types, found.contrast->plan, options, context);
    return found;
}

Command communicate_command() {
    Command command;
    command.name = "communicate";
    command.summary = "Find known ligand-receptor pairs that cell types co-express, and compare them between conditions.";
    command.help =
        "A pair's score is the mean of the ligand's mean log value in the sender and the receptor's in the receiver, a complex having the least of its parts' means (CellPhoneDB); p comes from permuting the cells' types, so it tells "
        "specificity to the types, not signalling. With --condition, --case, --control and --donor each donor's scores are compared, donors being the replicates; under three donors a condition there is no fdr.";
    command.examples = {{"Pairs of CellPhoneDB", "morula communicate cells.h5ad --by cell_type --interactions interaction_input.csv --parts complex_input.csv --parts gene_input.csv --out communication"},
                        {"Diseased against healthy donors", "morula communicate cells.h5ad --by cell_type --interactions pairs.csv --condition condition --case diseased --control healthy --donor donor --out communication"}};
    command.options = joined_schema<CommunicateIo, ContrastIo, analysis::CommunicationOptions>();
    command.run = run_communicate;
    return command;
}

}  // namespace morula::commands
