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

}  // namespace

Differences read_differences(const std::filesystem::path& path, Context& context) {
    const formats::RawTable table = formats::read_rows(path, {}, context);
    const std::size_t type = knowledge::require_column(table, {"cell_type"}, kNext);
    const std::size_t gene = knowledge::require_column(table, {"gene"}, kNext);
    const std::size_t id = knowledge::require_column(table, {"gene_id"}, kNext);
    const std::size_t log2fc = knowledge::require_column(table, {"log2fc"}, kNext);
    const std::size_t p = knowledge::require_column(table, {"p"}, kNext);
    const std::size_t fdr = table.find("fdr");
    const std::size_t status = knowledge::require_column(table, {"status"}, kNext);
    const std::size_t contrast = table.find("contrast");
    Differences out;
    out.file = path.filename().string();
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        const double p_value = number(table, row, p);
        const double effect = number(table, row, log2fc);
        if (std::isnan(p_value) || std::isnan(effect)) continue;
        if (p_value < 0.0 || p_value > 1.0) invalid_data(fmt::format("{}: {} is no p value.", table.place(row, p), p_value), std::string(kNext));
        // Contrasts of a type are lists of their own.
        const std::string name = contrast == std::string::npos ? table.rows[row][type] : fmt::format("{}, {}", table.rows[row][type], table.rows[row][contrast]);
        const auto [found, fresh] = out.of_type.try_emplace(name);
        if (fresh) out.types.push_back(name);
        ComparedGenes& genes = found->second;
        genes.symbols.push_back(table.rows[row][gene]);
        genes.ids.push_back(table.rows[row][id]);
        genes.z.push_back(analysis::signed_z(std::log10(p_value), effect));
        genes.fdr.push_back(fdr == std::string::npos ? kMissing : number(table, row, fdr));
        genes.status = table.rows[row][status];
    }
    if (out.types.empty()) invalid_data(fmt::format("{}: no gene was compared.", path.string()), "Look at its column status, or compare with more donors.");
    return out;
}

std::vector<PlacedProgrammes> programmes_in_differences(const ProgrammeTable& table, const Differences& differences, std::int64_t min_genes, Context& context) {
    std::vector<PlacedProgrammes> placed;
    for (const std::string& type : differences.types) {
        const ComparedGenes& genes = differences.of_type.at(type);
        data::Dataset dataset;
        dataset.name = fmt::format("{}{}{}", differences.file, type.empty() ? "" : ", ", type);
        std::vector<std::string> index = genes.ids;
        data::make_unique(index);
        dataset.var = data::Table(std::move(index));
        dataset.var.set("gene_ids", genes.ids);
        dataset.var.set("gene_symbols", genes.symbols);
        PlacedProgrammes own{type, placed_programmes(table, dataset, min_genes, context)};
        if (!own.programmes.empty()) placed.push_back(std::move(own));  // placed_programmes has said why not
    }
    if (placed.empty()) invalid_data(fmt::format("{}: no programme has {} genes that were compared in {}.", table.file, min_genes, differences.file), "Lower --min-genes, or give a table for these genes.");
    return placed;
}

std::vector<EnrichedProgramme> enriched_programmes(const Differences& differences, std::span<const PlacedProgrammes> placed, double correlation) {
    std::vector<EnrichedProgramme> enriched;
    for (const PlacedProgrammes& own : placed) {
        const ComparedGenes& genes = differences.of_type.at(own.cell_type);
        const std::vector<analysis::Enrichment> found = analysis::enrichment(genes.z, own.programmes, correlation);
        const bool is_tested = genes.status == "tested";
        std::vector<double> p;
        for (const analysis::Enrichment& each : found) p.push_back(is_tested ? each.p : kMissing);
        const std::vector<double> fdr = analysis::false_discovery_rates(p);
        for (std::size_t k = 0; k < found.size(); ++k) enriched.push_back({own.cell_type, own.programmes[k].name, std::ssize(own.programmes[k].genes), found[k], fdr[k], genes.status});
    }
    return enriched;
}

}  // namespace morula::commands
