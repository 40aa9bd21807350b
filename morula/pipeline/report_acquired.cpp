// The part "Acquired changes" and the tables of copy number, from the slots of the step "cnv".
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/commands/cnv_slots.hpp"
#include "morula/pipeline/report_data.hpp"

namespace morula::pipeline {
namespace {

using analysis::CopyState;
using commands::StoredCnv;

std::string group_name(const StoredCnv& stored, const analysis::CnvPictureGroup& group) {
    if (group.clone >= 0) return stored.clone_names[static_cast<std::size_t>(group.clone)];
    const std::string& donor = stored.cells.donor_names[static_cast<std::size_t>(group.donor)];
    return donor.empty() ? "no change found" : donor + ", no change found";
}

void add_clones(const StoredCnv& stored, report::AcquiredChanges& out) {
    for (std::size_t i = 0; i < stored.result.clones.size(); ++i) {
        const analysis::CnvClone& clone = stored.result.clones[i];
        out.clones.push_back({stored.clone_names[i], stored.cells.donor_names[static_cast<std::size_t>(clone.donor)], clone.n_cells, commands::arms_in(clone, stored.result.genome, CopyState::loss),
                              commands::arms_in(clone, stored.result.genome, CopyState::gain), commands::n_stretches(clone, stored.result.genome)});
        out.n_in_clones += clone.n_cells;
    }
}

/// Arms as the clones' calls have them; of the other groups as their pooled cells show them, where nothing is called.
void add_arms(const StoredCnv& stored, report::AcquiredChanges& out) {
    const analysis::CnvPicture& picture = stored.picture;
    for (std::size_t g = 0; g < picture.groups.size(); ++g) {
        const std::string name = group_name(stored, picture.groups[g]);
        if (picture.groups[g].clone >= 0) {
            for (const analysis::CnvArm& arm : stored.result.clones[static_cast<std::size_t>(picture.groups[g].clone)].calls.arms) {
                if (arm.n_genes == 0) continue;
                out.arms.push_back({name, stored.result.genome.arm_names[static_cast<std::size_t>(arm.arm)], arm.state == CopyState::neutral ? "" : std::string(analysis::copy_state_name(arm.state)), arm.mean, arm.is_tested ? std::pow(10.0, arm.log10_p) : report::kMissing});
            }
            continue;
        }
        for (std::int64_t arm = 0; arm < picture.arm_mean.n_cols; ++arm) {
            const double mean = picture.arm_mean(static_cast<std::int64_t>(g), arm), log10_p = picture.arm_log10_p(static_cast<std::int64_t>(g), arm);
            if (!std::isnan(mean)) out.arms.push_back({name, stored.result.genome.arm_names[static_cast<std::size_t>(arm)], "", mean, std::isnan(log10_p) ? report::kMissing : std::pow(10.0, log10_p)});
        }
    }
    std::stable_partition(out.arms.begin(), out.arms.end(), [](const report::AcquiredArm& arm) { return !arm.state.empty(); });
}

void add_rows(const StoredCnv& stored, const data::Dataset& kept, report::AcquiredChanges& out) {
    const analysis::CnvPicture& picture = stored.picture;
    for (std::size_t w = 0; w < picture.chromosome.size(); ++w) {
        out.windows.push_back({stored.result.genome.chromosome_names[static_cast<std::size_t>(picture.chromosome[w])], stored.result.genome.arm_names[static_cast<std::size_t>(picture.arm[w])], picture.start[w], picture.end[w], picture.n_genes[w]});
    }
    for (std::size_t g = 0; g < picture.groups.size(); ++g) {
        report::GenomeRow row{group_name(stored, picture.groups[g]), "", {}, {}, report::kMissing};
        for (const double value : picture.pooled.row(static_cast<std::int64_t>(g))) row.value.push_back(static_cast<float>(value));
        for (const double state : picture.called.row(static_cast<std::int64_t>(g))) row.called.push_back(static_cast<std::int8_t>(state));
        out.groups.push_back(std::move(row));
    }
    for (std::size_t i = 0; i < picture.cells.size(); ++i) {
        const auto cell = static_cast<std::size_t>(picture.cells[i]);
        const std::int32_t group = picture.cell_group[i];
        const std::span<const float> windows = picture.cell_windows.row(static_cast<std::int64_t>(i));
        const analysis::CnvFit& fit = stored.result.fit[cell];
        out.cells.push_back({kept.obs.index()[cell], group < 0 ? "reference" : group_name(stored, picture.groups[static_cast<std::size_t>(group)]), {windows.begin(), windows.end()}, {}, fit.clone >= 0 ? static_cast<double>(fit.score) : report::kMissing});
    }
}

}  // namespace

void add_acquired_changes(const ReportInput& input, report::ReportData& page) {
    const data::Dataset& kept = input.state.kept;
    const StoredCnv stored = commands::stored_cnv(kept);
    report::AcquiredChanges& out = page.comparison.acquired;
    out.is_asked = stored.is_there;
    if (!stored.is_there) return;
    std::vector<std::string>& cannot_tell = page.comparison.cannot_tell;
    if (kept.uns.count("differences") == 0) cannot_tell.push_back("How healthy and diseased donors differ: no condition was named (--condition).");
    out.refused = stored.refused;
    out.reference = stored.reference_cells;
    if (!out.refused.empty()) return;
    const analysis::CnvResult& result = stored.result;
    out.calibration = fmt::format("{} {}", result.n_chunks, result.chunks_are_donors ? "donors' reference cells against one another" : "random parts of the reference cells against one another");
    out.null_inflation = result.null_inflation;
    out.n_reference = result.n_reference;
    out.n_query = result.n_query;
    out.n_genes = result.genome.n_genes();
    out.has_arms = stored.has_arms;
    out.within_donors = !stored.donor.empty();
    add_clones(stored, out);
    add_arms(stored, out);
    add_rows(stored, kept, out);
    cannot_tell.push_back("Whether cells in which no gain or loss was found are normal: a clone of few cells, changes of fewer than about 40 expressed genes, and losses without a change in number look the same.");
    if (!out.clones.empty()) cannot_tell.push_back("Which gain or loss came first, which of them matters, and whether any of them made the cells ill.");
}

std::vector<std::string> write_acquired_changes(const std::filesystem::path& folder, const RunState& state, Context& context) {
    const StoredCnv stored = commands::stored_cnv(state.kept);
    if (!stored.is_there || !stored.refused.empty()) {
        for (const char* name : {"cnv_cells.csv", "cnv_segments.csv", "cnv_arms.csv", "cnv_clones.csv"}) std::filesystem::remove(folder / name);  // those of an earlier run
        return {};
    }
    return commands::write_cnv(folder, {state.kept, stored.cells, stored.result, stored.clone_names}, context);
}

}  // namespace morula::pipeline
