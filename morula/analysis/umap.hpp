// UMAP layout of a fuzzy neighbour graph, same bits for any number of threads.
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/matrix/views.hpp"

namespace morula::analysis {

struct UmapOptions {
    std::int32_t n_components = 2;             // 2 or 3
    double min_dist = 0.5;                     // in layout units
    double spread = 1.0;
    std::optional<std::int32_t> n_epochs{};    // not given: 500 below 10,000 cells, else 200
    std::int32_t negative_sample_rate = 5;     // random cells pushed away for each edge pulled
    double learning_rate = 1.0;
    std::uint64_t seed = 0;
};

constexpr auto describe(const UmapOptions*) {
    return std::tuple{
        field("n_components", &UmapOptions::n_components, "Dimensions of the layout.", {.minimum = 2, .maximum = 3}),
        field("min_dist", &UmapOptions::min_dist, "How close cells may lie; smaller packs clusters tighter.", {.minimum = 0.0, .maximum = 10.0}),
        field("spread", &UmapOptions::spread, "Scale of the layout; at least min_dist.", {.minimum = 0.01, .maximum = 100.0}),
        field("n_epochs", &UmapOptions::n_epochs, "Passes over the graph; not given: 500 below 10,000 cells, else 200.", {.minimum = 1, .maximum = 100000}),
        field("negative_sample_rate", &UmapOptions::negative_sample_rate, "Random cells pushed away for each edge.", {.minimum = 1, .maximum = 100}),
        field("learning_rate", &UmapOptions::learning_rate, "Length of the first steps.", {.minimum = 1e-6, .maximum = 100.0}),
        field("seed", &UmapOptions::seed, "Seed of the start and of the random cells."),
    };
}

/// Similarity in the layout: 1 / (1 + a d^(2 b)).
struct UmapCurve {
    double a = 1.0;
    double b = 1.0;
};
/// Least-squares fit to the curve that is 1 up to min_dist and falls off as exp(-(d - min_dist) / spread), as umap-learn's find_ab_params.
UmapCurve fit_umap_curve(double min_dist, double spread);

struct UmapResult {
    matrix::Dense<float> embedding;  // n_cells x n_components
    UmapCurve curve;
    std::int32_t n_epochs = 0;
};

/// UMAP layout (McInnes 2018). graph: symmetric fuzzy weights as from fuzzy_connectivities.
/// start: n_cells x (at least n_components) coordinates, usually the PCA; its first components, scaled, are where the layout begins.
/// Each cell reads the positions of the last epoch and writes only its own ("pull" form), so threads cannot change the answer.
/// Differs from umap-learn: the moves of one epoch do not see each other, steps are about a third as long for that, the start is wider (26 below 10,000 cells, else 40, where umap-learn takes 10; learning_rate is in its units),
/// edges too weak for a whole pull are drawn by chance, and there is no spectral start. Cross-entropy is within 2 % of the serial algorithm's.
/// Distances and areas of a layout are not quantitative. Throws invalid_data for a start that is not finite or does not fit the graph.
UmapResult umap(matrix::CsrView graph, matrix::DenseView<const float> start, const UmapOptions& options, Context& context);

/// The loss that UMAP's negative sampling minimises in expectation (after Damrich & Hamprecht 2021), per unit of edge weight:
/// attraction = sum w_ij * -log q_ij / W, repulsion = m / 2 * sum_i w_i * mean_r(-log(1 - q_ir)) / W, with q as in UmapCurve, 1 - q at least 1e-4,
/// w_i the weight of cell i's edges, W their sum, m the negative_sample_rate, r over all other cells; half, because UMAP moves one end of a random pair
/// but both ends of an edge. It compares layouts of one graph; its value has no meaning alone.
struct UmapCrossEntropy {
    double attraction = 0.0;
    double repulsion = 0.0;
    double total() const { return attraction + repulsion; }
};
struct UmapCrossEntropyOptions {
    std::int32_t negative_sample_rate = 5;
    std::int32_t samples_per_cell = 200;  // random cells for the repulsion; all pairs where n_cells is not larger
    std::uint64_t seed = 0;
};
UmapCrossEntropy umap_cross_entropy(matrix::CsrView graph, matrix::DenseView<const float> embedding, UmapCurve curve, const UmapCrossEntropyOptions& options,
                                    Context& context);

}  // namespace morula::analysis
