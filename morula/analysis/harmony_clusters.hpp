// Soft clusters of Harmony: memberships that mix batches, and sums over them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis::harmony_detail {

/// Cells sorted by their combination of batch levels, so that cells of one combination lie together.
struct BatchLayout {
    std::int64_t n_levels = 0;                            // over all variables
    std::vector<double> share_of_level;                   // of the cells
    std::vector<std::int64_t> begin;                      // n_combinations + 1, into sorted cells
    std::vector<std::vector<std::int32_t>> levels;        // of each combination, one a variable, numbered over all variables
    std::vector<std::int64_t> cell_of_place;              // original cell of each sorted place

    std::int64_t n_combinations() const { return static_cast<std::int64_t>(levels.size()); }
    std::int64_t n_cells() const { return static_cast<std::int64_t>(cell_of_place.size()); }
};

struct ClusterSettings {
    double theta = 2.0;
    double sigma = 0.1;
    double block_size = 0.05;
    std::uint64_t seed = 0;
};

/// Memberships, centers and the weights that follow from them. Rows are sorted places.
class SoftClusters {
public:
    /// Starts from unit centers (n_clusters x n_dims) with memberships exp(-2 (1 - z.y) / sigma), scaled to 1. unit_cells: n_cells x n_dims, rows of length 1.
    SoftClusters(const BatchLayout& layout, const ClusterSettings& settings, matrix::Dense<float> centers, matrix::DenseView<const float> unit_cells, Context& context);

    /// One pass: centers from memberships, then memberships in blocks of a seeded order.
    void pass(matrix::DenseView<const float> unit_cells, Context& context);

    /// Distance to centers, entropy and diversity of the last pass (Korsunsky 2019, with harmony 2's log((O + E) / E)).
    double objective() const;

    std::int64_t n_clusters() const { return centers_.n_rows; }
    matrix::DenseView<const float> memberships() const { return memberships_.view(); }
    /// Cells of combination u in cluster k: (u, k).
    const matrix::Dense<double>& observed() const { return observed_; }
    /// Expected cells of level b in cluster k were batches independent of clusters: (b, k).
    matrix::Dense<double> expected() const;
    /// Cells of level b in cluster k: (b, k).
    matrix::Dense<double> observed_levels() const;

private:
    struct Task {
        std::int64_t combination;
        std::int64_t begin;  // into the places of the block
        std::int64_t end;
    };
    void move_centers(matrix::DenseView<const float> unit_cells, Context& context);
    std::vector<std::vector<std::int64_t>> draw_blocks() const;
    std::vector<Task> tasks_of(std::span<const std::int64_t> places) const;
    matrix::Dense<float> penalties() const;
    void update(std::span<const std::int64_t> places, matrix::DenseView<const float> unit_cells, const matrix::Dense<float>& penalty, Context& context);
    void remove(std::span<const std::int64_t> places, Context& context);

    const BatchLayout& layout_;
    ClusterSettings settings_;
    matrix::Dense<float> centers_;
    matrix::Dense<float> memberships_;
    matrix::Dense<double> observed_;
    double distance_and_entropy_ = 0.0;
    std::uint64_t n_passes_ = 0;
};

/// For each combination the sum over its cells of membership times value: n_combinations * n_clusters x n_dims, added in order of cells.
matrix::Dense<double> weighted_sums(const BatchLayout& layout, matrix::DenseView<const float> memberships, matrix::DenseView<const float> values, Context& context);

}  // namespace morula::analysis::harmony_detail
