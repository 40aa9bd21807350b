#include "morula/analysis/ambient_sets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "morula/analysis/ambient.hpp"
#include "morula/analysis/gamma_functions.hpp"
#include "morula/analysis/p_values.hpp"
#include "morula/core/error.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kFarFromSoup = 1e-3;        // probability of a cell's counts as soup
constexpr std::int64_t kOneExpressingIn = 20;
constexpr double kFewestExpected = 100.0;    // counts of soup in all silent places together: five at a share of 5 %
constexpr std::int64_t kFewestSetsToCompare = 3;
constexpr double kNormal975 = 1.959963984540054;
constexpr double kWeakExpression = 1.25;     // times the common share: more, beyond chance, is expression
constexpr double kFarBeyondChance = 3.09;    // one-sided .001

/// P(X >= count) of a Poisson mean; 1 where count is not above the mean, which nobody asks about.
double upper_tail(double count, double mean) {
    if (count <= mean) return 1.0;
    double term = std::exp(count * std::log(mean) - mean - log_gamma(count + 1.0));
    double sum = 0.0;
    for (double k = count; term > 1e-12 * sum; ++k, term *= mean / k) sum += term;
    return sum;
}

/// Counts of each set in each cell, and of all genes.
struct CellCounts {
    std::vector<float> of_sets;  // n_cells x n_sets; counts stay whole below 2^24
    std::vector<double> total;   // n_cells
};

CellCounts count_cells(const matrix::RowBlockSource& counts, std::span<const AmbientSet> sets, Context& context) {
    std::vector<std::vector<std::uint32_t>> sets_of_gene(static_cast<std::size_t>(counts.n_cols()));
    for (std::size_t s = 0; s < sets.size(); ++s) {
        for (const std::int64_t gene : sets[s].genes) {
            if (gene < 0 || gene >= counts.n_cols()) invalid_data(fmt::format("Set '{}' holds gene {} of {}.", sets[s].name, gene, counts.n_cols()), "Give columns of the counts.");
            sets_of_gene[static_cast<std::size_t>(gene)].push_back(static_cast<std::uint32_t>(s));
        }
    }
    const auto n_cells = static_cast<std::size_t>(counts.n_rows());
    context.require_memory(static_cast<std::int64_t>(n_cells * (sizeof(double) + sizeof(float) * sets.size())), "ambient RNA by marker sets");
    CellCounts out{std::vector<float>(n_cells * sets.size(), 0.0F), std::vector<double>(n_cells, 0.0)};
    matrix::for_each_tile(counts, context, [&](const matrix::CsrView& tile, std::int64_t first_row) {
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            const auto cell = static_cast<std::size_t>(first_row + row);
            const auto genes = tile.row_indices(row);
            const auto values = tile.row_values(row);
            for (std::size_t i = 0; i < genes.size(); ++i) {
                out.total[cell] += static_cast<double>(values[i]);
                for (const std::uint32_t set : sets_of_gene[genes[i]]) out.of_sets[cell * sets.size() + set] += values[i];
            }
        }
    });
    return out;
}

/// The places of one set, cluster by cluster.
std::vector<AmbientSetInCluster> places_of(std::size_t set, std::size_t n_sets, double soup_share, const CellCounts& cells, std::span<const std::int32_t> cluster, std::int32_t n_clusters, double max_share) {
    std::vector<AmbientSetInCluster> places(static_cast<std::size_t>(n_clusters));
    for (std::int32_t c = 0; c < n_clusters; ++c) {
        places[static_cast<std::size_t>(c)].set = static_cast<std::int32_t>(set);
        places[static_cast<std::size_t>(c)].cluster = c;
    }
    for (std::size_t cell = 0; cell < cluster.size(); ++cell) {
        if (cluster[cell] < 0) continue;
        AmbientSetInCluster& place = places[static_cast<std::size_t>(cluster[cell])];
        ++place.n_cells;
        const auto observed = static_cast<double>(cells.of_sets[cell * n_sets + set]);
        const double expected = cells.total[cell] * soup_share;
        if (observed > 0.0 && expected > 0.0 && upper_tail(observed, max_share * expected) < kFarFromSoup) {
            ++place.n_expressing;
            continue;
        }
        place.observed += observed;
        place.expected += expected;
    }
    std::erase_if(places, [](const AmbientSetInCluster& place) { return place.n_cells < kFewestAmbientCells; });
    for (AmbientSetInCluster& place : places) {
        place.is_silent = place.expected > 0.0 && kOneExpressingIn * place.n_expressing <= place.n_cells && place.observed <= max_share * place.expected;
    }
    return places;
}

/// A place that holds clearly more of its set than all silent places together expresses it weakly, and is not silent. One after the other, the clearest first.
void drop_weak_expressors(std::vector<AmbientSetInCluster>& places) {
    for (;;) {
        double observed = 0.0, expected = 0.0, most = 0.0;
        AmbientSetInCluster* clearest = nullptr;
        for (AmbientSetInCluster& place : places) {
            if (!place.is_silent) continue;
            observed += place.observed;
            expected += place.expected;
            const double least = lower_poisson_mean(place.observed, kFarBeyondChance) / place.expected;
            if (clearest != nullptr && least <= most) continue;
            clearest = &place;
            most = least;
        }
        if (clearest == nullptr || most * expected <= kWeakExpression * observed) return;
        clearest->is_silent = false;
    }
}

/// Observed and expected counts that should show one share.
using Units = std::vector<std::pair<double, double>>;

/// Sets, where there are enough to see how they differ; else sets in clusters.
Units units_of(const AmbientSetsResult& result, std::size_t n_sets) {
    Units units(n_sets, {0.0, 0.0});
    Units places;
    for (const AmbientSetInCluster& place : result.places) {
        if (!place.is_silent) continue;
        units[static_cast<std::size_t>(place.set)].first += place.observed;
        units[static_cast<std::size_t>(place.set)].second += place.expected;
        places.emplace_back(place.observed, place.expected);
    }
    return result.n_sets >= kFewestSetsToCompare ? units : places;
}

void set_share(Units units, AmbientSetsResult& result) {
    std::erase_if(units, [](const auto& unit) { return unit.second <= 0.0; });
    double observed = 0.0, expected = 0.0;
    for (const auto& [o, e] : units) {
        observed += o;
        expected += e;
    }
    if (expected < kFewestExpected) {
        result.why_not = units.empty() ? "no cluster is silent for a set: each set is expressed everywhere, or makes up no part of the soup"
                                       : fmt::format("soup alone would give {:.0f} counts of the sets to the clusters that do not express them; {:.0f} are needed", expected, kFewestExpected);
        return;
    }
    result.share = observed / expected;
    double squares = 0.0;
    for (const auto& [o, e] : units) squares += observed > 0.0 ? (o - result.share * e) * (o - result.share * e) / (result.share * e) : 0.0;
    const double df = static_cast<double>(units.size()) - 1.0;
    result.dispersion = df > 0.0 ? std::max(1.0, squares / df) : 1.0;
    const double z = result.dispersion > 1.0 ? student_quantile(std::log10(0.05), df) : kNormal975;
    // As many counts as an undispersed sum of the same relative error would hold.
    const double scale = result.dispersion / expected;
    result.low = lower_poisson_mean(observed / result.dispersion, z) * scale;
    result.high = upper_poisson_mean(observed / result.dispersion, z) * scale;
}

}  // namespace

AmbientSetsResult ambient_sets(const matrix::RowBlockSource& counts, std::span<const std::int32_t> cluster, std::int32_t n_clusters, std::span<const double> soup, std::span<const AmbientSet> sets,
                               double max_share, Context& context) {
    if (std::ssize(cluster) != counts.n_rows()) invalid_data(fmt::format("There are {} cluster codes for {} cells.", cluster.size(), counts.n_rows()), "Give one code a cell.");
    if (std::ssize(soup) != counts.n_cols()) invalid_data(fmt::format("The soup's profile has {} genes, the cells {}.", soup.size(), counts.n_cols()), "Give a profile of the same genes.");
    for (const std::int32_t code : cluster) {
        if (code < -1 || code >= n_clusters) invalid_data(fmt::format("A cluster code is {}, codes go from 0 to {}.", code, n_clusters - 1), "Give codes of the clusters.");
    }
    const CellCounts cells = count_cells(counts, sets, context);
    AmbientSetsResult result;
    result.share = result.low = result.high = kMissing;
    for (std::size_t s = 0; s < sets.size(); ++s) {
        double share = 0.0;
        for (const std::int64_t gene : sets[s].genes) share += soup[static_cast<std::size_t>(gene)];
        context.check_cancelled();
        const std::vector<AmbientSetInCluster> places = places_of(s, sets.size(), share, cells, cluster, n_clusters, max_share);
        result.places.insert(result.places.end(), places.begin(), places.end());
    }
    drop_weak_expressors(result.places);
    for (std::size_t s = 0; s < sets.size(); ++s) {
        const auto is_used = [&](const AmbientSetInCluster& place) { return place.is_silent && place.set == static_cast<std::int32_t>(s); };
        if (std::none_of(result.places.begin(), result.places.end(), is_used)) continue;
        ++result.n_sets;
        result.n_genes += std::ssize(sets[s].genes);
    }
    set_share(units_of(result, sets.size()), result);
    return result;
}

}  // namespace morula::analysis
