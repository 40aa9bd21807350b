#include "morula/analysis/cohort.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "morula/analysis/least_squares_basis.hpp"
#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

constexpr std::size_t kRowsOfTable = 30;

SampleColumn condition_column(const Cohort& cohort) {
    SampleColumn column{cohort.terms[static_cast<std::size_t>(cohort.condition_term)].name, {}, {}, cohort.levels.front()};
    for (std::size_t s = 0; s < cohort.level.size(); ++s) column.texts.push_back(cohort.condition(s));
    return column;
}

bool is_of_two(const Cohort& cohort) { return cohort.levels.size() == 2; }

GroupContrast among_groups(const Cohort& cohort, const Contrast& contrast, std::int32_t term) { return {term, cohort.levels, contrast.weights}; }

SampleColumn donor_column(const Cohort& cohort) { return {"donor", {}, cohort.donor, ""}; }

/// The table of a column against the condition, cut after 30 lines.
std::string table_with_condition(const SampleColumn& column, const Cohort& cohort) {
    const std::string all = cross_table(column, condition_column(cohort));
    std::size_t end = 0;
    for (std::size_t line = 0; line <= kRowsOfTable && end != std::string::npos; ++line) end = all.find('\n', end + 1);
    return end == std::string::npos ? all : all.substr(0, end) + "\n  ...";
}

/// Whether the conditions can be told apart from the groups of one other column.
bool is_confounded_with(const SampleColumn& column, const Cohort& cohort, const Contrast& contrast) {
    const std::vector<SampleColumn> terms{column, condition_column(cohort)};
    return !confounding_terms(terms, among_groups(cohort, contrast, 1)).empty();
}

/// "the condition", or which of several contrasts.
std::string what_is_compared(const Cohort& cohort, const Contrast& contrast) { return is_of_two(cohort) ? "the condition" : fmt::format("the contrast '{}'", contrast.name); }

/// What to do about one of several contrasts that cannot be told.
std::string without_it(const Cohort& cohort) { return is_of_two(cohort) ? "" : " Other conditions can be compared without those: name fewer with --case."; }

void refuse_batches(const Cohort& cohort, const Contrast& contrast) {
    if (!cohort.batch.texts.empty() && is_confounded_with(cohort.batch, cohort, contrast)) {
        invalid_data(fmt::format("{}: {} is confounded with batch '{}': no batch holds both, or they cannot be told apart. Samples:\n{}", cohort.source, what_is_compared(cohort, contrast), cohort.batch.name, table_with_condition(cohort.batch, cohort)),
                     "No analysis can separate the two. Process both conditions in the same batches; where batches are no real batches, write --batch none." + without_it(cohort));
    }
    for (std::size_t t = 0; t < cohort.terms.size(); ++t) {
        const SampleColumn& term = cohort.terms[t];
        const auto at = static_cast<std::int32_t>(t);
        if (at == cohort.condition_term || at == cohort.donor_term || !is_confounded_with(term, cohort, contrast)) continue;
        const std::string table = term.texts.empty() ? "" : fmt::format(" Samples:\n{}", table_with_condition(term, cohort));
        invalid_data(fmt::format("{}: {} is confounded with '{}': each follows from the other.{}", cohort.source, what_is_compared(cohort, contrast), term.name, table),
                     fmt::format("Leave '{}' out of the design only if it cannot matter; else no analysis can separate the two.{}", term.name, without_it(cohort)));
    }
}

/// Donors with samples of two levels or more.
std::vector<std::string> donors_in_several(const Cohort& cohort, std::span<const std::int32_t> samples) {
    std::map<std::string, std::set<std::int32_t>> levels;
    for (const std::int32_t sample : samples) levels[cohort.donor[static_cast<std::size_t>(sample)]].insert(cohort.level[static_cast<std::size_t>(sample)]);
    std::vector<std::string> out;
    for (const auto& [donor, own] : levels) {
        if (own.size() > 1) out.push_back(donor);
    }
    return out;
}

std::vector<std::int32_t> all_samples(const Cohort& cohort) {
    std::vector<std::int32_t> out(cohort.donor.size());
    std::iota(out.begin(), out.end(), 0);
    return out;
}

void refuse_donors_in_the_wrong_place(const Cohort& cohort) {
    const std::vector<std::string> pairs = donors_in_several(cohort, all_samples(cohort));
    const std::string both = is_of_two(cohort) ? "both" : "two of them";
    const std::string& condition = cohort.terms[static_cast<std::size_t>(cohort.condition_term)].name;
    if (cohort.donor_term >= 0) {
        if (!pairs.empty()) return;
        invalid_data(fmt::format("{}: the design {} pairs the conditions of each donor, but no donor has {}. Samples:\n{}", cohort.source, cohort.formula, both, table_with_condition(donor_column(cohort), cohort)),
                     fmt::format("For donors in one condition each, leave the donor out of the design: --design '~ {}'.", condition));
    }
    if (!pairs.empty()) {
        invalid_data(fmt::format("{}: donor '{}' is in {} conditions ({} donors are), but the design {} takes each donor to be in one. Samples:\n{}", cohort.source, pairs.front(), is_of_two(cohort) ? "both" : "several", pairs.size(), cohort.formula,
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
    const std::vector<std::string> pairs = donors_in_several(cohort, plan.samples);
    for (const std::int32_t sample : std::vector<std::int32_t>(plan.samples)) {
        const std::string& own = cohort.donor[static_cast<std::size_t>(sample)];
        if (!std::binary_search(pairs.begin(), pairs.end(), own)) {
            leave_out(plan, sample, is_of_two(cohort) ? "the donor's other condition is missing, and the design compares within donors" : "the donor's other conditions are missing, and the design compares within donors");
        }
    }
}

/// Donors of each level among the samples.
std::vector<std::set<std::string>> donors_of_levels(const Cohort& cohort, std::span<const std::int32_t> samples) {
    std::vector<std::set<std::string>> out(cohort.levels.size());
    for (const std::int32_t sample : samples) out[static_cast<std::size_t>(cohort.level[static_cast<std::size_t>(sample)])].insert(cohort.donor[static_cast<std::size_t>(sample)]);
    return out;
}

/// Donors on the sides of a contrast.
struct Sides {
    std::set<std::string> cases;
    std::set<std::string> controls;
    std::int64_t n_both = 0;
    std::vector<std::size_t> empty;  // levels that the contrast weighs and no donor has
    std::vector<std::size_t> few;    // those with fewer than kFewestDonors
};
Sides sides_of(const Contrast& contrast, const std::vector<std::set<std::string>>& of_level) {
    Sides out;
    for (std::size_t k = 0; k < of_level.size(); ++k) {
        if (contrast.weights[k] == 0.0) continue;
        (contrast.weights[k] > 0.0 ? out.cases : out.controls).insert(of_level[k].begin(), of_level[k].end());
        if (of_level[k].empty()) out.empty.push_back(k);
        if (std::ssize(of_level[k]) < kFewestDonors) out.few.push_back(k);
    }
    out.n_both = std::count_if(out.cases.begin(), out.cases.end(), [&](const std::string& donor) { return out.controls.count(donor) != 0; });
    return out;
}

ComparisonPlan not_compared(ComparisonPlan plan, std::string why) {
    plan.evidence = Evidence::none;
    plan.status = "not compared: " + why;
    return plan;
}

/// From what the condition cannot be told apart, in words.
std::string terms_text(const std::vector<std::string>& terms) { return terms.empty() ? "the other terms of the design" : fmt::format("{}", fmt::join(terms, " and ")); }

/// Why so few donors show nothing; "" where they are enough.
std::string donors_short(const Cohort& cohort, const Contrast& contrast, const Sides& sides, const std::vector<std::set<std::string>>& of_level) {
    if (cohort.donor_term >= 0) return sides.n_both < kFewestDonors ? fmt::format("fewer than {} donors with both conditions ({})", kFewestDonors, sides.n_both) : "";
    if (sides.few.empty()) return "";
    std::vector<std::string> numbers;
    for (const bool of_cases : {true, false}) {
        for (std::size_t k = 0; k < of_level.size(); ++k) {
            if (of_cases ? contrast.weights[k] > 0.0 : contrast.weights[k] < 0.0) numbers.push_back(fmt::format("{} {}", of_level[k].size(), cohort.levels[k]));
        }
    }
    return fmt::format("fewer than {} donors in a group ({})", kFewestDonors, fmt::join(numbers, ", "));
}

/// The samples that every contrast of the cell type rests on.
ComparisonPlan used_samples(const Cohort& cohort, std::span<const std::int64_t> n_cells, std::span<const std::int64_t> n_counts, std::int64_t min_cells) {
    ComparisonPlan plan;
    plan.why_not.resize(cohort.donor.size());
    for (std::int32_t sample = 0; sample < static_cast<std::int32_t>(cohort.n_samples()); ++sample) {
        const auto s = static_cast<std::size_t>(sample);
        if (n_cells[s] < min_cells) plan.why_not[s] = n_cells[s] == 0 ? "no cells" : fmt::format("{} cells, fewer than {}", n_cells[s], min_cells);
        else if (n_counts[s] == 0) plan.why_not[s] = "no counts";
        else plan.samples.push_back(sample);
    }
    leave_out_halves(cohort, plan);
    return plan;
}

/// What all contrasts of a cell type share.
struct SharedFit {
    std::vector<SampleColumn> terms;
    Design design;
    DesignLook look;
    std::vector<std::set<std::string>> of_level;  // donors
};

ComparisonPlan plan_contrast(const Cohort& cohort, const Contrast& contrast, const SharedFit& fit, ComparisonPlan plan) {
    const Sides sides = sides_of(contrast, fit.of_level);
    plan.n_case = std::ssize(sides.cases);
    plan.n_control = std::ssize(sides.controls);
    if (cohort.donor_term >= 0 && sides.n_both == 0) return not_compared(std::move(plan), "no donor has enough cells in both conditions");
    if (!sides.empty.empty()) return not_compared(std::move(plan), fmt::format("no donor with enough cells in '{}'", cohort.levels[sides.empty.back()]));
    const GroupContrast groups = among_groups(cohort, contrast, cohort.condition_term);
    const std::vector<double> weights = column_weights(fit.design, groups);
    if (!is_estimable(fit.design.x.view(), weights)) {
        return not_compared(std::move(plan), fmt::format("among the donors with enough cells the condition cannot be told apart from {}", terms_text(confounding_terms(fit.terms, groups))));
    }
    const std::int64_t df = std::ssize(plan.samples) - fit.look.rank;
    if (df < 1) return not_compared(std::move(plan), fmt::format("{} samples and {} coefficients leave nothing to tell variation between donors from", plan.samples.size(), fit.look.rank));
    plan.design = take_columns(fit.design.x.view(), fit.look.kept);
    for (const std::int64_t column : fit.look.kept) plan.contrast.push_back(weights[static_cast<std::size_t>(column)]);
    std::vector<std::string> reasons;
    if (std::string few = donors_short(cohort, contrast, sides, fit.of_level); !few.empty()) reasons.push_back(std::move(few));
    if (df < kFewestResidualDf) reasons.push_back(fmt::format("{} residual degree of freedom", df));
    if (!fit.look.repeated.empty()) reasons.push_back(fmt::format("rank-deficient design ({} repeats other columns)", fmt::join(fit.look.repeated, ", ")));
    plan.evidence = reasons.empty() ? Evidence::tested : Evidence::exploratory;
    plan.status = reasons.empty() ? "tested" : fmt::format("exploratory: {}", fmt::join(reasons, "; "));
    return plan;
}

/// Where no contrast can be made no sample is used.
void leave_out_all(std::vector<ComparisonPlan>& plans) {
    for (ComparisonPlan& plan : plans) {
        for (const std::int32_t sample : plan.samples) plan.why_not[static_cast<std::size_t>(sample)] = "the cell type is not compared";
        plan.samples.clear();
    }
}

}  // namespace

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
    std::vector<std::uint8_t> is_case;
    for (const std::int32_t level : cohort.level) is_case.push_back(level > 0 ? 1 : 0);
    check_donors(cohort.donor, is_case, {fmt::format("{}", fmt::join(cohort.levels.begin() + 1, cohort.levels.end(), ", ")), cohort.levels.front(), cohort.source});
    for (const Contrast& contrast : cohort.contrasts) refuse_batches(cohort, contrast);
    refuse_donors_in_the_wrong_place(cohort);
    for (const Contrast& contrast : cohort.contrasts) {
        const std::vector<std::string> confounded = confounding_terms(cohort.terms, among_groups(cohort, contrast, cohort.condition_term));
        if (confounded.empty()) continue;
        invalid_data(fmt::format("{}: with the design {} {} cannot be told apart from {} together.", cohort.source, cohort.formula, what_is_compared(cohort, contrast), fmt::join(confounded, " and ")),
                     "Leave one of them out of the design." + without_it(cohort));
    }
}

std::vector<ComparisonPlan> plan_comparisons(const Cohort& cohort, std::span<const std::int64_t> n_cells, std::span<const std::int64_t> n_counts, std::int64_t min_cells) {
    const ComparisonPlan shared = used_samples(cohort, n_cells, n_counts, min_cells);
    SharedFit fit;
    fit.terms = terms_of(cohort, shared.samples);
    fit.design = make_design(fit.terms);
    fit.look = look_at_design(fit.design);
    fit.of_level = donors_of_levels(cohort, shared.samples);
    std::vector<ComparisonPlan> out;
    for (const Contrast& contrast : cohort.contrasts) out.push_back(plan_contrast(cohort, contrast, fit, shared));
    if (std::all_of(out.begin(), out.end(), [](const ComparisonPlan& plan) { return plan.evidence == Evidence::none; })) leave_out_all(out);
    return out;
}

TogetherPlan plan_together(const Cohort& cohort, std::span<const ComparisonPlan> plans) {
    TogetherPlan out{Evidence::tested, "tested", {}, {}};
    const std::size_t n_cases = cohort.levels.size() - 1;
    for (std::size_t c = 0; c < n_cases; ++c) {
        if (plans[c].evidence <= out.evidence) continue;  // tested < exploratory < none
        out.evidence = plans[c].evidence;
        out.status = fmt::format("{} ({})", plans[c].status, cohort.contrasts[c].name);
    }
    for (const auto& donors : donors_of_levels(cohort, plans.front().samples)) out.n_donors.push_back(std::ssize(donors));
    if (out.evidence == Evidence::none) return out;
    out.contrasts = matrix::Dense<double>(static_cast<std::int64_t>(n_cases), std::ssize(plans.front().contrast));
    for (std::size_t c = 0; c < n_cases; ++c) std::copy(plans[c].contrast.begin(), plans[c].contrast.end(), out.contrasts.row(static_cast<std::int64_t>(c)).begin());
    return out;
}

}  // namespace morula::analysis
