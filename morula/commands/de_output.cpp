// What `morula de` leaves: tables, the text on the terminal, the --json object.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "morula/commands/de.hpp"
#include "morula/commands/slots.hpp"
#include "morula/formats/text/csv_writer.hpp"

namespace morula::commands {
namespace {

using analysis::Evidence;

constexpr std::size_t kGenesShown = 5;

double from_log10(double value) { return std::pow(10.0, value); }

/// The genes' names, and whether rows end with the name of their contrast.
struct RowNames {
    std::vector<std::string> symbols;
    std::vector<std::string> ids;
    bool has_contrasts = false;
};

void write_genes(formats::CsvWriter& csv, const DeIo& io, const DeType& type, const RowNames& names) {
    const analysis::DeResult& result = type.result;
    std::size_t next = 0;
    for (std::size_t gene = 0; gene < names.symbols.size(); ++gene) {
        const bool tested = next < result.gene.size() && static_cast<std::size_t>(result.gene[next]) == gene;
        if (!tested && !io.all_genes) continue;
        csv.text(type.name).text(names.symbols[gene]).text(names.ids[gene]);
        const std::size_t i = next;
        if (tested) {
            csv.number(result.log2fc[i]).number(result.log2fc_shrunk[i]).number(result.se[i]).number(from_log10(result.log10_p[i]));
            csv.number(type.plan.evidence == Evidence::tested ? from_log10(result.log10_fdr[i]) : std::nan(""));
            ++next;
        } else {
            for (int column = 0; column < 5; ++column) csv.text("");
        }
        const std::string& status = tested || type.plan.evidence == Evidence::none ? type.plan.status : "not tested: too few counts";
        csv.integer(type.plan.n_case).integer(type.plan.n_control).text(status);
        if (names.has_contrasts) csv.text(type.contrast);
        csv.end_row();
    }
}

/// What a cell type's samples were used for: the contrasts of a type have one fit, which the first one that could be made shows.
const DeType& shown_type(const DeStudy& study, std::size_t first) {
    for (std::size_t c = 0; c < study.n_contrasts(); ++c) {
        if (study.types[first + c].plan.evidence != Evidence::none) return study.types[first + c];
    }
    return study.types[first];
}

void write_donors(const std::filesystem::path& path, const DeStudy& study) {
    const analysis::Cohort& cohort = study.cells.cohort;
    formats::CsvWriter csv(path, {"donor", "condition", "batch", "cell_type", "n_cells", "n_counts", "used", "why_not", "library_size", "tmm_factor"});
    for (std::size_t first = 0; first < study.types.size(); first += study.n_contrasts()) {
        const DeType& type = shown_type(study, first);
        for (std::size_t sample = 0; sample < cohort.donor.size(); ++sample) {
            const auto used = std::find(type.plan.samples.begin(), type.plan.samples.end(), static_cast<std::int32_t>(sample));
            csv.text(cohort.donor[sample]).text(cohort.condition(sample)).text(cohort.batch.texts.empty() ? "" : cohort.batch.texts[sample]).text(type.name);
            csv.integer(type.n_cells[sample]).integer(type.n_counts[sample]).text(used != type.plan.samples.end() ? "true" : "false").text(type.plan.why_not[sample]);
            const auto at = static_cast<std::size_t>(used - type.plan.samples.begin());
            const bool scaled = at < type.result.factor.size();
            csv.number(scaled ? type.result.library_size[at] : std::nan("")).number(scaled ? type.result.factor[at] : std::nan("")).end_row();
        }
    }
    csv.commit();
}

/// A row a gene and type: the test over all conditions, and the effect of each case.
void write_together(const std::filesystem::path& path, const DeStudy& study, const RowNames& names) {
    const analysis::Cohort& cohort = study.cells.cohort;
    std::vector<std::string> header{"cell_type", "gene", "gene_id", "f", "df", "p", "fdr"};
    for (std::size_t k = 1; k < cohort.levels.size(); ++k) header.push_back("log2fc_" + cohort.levels[k]);
    for (const std::string& level : cohort.levels) header.push_back("n_" + level);
    header.emplace_back("status");
    formats::CsvWriter csv(path, header);
    for (std::size_t t = 0; t < study.levels.size(); ++t) {
        const DeLevels& type = study.levels[t];
        for (std::size_t i = 0; i < type.result.gene.size(); ++i) {
            const auto gene = static_cast<std::size_t>(type.result.gene[i]);
            csv.text(type.name).text(names.symbols[gene]).text(names.ids[gene]).number(type.result.f[i]).integer(type.result.df).number(from_log10(type.result.log10_p[i]));
            csv.number(type.plan.evidence == Evidence::tested ? from_log10(type.result.log10_fdr[i]) : std::nan(""));
            for (std::size_t k = 1; k < cohort.levels.size(); ++k) csv.number(study.types[t * study.n_contrasts() + k - 1].result.log2fc[i]);
            for (const std::int64_t n : type.plan.n_donors) csv.integer(n);
            csv.text(type.plan.status).end_row();
        }
    }
    csv.commit();
}

/// Genes with the smallest p first, ties by place.
std::vector<std::size_t> by_p(const analysis::DeResult& result) {
    std::vector<std::size_t> order(result.gene.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return result.log10_p[a] != result.log10_p[b] ? result.log10_p[a] < result.log10_p[b] : a < b; });
    return order;
}

std::string leading_genes(const DeType& type, const std::vector<std::string>& symbols, std::size_t n) {
    std::string out;
    for (const std::size_t i : by_p(type.result)) {
        if (n-- == 0) break;
        out += fmt::format("{}{} {:+.1f}", out.empty() ? "" : ", ", symbols[static_cast<std::size_t>(type.result.gene[i])], type.result.log2fc[i]);
    }
    return out;
}

std::string line_of_type(const DeType& type, const std::vector<std::string>& symbols, bool names_contrast) {
    const std::string name = names_contrast ? fmt::format("{}, {}", type.name, type.contrast) : type.name;
    const std::string donors = fmt::format("{} ({} against {} donors)", name, type.plan.n_case, type.plan.n_control);
    const std::size_t n_genes = type.result.gene.size();
    if (type.plan.evidence == Evidence::none) return fmt::format("  {}: {}.\n", name, type.plan.status);
    if (type.plan.evidence == Evidence::exploratory) return fmt::format("  {}: {} genes ranked, no FDR. {}. First by p: {}.\n", donors, n_genes, type.plan.status, leading_genes(type, symbols, kGenesShown));
    const std::string reach = fmt::format("A gene of median precision would have been found (4 times in 5) from a {:.1f}-fold change on.", std::exp2(type.detectable_log2fc));
    if (type.n_up + type.n_down == 0) return fmt::format("  {}: no gene at FDR 5 % among {} tested. {}\n", donors, n_genes, reach);
    return fmt::format("  {}: {} up, {} down at FDR 5 % among {} tested: {}. {}\n", donors, type.n_up, type.n_down, n_genes,
                       leading_genes(type, symbols, std::min<std::size_t>(kGenesShown, static_cast<std::size_t>(type.n_up + type.n_down))), reach);
}

/// Of the test over all conditions.
std::string line_of_levels(const DeLevels& type) {
    const std::string name = fmt::format("  {}, all conditions together ({} donors)", type.name, fmt::join(type.plan.n_donors, ", "));
    if (type.plan.evidence == Evidence::none) return fmt::format("  {}, all conditions together: {}.\n", type.name, type.plan.status);
    const std::size_t n_genes = type.result.gene.size();
    if (type.plan.evidence == Evidence::exploratory) return fmt::format("{}: {} genes ranked, no FDR. {}.\n", name, n_genes, type.plan.status);
    if (type.n_found == 0) return fmt::format("{}: no gene differs between any of them at FDR 5 % among {} tested.\n", name, n_genes);
    return fmt::format("{}: {} of {} genes differ between some of them at FDR 5 %.\n", name, type.n_found, n_genes);
}

using Json = nlohmann::ordered_json;

/// A number, or null where there is none.
Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json types_json(const DeStudy& study) {
    Json out = Json::array();
    for (const DeType& type : study.types) {
        Json entry = {{"cell_type", type.name}};
        if (study.n_contrasts() > 1) entry["contrast"] = type.contrast;
        entry.update({{"status", type.plan.status}, {"n_case", type.plan.n_case}, {"n_control", type.plan.n_control}, {"n_genes", type.result.gene.size()},
                       {"n_up", type.n_up}, {"n_down", type.n_down}, {"detectable_log2fc", number_or_null(type.detectable_log2fc)}, {"common_dispersion", number_or_null(type.result.common_dispersion)},
                       {"prior_df", number_or_null(type.result.prior_df)}});
        out.push_back(std::move(entry));
    }
    return out;
}

Json levels_json(const DeStudy& study) {
    Json out = Json::array();
    for (const DeLevels& type : study.levels) {
        out.push_back({{"cell_type", type.name}, {"status", type.plan.status}, {"n_donors", type.plan.n_donors}, {"n_genes", type.result.gene.size()}, {"n_changed", type.n_found}});
    }
    return out;
}

Json study_json(const DeStudy& study) {
    if (!study.refused.empty()) return {{"name", study.name}, {"refused", study.refused}};
    Json out = {{"name", study.name}, {"design", study.cells.cohort.formula}, {"controls", control_kind(study.is_within_donors())}, {"cell_types", types_json(study)}};
    if (!study.levels.empty()) out["together"] = levels_json(study);
    return out;
}

Json pooled_json(const PooledType& type) {
    const auto n_below = [&](double PooledGene::*fdr) { return std::count_if(type.genes.begin(), type.genes.end(), [&](const PooledGene& gene) { return gene.*fdr <= std::log10(kDeFdr); }); };
    Json out = {{"cell_type", type.cell_type}};
    if (!type.contrast.empty()) out["contrast"] = type.contrast;
    out.update({{"controls", control_kind(type.is_within_donors)}, {"datasets", type.studies}, {"n_case", type.n_case}, {"n_control", type.n_control}, {"n_genes", type.genes.size()},
            {"n_mean_changed", n_below(&PooledGene::log10_fdr)}, {"n_in_two", n_below(&PooledGene::log10_fdr_two)}});
    return out;
}

}  // namespace

std::vector<std::string> de_tables(const DeStudy& study) {
    std::vector<std::string> names{"de.csv", "donors.csv"};
    if (study.cells.cohort.levels.size() > 2) names.emplace_back("together.csv");
    return names;
}

void write_de_tables(const std::filesystem::path& folder, const DeIo& io, const DeStudy& study) {
    const RowNames names{symbols_of(study.var), ids_of(study.var), study.n_contrasts() > 1};
    std::vector<std::string> header{"cell_type", "gene", "gene_id", "log2fc", "log2fc_shrunk", "se", "p", "fdr", "n_case", "n_control", "status"};
    if (names.has_contrasts) header.emplace_back("contrast");
    formats::CsvWriter csv(folder / "de.csv", header);
    for (const DeType& type : study.types) write_genes(csv, io, type, names);
    csv.commit();
    write_donors(folder / "donors.csv", study);
    if (!study.levels.empty()) write_together(folder / "together.csv", study, names);
}

std::string de_text(const DeIo& io, const DeStudy& study) {
    const std::vector<std::string> symbols = symbols_of(study.var);
    const std::vector<std::string>& levels = study.cells.cohort.levels;
    const bool has_contrasts = study.n_contrasts() > 1;
    std::string out = fmt::format("{}: {} against {} by '{}', design {}. Numbers behind genes are log2 fold changes.\n", study.name, fmt::join(levels.begin() + 1, levels.end(), ", "), levels.front(), io.condition, study.cells.cohort.formula);
    for (std::size_t i = 0; i < study.types.size(); ++i) {
        if (!study.levels.empty() && i % study.n_contrasts() == 0) out += line_of_levels(study.levels[i / study.n_contrasts()]);
        out += line_of_type(study.types[i], symbols, has_contrasts);
    }
    if (has_contrasts) out += "The contrasts of a type share one fit; the FDR is that of each contrast by itself.\n";
    if (std::any_of(study.types.begin(), study.types.end(), [](const DeType& type) { return type.plan.evidence == Evidence::exploratory; })) {
        out += "Exploratory means: use effects and ranks to choose what to look at next; nothing here is shown to hold for other donors.\n";
    }
    return out;
}

std::string de_json(const DeIo& io, const std::vector<DeStudy>& studies, const std::vector<PooledType>& pooled, const VerbRecord& record) {
    Json json = Json::parse(record.summary_json(io.out));
    if (studies.size() == 1) {
        json["cell_types"] = types_json(studies.front());
        if (!studies.front().levels.empty()) json["together"] = levels_json(studies.front());
    } else {
        json["datasets"] = Json::array();
        for (const DeStudy& study : studies) json["datasets"].push_back(study_json(study));
        json["pooled"] = Json::array();
        for (const PooledType& type : pooled) json["pooled"].push_back(pooled_json(type));
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace morula::commands
