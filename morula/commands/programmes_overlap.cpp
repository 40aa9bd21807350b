// Programmes that a list of genes is rich in.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "morula/analysis/donor_contrast.hpp"
#include "morula/commands/programmes.hpp"
#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"
#include "morula/formats/text/csv_writer.hpp"
#include "morula/formats/text/delimited.hpp"

namespace morula::commands {
namespace {

constexpr std::size_t kShown = 10;

/// One list against its background, which `symbols` names gene by gene.
void add_overlaps(const PlacedProgrammes& placed, const std::string& list, std::span<const std::uint8_t> is_listed, std::span<const std::string> symbols, std::vector<Overlap>& out) {
    const auto n_listed = static_cast<std::int64_t>(std::count(is_listed.begin(), is_listed.end(), std::uint8_t{1}));
    std::vector<analysis::OverRepresentation> found = analysis::over_representation(is_listed, placed.programmes);
    std::vector<double> p;
    for (const analysis::OverRepresentation& each : found) p.push_back(std::pow(10.0, each.log10_p));
    const std::vector<double> fdr = analysis::false_discovery_rates(p);
    for (std::size_t k = 0; k < found.size(); ++k) {
        Overlap own{placed.cell_type, list, placed.programmes[k].name, std::ssize(is_listed), n_listed, std::move(found[k]), fdr[k], {}};
        for (const std::int64_t gene : own.found.both) own.genes.push_back(symbols[static_cast<std::size_t>(gene)]);
        out.push_back(std::move(own));
    }
}

std::vector<std::string> read_gene_list(const std::string& path, Context& context) {
    const formats::RawTable table = formats::read_rows(path, {.header = formats::Header::no, .comment = "#"}, context);
    std::vector<std::string> genes;
    std::set<std::string> seen;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        if (table.rows[row].size() > 1) invalid_data(fmt::format("{}: a list of genes has one gene a line, and there are {} columns.", table.place(row, 0), table.rows[row].size()), "Keep the column with the genes, without its heading.");
        const std::string& gene = table.rows[row][0];
        if (!gene.empty() && seen.insert(gene).second) genes.push_back(gene);
    }
    if (genes.empty()) invalid_data(fmt::format("{}: names no gene.", path), "Give one gene a line.");
    return genes;
}

std::vector<std::size_t> by_p(const std::vector<Overlap>& overlaps) {
    std::vector<std::size_t> order(overlaps.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return overlaps[a].found.log10_p < overlaps[b].found.log10_p; });
    return order;
}

}  // namespace

std::vector<Overlap> overlaps_with_differences(const Differences& differences, std::span<const PlacedProgrammes> placed, double list_fdr, Context& context) {
    std::vector<Overlap> out;
    std::vector<std::string> without;
    for (const PlacedProgrammes& own : placed) {
        const ComparedGenes& genes = differences.of_type.at(own.cell_type);
        if (genes.status != "tested") {
            without.push_back(own.cell_type);
            continue;
        }
        for (const auto& [name, sign] : {std::pair{"up", 1.0}, std::pair{"down", -1.0}}) {
            std::vector<std::uint8_t> is_listed;
            for (std::size_t gene = 0; gene < genes.z.size(); ++gene) is_listed.push_back(genes.fdr[gene] <= list_fdr && genes.z[gene] * sign > 0.0 ? 1 : 0);
            if (std::find(is_listed.begin(), is_listed.end(), std::uint8_t{1}) != is_listed.end()) add_overlaps(own, name, is_listed, genes.symbols, out);
        }
    }
    if (!without.empty()) context.events().decision(fmt::format("{}: {} cell types were compared for exploration only, without an fdr, so that no list of genes can be cut there; overlap.csv is without them.", differences.file, without.size()));
    return out;
}

std::vector<Overlap> overlaps_with_list(const ProgrammeTable& table, const OverlapIo& io, std::int64_t min_genes, Context& context) {
    const std::vector<std::string> genes = read_gene_list(io.genes, context);
    const std::vector<std::string> background = read_gene_list(io.background, context);
    std::map<std::string, std::size_t> place;
    for (std::size_t i = 0; i < background.size(); ++i) place.emplace(background[i], i);
    std::vector<std::uint8_t> is_listed(background.size(), 0);
    std::vector<std::string> strangers;
    for (const std::string& gene : genes) {
        const auto found = place.find(gene);
        if (found == place.end()) strangers.push_back(gene);
        else is_listed[found->second] = 1;
    }
    if (!strangers.empty()) {
        invalid_data(fmt::format("{}: {} of {} genes are not in {} ({}).", io.genes, strangers.size(), genes.size(), io.background, listed(strangers)), "The background holds every gene that could have been on the list, the list's own among them.");
    }
    data::Dataset dataset;
    dataset.name = std::filesystem::path(io.background).filename().string();
    dataset.var = data::Table(background);
    const PlacedProgrammes placed{"", placed_programmes(table, dataset, min_genes, context)};
    if (placed.programmes.empty()) invalid_data(fmt::format("{}: no programme has {} genes in {}.", table.file, min_genes, io.background), "Lower --min-genes, or give a table for these genes.");
    std::vector<Overlap> out;
    add_overlaps(placed, "list", is_listed, background, out);
    return out;
}

void write_overlaps(const std::filesystem::path& folder, const std::vector<Overlap>& overlaps) {
    formats::CsvWriter csv(folder / "overlap.csv", {"cell_type", "list", "programme", "n_genes", "n_listed", "n_background", "n_both", "expected", "p", "fdr", "genes"});
    for (const std::size_t i : by_p(overlaps)) {
        const Overlap& each = overlaps[i];
        csv.text(each.cell_type).text(each.list).text(each.programme).integer(each.found.n_set).integer(each.n_listed).integer(each.n_background).integer(std::ssize(each.found.both)).number(each.found.expected);
        csv.number(std::pow(10.0, each.found.log10_p)).number(each.fdr).text(fmt::format("{}", fmt::join(each.genes, "|"))).end_row();
    }
    csv.commit();
}

std::string overlap_text(const std::vector<Overlap>& overlaps) {
    std::string text = "Programmes that lists of genes are rich in, genes taken to be independent (p is too small where they move together). First by p:\n";
    const std::vector<std::size_t> order = by_p(overlaps);
    for (std::size_t i = 0; i < std::min(kShown, order.size()); ++i) {
        const Overlap& each = overlaps[order[i]];
        const std::string where = each.cell_type.empty() ? "" : fmt::format(" ({} in {})", each.list, each.cell_type);
        text += fmt::format("  {}{}: {} of {} genes, {:.1f} by chance, p {:.2g}, fdr {:.2g}\n", each.programme, where, each.found.both.size(), each.n_listed, each.found.expected, std::pow(10.0, each.found.log10_p), each.fdr);
    }
    return text;
}

}  // namespace morula::commands
