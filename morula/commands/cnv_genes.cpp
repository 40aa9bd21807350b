// Which genes `morula cnv` reads, and where they lie.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "morula/atlas/gene_axis.hpp"
#include "morula/commands/cnv.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"
#include "morula/knowledge/gene_order.hpp"

namespace morula::commands {
namespace {

using knowledge::GeneOrder;
using knowledge::GenePlace;
using knowledge::MaskedLocus;

constexpr double kMostLogValue = 30.0;  // logs of counts stay below; TPM and expected counts do not
constexpr std::int64_t kFewestChromosomeGenes = 20;
constexpr std::int64_t kLongestMhc = 10'000'000;  // bases between its outermost genes, else they do not lie together
constexpr std::string_view kPositionsNext = "Pass --gene-order with a table of gene, chromosome, start and end (inferCNV's list, BED or GTF), or write these as var columns.";

/// Positions from var's own columns; none where it lacks them.
std::optional<GeneOrder> order_of_var(const data::Dataset& dataset) {
    const auto column = [&](std::initializer_list<std::string_view> names) -> const data::Column* {
        for (const std::string_view name : names) {
            if (const data::Column* found = dataset.var.find(name)) return found;
        }
        return nullptr;
    };
    const data::Column* chromosome = column({"chromosome", "chrom", "chr"});
    const data::Column* start = column({"start"});
    const data::Column* end = column({"end"});
    if (chromosome == nullptr || start == nullptr || end == nullptr) return std::nullopt;
    const std::vector<std::string> chromosomes = data::column_texts(*chromosome);
    const std::vector<double> starts = data::column_numbers(*start), ends = data::column_numbers(*end);
    const data::Column* arm = column({"arm", "cytoband", "band"});
    const std::vector<std::string> arms = arm == nullptr ? std::vector<std::string>(chromosomes.size()) : data::column_texts(*arm);
    const std::vector<std::string> symbols = symbols_of(dataset.var), ids = atlas::axis_gene_ids(dataset.var, "");
    GeneOrder order;
    order.name = "var";
    constexpr double kLongest = 1e12;
    for (std::size_t i = 0; i < chromosomes.size(); ++i) {
        const bool placed = !chromosomes[i].empty() && starts[i] >= 0.0 && ends[i] >= starts[i] && ends[i] < kLongest;
        const std::string name = placed ? knowledge::chromosome_name(chromosomes[i]) : "";
        order.genes.push_back({symbols[i], ids[i], name, placed ? static_cast<std::int64_t>(starts[i]) : 0, placed ? static_cast<std::int64_t>(ends[i]) : 0, placed ? knowledge::arm_name(name, arms[i]) : ""});
    }
    return order;
}

/// Place of each name; -1 where a name stands on two chromosomes.
std::unordered_map<std::string, std::int64_t> places_of(const std::vector<std::string>& names, const GeneOrder& order) {
    std::unordered_map<std::string, std::int64_t> places;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i].empty() || order.genes[i].chromosome.empty()) continue;
        const auto [found, fresh] = places.emplace(names[i], static_cast<std::int64_t>(i));
        if (!fresh && found->second >= 0 && order.genes[static_cast<std::size_t>(found->second)].chromosome != order.genes[i].chromosome) found->second = -1;
    }
    return places;
}

/// Ids without their version.
std::vector<std::string> plain_ids(const GeneOrder& order) {
    std::vector<std::string> ids;
    for (const GenePlace& gene : order.genes) ids.push_back(gene.id);
    data::Table table(ids);
    return atlas::axis_gene_ids(table, "");
}

struct Match {
    std::vector<std::int64_t> place;  // of each gene of the data set; -1: none
    std::int64_t n_found = 0;
    std::string_view by;
};
Match matched(const std::vector<std::string>& wanted, const std::vector<std::string>& there, const GeneOrder& order, std::string_view by) {
    const auto places = places_of(there, order);
    Match match;
    match.by = by;
    for (const std::string& name : wanted) {
        const auto found = places.find(name);
        match.place.push_back(found == places.end() ? -1 : found->second);
        match.n_found += match.place.back() >= 0 ? 1 : 0;
    }
    return match;
}

/// Places of genes that the positions name differently.
void add_by_table(const data::Dataset& dataset, const GeneOrder& order, const std::vector<std::string>& symbols, const knowledge::GeneTable& table, Match& match, Context& context) {
    const MappedGenes columns = genes_of_columns(table, atlas::axis_gene_ids(dataset.var, ""), symbols_of(dataset.var));
    const MappedGenes by_id = genes_of_names(table, plain_ids(order)), by_symbol = genes_of_names(table, symbols);
    std::vector<std::int64_t> place_of(table.genes().size(), -1);
    for (std::size_t i = 0; i < order.genes.size(); ++i) {
        const std::int64_t gene = by_id.gene[i] >= 0 ? by_id.gene[i] : by_symbol.gene[i];
        if (gene >= 0 && place_of[static_cast<std::size_t>(gene)] < 0 && !order.genes[i].chromosome.empty()) place_of[static_cast<std::size_t>(gene)] = static_cast<std::int64_t>(i);
    }
    std::int64_t added = 0;
    for (std::size_t i = 0; i < match.place.size(); ++i) {
        if (match.place[i] >= 0 || columns.gene[i] < 0 || place_of[static_cast<std::size_t>(columns.gene[i])] < 0) continue;
        match.place[i] = place_of[static_cast<std::size_t>(columns.gene[i])];
        ++added;
    }
    match.n_found += added;
    context.events().decision(fmt::format("Gene table {}: {} more genes have a place in {}; {} names of {} stand for several genes or for the same one, and are left out.", table.name(), added, order.name, columns.n_ambiguous, dataset.name));
}

Match find_genes(const data::Dataset& dataset, const GeneOrder& order, const knowledge::GeneTable& table, Context& context) {
    std::vector<std::string> symbols;
    for (const GenePlace& gene : order.genes) symbols.push_back(gene.symbol);
    const Match by_id = matched(atlas::axis_gene_ids(dataset.var, ""), plain_ids(order), order, "id");
    const Match by_symbol = matched(symbols_of(dataset.var), symbols, order, "symbol");
    Match best = by_symbol.n_found > by_id.n_found ? by_symbol : by_id;
    if (!table.empty()) add_by_table(dataset, order, symbols, table, best, context);
    if (best.n_found < analysis::kFewestCnvGenes) {
        const auto example = [](const std::vector<std::string>& names) { return names.empty() ? std::string() : names[names.size() / 2]; };
        invalid_data(fmt::format("{}: positions of {} of its {} genes are in {}; at least {} are needed. The data set has genes such as '{}', the positions such as '{}'.", dataset.name, best.n_found, dataset.n_genes(), order.name,
                                 analysis::kFewestCnvGenes, example(symbols_of(dataset.var)), example(symbols)),
                     fmt::format("Bring positions of the same species with the data set's ids or symbols, {}.", kGeneTableNext));
    }
    return best;
}

bool is_left_out(const std::string& chromosome) { return chromosome == "X" || chromosome == "Y" || chromosome == "W" || chromosome == "Z" || chromosome == "MT"; }

/// One gene of the data set with its place.
struct Placed {
    std::int64_t column = 0;
    const GenePlace* place = nullptr;
    std::string_view symbol;
};

/// Where the outermost MHC genes lie, by chromosome.
std::map<std::string, std::pair<std::int64_t, std::int64_t>> mhc_spans(const GeneOrder& order) {
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> spans;
    for (const GenePlace& gene : order.genes) {
        if (gene.chromosome.empty() || knowledge::masked_locus(gene.symbol) != MaskedLocus::mhc) continue;
        const auto [found, fresh] = spans.emplace(gene.chromosome, std::pair{gene.start, gene.end});
        if (fresh) continue;
        found->second.first = std::min(found->second.first, gene.start);
        found->second.second = std::max(found->second.second, gene.end);
    }
    std::erase_if(spans, [](const auto& each) { return each.second.second - each.second.first > kLongestMhc; });
    return spans;
}

/// Takes out what does not follow copy number, and says what.
std::vector<Placed> unmasked(const std::vector<Placed>& genes, const GeneOrder& order, PlacedGenes& out, Context& context) {
    const auto mhc = mhc_spans(order);
    std::vector<Placed> kept;
    std::int64_t n_receptors = 0, n_mhc = 0;
    for (const Placed& gene : genes) {
        MaskedLocus locus = knowledge::masked_locus(gene.symbol);
        const auto span = mhc.find(gene.place->chromosome);
        if (locus == MaskedLocus::none && span != mhc.end() && gene.place->end >= span->second.first && gene.place->start <= span->second.second) locus = MaskedLocus::mhc;
        if (locus == MaskedLocus::none) kept.push_back(gene);
        else ++(locus == MaskedLocus::mhc ? n_mhc : n_receptors);
    }
    out.n_masked = n_receptors + n_mhc;
    context.events().decision(fmt::format("Left out because they do not follow copy number: {} genes of the MHC, {} immunoglobulin and T-cell receptor segments.", n_mhc, n_receptors));
    if (out.n_masked == 0) context.events().warning("No immunoglobulin, T-cell receptor or MHC gene is known by its symbol, so none is left out: changes on their chromosomes (human 2, 6, 7, 14, 22) may be of cell types.");
    return kept;
}

/// Chromosomes that are divided: nine in ten of their genes name an arm.
std::map<std::string, bool> divided_chromosomes(const std::vector<Placed>& genes) {
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> n;  // genes, genes with an arm
    for (const Placed& gene : genes) {
        auto& [all, with_arm] = n[gene.place->chromosome];
        ++all;
        with_arm += gene.place->arm.empty() ? 0 : 1;
    }
    std::map<std::string, bool> divided;
    for (const auto& [chromosome, count] : n) {
        if (count.first >= kFewestChromosomeGenes) divided.emplace(chromosome, 10 * count.second >= 9 * count.first);
    }
    return divided;
}

GeneOrder order_for(const data::Dataset& dataset, const CnvPositions& positions) {
    std::optional<GeneOrder> order = positions.order ? positions.order : order_of_var(dataset);
    if (!order) invalid_data(fmt::format("{}: has no gene positions: var has no columns chromosome, start and end (it has {}).", dataset.name, fmt::join(dataset.var.names(), ", ")), std::string(kPositionsNext));
    if (positions.arms) knowledge::set_arms(*order, *positions.arms);
    return std::move(*order);
}

}  // namespace

matrix::Matrix linear_values(data::Dataset& dataset, const std::string& layer, Context& context) {
    const std::string wanted = layer.empty() ? "X" : layer;
    try {
        dataset = gene_expression(with_counts(dataset, layer, context), context);
        return require_counts(dataset);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::invalid_data || dataset.n_cells() == 0 || dataset.layers.count(wanted) == 0) throw;
        const data::ValueLook look = data::look_at_values(*dataset.layers.at(wanted), dataset.obs, dataset.var);
        if (look.space != data::ValueSpace::fractional || look.largest <= kMostLogValue) throw;
        context.events().warning(fmt::format("{}: {} holds no counts ({}); its values up to {:.4g} are taken as linear expression (TPM, expected counts). Raw counts tell more where they exist.", dataset.name, wanted, look.example, look.largest));
        return dataset.layers.at(wanted);
    }
}

CnvPositions read_cnv_positions(const std::string& gene_order, const std::string& arms, Context& context) {
    CnvPositions positions;
    if (!gene_order.empty()) {
        positions.order = knowledge::read_gene_order(gene_order, context);
        positions.hash = hash_of_file(gene_order);
    }
    if (!arms.empty()) {
        positions.arms = knowledge::read_short_arm_ends(arms, context);
        positions.hash += "+" + hash_of_file(arms);
    }
    return positions;
}

matrix::Matrix in_genome_order(const matrix::Matrix& values, const PlacedGenes& genes) {
    std::vector<std::int64_t> new_column(static_cast<std::size_t>(values->n_cols()), -1);
    for (std::size_t i = 0; i < genes.column.size(); ++i) new_column[static_cast<std::size_t>(genes.column[i])] = static_cast<std::int64_t>(i);
    return matrix::remap_cols(values, std::move(new_column), std::ssize(genes.column));
}

PlacedGenes place_genes(const data::Dataset& dataset, const CnvPositions& positions, Context& context) {
    const GeneOrder order = order_for(dataset, positions);
    const Match match = find_genes(dataset, order, positions.genes, context);
    const std::vector<std::string> symbols = symbols_of(dataset.var);
    std::vector<Placed> genes;
    for (std::size_t i = 0; i < match.place.size(); ++i) {
        if (match.place[i] < 0) continue;
        const GenePlace& place = order.genes[static_cast<std::size_t>(match.place[i])];
        if (is_left_out(place.chromosome)) continue;
        // Of two names the one that says more: a file of ids alone has none.
        const bool own = knowledge::masked_locus(place.symbol) == MaskedLocus::none;
        genes.push_back({static_cast<std::int64_t>(i), &place, own ? std::string_view(symbols[i]) : std::string_view(place.symbol)});
    }
    PlacedGenes out;
    genes = unmasked(genes, order, out, context);
    const std::map<std::string, bool> divided = divided_chromosomes(genes);
    std::erase_if(genes, [&](const Placed& gene) {
        const auto found = divided.find(gene.place->chromosome);
        return found == divided.end() || (found->second && gene.place->arm.empty());
    });
    const auto arm_of = [&](const Placed& gene) { return divided.at(gene.place->chromosome) ? gene.place->arm : gene.place->chromosome; };
    std::sort(genes.begin(), genes.end(), [&](const Placed& a, const Placed& b) {
        if (a.place->chromosome != b.place->chromosome) return knowledge::chromosome_before(a.place->chromosome, b.place->chromosome);
        const std::string arm_a = arm_of(a), arm_b = arm_of(b);
        if (arm_a != arm_b) return arm_a < arm_b;
        return std::tuple(a.place->start, a.place->end, a.column) < std::tuple(b.place->start, b.place->end, b.column);
    });
    for (const Placed& gene : genes) {
        analysis::CnvGenome& genome = out.genome;
        if (genome.chromosome_names.empty() || genome.chromosome_names.back() != gene.place->chromosome) genome.chromosome_names.push_back(gene.place->chromosome);
        if (genome.arm_names.empty() || genome.arm_names.back() != arm_of(gene)) genome.arm_names.push_back(arm_of(gene));
        genome.chromosome.push_back(static_cast<std::int32_t>(genome.chromosome_names.size()) - 1);
        genome.arm.push_back(static_cast<std::int32_t>(genome.arm_names.size()) - 1);
        genome.start.push_back(gene.place->start);
        genome.end.push_back(gene.place->end);
        out.column.push_back(gene.column);
        out.has_arms = out.has_arms || divided.at(gene.place->chromosome);
    }
    context.events().decision(fmt::format("{} of {} genes have a place in {} (by {}); {} on {} autosomes are read.", match.n_found, dataset.n_genes(), order.name, match.by, genes.size(), out.genome.chromosome_names.size()));
    if (!out.has_arms) context.events().warning("No arms of chromosomes are known, so calls are of whole chromosomes. Pass --arms with the cytobands of your genome for calls of arms.");
    return out;
}

}  // namespace morula::commands
