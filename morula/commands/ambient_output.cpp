// What `morula ambient` writes and says.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "morula/commands/ambient.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/printable.hpp"
#include "morula/formats/text/csv_writer.hpp"

namespace morula::commands {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kShownSoup = 1e-4;    // of the soup: a smaller part is not listed unless it is flagged
constexpr double kMostlySoup = 0.5;    // of a gene's counts

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string from_of(const AmbientSample& sample) { return sample.by_sets ? "marker sets" : "specific genes"; }
std::string profile_of(const AmbientSample& sample) { return sample.n_empty > 0 ? "empty droplets" : "all cells"; }

double expected_of(double fraction, double total, double soup, double counts) {
    return std::isnan(fraction) || counts <= 0.0 ? kMissing : std::min(1.0, fraction * total * soup / counts);
}

AmbientGeneRow row_of(const AmbientSample& sample, std::size_t gene, double total, const analysis::SoupGene* source) {
    AmbientGeneRow row{static_cast<std::int64_t>(gene), sample.found.soup[gene], expected_of(sample.fraction(), total, sample.found.soup[gene], sample.found.counts[gene]), kMissing, -1, kMissing, kMissing, ""};
    if (source != nullptr) {
        row.expected_elsewhere = expected_of(sample.fraction(), source->total_elsewhere, sample.found.soup[gene], source->counts_elsewhere);
        row.source = source->source_cluster;
        row.source_cpm = source->source_cpm;
        row.elsewhere_cpm = source->elsewhere_cpm;
        row.why = "of one cluster, low and even in the others";
    } else if (sample.n_empty > 0 && row.expected_share >= kMostlySoup) {
        row.why = "half of its counts or more are soup";
    }
    return row;
}

void write_samples(const std::filesystem::path& path, const AmbientOutcome& outcome) {
    formats::CsvWriter csv(path, {"sample", "n_cells", "n_empty", "fraction", "low", "high", "from", "n_genes", "profile", "status"});
    for (const AmbientSample& sample : outcome.samples) {
        csv.text(sample.name).integer(sample.n_cells).integer(sample.n_empty).number(sample.fraction()).number(sample.low()).number(sample.high());
        csv.text(from_of(sample)).integer(sample.n_genes()).text(profile_of(sample)).text(sample.status());
        csv.end_row();
    }
    csv.commit();
}

void write_genes(const std::filesystem::path& path, const AmbientOutcome& outcome, const data::Table& var) {
    const std::vector<std::string> symbols = symbols_of(var), ids = ids_of(var);
    formats::CsvWriter csv(path, {"sample", "gene", "gene_id", "soup_share", "expected_share", "flagged", "why", "source", "source_cpm", "elsewhere_cpm", "expected_elsewhere"});
    for (std::size_t s = 0; s < outcome.samples.size(); ++s) {
        for (const AmbientGeneRow& row : outcome.genes[s]) {
            const auto gene = static_cast<std::size_t>(row.gene);
            csv.text(outcome.samples[s].name).text(symbols[gene]).text(ids[gene]).number(row.soup_share).number(row.expected_share).text(row.why.empty() ? "false" : "true").text(row.why);
            csv.text(row.source < 0 ? "" : outcome.cluster_names[static_cast<std::size_t>(row.source)]).number(row.source_cpm).number(row.elsewhere_cpm).number(row.expected_elsewhere);
            csv.end_row();
        }
    }
    csv.commit();
}

void write_sets(const std::filesystem::path& path, const AmbientOutcome& outcome) {
    formats::CsvWriter csv(path, {"sample", "set", "n_genes", "cluster", "n_cells", "n_expressing", "observed", "expected", "fraction", "used"});
    for (const AmbientSample& sample : outcome.samples) {
        for (const analysis::AmbientSetInCluster& place : sample.by_sets->places) {
            const analysis::AmbientSet& set = outcome.sets[static_cast<std::size_t>(place.set)];
            csv.text(sample.name).text(set.name).integer(std::ssize(set.genes)).text(outcome.cluster_names[static_cast<std::size_t>(place.cluster)]).integer(place.n_cells).integer(place.n_expressing);
            csv.number(place.observed).number(place.expected).number(place.expected > 0.0 ? place.observed / place.expected : kMissing).text(place.is_silent ? "true" : "false");
            csv.end_row();
        }
    }
    csv.commit();
}

std::vector<std::string> flagged_genes(const std::vector<AmbientGeneRow>& rows, const std::vector<std::string>& symbols) {
    std::vector<std::string> names;
    for (const AmbientGeneRow& row : rows) {
        if (!row.why.empty()) names.push_back(symbols[static_cast<std::size_t>(row.gene)]);
    }
    return names;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }

std::string sample_line(const AmbientSample& sample) {
    const std::string name = name_in_line(sample.name);
    const std::string soup = sample.n_empty > 0 ? fmt::format("Soup: {} empty droplets.", sample.n_empty) : "Soup: all cells together, for there are no empty droplets.";
    if (std::isnan(sample.fraction())) return fmt::format("{}: {}. {}\n", name, sample.status(), soup);
    const std::string interval = fmt::format("{} to {}", percent(sample.low()), percent(sample.high()));
    if (sample.by_sets) return fmt::format("{}: {} of the counts are ambient RNA ({}), by {} marker sets in clusters that do not express them. {}\n", name, percent(sample.fraction()), interval, sample.by_sets->n_sets, soup);
    return fmt::format("{}: at most about {} of the counts are ambient RNA ({}), by the genes that a cluster holds least of. {}\n", name, percent(sample.high()), interval, soup);
}

}  // namespace

std::string AmbientSample::status() const {
    const std::string& why_not = by_sets ? by_sets->why_not : found.why_not;
    if (!why_not.empty()) return "not estimated: " + why_not;
    return by_sets ? "estimated" : "at most: the genes were found by looking, and a cluster may express them a little";
}

std::vector<AmbientGeneRow> ambient_gene_rows(const AmbientSample& sample) {
    double total = 0.0;
    for (const double counts : sample.found.counts) total += counts;
    std::vector<const analysis::SoupGene*> source(sample.found.soup.size(), nullptr);
    for (const analysis::SoupGene& gene : sample.found.genes) source[static_cast<std::size_t>(gene.gene)] = &gene;
    std::vector<AmbientGeneRow> rows;
    for (std::size_t gene = 0; gene < source.size(); ++gene) {
        AmbientGeneRow row = row_of(sample, gene, total, source[gene]);
        if (row.soup_share >= kShownSoup || !row.why.empty()) rows.push_back(std::move(row));
    }
    std::stable_sort(rows.begin(), rows.end(), [](const AmbientGeneRow& a, const AmbientGeneRow& b) { return a.soup_share > b.soup_share; });
    return rows;
}

void write_ambient_tables(const std::filesystem::path& folder, const AmbientOutcome& outcome, const data::Table& var, VerbRecord& record) {
    write_samples(folder / "ambient.csv", outcome);
    record.add_output("ambient.csv");
    write_genes(folder / "ambient_genes.csv", outcome, var);
    record.add_output("ambient_genes.csv");
    if (outcome.sets.empty()) return;
    write_sets(folder / "ambient_sets.csv", outcome);
    record.add_output("ambient_sets.csv");
}

std::string ambient_text(const AmbientOutcome& outcome, const data::Table& var) {
    const std::vector<std::string> symbols = symbols_of(var);
    std::string text;
    for (std::size_t s = 0; s < outcome.samples.size(); ++s) {
        text += sample_line(outcome.samples[s]);
        const std::vector<std::string> flagged = flagged_genes(outcome.genes[s], symbols);
        constexpr std::size_t kShown = 8;
        const std::vector<std::string> first(flagged.begin(), flagged.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, flagged.size())));
        if (!flagged.empty()) text += fmt::format("  {} soup gene{}: {}{}.\n", flagged.size(), flagged.size() == 1 ? "" : "s", fmt::join(first, ", "), flagged.size() > kShown ? ", ..." : "");
    }
    return text + "Low levels of soup genes outside their cluster are likely soup, not expression. Counts were not changed.\n";
}

std::string ambient_json(const std::string& out, const AmbientOutcome& outcome, const data::Table& var) {
    const std::vector<std::string> symbols = symbols_of(var);
    Json samples = Json::array();
    for (std::size_t s = 0; s < outcome.samples.size(); ++s) {
        const AmbientSample& sample = outcome.samples[s];
        samples.push_back({{"sample", sample.name}, {"n_cells", sample.n_cells}, {"n_empty", sample.n_empty}, {"fraction", number_or_null(sample.fraction())}, {"low", number_or_null(sample.low())}, {"high", number_or_null(sample.high())},
                           {"from", from_of(sample)}, {"n_genes", sample.n_genes()}, {"profile", profile_of(sample)}, {"status", sample.status()}, {"n_flagged", flagged_genes(outcome.genes[s], symbols).size()}});
    }
    return Json{{"out", out}, {"samples", samples}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace morula::commands
