// Which expression states cells may be in: metacells of measured cells, and the chances of going from one to a neighbouring one.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morula/matrix/views.hpp"

namespace morula::simulation {

/// Said wherever states are shown.
inline constexpr std::string_view kStatesAreHypotheses = "transitions are hypotheses; only states are measured";

inline constexpr std::int64_t kMostLatentDims = 32;
inline constexpr std::int64_t kMostMetacells = 65'535;  // an agent keeps the number of its metacell in 16 bits

/// Measured cells in an embedding (PCA or another), each in a metacell of its type.
struct MeasuredCells {
    matrix::Dense<float> latent;         // n_cells x n_dims
    std::vector<std::int32_t> type;      // n_cells, in [0, n_types); types without cells may be
    std::vector<std::int32_t> metacell;  // n_cells, a number within the type, not negative; numbers without cells may be
    std::vector<double> height;          // n_cells: a pseudotime or another score that tells a direction; empty: none
};

struct ExpressionKernelOptions {
    std::int32_t n_types = 1;
    std::int32_t n_neighbors = 10;  // metacells of the same type that each is joined to; those that name it come on top
    /// How strongly states climb the height: log of the odds of a step up against the same step down, for a typical difference between neighbours (the
    /// median of those that differ). 0: no direction.
    double direction = 0.0;
};

/// A Markov kernel over metacells. From metacell i an attempt proposes a neighbour j with probability
///   P_ij = K_ij / sum_j K_ij,  K_ij = exp(-d_ij^2 / (2 h_i h_j)),
/// d the distance of centers, h that to the middle one of a metacell's nearest (local scale after Zelnik-Manor & Perona 2004), and takes it with probability
///   min(1, n_j P_ji / (n_i P_ij) exp(tilt_j - tilt_i))
/// (Metropolis et al. 1953, Hastings 1970), n the measured cells of a metacell. So cells sampled from the data stay, on average, distributed as measured: a snapshot tells
/// how often states are, and neither how fast nor which way cells pass through them. A tilt (the direction, programmes of signalling) shifts that distribution to
/// n exp(tilt). A tilt is a height, and no height goes round in a circle: rotation (cell cycle, oscillations) cannot be written in this kernel.
/// States of one type are joined to states of the same type alone: a cell's type does not change through its expression.
/// Like CellRank's kernels (Lange et al. 2022) it is sparse over nearest neighbours; it differs in acceptance and in having metacells for nodes.
class ExpressionKernel {
public:
    struct Edge {
        float cumulative = 0.0F;      // of P, up to and with this neighbour
        float log_acceptance = 0.0F;  // above 0: always taken
        std::uint32_t to = 0;
    };

    /// Throws invalid_data for NaN or infinity (names the cell), more than 32 dimensions or 65,535 metacells, and a direction without a height or with an even one.
    ExpressionKernel(MeasuredCells cells, const ExpressionKernelOptions& options);

    std::int64_t n_metacells() const { return center_.n_rows; }
    std::int64_t n_dims() const { return center_.n_cols; }
    std::int32_t n_types() const { return static_cast<std::int32_t>(type_begin_.size()) - 1; }
    /// Metacells are numbered by type, then by the number that they were given: those of a type are [begin, end).
    std::int64_t type_begin(std::int32_t type) const { return type_begin_[static_cast<std::size_t>(type)]; }
    std::int64_t type_end(std::int32_t type) const { return type_begin_[static_cast<std::size_t>(type) + 1]; }
    bool has_states(std::int32_t type) const { return type_end(type) > type_begin(type); }
    std::int32_t type_of(std::int64_t metacell) const { return type_of_[static_cast<std::size_t>(metacell)]; }
    std::int64_t n_cells(std::int64_t metacell) const { return n_cells_[static_cast<std::size_t>(metacell)]; }
    std::span<const float> center(std::int64_t metacell) const { return center_.row(metacell); }
    /// Standard deviation of the metacell's cells about its center (divided by n), each dimension for itself.
    std::span<const float> spread(std::int64_t metacell) const { return spread_.row(metacell); }
    /// Direction times height in units of the typical difference; 0 without a direction.
    double tilt(std::int64_t metacell) const { return tilt_[static_cast<std::size_t>(metacell)]; }
    std::span<const Edge> edges(std::int64_t metacell) const {
        const auto m = static_cast<std::size_t>(metacell);
        return std::span(edges_).subspan(static_cast<std::size_t>(edge_begin_[m]), static_cast<std::size_t>(edge_begin_[m + 1] - edge_begin_[m]));
    }
    /// 99 % of the measured cells of the type are no further from the center of their metacell.
    float known_distance(std::int32_t type) const { return known_distance_[static_cast<std::size_t>(type)]; }
    /// Parts of a type's states that no path joins.
    std::int64_t n_parts(std::int32_t type) const { return n_parts_[static_cast<std::size_t>(type)]; }

    /// One attempt from a metacell; returns where the cell is then. propose, accept: uniform in [0, 1). tilt(j): what is added for going to j, the kernel's own tilt aside.
    template <class Tilt>
    std::int64_t attempt(std::int64_t from, double propose, double accept, const Tilt& tilt) const {
        const std::span<const Edge> out = edges(from);
        if (out.empty()) return from;
        std::size_t e = 0;
        while (static_cast<double>(out[e].cumulative) <= propose) ++e;  // the last one is above 1
        const double log_acceptance = static_cast<double>(out[e].log_acceptance) + tilt(static_cast<std::int64_t>(out[e].to));
        return log_acceptance >= 0.0 || accept < std::exp(log_acceptance) ? static_cast<std::int64_t>(out[e].to) : from;
    }

    struct Nearest {
        std::int64_t metacell = 0;
        float distance = 0.0F;
    };
    /// The nearest of a metacell and those that it is joined to.
    Nearest nearest(std::span<const float> latent, std::int64_t metacell) const;

    struct Draw {
        std::int64_t metacell = 0;
        std::span<const float> latent;
    };
    std::int64_t n_measured(std::int32_t type) const { return cell_begin_[static_cast<std::size_t>(type) + 1] - cell_begin_[static_cast<std::size_t>(type)]; }
    /// Measured cell number `index` of a type.
    Draw measured(std::int32_t type, std::int64_t index) const;

    /// Types behind the others, of which nothing was measured: cells of them have no state.
    void add_types_without_states(std::int32_t n);

    /// Of the embedding, the metacells and the options: states of another kernel mean something else.
    const std::string& hash() const { return hash_; }
    std::int64_t bytes() const;

private:
    void number_metacells(const MeasuredCells& cells, std::int32_t n_types);
    void summarize(const MeasuredCells& cells);
    void join(std::int32_t n_neighbors);
    void tilt_by_height(const MeasuredCells& cells, double direction);
    void find_hash(const ExpressionKernelOptions& options);

    matrix::Dense<float> center_, spread_;
    std::vector<std::int64_t> n_cells_, type_begin_, edge_begin_, n_parts_;
    std::vector<std::int32_t> type_of_;
    std::vector<double> tilt_;
    std::vector<Edge> edges_;
    std::vector<float> known_distance_;
    matrix::Dense<float> cells_;            // the measured cells, by type
    std::vector<std::int32_t> cell_metacell_;
    std::vector<std::int64_t> cell_begin_;  // n_types + 1
    std::string hash_;
};

}  // namespace morula::simulation
