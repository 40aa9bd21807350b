// The chapter "Healthy and diseased": donors first, then composition, state, genes, programmes, communication, acquired changes, and what cannot be told.
#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "morula/report/charts.hpp"
#include "morula/report/page.hpp"
#include "morula/report/sections.hpp"

namespace morula::report {
namespace {

constexpr std::size_t kShownTypes = 6;    // drawn one by one; the tables hold all
constexpr std::size_t kShownGenes = 25;   // of a type
constexpr std::size_t kForestGenes = 3;

/// p values reach far below what number_text writes.
std::string p_text(double p) {
    if (std::isnan(p)) return "";
    return p >= 1e-3 ? number_text(p, 2) : fmt::format("{:.1e}", p);
}

/// The condition beside all else that the file holds once a donor.
std::string confounding_part(const Comparison& comparison) {
    const ComparedDonors& donors = comparison.donors;
    std::string out = "<h4>What else sets these donors apart</h4>";
    if (donors.by.empty()) return out + paragraph("The file holds nothing else of donors (no batch, sex or age), so that nobody can look whether the conditions differ in it.");
    for (const std::string& sentence : donors.findings) out += callout(sentence);
    if (donors.findings.empty()) out += paragraph("No column is shared out strongly unevenly between the conditions.");
    HtmlTable table{"Donors by condition", "condition_by", {{"Column"}, {"Group"}, {comparison.case_name, Align::number}, {comparison.control_name, Align::number}}, {}};
    for (const ConditionBy& row : donors.by) table.rows.push_back({row.column, row.group, row.in_case, row.in_control});
    out += table_html(table);
    if (donors.n_more > 0) out += paragraph(fmt::format("Not shown: {} with one value a donor.", count_of(donors.n_more, "more column")));
    return out;
}

std::string donors_part(const Comparison& comparison) {
    const ComparedDonors& donors = comparison.donors;
    if (donors.rows.empty()) return "";
    HtmlTable table{"Donors", "compared_donors", {{"Donor"}, {comparison.column}, {"Cells", Align::number}}, {}};
    for (const std::string& column : donors.columns) table.columns.push_back({column});
    for (const ComparedDonor& donor : donors.rows) {
        table.rows.push_back({donor.donor, donor.is_case ? comparison.case_name : comparison.control_name, count_text(donor.n_cells)});
        table.rows.back().insert(table.rows.back().end(), donor.values.begin(), donor.values.end());
    }
    table.caption_unseen = true;
    return "<h3>Donors</h3>" +
           paragraph(fmt::format("Donors ('{}') are the replicates, not cells: cells of one donor resemble each other, and counting them as independent finds differences where there are none.{}", comparison.donor_column,
                                 comparison.design.empty() ? "" : fmt::format(" Design: {}.", comparison.design))) +
           table_html(table) + confounding_part(comparison);
}

/// Donors of one condition, and those of them with cells of a type.
struct DonorsWith {
    std::set<std::string> all;
    std::set<std::string> with;
};
DonorsWith donors_with(const Comparison& comparison, const ComparedType& type, bool is_case) {
    DonorsWith out;
    for (std::size_t s = 0; s < comparison.samples.size(); ++s) {
        if (comparison.samples[s].is_case != is_case) continue;
        out.all.insert(comparison.samples[s].donor);
        if (type.n_cells[s] > 0) out.with.insert(comparison.samples[s].donor);
    }
    return out;
}

/// What only one condition has is a finding of the composition, whatever the false discovery rate over all types makes of it.
std::string one_sided_part(const Comparison& comparison) {
    std::vector<std::string> items;
    for (std::size_t t = 0; t < comparison.composition.size() && t < comparison.types.size(); ++t) {
        const DonorsWith cases = donors_with(comparison, comparison.types[t], true), controls = donors_with(comparison, comparison.types[t], false);
        if (cases.with.empty() == controls.with.empty()) continue;
        const bool of_cases = controls.with.empty();
        const DonorsWith& there = of_cases ? cases : controls;
        const CompositionRow& row = comparison.composition[t];
        const std::string evidence = std::isnan(row.p) ? row.status : fmt::format("p {}{}", p_text(row.p), std::isnan(row.fdr) ? "; " + row.status : ", FDR " + p_text(row.fdr));
        items.push_back(fmt::format("{}: in {} of {} donors of '{}' and in none of {} of '{}' ({}).", row.type, there.with.size(), there.all.size(), of_cases ? comparison.case_name : comparison.control_name,
                                                  (of_cases ? controls : cases).all.size(), of_cases ? comparison.control_name : comparison.case_name, evidence));
    }
    return items.empty() ? "" : paragraph("Types that only one condition has (their ratio has no true size, and few donors may have missed them):") + plain_list(items);
}

std::string composition_part(const Comparison& comparison) {
    std::string out = "<h3>Composition</h3>" + figure_html(composition_figure(comparison));
    if (comparison.composition.empty()) return out + (comparison.composition_refused.empty() ? "" : callout("Composition was not tested. " + comparison.composition_refused));
    HtmlTable table{"Composition, tested", "composition_test", {{"Type"}, {"log2 ratio", Align::number}, {"95 % low", Align::number}, {"95 % high", Align::number}, {"p", Align::number}, {"FDR", Align::number}, {"Evidence"}}, {}};
    for (const CompositionRow& row : comparison.composition) {
        table.rows.push_back({row.type, number_text(row.effect, 3), number_text(row.low, 3), number_text(row.high, 3), p_text(row.p), p_text(row.fdr), row.status});
    }
    out += table_html(table) + one_sided_part(comparison);
    if (!(comparison.composition_least_p > 0.01)) return out;
    return out + callout(fmt::format("So few donors allow no p below {}: a type that is not found here is not shown to be unchanged, however far apart its shares lie.", number_text(comparison.composition_least_p, 2)));
}

std::string state_part(const Comparison& comparison) {
    HtmlTable table{"State of each type", "compared_types", {{"Type"}, {"Donors, " + comparison.case_name, Align::number}, {"Donors, " + comparison.control_name, Align::number}, {"Genes compared", Align::number}, {"Higher", Align::number}, {"Lower", Align::number}, {"Could be seen from", Align::number}, {"Evidence"}}, {}};
    for (const ComparedType& type : comparison.types) {
        const bool claims = type.is_tested;
        table.rows.push_back({type.name, count_text(type.n_case), count_text(type.n_control), type.is_compared ? count_text(type.n_genes) : "", claims ? count_text(type.n_up) : "", claims ? count_text(type.n_down) : "",
                              claims && std::isfinite(type.detectable_log2fc) ? fmt::format("{}-fold", number_text(std::exp2(type.detectable_log2fc), 2)) : "", type.status});
    }
    table.caption_unseen = true;
    std::string out = "<h3>State of each type</h3>" + paragraph("Counts of each donor's cells of a type are summed and compared by a negative-binomial quasi-likelihood test. Higher and lower count genes at a false discovery rate of 5 %; the fold change that could be seen is that of a "
                                                               "gene of median precision, found with a probability of 80 %. Types that only one condition has are a matter of composition and are not tested here.") +
                      table_html(table);
    const bool any_tested = std::any_of(comparison.types.begin(), comparison.types.end(), [](const ComparedType& type) { return type.is_tested; });
    const bool any_found = std::any_of(comparison.types.begin(), comparison.types.end(), [](const ComparedType& type) { return type.n_up + type.n_down > 0; });
    if (any_tested && !any_found) {
        out += callout(fmt::format("No gene differs between {} and {} at a false discovery rate of 5 % in any type. That is a result: effects above the fold changes of the table would mostly have been found; smaller ones may be there.", comparison.case_name, comparison.control_name));
    }
    if (!any_tested) out += callout("No type has enough donors for a false discovery rate. Effects and their order say what to look at next; nothing below is shown to hold for other donors.");
    return out + figure_html(changed_genes_figure(comparison));
}

HtmlTable gene_table(const ComparedType& type) {
    HtmlTable table{type.name + ": genes, smallest p first", "genes_" + file_stem(type.name), {{"Gene"}, {"Gene id"}, {"log2 fold change", Align::number}, {"shrunk", Align::number}, {"Standard error", Align::number}, {"p", Align::number}, {"FDR", Align::number}}, {}};
    for (std::size_t g = 0; g < std::min(kShownGenes, type.genes.size()); ++g) {
        const ComparedGene& gene = type.genes[g];
        table.rows.push_back({gene.gene, gene.gene_id == gene.gene ? "" : gene.gene_id, number_text(gene.log2fc, 3), number_text(gene.log2fc_shrunk, 3), number_text(gene.se, 2), p_text(gene.p), p_text(gene.fdr)});
    }
    return table;
}

/// Types in the order of interest: most genes found, else smallest p.
std::vector<const ComparedType*> shown_types(const Comparison& comparison) {
    std::vector<const ComparedType*> types;
    for (const ComparedType& type : comparison.types) {
        if (type.is_compared && !type.genes.empty()) types.push_back(&type);
    }
    std::stable_sort(types.begin(), types.end(), [](const ComparedType* a, const ComparedType* b) {
        const std::int64_t found_a = a->n_up + a->n_down, found_b = b->n_up + b->n_down;
        return found_a != found_b ? found_a > found_b : a->genes.front().p < b->genes.front().p;
    });
    return types;
}

std::string genes_part(const Comparison& comparison) {
    const auto types = shown_types(comparison);
    if (types.empty()) return "";
    std::string out = "<h3>Genes</h3>";
    if (types.size() > kShownTypes) out += paragraph(fmt::format("The {} types with most to show of {}; the others are in the tables above and in differences.csv.", kShownTypes, types.size()));
    for (std::size_t t = 0; t < std::min(kShownTypes, types.size()); ++t) {
        Figure volcano = volcano_figure(comparison, *types[t]);
        volcano.table = gene_table(*types[t]);
        out += figure_html(volcano);
        // Of a null result the first genes are the most uneven by chance, and would look like findings.
        if (!types[t]->is_tested || types[t]->n_up + types[t]->n_down > 0) out += figure_html(donor_strips_figure(comparison, *types[t]));
    }
    if (types.front()->is_tested && types.front()->n_up + types.front()->n_down == 0) return out;
    for (std::size_t g = 0; g < std::min(kForestGenes, types.front()->genes.size()); ++g) out += figure_html(forest_figure(comparison, types.front()->genes[g].gene));
    return out;
}

/// Words that differ between the two tables of scores.
struct ScoreWords {
    std::string_view heading;
    std::string_view id;
    std::string_view what;    // heading of the column
    std::string_view where;
    std::string_view one;     // "programme"
    std::string_view about;   // what the numbers are
};

HtmlTable score_table(const Comparison& comparison, const ComparedScores& scores, const ScoreWords& words) {
    HtmlTable table{fmt::format("{}, smallest p first", words.heading), std::string(words.id), {{std::string(words.what)}, {std::string(words.where)}, {"Mean, " + comparison.case_name, Align::number}, {"Mean, " + comparison.control_name, Align::number},
                    {"Difference", Align::number}, {"95 % low", Align::number}, {"95 % high", Align::number}, {"p", Align::number}, {"FDR", Align::number}, {"Evidence"}}, {}};
    for (const ComparedScore& row : scores.rows) {
        table.rows.push_back({row.what, row.where, number_text(row.value_case, 3), number_text(row.value_control, 3), number_text(row.effect, 3), number_text(row.low, 3), number_text(row.high, 3), p_text(row.p), p_text(row.fdr), row.status});
    }
    return table;
}

std::string scores_part(const Comparison& comparison, const ComparedScores& scores, const ScoreWords& words) {
    if (!scores.is_asked()) return "";
    std::string out = fmt::format("<h3>{}</h3>", words.heading) + paragraph(fmt::format("From {}. {} {}", scores.table, scores.context, words.about));
    if (!scores.refused.empty()) return out + callout("No comparison was made. " + scores.refused);
    if (scores.n_tests == 0) out += callout(fmt::format("No {} has enough donors for a false discovery rate; the order says what to look at next.", words.one));
    else if (scores.n_found == 0) out += callout(fmt::format("No {} differs between {} and {} at a false discovery rate of 5 % in {} tests. That is a result; a {} that is not found is not shown to be unchanged.", words.one, comparison.case_name, comparison.control_name, count_text(scores.n_tests), words.one));
    else out += paragraph(fmt::format("{} of {} tests at a false discovery rate of 5 %.", count_text(scores.n_found), count_text(scores.n_tests)));
    return out + table_html(score_table(comparison, scores, words));
}

constexpr ScoreWords kProgrammes{"Programmes", "compared_programmes", "Programme", "Type", "programme",
                                 "A cell's score is the mean log value of the set's genes less that of control genes of like expression; donors' means are compared. Sets share genes, so that neighbours in the table are often one finding."};
constexpr ScoreWords kRegulons{"Regulons", "compared_regulons", "Regulon", "Type", "regulon",
                               "A cell's activity is the t value of a linear model of its log values on the regulon's signed weights; donors' means are compared. It tells of the targets' messages, not of the factor's protein."};
constexpr ScoreWords kCommunication{"Communication", "compared_communication", "Pair", "Sender and receiver", "pair",
                                    "Co-expressed known pairs, not measured signals: a donor's score is the mean of the ligand's mean in the sender and the receptor's in the receiver. Whether a protein is made, reaches the other cell or is heard was not measured."};

HtmlTable clone_table(const AcquiredChanges& changes) {
    HtmlTable table{"Clones", "clones", {{"Clone"}, {"Donor"}, {"Cells", Align::number}, {"Lost"}, {"Gained"}, {"Other stretches", Align::number}}, {}};
    for (const AcquiredClone& clone : changes.clones) table.rows.push_back({clone.name, clone.donor, count_text(clone.n_cells), clone.lost, clone.gained, count_text(clone.n_stretches)});
    table.caption_unseen = true;
    return table;
}

std::string arms_details(const AcquiredChanges& changes) {
    HtmlTable table{changes.has_arms ? "Every arm of every group" : "Every chromosome of every group", "arms", {{"Group"}, {changes.has_arms ? "Arm" : "Chromosome"}, {"Called"}, {"Mean log2 ratio", Align::number}, {"p", Align::number}}, {}};
    for (const AcquiredArm& arm : changes.arms) table.rows.push_back({arm.group, arm.arm, arm.state.empty() ? "-" : arm.state, number_text(arm.mean, 3), p_text(arm.p)});
    table.caption_unseen = true;
    return fmt::format("<details class=\"data\"><summary>{}</summary>{}{}</details>\n", table.caption,
                       paragraph("p is two-sided and calibrated on the reference cells, not corrected for the number of arms. A small p is no call: a call also needs a shift of some size, most of the arm's genes, and a group that genes left out of its making support."), table_html(table));
}

std::string acquired_findings(const AcquiredChanges& changes) {
    if (changes.clones.empty()) {
        return callout(fmt::format("No gain or loss of {} was found in {} against {}. That is a result; changes of few genes or of few cells, and those that leave the number of copies as it was, are not seen this way.", changes.has_arms ? "an arm or a part of one" : "a chromosome or a part of one",
                                   count_of(changes.n_query, "cell"), count_of(changes.n_reference, "reference cell")));
    }
    return paragraph(fmt::format("{} with gains or losses; {} of {} compared cells are in {}. A clone is a group of cells that share their changes.", count_of(std::ssize(changes.clones), "clone"), count_text(changes.n_in_clones), count_text(changes.n_query),
                                 changes.clones.size() == 1 ? "it" : "one of them")) +
           table_html(clone_table(changes));
}

std::string acquired_part(const AcquiredChanges& changes) {
    if (!changes.is_asked) return "";
    std::string out = "<h3>Acquired changes</h3>";
    if (!changes.refused.empty()) return out + callout("Nothing is called. " + changes.refused);
    out += paragraph(fmt::format("A lost chromosome takes half of the messages of its genes with it, a gained one brings half as many more; over a hundred neighbouring genes that can be seen. {} genes of {} cells are compared with {} ({}){}.", count_text(changes.n_genes), count_text(changes.n_query),
                                 count_of(changes.n_reference, "reference cell"), changes.reference, changes.within_donors ? ", each donor's on their own" : ""));
    out += acquired_findings(changes);
    if (!changes.has_arms) out += callout("No arms of chromosomes are known, so that whole chromosomes are called: a lost arm may be missed. Give --arms with the cytobands of your genome.");
    if (changes.null_inflation > 2.0) {
        out += callout(fmt::format("Reference cells differ from one another {} times as much as their genes explain, so that only large changes can be called. Reference cells of fewer types or batches would show more.", number_text(changes.null_inflation, 2)));
    }
    out += figure_html(clone_genome_figure(changes)) + arms_details(changes) + figure_html(cell_genome_figure(changes));
    return out + paragraph(fmt::format("Expression is no count of DNA. Level 0 is the middle of each group's own genome, so that a doubled genome looks like a normal one, and one of which more than half is gained looks like one with losses; loss without a change in number, and "
                                       "exchanges between chromosomes, leave no trace; reference cells of another type or tissue shift arms for other reasons. Tests are calibrated by {} (z values are divided by {}). A change that matters is confirmed in DNA.",
                                       changes.calibration, number_text(changes.null_inflation, 3)));
}

/// Why nothing was compared; lines between the first and the last are a table.
std::string refused_part(const std::string& refused) {
    const std::size_t first = refused.find('\n'), last = refused.rfind('\n');
    if (first == last) return callout("No comparison was made. " + refused);
    return callout("No comparison was made. " + refused.substr(0, first)) + "<div class=\"code\"><pre>" + escape_html(refused.substr(first + 1, last - first - 1)) + "</pre></div>\n" + paragraph(refused.substr(last + 1));
}

std::string limits_part(const Comparison& comparison) {
    if (comparison.cannot_tell.empty()) return "";
    std::string out = "<h3>What we cannot tell</h3><ul>";
    for (const std::string& sentence : comparison.cannot_tell) out += "<li>" + escape_html(sentence) + "</li>";
    return out + "</ul>\n";
}

}  // namespace

std::string comparison_section(const ReportData& data) {
    const Comparison& comparison = data.comparison;
    if (comparison.is_empty()) return "";
    if (!comparison.is_compared()) {
        return paragraph("No conditions were compared: cells are compared with normal cells of the same data.") + acquired_part(comparison.acquired) + limits_part(comparison);
    }
    const std::string opening = paragraph(fmt::format("Compared: {} with {}, by '{}'; types are the groups of '{}'.", comparison.case_name, comparison.control_name, comparison.column, comparison.type_column));
    if (!comparison.refused.empty()) return opening + refused_part(comparison.refused) + donors_part(comparison) + acquired_part(comparison.acquired) + limits_part(comparison);
    return opening + donors_part(comparison) + composition_part(comparison) + state_part(comparison) + genes_part(comparison) + scores_part(comparison, comparison.programmes, kProgrammes) + scores_part(comparison, comparison.regulons, kRegulons) +
           scores_part(comparison, comparison.communication, kCommunication) + acquired_part(comparison.acquired) + limits_part(comparison);
}

}  // namespace morula::report
