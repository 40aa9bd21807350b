// Flavors seurat and cell_ranger: dispersion (variance / mean) as a score within bins of the mean.
#include <algorithm>
#include <cmath>
#include <limits>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/hvg_flavors.hpp"
#include "morula/matrix/per_count.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNormalQuartile = 0.6744897501960817;  // the MAD of a standard normal

struct Moments {
    std::vector<double> mean;
    std::vector<double> variance;      // n - 1
    std::vector<std::int64_t> n_seen;  // cells with a value
};

/// Adds a cell: what the flavor looks at, its square, and whether it is there.
template <class Function>
void add_cell(std::span<const std::uint32_t> genes, std::span<const float> values, std::span<double> of_gene, const Function& value_of) {
    for (std::size_t i = 0; i < genes.size(); ++i) {
        const double x = value_of(values[i]);
        const std::size_t at = 3 * static_cast<std::size_t>(genes[i]);
        of_gene[at] += x;
        of_gene[at + 1] += x * x;
        of_gene[at + 2] += values[i] != 0.0F ? 1.0 : 0.0;
    }
}

/// Sums of exp(x) - 1 for log values. Logs of counts are undone count by count; the same bits as from the log values themselves.
std::vector<double> linear_sums(const matrix::RowBlockSource& values, Context& context) {
    const auto scaled = matrix::scaled_counts(values);
    const matrix::RowBlockSource& source = scaled ? *scaled->counts : values;
    return matrix::sum_tiles(source, 3 * values.n_cols(), context, [&](const matrix::CsrView& tile, std::int64_t first_row, std::span<double> of_gene) {
        matrix::PerCount<double> linear_of;
        for (std::int64_t r = 0; r < tile.n_rows; ++r) {
            if (!scaled) {
                add_cell(tile.row_indices(r), tile.row_values(r), of_gene, [](float log) { return std::expm1(static_cast<double>(log)); });
                continue;
            }
            const double scale = scaled->scale_of_row[static_cast<std::size_t>(first_row + r)];
            const auto linear = [scale](float count) { return std::expm1(static_cast<double>(matrix::log1p_scaled_value(count, scale))); };
            linear_of.clear();
            add_cell(tile.row_indices(r), tile.row_values(r), of_gene, [&](float count) { return linear_of.of(count, linear); });
        }
    });
}

std::vector<double> plain_sums(const matrix::RowBlockSource& values, Context& context) {
    return matrix::sum_tiles(values, 3 * values.n_cols(), context, [&](const matrix::CsrView& tile, std::int64_t, std::span<double> of_gene) {
        for (std::int64_t r = 0; r < tile.n_rows; ++r) add_cell(tile.row_indices(r), tile.row_values(r), of_gene, [](float x) { return static_cast<double>(x); });
    });
}

/// Moments of exp(x) - 1 (seurat) or of x (cell_ranger).
Moments moments_of(const matrix::RowBlockSource& values, HvgFlavor flavor, Context& context) {
    const auto sums = flavor == HvgFlavor::seurat ? linear_sums(values, context) : plain_sums(values, context);
    Moments m;
    const double n = static_cast<double>(values.n_rows());
    for (std::size_t at = 0; at < sums.size(); at += 3) {
        const double mean = sums[at] / n;
        m.mean.push_back(mean);
        m.variance.push_back((sums[at + 1] / n - mean * mean) * (n / (n - 1.0)));
        m.n_seen.push_back(static_cast<std::int64_t>(sums[at + 2]));
    }
    return m;
}

/// n_bins equal-width bins over the range, the first edge moved down by 0.1 % of it (pandas.cut); bins are (left, right].
std::vector<double> equal_width_edges(const std::vector<double>& x, std::int32_t n_bins) {
    auto [low_at, high_at] = std::minmax_element(x.begin(), x.end());
    double low = *low_at, high = *high_at;
    const bool flat = low == high;
    if (flat) {
        low -= low != 0.0 ? 0.001 * std::abs(low) : 0.001;
        high += high != 0.0 ? 0.001 * std::abs(high) : 0.001;
    }
    std::vector<double> edges;
    const double step = (high - low) / n_bins;
    for (std::int32_t b = 0; b < n_bins; ++b) edges.push_back(low + b * step);
    edges.push_back(high);
    if (!flat) edges[0] -= 0.001 * (high - low);
    return edges;
}

/// numpy.percentile (linear) of sorted values.
double percentile(const std::vector<double>& sorted, double percent) {
    const double at = percent / 100.0 * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(std::floor(at));
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    const double share = at - std::floor(at);
    const double difference = sorted[above] - sorted[below];
    return share >= 0.5 ? sorted[above] - difference * (1.0 - share) : sorted[below] + difference * share;
}

/// -inf, percentiles 10, 15 ... 100, inf. Edges that coincide are joined, where scanpy stops with an error.
std::vector<double> percentile_edges(std::vector<double> x) {
    std::sort(x.begin(), x.end());
    std::vector<double> edges{-kInfinity};
    for (int percent = 10; percent <= 100; percent += 5) edges.push_back(percentile(x, percent));
    edges.push_back(kInfinity);
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    return edges;
}

/// Centre and spread that a gene's dispersion is compared with.
struct BinScale {
    double centre = kNaN;
    double spread = kNaN;
};

/// Mean and standard deviation (n - 1); a bin with one gene gives it the score 1.
BinScale mean_and_sd(const std::vector<double>& present) {
    if (present.empty()) return {};
    double sum = 0.0;
    for (const double d : present) sum += d;
    const double mean = sum / static_cast<double>(present.size());
    if (present.size() == 1) return {0.0, mean};
    double squares = 0.0;
    for (const double d : present) squares += (d - mean) * (d - mean);
    return {mean, std::sqrt(squares / static_cast<double>(present.size() - 1))};
}

BinScale median_and_mad(const std::vector<double>& present) {
    if (present.empty()) return {};
    const double centre = median(present);
    std::vector<double> away;
    for (const double d : present) away.push_back(std::abs(d - centre));
    return {centre, median(away) / kNormalQuartile};
}

std::vector<double> scores_in_bins(const std::vector<double>& mean, const std::vector<double>& dispersion, const HvgOptions& options) {
    const bool seurat = options.flavor == HvgFlavor::seurat;
    const auto edges = seurat ? equal_width_edges(mean, options.n_bins) : percentile_edges(mean);
    std::vector<std::size_t> bin(mean.size());
    std::vector<std::vector<double>> present(edges.size());
    for (std::size_t g = 0; g < mean.size(); ++g) {
        bin[g] = static_cast<std::size_t>(std::lower_bound(edges.begin(), edges.end(), mean[g]) - edges.begin());
        if (!std::isnan(dispersion[g])) present[bin[g]].push_back(dispersion[g]);
    }
    std::vector<BinScale> scale;
    for (const auto& values : present) scale.push_back(seurat ? mean_and_sd(values) : median_and_mad(values));
    std::vector<double> score;
    for (std::size_t g = 0; g < mean.size(); ++g) score.push_back((dispersion[g] - scale[bin[g]].centre) / scale[bin[g]].spread);
    return score;
}

/// All genes whose score reaches the n-th highest: ties add genes.
std::vector<std::uint8_t> reaching_nth(const std::vector<double>& score, std::int64_t n_top) {
    std::vector<double> present;
    for (const double s : score) {
        if (!std::isnan(s)) present.push_back(s);
    }
    std::vector<std::uint8_t> chosen(score.size(), 0);
    if (present.empty()) return chosen;
    const auto n = static_cast<std::size_t>(std::min<std::int64_t>(n_top, static_cast<std::int64_t>(present.size())));
    std::nth_element(present.begin(), present.begin() + static_cast<std::ptrdiff_t>(n - 1), present.end(), std::greater<>{});
    for (std::size_t g = 0; g < score.size(); ++g) chosen[g] = score[g] >= present[n - 1] ? 1 : 0;
    return chosen;
}

}  // namespace

DispersionGenes dispersion_genes(const matrix::RowBlockSource& values, Unexpressed unexpressed, const HvgOptions& options, Context& context) {
    const Moments moments = moments_of(values, options.flavor, context);
    const std::size_t n_genes = moments.mean.size();
    std::vector<std::size_t> taking_part;
    std::vector<double> mean, dispersion;
    for (std::size_t g = 0; g < n_genes; ++g) {
        if (unexpressed == Unexpressed::leave_out && moments.n_seen[g] == 0) continue;
        taking_part.push_back(g);
        const double m = moments.mean[g] == 0.0 ? 1e-12 : moments.mean[g];
        const double d = moments.variance[g] / m;
        const bool seurat = options.flavor == HvgFlavor::seurat;
        mean.push_back(seurat ? std::log1p(m) : m);
        dispersion.push_back(!seurat ? d : d == 0.0 ? kNaN : std::log(d));
    }
    DispersionGenes result;
    for (auto* column : {&result.mean, &result.dispersion, &result.dispersion_norm}) column->assign(n_genes, 0.0);
    result.highly_variable.assign(n_genes, 0);
    if (taking_part.empty()) return result;
    const auto score = scores_in_bins(mean, dispersion, options);
    const auto chosen = reaching_nth(score, options.n_top);
    for (std::size_t i = 0; i < taking_part.size(); ++i) {
        const std::size_t g = taking_part[i];
        result.mean[g] = mean[i];
        result.dispersion[g] = dispersion[i];
        result.dispersion_norm[g] = score[i];
        result.highly_variable[g] = chosen[i];
    }
    return result;
}

}  // namespace morula::analysis
