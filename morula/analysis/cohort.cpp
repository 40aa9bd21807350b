#include "morula/analysis/cohort.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "morula/analysis/least_squares_basis.hpp"
#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

constexpr std::size_t kRowsOfTable = 30;

SampleColumn condition_column(const Cohort& cohort) {
    SampleColumn column{cohort.terms[static_cast<std::size_t>(cohort.condition_term)].name, {}, {}, cohort.control_name};
    for (const std::uint8_t is_case : cohort.is_case) column.texts.push_back(is_case != 0 ? cohort.case_name : cohort.control_name);
    return column;
}

SampleColumn donor_column(const Cohort& cohort) { return {"donor", {}, cohort.donor, ""}; }

/// The table of a column against the condition, cut after 30 lines.
std::string table_with_condition(const SampleColumn& column, const Cohort& cohort) {
    const std::string all = cross_table(column, condition_column(cohort));
    std::size_t end = 0;
    for (std::size_t line = 0; line <= kRowsOfTable && end != std::string::npos; ++line) end = all.find('\n', end + 1);
    return end == std::string::npos ? all : all.substr(0, end) + "\n  ...";
}

/// Whether the condition can be told apart from the groups of one other column.
bool is_confounded_with(const SampleColumn& column, const Cohort& cohort) {
    const std::vector<SampleColumn> terms{column, condition_column(cohort)};
    return !confounding_terms(terms, 1).empty();
}

void refuse_batches(const Cohort& cohort) {
    if (!cohort.batch.texts.empty() && is_confounded_with(cohort.batch, cohort)) {
        invalid_data(fmt::format("{}: the condition is confounded with batch '{}': no batch holds both, or they cannot be told apart. Samples:\n{}", cohort.source, cohort.batch.name, table_with_condition(cohort.batch, cohort)),
                     "No analysis can separate the two. Process both conditions in the same batches; where batches are no real batches, leave --batch out.");
    }
    for (std::size_t t = 0; t < cohort.terms.size(); ++t) {
        const SampleColumn& term = cohort.terms[t];
        const auto at = static_cast<std::int32_t>(t);
        if (at == cohort.condition_term || at == cohort.donor_term || !is_confounded_with(term, cohort)) continue;
        const std::string table = term.texts.empty() ? "" : fmt::format(" Samples:\n{}", table_with_condition(term, cohort));
        invalid_data(fmt::format("{}: the condition is confounded with '{}': each follows from the other.{}", cohort.source, term.name, table), fmt::format("Leave '{}' out of the design only if it cannot matter; else no analysis can separate the two.", term.name));
    }
}

void refuse_donors_in_the_wrong_place(const Cohort& cohort) {
    const std::vector<std::string> pairs = paired_donors(cohort.donor, cohort.is_case);
    const std::string& condition = cohort.terms[static_cast<std::size_t>(cohort.condition_term)].name;
    if (cohort.donor_term >= 0) {
        if (!pairs.empty()) return;
        invalid_data(fmt::format("{}: the design {} pairs the conditions of each donor, but no donor has both. Samples:\n{}", cohort.source, cohort.formula, table_with_condition(donor_column(cohort), cohort)),
                     fmt::format("For donors in one condition each, leave the donor out of the design: --design '~ {}'.", condition));
    }
    if (!pairs.empty()) {
        invalid_data(fmt::format("{}: donor '{}' is in both conditions ({} donors are), but the design {} takes each donor to be in one. Samples:\n{}", cohort.source, pairs.front(), pairs.size(), cohort.formula,
                                 table_with_condition(donor_column(cohort), cohort)),
                     fmt::format("Compare within donors: --design '~ donor + {}' with your donor column, or leave --design out.", condition));
    }
    std::map<std::string, std::size_t> n_samples;
    for (const std::string& donor : cohort.donor) {
        if (++n_samples[donor] < 2) continue;
        invalid_data(fmt::format("{}: donor '{}' has samples in several batches, which the design {} would count as several donors.", cohort.source, donor, cohort.formula),
                     "Leave batch out of the design, so that a donor's batches are added up, or add the donor to it.");
    }
}

std::vector<double> contrast_of(const Design& design, std::int32_t condition_term) {
    std::vector<double> contrast;
    for (const std::int32_t term : design.term) contrast.push_back(term == condition_term ? 1.0 : 0.0);
    return contrast;
}

/// Terms of some of the samples; groups that none of these has are gone.
std::vector<SampleColumn> terms_of(const Cohort& cohort, std::span<const std::int32_t> samples) {
    std::vector<SampleColumn> out;
    for (const SampleColumn& term : cohort.terms) {
        SampleColumn some{term.name, {}, {}, term.reference};
        for (const std::int32_t sample : samples) {
            const auto s = static_cast<std::size_t>(sample);
            if (!term.numbers.empty()) some.numbers.push_back(term.numbers[s]);
            else some.texts.push_back(term.texts[s]);
        }
        out.push_back(std::move(some));
    }
    return out;
}

void leave_out(ComparisonPlan& plan, std::int32_t sample, std::string why) {
    plan.why_not[static_cast<std::size_t>(sample)] = std::move(why);
    std::erase(plan.samples, sample);
}

/// In paired designs a donor with one condition tells nothing of the difference.
void leave_out_halves(const Cohort& cohort, ComparisonPlan& plan) {
    if (cohort.donor_term < 0) return;
    std::vector<std::string> donor;
    std::vector<std::uint8_t> is_case;
    for (const std::int32_t sample : plan.samples) {
        donor.push_back(cohort.donor[static_cast<std::size_t>(sample)]);
        is_case.push_back(cohort.is_case[static_cast<std::size_t>(sample)]);
    }
    const std::vector<std::string> pairs = paired_donors(donor, is_case);
    for (const std::int32_t sample : std::vector<std::int32_t>(plan.samples)) {
        const std::string& own = cohort.donor[static_cast<std::size_t>(sample)];
        if (!std::binary_search(pairs.begin(), pairs.end(), own)) leave_out(plan, sample, "the donor's other condition is missing, and the design compares within donors");
    }
}

void count_donors(const Cohort& cohort, ComparisonPlan& plan) {
    std::set<std::string> cases;
    std::set<std::string> controls;
    for (const std::int32_t sample : plan.samples) {
        const auto s = static_cast<std::size_t>(sample);
        (cohort.is_case[s] != 0 ? cases : controls).insert(cohort.donor[s]);
    }
    plan.n_case = std::ssize(cases);
    plan.n_control = std::ssize(controls);
}

ComparisonPlan not_compared(ComparisonPlan plan, std::string why) {
    plan.evidence = Evidence::none;
    plan.status = "not compared: " + why;
    for (const std::int32_t sample : plan.samples) plan.why_not[static_cast<std::size_t>(sample)] = "the cell type is not compared";
    plan.samples.clear();
    return plan;
}

/// From what the condition cannot be told apart, in words.
std::string terms_text(const std::vector<std::string>& terms) { return terms.empty() ? "the other terms of the design" : fmt::format("{}", fmt::join(terms, " and ")); }

std::string donors_short(const Cohort& cohort, const ComparisonPlan& plan) {
    if (cohort.donor_term >= 0) return fmt::format("fewer than {} donors with both conditions ({})", kFewestDonors, plan.n_case);
    return fmt::format("fewer than {} donors in a group ({} {}, {} {})", kFewestDonors, plan.n_case, cohort.case_name, plan.n_control, cohort.control_name);
}

}  // namespace

std::vector<std::string> paired_donors(std::span<const std::string> donor, std::span<const std::uint8_t> is_case) {
    std::set<std::string> with[2];
    for (std::size_t i = 0; i < donor.size(); ++i) with[is_case[i] != 0 ? 1 : 0].insert(donor[i]);
    std::vector<std::string> both;
    std::set_intersection(with[0].begin(), with[0].end(), with[1].begin(), with[1].end(), std::back_inserter(both));
    return both;
}

void check_donors(std::span<const std::string> donor, std::span<const std::uint8_t> is_case, const ConditionNames& names) {
    std::set<std::string> cases, controls;
    for (std::size_t i = 0; i < donor.size(); ++i) (is_case[i] != 0 ? cases : controls).insert(donor[i]);
    if (cases.empty() || controls.empty()) {
        invalid_data(fmt::format("{}: no cell has the condition '{}'.", names.source, cases.empty() ? names.case_name : names.control_name), "Check --condition, --case and --control.");
    }
    std::set<std::string> all = cases;
    all.insert(controls.begin(), controls.end());
    if (all.size() == 1) {
        invalid_data(fmt::format("{}: all cells come from one donor ('{}'), so that nothing can be said of other people.", names.source, *all.begin()),
                     "Add more donors; to compare groups of cells within one sample, use `morula markers`.");
    }
    if (cases.size() == 1 && controls.size() == 1 && all.size() == 2) {
        invalid_data(fmt::format("{}: one donor in each condition ('{}' against '{}'): a difference between two people cannot be told from one between conditions.", names.source, *cases.begin(), *controls.begin()),
                     "Add donors; two in a condition give effects to explore, three a false discovery rate.");
    }
}

void check_cohort(const Cohort& cohort) {
    check_donors(cohort.donor, cohort.is_case, {cohort.case_name, cohort.control_name, cohort.source});
    refuse_batches(cohort);
    refuse_donors_in_the_wrong_place(cohort);
    const std::vector<std::string> confounded = confounding_terms(cohort.terms, cohort.condition_term);
    if (!confounded.empty()) {
        invalid_data(fmt::format("{}: with the design {} the condition cannot be told apart from {} together.", cohort.source, cohort.formula, fmt::join(confounded, " and ")), "Leave one of them out of the design.");
    }
}

ComparisonPlan plan_comparison(const Cohort& cohort, std::span<const std::int64_t> n_cells, std::span<const std::int64_t> n_counts, std::int64_t min_cells) {
    ComparisonPlan plan;
    plan.why_not.resize(cohort.donor.size());
    for (std::int32_t sample = 0; sample < static_cast<std::int32_t>(cohort.n_samples()); ++sample) {
        const auto s = static_cast<std::size_t>(sample);
        if (n_cells[s] < min_cells) plan.why_not[s] = n_cells[s] == 0 ? "no cells" : fmt::format("{} cells, fewer than {}", n_cells[s], min_cells);
        else if (n_counts[s] == 0) plan.why_not[s] = "no counts";
        else plan.samples.push_back(sample);
    }
    leave_out_halves(cohort, plan);
    count_donors(cohort, plan);
    if (plan.n_case == 0 || plan.n_control == 0) {
        const std::string what = cohort.donor_term >= 0 ? "no donor has enough cells in both conditions" : fmt::format("no donor with enough cells in '{}'", plan.n_case == 0 ? cohort.case_name : cohort.control_name);
        return not_compared(std::move(plan), what);
    }
    const std::vector<SampleColumn> terms = terms_of(cohort, plan.samples);
    const Design design = make_design(terms);
    const std::vector<double> contrast = contrast_of(design, cohort.condition_term);
    const DesignLook look = look_at_design(design, contrast);
    if (!look.is_estimable) {
        return not_compared(std::move(plan), fmt::format("among the donors with enough cells the condition cannot be told apart from {}", terms_text(confounding_terms(terms, cohort.condition_term))));
    }
    const std::int64_t df = std::ssize(plan.samples) - look.rank;
    if (df < 1) return not_compared(std::move(plan), fmt::format("{} samples and {} coefficients leave nothing to tell variation between donors from", plan.samples.size(), look.rank));
    plan.design = take_columns(design.x.view(), look.kept);
    for (const std::int64_t column : look.kept) plan.contrast.push_back(contrast[static_cast<std::size_t>(column)]);
    std::vector<std::string> reasons;
    if (std::min(plan.n_case, plan.n_control) < kFewestDonors) reasons.push_back(donors_short(cohort, plan));
    if (df < kFewestResidualDf) reasons.push_back(fmt::format("{} residual degree of freedom", df));
    if (!look.repeated.empty()) reasons.push_back(fmt::format("rank-deficient design ({} repeats other columns)", fmt::join(look.repeated, ", ")));
    plan.evidence = reasons.empty() ? Evidence::tested : Evidence::exploratory;
    plan.status = reasons.empty() ? "tested" : fmt::format("exploratory: {}", fmt::join(reasons, "; "));
    return plan;
}

}  // namespace morula::analysis
