// Which programmes the genes of a comparison are enriched in.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "morula/analysis/donor_contrast.hpp"
#include "morula/commands/programmes.hpp"
#include "morula/core/error.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/knowledge/columns.hpp"

namespace morula::commands {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view kNext = "Give the de.csv that `morula de` writes.";

double number(const formats::RawTable& table, std::size_t row, std::size_t column) {
    const std::string& text = table.rows[row][column];
    if (text.empty()) return kMissing;
    double value = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) invalid_data(fmt::format("{}: '{}' is not a number.", table.place(row, column), text), std::string(kNext));
    return value;
}

/// Genes of one cell type that were compared.
struct ComparedGenes {
    std::vector<std::string> symbols;
    std::vector<std::string> ids;
    std::vector<double> z;
    std::string status;  // of the comparison
};

/// Cell types in order of the file.
struct Differences {
    std::vector<std::string> types;
    std::map<std::string, ComparedGenes> of_type;
};

Differences read_differences(const std::filesystem::path& path, Context& context) {
    const formats::RawTable table = formats::read_rows(path, {}, context);
    const std::size_t type = knowledge::require_column(table, {"cell_type"}, kNext);
    const std::size_t gene = knowledge::require_column(table, {"gene"}, kNext);
    const std::size_t id = knowledge::require_column(table, {"gene_id"}, kNext);
    const std::size_t log2fc = knowledge::require_column(table, {"log2fc"}, kNext);
    const std::size_t p = knowledge::require_column(table, {"p"}, kNext);
    const std::size_t status = knowledge::require_column(table, {"status"}, kNext);
    Differences out;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        const double p_value = number(table, row, p);
        const double effect = number(table, row, log2fc);
        if (std::isnan(p_value) || std::isnan(effect)) continue;
        if (p_value < 0.0 || p_value > 1.0) invalid_data(fmt::format("{}: {} is no p value.", table.place(row, p), p_value), std::string(kNext));
        const auto [found, fresh] = out.of_type.try_emplace(table.rows[row][type]);
        if (fresh) out.types.push_back(table.rows[row][type]);
        ComparedGenes& genes = found->second;
        genes.symbols.push_back(table.rows[row][gene]);
        genes.ids.push_back(table.rows[row][id]);
        genes.z.push_back(analysis::signed_z(std::log10(p_value), effect));
        genes.status = table.rows[row][status];
    }
    if (out.types.empty()) invalid_data(fmt::format("{}: no gene was compared.", path.string()), "Look at its column status, or compare with more donors.");
    return out;
}

}  // namespace

std::vector<EnrichedProgramme> enriched_programmes(const ProgrammeTable& table, const std::string& differences, const analysis::ProgrammesOptions& options, Context& context) {
    const Differences read = read_differences(differences, context);
    std::vector<EnrichedProgramme> enriched;
    for (const std::string& type : read.types) {
        const ComparedGenes& genes = read.of_type.at(type);
        data::Dataset dataset;
        dataset.name = fmt::format("{}{}{}", std::filesystem::path(differences).filename().string(), type.empty() ? "" : ", ", type);
        std::vector<std::string> index = genes.ids;
        data::make_unique(index);
        dataset.var = data::Table(std::move(index));
        dataset.var.set("gene_ids", genes.ids);
        dataset.var.set("gene_symbols", genes.symbols);
        const std::vector<analysis::WeightedGenes> programmes = placed_programmes(table, dataset, options.min_genes, context);
        if (programmes.empty()) continue;  // placed_programmes has said so
        const std::vector<analysis::Enrichment> found = analysis::enrichment(genes.z, programmes, options.correlation);
        const bool is_tested = genes.status == "tested";
        std::vector<double> p;
        for (const analysis::Enrichment& each : found) p.push_back(is_tested ? each.p : kMissing);
        const std::vector<double> fdr = analysis::false_discovery_rates(p);
        for (std::size_t k = 0; k < found.size(); ++k) enriched.push_back({type, programmes[k].name, std::ssize(programmes[k].genes), found[k], fdr[k], genes.status});
    }
    if (enriched.empty()) invalid_data(fmt::format("{}: no programme has {} genes that were compared in {}.", table.file, options.min_genes, differences), "Lower --min-genes, or give a table for these genes.");
    return enriched;
}

}  // namespace morula::commands
