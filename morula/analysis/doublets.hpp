// Doublet scores by simulation (Wolock et al. 2019), capture by capture.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::analysis {

struct DoubletsOptions {
    std::optional<double> expected_rate = std::nullopt;   // share of doublets; none: 0.8 % per 1,000 cells of the capture
    double simulated_ratio = 2.0;          // simulated doublets per observed cell
    std::int32_t n_components = 30;
    std::int32_t n_top_genes = 1000;
    std::optional<std::int32_t> n_neighbors = std::nullopt;  // none: sqrt(cells) / 2, at least 10
    std::uint64_t seed = 0;
};

constexpr auto describe(const DoubletsOptions*) {
    return std::tuple{
        field("expected_rate", &DoubletsOptions::expected_rate, "Expected share of doublets; not given: 0.8 % per 1,000 cells of the capture.", {.minimum = 0.0, .maximum = 0.9}),
        field("simulated_ratio", &DoubletsOptions::simulated_ratio, "Simulated doublets per cell.", {.minimum = 0.1, .maximum = 20.0}),
        field("n_components", &DoubletsOptions::n_components, "Principal components in which neighbours are searched.", {.minimum = 1.0, .maximum = 1000.0}),
        field("n_top_genes", &DoubletsOptions::n_top_genes, "Variable genes used.", {.minimum = 1.0, .unit = "genes"}),
        field("n_neighbors", &DoubletsOptions::n_neighbors, "Neighbours among cells; not given: sqrt(cells) / 2, at least 10.", {.minimum = 1.0}),
        field("seed", &DoubletsOptions::seed, "Seed of the simulated pairs."),
    };
}

enum class DoubletThreshold { valley, expected_rate, none };

struct CaptureDoublets {
    std::int64_t n_cells = 0;
    std::int64_t n_called = 0;
    double expected_rate = 0.0;
    double threshold = 0.0;                                // cells above are called; infinity when none
    DoubletThreshold rule = DoubletThreshold::none;        // where the threshold comes from
    double detectable_share = 0.0;                         // simulated doublets above the threshold
    std::vector<float> simulated_scores;                   // of the first 4,000 simulated doublets of each part of up to 20,000 cells
    std::string note;                                      // a sentence when the call deserves care; else empty
};

struct DoubletsResult {
    std::vector<float> score;          // n_cells, 0 to 1; NaN where a capture is too small (< 50 cells with counts)
    std::vector<std::uint8_t> call;    // n_cells, 1 = doublet
    std::vector<CaptureDoublets> captures;  // n_captures
};

/// counts: raw counts, all genes. capture: n_cells codes in [0, n_captures): cells that shared one loading of the machine. Cells are flagged, never removed.
/// Doublets of two alike cells cannot be seen by any method of this kind.
/// Differs from Scrublet: variable genes by seurat_v3, log1p values without per-gene scaling, own random numbers, captures above 20,000 cells in parts, neighbours found
/// in a share of .95 where they are many (neighbors.hpp), and a stated rule where there is no valley.
/// Throws invalid_data when sizes or codes are wrong.
DoubletsResult doublets(const matrix::RowBlockSource& counts, std::span<const std::int32_t> capture, std::int32_t n_captures, const DoubletsOptions& options, Context& context);

}  // namespace morula::analysis
