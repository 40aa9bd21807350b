// Cell-cycle scores and phase.
#include "morula/analysis/cell_cycle.hpp"

#include "morula/commands/slots.hpp"
#include "morula/commands/steps.hpp"

namespace morula::commands {

data::Dataset cell_cycle_slots(const data::Dataset& in, const analysis::CellCycleOptions& options, Context& context) {
    const analysis::CellCycleResult result = analysis::cell_cycle(*require_log_values(in), symbols_of(in.var), options, context);
    data::Categorical phase;
    for (const analysis::Phase each : {analysis::Phase::g1, analysis::Phase::s, analysis::Phase::g2m, analysis::Phase::unknown}) phase.categories.emplace_back(analysis::phase_name(each));
    for (const analysis::Phase each : result.phase) phase.codes.push_back(static_cast<std::int32_t>(each));
    data::Dataset out = slots_like(in);
    out.obs.set("S_score", result.s_score);
    out.obs.set("G2M_score", result.g2m_score);
    out.obs.set("phase", std::move(phase));
    return out;
}

}  // namespace morula::commands
