// How far the batches of one kind of cell mix: a chi-squared test around each cell, and silhouettes of the batches.
#pragma once

#include <cstdint>
#include <span>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

/// p of Pearson's chi-squared test that a neighbourhood's cells by batch are draws from the batches' shares (which add to one; those of 0 take no part). Degrees of
/// freedom: batches with a share less one; 1 where there is one batch.
double batch_test_p(std::span<const std::int64_t> n_in_batch, std::span<const double> share);

/// Neighbours that are looked at in a group of cells: a quarter of its mean batch, at least 10 and at most 70 (scIB's choice for kBET).
std::int32_t tested_neighbors(std::int64_t n_cells, std::int32_t n_batches);

/// Like kBET (Buttner et al. 2019): share of the measured cells (up to max_cells, evenly spread) whose tested_neighbors() nearest other cells, among all given, are draws from the batches'
/// shares of these cells (batch_test_p() >= .05). Of random batches about 95 % are accepted. Differs from scIB: neighbours are Euclidean ones in the embedding, not by diffusion in
/// the graph, and every measured cell counts. Where a batch is expected to have less than a cell or so in a neighbourhood, the test refuses more than it should.
/// batch: n_cells codes in [0, n_batches). NaN with one batch or fewer than 10 cells.
double batch_acceptance(matrix::DenseView<const float> embedding, std::span<const std::int32_t> batch, std::int32_t n_batches, std::int64_t max_cells, Context& context);

/// Batch ASW of Luecken et al. 2022: mean of 1 - |silhouette width| by batch, of up to max_cells evenly spread cells. Overlap has widths near 0; so have two batches around one another, and
/// batches of which a third lies far away (Rautenstrauch & Ohler 2025), which is why it is one measure among several. NaN with one batch or a batch for each cell.
double batch_silhouette(matrix::DenseView<const float> embedding, std::span<const std::int32_t> batch, std::int32_t n_batches, std::int64_t max_cells, Context& context);

}  // namespace morula::analysis
