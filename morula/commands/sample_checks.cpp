// Samples against what their metadata say.
#include "morula/analysis/sample_checks.hpp"

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {
namespace {

/// The sex told for each sample: the one value of obs column sex among its cells, else "".
std::vector<std::string> told_sex(const data::Dataset& in, const data::Categorical& samples) {
    const data::Column* column = in.obs.find("sex");
    if (column == nullptr) return {};
    const std::vector<std::string> texts = data::column_texts(*column);
    std::vector<std::string> told(samples.categories.size());
    std::vector<bool> mixed(samples.categories.size(), false);
    for (std::size_t cell = 0; cell < texts.size(); ++cell) {
        const auto s = static_cast<std::size_t>(samples.codes[cell]);
        if (told[s].empty()) told[s] = texts[cell];
        else if (told[s] != texts[cell]) mixed[s] = true;
    }
    for (std::size_t s = 0; s < told.size(); ++s) {
        if (mixed[s]) told[s].clear();
    }
    return told;
}

std::string verdict_name(analysis::SexVerdict verdict) {
    switch (verdict) {
        case analysis::SexVerdict::agrees: return "agrees";
        case analysis::SexVerdict::disagrees: return "disagrees";
        case analysis::SexVerdict::no_metadata: return "not stated";
        case analysis::SexVerdict::cannot_tell: return "cannot tell";
    }
    return "cannot tell";
}

}  // namespace

data::Dataset sample_checks_slots(const data::Dataset& in, Context& context) {
    const data::Categorical samples = samples_of(in);
    const auto n_samples = static_cast<std::int32_t>(samples.categories.size());
    const analysis::SexCheckResult sex = analysis::sex_check(*require_counts(in), symbols_of(in.var), samples.codes, n_samples, told_sex(in, samples), context);
    const std::vector<analysis::SampleStress> stress = analysis::stress_summary(data::column_numbers(in.obs.at("pct_counts_stress")), samples.codes, n_samples);
    std::vector<std::string> seen;
    std::vector<std::string> told;
    std::vector<std::string> verdict;
    std::vector<std::string> evidence;
    std::vector<double> xist;  // counts per 10,000
    std::vector<double> y;
    std::vector<double> stress_median;
    std::vector<double> stressed;
    std::vector<std::int64_t> stress_flagged;
    for (std::size_t s = 0; s < samples.categories.size(); ++s) {
        seen.emplace_back(analysis::sex_name(sex.samples[s].seen));
        told.emplace_back(analysis::sex_name(sex.samples[s].told));
        verdict.push_back(verdict_name(sex.samples[s].verdict));
        evidence.push_back(sex.samples[s].evidence);
        xist.push_back(sex.samples[s].xist_cpm / 100.0);
        y.push_back(sex.samples[s].y_cpm / 100.0);
        stress_median.push_back(stress[s].median_pct);
        stressed.push_back(stress[s].pct_stressed);
        stress_flagged.push_back(stress[s].flagged ? 1 : 0);
    }
    data::Dataset out = slots_like(in);
    out.uns["sample_checks"] = uns_of(data::UnsMap{{"samples", uns_of(samples.categories)}, {"sex_seen", uns_of(seen)}, {"sex_told", uns_of(told)}, {"sex_verdict", uns_of(verdict)},
                                                   {"sex_evidence", uns_of(evidence)}, {"xist_per_10k", uns_of(xist)}, {"y_per_10k", uns_of(y)},
                                                   {"stress_median_pct", uns_of(stress_median)}, {"pct_stressed", uns_of(stressed)}, {"stress_flagged", uns_of(stress_flagged)}});
    return out;
}

}  // namespace morula::commands
