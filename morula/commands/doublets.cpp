// Doublet scores, capture by capture.
#include "morula/analysis/doublets.hpp"

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {
namespace {

std::string rule_name(analysis::DoubletThreshold rule) {
    switch (rule) {
        case analysis::DoubletThreshold::valley: return "valley";
        case analysis::DoubletThreshold::expected_rate: return "expected rate";
        case analysis::DoubletThreshold::none: return "none";
    }
    return "none";
}

data::UnsMap captures_map(const analysis::DoubletsResult& result, const data::Categorical& captures) {
    std::vector<std::int64_t> n_cells;
    std::vector<std::int64_t> n_called;
    std::vector<double> expected_rate;
    std::vector<double> threshold;
    std::vector<double> detectable;
    std::vector<std::string> rule;
    std::vector<std::string> note;
    for (const analysis::CaptureDoublets& capture : result.captures) {
        n_cells.push_back(capture.n_cells);
        n_called.push_back(capture.n_called);
        expected_rate.push_back(capture.expected_rate);
        threshold.push_back(capture.threshold);
        detectable.push_back(capture.detectable_share);
        rule.push_back(rule_name(capture.rule));
        note.push_back(capture.note);
    }
    data::UnsMap map;
    map["captures"] = uns_of(captures.categories);
    map["n_cells"] = uns_of(n_cells);
    map["n_called"] = uns_of(n_called);
    map["expected_rate"] = uns_of(expected_rate);
    map["threshold"] = uns_of(threshold);
    map["detectable_share"] = uns_of(detectable);
    map["rule"] = uns_of(rule);
    map["note"] = uns_of(note);
    return map;
}

}  // namespace

data::Dataset doublets_slots(const data::Dataset& in, const analysis::DoubletsOptions& options, Context& context) {
    const data::Categorical captures = in.obs.has("capture") ? require_groups(in, "capture") : samples_of(in);
    const analysis::DoubletsResult result =
        analysis::doublets(*require_counts(in), captures.codes, static_cast<std::int32_t>(captures.categories.size()), options, context);
    data::Dataset out = slots_like(in);
    out.obs.set("doublet_score", result.score);
    out.obs.set("doublet", data::Booleans{result.call});
    out.uns["doublets"] = uns_of(captures_map(result, captures));
    for (std::size_t i = 0; i < result.captures.size(); ++i) {
        if (!result.captures[i].note.empty()) context.events().warning(captures.categories[i] + ": " + result.captures[i].note);
    }
    return out;
}

}  // namespace morula::commands
