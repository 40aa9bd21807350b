// The chapter "Healthy and diseased", from the slots of the step "differences".
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "morula/analysis/cohort.hpp"
#include "morula/commands/donor_table.hpp"
#include "morula/commands/slots.hpp"
#include "morula/formats/text/csv_writer.hpp"
#include "morula/pipeline/report_data.hpp"

namespace morula::pipeline {
namespace {

using commands::uns_integers;
using commands::uns_map;
using commands::uns_numbers;
using commands::uns_text;
using commands::uns_texts;

constexpr std::size_t kKeptGenes = 200;   // of a type, on the page
constexpr std::size_t kKeptScores = 50;   // of programmes and of pairs, on the page
constexpr double kFdr = 0.05;

/// One compared gene of one type, by its place in the columns.
struct GeneColumns {
    explicit GeneColumns(const data::UnsMap& map)
        : type(uns_integers(map, "type")), gene(uns_integers(map, "gene")), log2fc(uns_numbers(map, "log2fc")), shrunk(uns_numbers(map, "log2fc_shrunk")), se(uns_numbers(map, "se")), log10_p(uns_numbers(map, "log10_p")),
          log10_fdr(uns_numbers(map, "log10_fdr")) {}
    const std::vector<std::int64_t>& type;
    const std::vector<std::int64_t>& gene;
    const std::vector<double>& log2fc;
    const std::vector<double>& shrunk;
    const std::vector<double>& se;
    const std::vector<double>& log10_p;
    const std::vector<double>& log10_fdr;

    double fdr(std::size_t i) const { return std::isnan(log10_fdr[i]) ? report::kMissing : std::pow(10.0, log10_fdr[i]); }
};

struct GeneNames {
    explicit GeneNames(const data::Table& var) : symbols(commands::symbols_of(var)), ids(commands::ids_of(var)) {}
    std::vector<std::string> symbols;
    std::vector<std::string> ids;
};

void add_samples(const data::UnsMap& map, report::Comparison& out) {
    const auto& donor = uns_texts(map, "donor");
    for (std::size_t s = 0; s < donor.size(); ++s) out.samples.push_back({donor[s], uns_integers(map, "is_case")[s] != 0, uns_texts(map, "batch")[s]});
}

void add_donors(const data::UnsMap& map, report::ComparedDonors& out) {
    out.columns = uns_texts(map, "columns");
    const auto& donor = uns_texts(map, "donor");
    const auto& texts = uns_texts(map, "texts");
    for (std::size_t d = 0; d < donor.size(); ++d) {
        report::ComparedDonor row{donor[d], uns_integers(map, "is_case")[d] != 0, uns_integers(map, "n_cells")[d], {}};
        for (std::size_t c = 0; c < out.columns.size(); ++c) row.values.push_back(texts[c * donor.size() + d]);
        out.rows.push_back(std::move(row));
    }
    for (std::size_t g = 0; g < uns_texts(map, "group").size(); ++g) out.by.push_back({uns_texts(map, "of_group")[g], uns_texts(map, "group")[g], uns_texts(map, "in_case")[g], uns_texts(map, "in_control")[g]});
    for (std::size_t c = 0; c < out.columns.size(); ++c) {
        const auto balance = static_cast<commands::Balance>(uns_integers(map, "balance")[c]);
        if (balance == commands::Balance::complete) out.together.push_back(out.columns[c]);
        if (balance == commands::Balance::strong) out.uneven.push_back(out.columns[c]);
        if (!uns_texts(map, "sentences")[c].empty()) out.findings.push_back(uns_texts(map, "sentences")[c]);
    }
    out.n_more = std::get<std::int64_t>(map.at("n_more").value);
}

void add_types(const data::UnsMap& map, report::Comparison& out) {
    const auto& names = uns_texts(map, "name");
    const auto& cells = uns_integers(map, "n_cells");
    const std::size_t n_samples = out.samples.size();
    for (std::size_t t = 0; t < names.size(); ++t) {
        report::ComparedType type;
        type.name = names[t];
        type.status = uns_texts(map, "status")[t];
        const auto evidence = static_cast<analysis::Evidence>(uns_integers(map, "evidence")[t]);
        type.is_tested = evidence == analysis::Evidence::tested;
        type.is_compared = evidence != analysis::Evidence::none;
        type.n_case = uns_integers(map, "n_case")[t];
        type.n_control = uns_integers(map, "n_control")[t];
        type.n_genes = uns_integers(map, "n_genes")[t];
        type.n_up = uns_integers(map, "n_up")[t];
        type.n_down = uns_integers(map, "n_down")[t];
        type.detectable_log2fc = uns_numbers(map, "detectable_log2fc")[t];
        const auto first = cells.begin() + static_cast<std::ptrdiff_t>(t * n_samples);
        type.n_cells.assign(first, first + static_cast<std::ptrdiff_t>(n_samples));
        out.types.push_back(std::move(type));
    }
}

void add_genes(const GeneColumns& genes, const GeneNames& names, report::Comparison& out) {
    std::vector<std::vector<std::size_t>> of_type(out.types.size());
    for (std::size_t i = 0; i < genes.type.size(); ++i) of_type[static_cast<std::size_t>(genes.type[i])].push_back(i);
    for (std::size_t t = 0; t < out.types.size(); ++t) {
        report::ComparedType& type = out.types[t];
        for (const std::size_t i : of_type[t]) {
            type.volcano_log2fc.push_back(static_cast<float>(genes.log2fc[i]));
            type.volcano_minus_log10_p.push_back(static_cast<float>(-genes.log10_p[i]));
            type.volcano_found.push_back(genes.log10_fdr[i] <= std::log10(kFdr) ? 1 : 0);
        }
        std::stable_sort(of_type[t].begin(), of_type[t].end(), [&](std::size_t a, std::size_t b) { return genes.log10_p[a] < genes.log10_p[b]; });
        of_type[t].resize(std::min(of_type[t].size(), kKeptGenes));
        for (const std::size_t i : of_type[t]) {
            const auto g = static_cast<std::size_t>(genes.gene[i]);
            type.genes.push_back({names.symbols[g], names.ids[g], genes.log2fc[i], genes.shrunk[i], genes.se[i], std::pow(10.0, genes.log10_p[i]), genes.fdr(i), {}});
        }
    }
}

/// Strips come in the same order as the genes of a type.
void add_strips(const data::UnsMap& map, report::Comparison& out) {
    const auto& types = uns_integers(map, "type");
    const auto& values = uns_numbers(map, "log2_cpm");
    const auto n_samples = static_cast<std::ptrdiff_t>(out.samples.size());
    std::vector<std::size_t> next(out.types.size(), 0);
    for (std::size_t i = 0; i < types.size(); ++i) {
        report::ComparedType& type = out.types[static_cast<std::size_t>(types[i])];
        const std::size_t g = next[static_cast<std::size_t>(types[i])]++;
        if (g >= type.genes.size()) continue;
        const auto first = values.begin() + static_cast<std::ptrdiff_t>(i) * n_samples;
        type.genes[g].log2_cpm.assign(first, first + n_samples);
    }
}

void add_composition(const data::UnsMap& map, report::Comparison& out) {
    const auto& status = uns_texts(map, "status");
    out.composition_refused = uns_text(map, "refused");
    out.composition_least_p = commands::uns_number(map, "least_p");
    for (std::size_t t = 0; t < status.size() && t < out.types.size(); ++t) {
        out.composition.push_back({out.types[t].name, uns_numbers(map, "log2_ratio")[t], uns_numbers(map, "low")[t], uns_numbers(map, "high")[t], uns_numbers(map, "p")[t], uns_numbers(map, "fdr")[t], status[t]});
    }
}

/// Columns of a table of scores, by place.
struct ScoreRows {
    explicit ScoreRows(const data::UnsMap& columns) : map(columns) {}
    const data::UnsMap& map;
    std::size_t size() const { return uns_integers(map, "what").size(); }
    const std::string& text(const char* column, const char* names, std::size_t i) const { return uns_texts(map, names)[static_cast<std::size_t>(uns_integers(map, column)[i])]; }
    double number(const char* column, std::size_t i) const { return uns_numbers(map, column)[i]; }
    report::ComparedScore row(std::size_t i) const {
        return {text("what", "names", i), text("where", "places", i), number("value_case", i), number("value_control", i), number("effect", i), number("low", i), number("high", i), number("p", i), number("fdr", i), text("status", "statuses", i)};
    }
};

/// Programmes, or pairs: nothing where the run had no such table.
report::ComparedScores scores_of(const data::Dataset& kept, const char* name) {
    report::ComparedScores out;
    if (kept.uns.count(name) == 0) return out;
    const data::UnsMap& map = uns_map(kept.uns, name);
    out.table = uns_text(map, "table");
    out.context = uns_text(map, "context");
    out.refused = uns_text(map, "refused");
    const ScoreRows rows(map);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        order.push_back(i);
        ++(uns_integers(map, "is_exploratory")[i] != 0 ? out.n_exploratory : out.n_tests);
        out.n_found += rows.number("fdr", i) <= kFdr ? 1 : 0;
    }
    const auto p_of = [&](std::size_t i) { return std::isnan(rows.number("p", i)) ? 2.0 : rows.number("p", i); };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p_of(a) < p_of(b); });
    order.resize(std::min(order.size(), kKeptScores));
    for (const std::size_t i : order) out.rows.push_back(rows.row(i));
    return out;
}

/// Sentences that hold of this comparison, the most limiting first.
std::vector<std::string> limits_of(const report::Comparison& comparison) {
    std::vector<std::string> out;
    const auto n_of = [&](bool is_case) { return std::count_if(comparison.samples.begin(), comparison.samples.end(), [&](const report::ComparedSample& sample) { return sample.is_case == is_case; }); };
    std::vector<std::string> exploratory, left_out, not_counted;
    for (std::size_t t = 0; t < comparison.types.size(); ++t) {
        const report::ComparedType& type = comparison.types[t];
        if (type.is_compared && !type.is_tested) exploratory.push_back(type.name);
        if (type.is_compared) continue;
        const bool is_counted = t < comparison.composition.size() && !std::isnan(comparison.composition[t].p);
        (is_counted ? left_out : not_counted).push_back(type.name);
    }
    if (!exploratory.empty()) out.push_back(fmt::format("Whether anything in {} holds for other donors: too few donors for a false discovery rate.", fmt::join(exploratory, ", ")));
    if (!left_out.empty()) out.push_back(fmt::format("How the state of {} differs: too few donors have enough of these cells in both conditions. Whether they are more or less frequent is in the composition.", fmt::join(left_out, ", ")));
    if (!not_counted.empty()) out.push_back(fmt::format("Anything about {}: too few cells or donors, for a test of their state and of how frequent they are.", fmt::join(not_counted, ", ")));
    if (!comparison.donors.together.empty()) out.push_back(fmt::format("Whether what differs is '{}' or {}: in these donors they go together.", comparison.column, fmt::join(comparison.donors.together, " or ")));
    if (!comparison.donors.uneven.empty()) out.push_back(fmt::format("How much of what differs goes with {}, which {} unevenly shared out.", fmt::join(comparison.donors.uneven, " and "), comparison.donors.uneven.size() == 1 ? "is" : "are"));
    out.push_back(fmt::format("What the file does not hold and that may set the {} donors of '{}' apart from the {} of '{}': treatment, sampling, habits. A difference between groups of donors is not yet an effect of the condition.", n_of(true), comparison.case_name, n_of(false), comparison.control_name));
    out.push_back("Effects below the fold changes that could be seen. A gene that is not found is not shown to be unchanged.");
    out.push_back("Whether a type's share or its number of cells changes: only shares are measured, and losses in preparation differ between types and tissues.");
    std::vector<std::string> not_asked;
    if (!comparison.programmes.is_asked()) not_asked.push_back("which programmes of genes differ (give --gene-sets)");
    if (!comparison.regulons.is_asked()) not_asked.push_back("which transcription factors are more or less active (--regulons)");
    if (!comparison.communication.is_asked()) not_asked.push_back("which pairs of ligand and receptor do (--interactions)");
    if (!comparison.acquired.is_asked) not_asked.push_back("whether cells gained or lost parts of chromosomes (--reference-cells)");
    not_asked.push_back("which sets the changed genes are rich in (`morula programmes --sets FILE.gmt --differences differences.csv`)");
    not_asked.push_back("which neighbourhoods of cells within a type are more frequent (`morula abundance cells.h5ad`)");
    out.push_back(fmt::format("What was not asked: {}.", fmt::join(not_asked, "; ")));
    if (comparison.type_column == "leiden") out.push_back("Whether clusters are the right types: they were made from the same cells, and a strong change of state can itself become a cluster that only one condition has.");
    return out;
}

}  // namespace

void add_comparison(const ReportInput& input, report::ReportData& page) {
    const data::Dataset& kept = input.state.kept;
    if (kept.uns.count("differences") == 0) return;
    const data::UnsMap& map = uns_map(kept.uns, "differences");
    report::Comparison& out = page.comparison;
    out.column = uns_text(map, "condition");
    out.case_name = uns_text(map, "case");
    out.control_name = uns_text(map, "control");
    out.donor_column = uns_text(map, "donor");
    out.type_column = uns_text(map, "cell_type");
    out.refused = uns_text(map, "refused");
    add_donors(uns_map(map, "donors"), out.donors);
    if (!out.refused.empty()) return;
    out.design = uns_text(map, "design");
    add_samples(uns_map(map, "samples"), out);
    add_types(uns_map(map, "types"), out);
    add_genes(GeneColumns(uns_map(map, "genes")), GeneNames(kept.var), out);
    add_strips(uns_map(map, "strips"), out);
    add_composition(uns_map(map, "composition"), out);
    out.programmes = scores_of(kept, "programme_differences");
    out.regulons = scores_of(kept, "regulon_differences");
    out.communication = scores_of(kept, "communication_differences");
    std::vector<std::string> limits = limits_of(out);
    out.cannot_tell.insert(out.cannot_tell.begin(), std::make_move_iterator(limits.begin()), std::make_move_iterator(limits.end()));
}

bool write_compared_scores(const std::filesystem::path& path, const RunState& state, const char* name) {
    if (state.kept.uns.count(name) == 0) {
        std::filesystem::remove(path);  // that of an earlier run, which was given a table
        return false;
    }
    const ScoreRows rows(uns_map(state.kept.uns, name));
    formats::CsvWriter csv(path, {"name", "where", "value_case", "value_control", "effect", "low", "high", "p", "fdr", "status"});
    for (std::size_t i = 0; i < rows.size(); ++i) {
        csv.text(rows.text("what", "names", i)).text(rows.text("where", "places", i));
        for (const char* column : {"value_case", "value_control", "effect", "low", "high", "p", "fdr"}) csv.number(rows.number(column, i));
        csv.text(rows.text("status", "statuses", i)).end_row();
    }
    csv.commit();
    return true;
}

bool write_differences(const std::filesystem::path& path, const RunState& state) {
    const bool compared = state.kept.uns.count("differences") != 0 && uns_text(uns_map(state.kept.uns, "differences"), "refused").empty();
    if (!compared) {
        std::filesystem::remove(path);  // that of an earlier run, which compared
        return false;
    }
    const data::UnsMap& map = uns_map(state.kept.uns, "differences");
    const data::UnsMap& types = uns_map(map, "types");
    const GeneColumns genes(uns_map(map, "genes"));
    const GeneNames names(state.kept.var);
    formats::CsvWriter csv(path, {"cell_type", "gene", "gene_id", "log2fc", "log2fc_shrunk", "se", "p", "fdr", "n_case", "n_control", "status"});
    for (std::size_t i = 0; i < genes.type.size(); ++i) {
        const auto t = static_cast<std::size_t>(genes.type[i]);
        const auto g = static_cast<std::size_t>(genes.gene[i]);
        csv.text(uns_texts(types, "name")[t]).text(names.symbols[g]).text(names.ids[g]).number(genes.log2fc[i]).number(genes.shrunk[i]).number(genes.se[i]).number(std::pow(10.0, genes.log10_p[i])).number(genes.fdr(i));
        csv.integer(uns_integers(types, "n_case")[t]).integer(uns_integers(types, "n_control")[t]).text(uns_texts(types, "status")[t]).end_row();
    }
    csv.commit();
    return true;
}

}  // namespace morula::pipeline
