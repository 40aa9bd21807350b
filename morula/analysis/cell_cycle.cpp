#include "morula/analysis/cell_cycle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "morula/analysis/gene_scores.hpp"
#include "morula/core/error.hpp"
#include "morula/knowledge/gene_sets.hpp"

namespace morula::analysis {
namespace {

constexpr std::int32_t kFewestGenes = 10;

Phase phase_of(float s, float g2m) {
    if (s < 0.0f && g2m < 0.0f) return Phase::g1;
    return g2m > s ? Phase::g2m : Phase::s;
}

}  // namespace

std::string_view phase_name(Phase phase) {
    switch (phase) {
        case Phase::g1: return "G1";
        case Phase::s: return "S";
        case Phase::g2m: return "G2M";
        case Phase::unknown: return "unknown";
    }
    return "unknown";
}

CellCycleResult cell_cycle(const matrix::RowBlockSource& log_values, std::span<const std::string> symbols, const CellCycleOptions& options, Context& context) {
    if (static_cast<std::int64_t>(symbols.size()) != log_values.n_cols()) {
        invalid_data(fmt::format("There are {} gene symbols for {} genes.", symbols.size(), log_values.n_cols()), "Give one symbol a gene.");
    }
    const std::array<std::vector<std::int64_t>, 2> sets{find_genes(symbols, knowledge::s_phase_genes().symbols), find_genes(symbols, knowledge::g2m_phase_genes().symbols)};
    CellCycleResult result;
    result.n_s_genes = static_cast<std::int32_t>(sets[0].size());
    result.n_g2m_genes = static_cast<std::int32_t>(sets[1].size());
    const auto n_cells = static_cast<std::size_t>(log_values.n_rows());
    if (std::min(result.n_s_genes, result.n_g2m_genes) < kFewestGenes) {
        result.s_score.assign(n_cells, std::numeric_limits<float>::quiet_NaN());
        result.g2m_score = result.s_score;
        result.phase.assign(n_cells, Phase::unknown);
        return result;
    }
    const GeneScoresOptions score_options{.n_controls = std::min(result.n_s_genes, result.n_g2m_genes), .n_bins = options.n_bins, .seed = options.seed};
    const GeneScoresResult scores = gene_scores(log_values, sets, score_options, context);
    for (std::size_t cell = 0; cell < n_cells; ++cell) {
        const float s = scores.score(static_cast<std::int64_t>(cell), 0);
        const float g2m = scores.score(static_cast<std::int64_t>(cell), 1);
        result.s_score.push_back(s);
        result.g2m_score.push_back(g2m);
        result.phase.push_back(phase_of(s, g2m));
    }
    return result;
}

}  // namespace morula::analysis
