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

void write_genes(formats::CsvWriter& csv, const DeIo& io, const DeType& type, const std::vector<std::string>& symbols, const std::vector<std::string>& ids) {
    const analysis::DeResult& result = type.result;
    std::size_t next = 0;
    for (std::size_t gene = 0; gene < symbols.size(); ++gene) {
        const bool tested = next < result.gene.size() && static_cast<std::size_t>(result.gene[next]) == gene;
        if (!tested && !io.all_genes) continue;
        csv.text(type.name).text(symbols[gene]).text(ids[gene]);
        const std::size_t i = next;
        if (tested) {
            csv.number(result.log2fc[i]).number(result.log2fc_shrunk[i]).number(result.se[i]).number(from_log10(result.log10_p[i]));
            csv.number(type.plan.evidence == Evidence::tested ? from_log10(result.log10_fdr[i]) : std::nan(""));
            ++next;
        } else {
            for (int column = 0; column < 5; ++column) csv.text("");
        }
        const std::string& status = tested || type.plan.evidence == Evidence::none ? type.plan.status : "not tested: too few counts";
        csv.integer(type.plan.n_case).integer(type.plan.n_control).text(status).end_row();
    }
}

void write_donors(const std::filesystem::path& path, const DeCells& cells, const std::vector<DeType>& types) {
    const analysis::Cohort& cohort = cells.cohort;
    formats::CsvWriter csv(path, {"donor", "condition", "batch", "cell_type", "n_cells", "n_counts", "used", "why_not", "library_size", "tmm_factor"});
    for (const DeType& type : types) {
        for (std::size_t sample = 0; sample < cohort.donor.size(); ++sample) {
            const auto used = std::find(type.plan.samples.begin(), type.plan.samples.end(), static_cast<std::int32_t>(sample));
            csv.text(cohort.donor[sample]).text(cohort.is_case[sample] != 0 ? cohort.case_name : cohort.control_name).text(cohort.batch.texts.empty() ? "" : cohort.batch.texts[sample]).text(type.name);
            csv.integer(type.n_cells[sample]).integer(type.n_counts[sample]).text(used != type.plan.samples.end() ? "true" : "false").text(type.plan.why_not[sample]);
            const auto at = static_cast<std::size_t>(used - type.plan.samples.begin());
            const bool scaled = at < type.result.factor.size();
            csv.number(scaled ? type.result.library_size[at] : std::nan("")).number(scaled ? type.result.factor[at] : std::nan("")).end_row();
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

std::string line_of_type(const DeType& type, const std::vector<std::string>& symbols) {
    const std::string donors = fmt::format("{} ({} against {} donors)", type.name, type.plan.n_case, type.plan.n_control);
    const std::size_t n_genes = type.result.gene.size();
    if (type.plan.evidence == Evidence::none) return fmt::format("  {}: {}.\n", type.name, type.plan.status);
    if (type.plan.evidence == Evidence::exploratory) return fmt::format("  {}: {} genes ranked, no FDR. {}. First by p: {}.\n", donors, n_genes, type.plan.status, leading_genes(type, symbols, kGenesShown));
    const std::string reach = fmt::format("A gene of median precision would have been found (4 times in 5) from a {:.1f}-fold change on.", std::exp2(type.detectable_log2fc));
    if (type.n_up + type.n_down == 0) return fmt::format("  {}: no gene at FDR 5 % among {} tested. {}\n", donors, n_genes, reach);
    return fmt::format("  {}: {} up, {} down at FDR 5 % among {} tested: {}. {}\n", donors, type.n_up, type.n_down, n_genes,
                       leading_genes(type, symbols, std::min<std::size_t>(kGenesShown, static_cast<std::size_t>(type.n_up + type.n_down))), reach);
}

using Json = nlohmann::ordered_json;

/// A number, or null where there is none.
Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json types_json(const DeStudy& study) {
    Json out = Json::array();
    for (const DeType& type : study.types) {
        out.push_back({{"cell_type", type.name}, {"status", type.plan.status}, {"n_case", type.plan.n_case}, {"n_control", type.plan.n_control}, {"n_genes", type.result.gene.size()},
                       {"n_up", type.n_up}, {"n_down", type.n_down}, {"detectable_log2fc", number_or_null(type.detectable_log2fc)}, {"common_dispersion", number_or_null(type.result.common_dispersion)},
                       {"prior_df", number_or_null(type.result.prior_df)}});
    }
    return out;
}

Json study_json(const DeStudy& study) {
    if (!study.refused.empty()) return {{"name", study.name}, {"refused", study.refused}};
    return {{"name", study.name}, {"design", study.cells.cohort.formula}, {"controls", control_kind(study.is_within_donors())}, {"cell_types", types_json(study)}};
}

Json pooled_json(const PooledType& type) {
    const auto n_below = [&](double PooledGene::*fdr) { return std::count_if(type.genes.begin(), type.genes.end(), [&](const PooledGene& gene) { return gene.*fdr <= std::log10(kDeFdr); }); };
    return {{"cell_type", type.cell_type}, {"controls", control_kind(type.is_within_donors)}, {"datasets", type.studies}, {"n_case", type.n_case}, {"n_control", type.n_control}, {"n_genes", type.genes.size()},
            {"n_mean_changed", n_below(&PooledGene::log10_fdr)}, {"n_in_two", n_below(&PooledGene::log10_fdr_two)}};
}

}  // namespace

void write_de_tables(const std::filesystem::path& folder, const DeIo& io, const DeCells& cells, const data::Table& var, const std::vector<DeType>& types) {
    const std::vector<std::string> symbols = symbols_of(var);
    const std::vector<std::string> ids = ids_of(var);
    formats::CsvWriter csv(folder / "de.csv", {"cell_type", "gene", "gene_id", "log2fc", "log2fc_shrunk", "se", "p", "fdr", "n_case", "n_control", "status"});
    for (const DeType& type : types) write_genes(csv, io, type, symbols, ids);
    csv.commit();
    write_donors(folder / "donors.csv", cells, types);
}

std::string de_text(const DeIo& io, const DeStudy& study) {
    const std::vector<std::string> symbols = symbols_of(study.var);
    std::string out = fmt::format("{}: {} against {} by '{}', design {}. Numbers behind genes are log2 fold changes.\n", study.name, io.case_name, io.control_name, io.condition, study.cells.cohort.formula);
    for (const DeType& type : study.types) out += line_of_type(type, symbols);
    if (std::any_of(study.types.begin(), study.types.end(), [](const DeType& type) { return type.plan.evidence == Evidence::exploratory; })) {
        out += "Exploratory means: use effects and ranks to choose what to look at next; nothing here is shown to hold for other donors.\n";
    }
    return out;
}

std::string de_json(const DeIo& io, const std::vector<DeStudy>& studies, const std::vector<PooledType>& pooled, const VerbRecord& record) {
    Json json = Json::parse(record.summary_json(io.out));
    if (studies.size() == 1) {
        json["cell_types"] = types_json(studies.front());
    } else {
        json["datasets"] = Json::array();
        for (const DeStudy& study : studies) json["datasets"].push_back(study_json(study));
        json["pooled"] = Json::array();
        for (const PooledType& type : pooled) json["pooled"].push_back(pooled_json(type));
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace morula::commands
