// qc_cutoffs(): per-sample cut-offs from medians and MADs, and why each cell goes.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "morula/analysis/averages.hpp"
#include "morula/analysis/qc.hpp"
#include "morula/core/error.hpp"

namespace morula::analysis {
namespace {

constexpr double kMadScale = 1.4826;  // makes the MAD of normal values their standard deviation
constexpr std::int64_t kFewCells = 50;  // below this a sample's MAD is a guess

struct Centre {
    double median = 0.0;
    double mad = 0.0;  // scaled
};

Centre centre_of(std::vector<double> values) {
    if (values.empty()) return {};
    Centre centre{median(values), 0.0};
    for (double& v : values) v = std::abs(v - centre.median);
    centre.mad = kMadScale * median(values);
    return centre;
}

/// median + n_mads * MAD; none when not asked for or when the MAD is 0.
std::optional<double> bound(const Centre& centre, const std::optional<double>& n_mads, double side) {
    if (!n_mads || centre.mad <= 0.0) return std::nullopt;
    return centre.median + side * *n_mads * centre.mad;
}

/// Limits of one sample on the scale that they are compared on: ln(1 + x) for counts and genes, percent for mitochondria.
struct Limits {
    std::optional<double> low_counts, low_genes, high_counts, high_genes, max_mt;
};

std::vector<std::vector<std::size_t>> cells_of_samples(std::span<const std::int32_t> sample, std::int32_t n_samples) {
    std::vector<std::vector<std::size_t>> cells(static_cast<std::size_t>(n_samples));
    for (std::size_t c = 0; c < sample.size(); ++c) {
        if (sample[c] < 0 || sample[c] >= n_samples) {
            invalid_data(fmt::format("Cell {} has sample number {}, outside 0 to {}.", c, sample[c], n_samples - 1), "Give each cell one of the samples.");
        }
        cells[static_cast<std::size_t>(sample[c])].push_back(c);
    }
    return cells;
}

template <class Value>
Centre centre_over(const std::vector<std::size_t>& cells, const QcMetrics& metrics, const Value& value) {
    std::vector<double> values;
    for (const std::size_t c : cells) {
        if (metrics.total_counts[c] > 0.0) values.push_back(value(c));
    }
    return centre_of(std::move(values));
}

Limits find_limits(const std::vector<std::size_t>& cells, const QcMetrics& metrics, const QcOptions& options, SampleCutoffs& report) {
    const Centre counts = centre_over(cells, metrics, [&](std::size_t c) { return std::log1p(metrics.total_counts[c]); });
    const Centre genes = centre_over(cells, metrics, [&](std::size_t c) { return std::log1p(static_cast<double>(metrics.n_genes_by_counts[c])); });
    const Centre mt = centre_over(cells, metrics, [&](std::size_t c) { return metrics.pct_counts_mt[c]; });
    Limits limits{bound(counts, options.mads_low, -1.0), bound(genes, options.mads_low, -1.0), bound(counts, options.mads_high, 1.0), bound(genes, options.mads_high, 1.0), {}};
    if (options.mads_mitochondrial) {
        const double floor = options.kind == SampleKind::nuclei ? options.min_pct_mitochondrial_nuclei : options.min_pct_mitochondrial_cells;
        limits.max_mt = std::max(floor, mt.median + *options.mads_mitochondrial * mt.mad);
    }
    report.n_cells = static_cast<std::int64_t>(cells.size());
    report.median_counts = std::expm1(counts.median);
    report.median_genes = std::expm1(genes.median);
    report.median_pct_mt = mt.median;
    const auto expm1_of = [](const std::optional<double>& v) { return v ? std::optional<double>(std::max(0.0, std::expm1(*v))) : std::nullopt; };
    report.min_counts = expm1_of(limits.low_counts);
    report.min_genes = std::max(static_cast<double>(options.min_genes), expm1_of(limits.low_genes).value_or(0.0));
    report.max_pct_mt = limits.max_mt;
    report.high_counts = expm1_of(limits.high_counts);
    report.high_genes = expm1_of(limits.high_genes);
    return limits;
}

QcReason judge(double total, std::int32_t n_genes, double pct_mt, const Limits& limits, const QcOptions& options) {
    if (!(total > 0.0)) return QcReason::no_counts;
    if (n_genes < options.min_genes) return QcReason::few_genes;
    if (limits.low_counts && std::log1p(total) < *limits.low_counts) return QcReason::low_counts;
    if (limits.low_genes && std::log1p(static_cast<double>(n_genes)) < *limits.low_genes) return QcReason::low_genes;
    if (limits.max_mt && pct_mt > *limits.max_mt) return QcReason::mitochondrial;
    return QcReason::kept;
}

/// Appends sentences about one sample.
void warn_about(const SampleCutoffs& report, bool any_mt, const QcOptions& options, std::vector<std::string>& warnings) {
    const std::int64_t removed = report.n_cells - report.n_kept;
    const double share = report.n_cells > 0 ? 100.0 * static_cast<double>(removed) / static_cast<double>(report.n_cells) : 0.0;
    if (report.n_cells > 0 && report.n_kept == 0) {
        warnings.push_back(fmt::format("All {} cells are removed; look at the cut-offs before trusting anything else.", report.n_cells));
    } else if (share > options.warn_removed_percent) {
        const auto most = std::max_element(report.n_by_reason.begin() + 1, report.n_by_reason.end()) - report.n_by_reason.begin();
        warnings.push_back(fmt::format("{:.1f} % of the cells ({} of {}) are removed, most of them for: {}. Check the sample's quality or the cut-offs.", share, removed, report.n_cells,
                                                qc_reason_name(static_cast<QcReason>(most))));
    }
    if (report.n_cells > 0 && report.n_cells < kFewCells && options.mads_low) {
        warnings.push_back(fmt::format("Only {} cells: cut-offs taken from so few are rough.", report.n_cells));
    }
    if (!any_mt && report.n_cells > 0 && options.mads_mitochondrial) {
        warnings.push_back("No mitochondrial counts at all: the genes were left out of the data, or their names do not begin with MT-. Damaged cells cannot be told by them.");
    }
}

}  // namespace

QcOptions qc_options_scanpy_1_11() {
    return {.mads_low = std::nullopt, .mads_high = std::nullopt, .min_genes = 100, .mads_mitochondrial = std::nullopt};
}

std::string_view qc_reason_name(QcReason reason) {
    switch (reason) {
        case QcReason::kept: return "kept";
        case QcReason::no_counts: return "no counts";
        case QcReason::few_genes: return "too few genes";
        case QcReason::low_counts: return "unusually few counts";
        case QcReason::low_genes: return "unusually few genes";
        case QcReason::mitochondrial: return "too many mitochondrial counts";
    }
    return "unknown";
}

QcCutoffs qc_cutoffs(const QcMetrics& metrics, std::span<const std::int32_t> sample, std::int32_t n_samples, const QcOptions& options) {
    const std::size_t n = metrics.total_counts.size();
    if (sample.size() != n) {
        invalid_data(fmt::format("There are {} sample numbers for {} cells.", sample.size(), n), "Give one sample for each cell.");
    }
    const auto cells_of = cells_of_samples(sample, n_samples);
    QcCutoffs result;
    result.keep.assign(n, 0);
    result.reason.assign(n, QcReason::kept);
    result.flagged_high.assign(n, 0);
    for (std::int32_t s = 0; s < n_samples; ++s) {
        const auto& cells = cells_of[static_cast<std::size_t>(s)];
        SampleCutoffs report;
        report.n_by_reason.assign(kQcReasons, 0);
        const Limits limits = find_limits(cells, metrics, options, report);
        bool any_mt = false;
        for (const std::size_t c : cells) {
            const double total = metrics.total_counts[c];
            const std::int32_t n_genes = metrics.n_genes_by_counts[c];
            const QcReason reason = judge(total, n_genes, metrics.pct_counts_mt[c], limits, options);
            const bool high = (limits.high_counts && std::log1p(total) > *limits.high_counts) || (limits.high_genes && std::log1p(static_cast<double>(n_genes)) > *limits.high_genes);
            any_mt = any_mt || metrics.pct_counts_mt[c] > 0.0;
            result.reason[c] = reason;
            result.keep[c] = reason == QcReason::kept ? 1 : 0;
            result.flagged_high[c] = high ? 1 : 0;
            ++report.n_by_reason[static_cast<std::size_t>(reason)];
            report.n_flagged_high += (high && reason == QcReason::kept) ? 1 : 0;
        }
        report.n_kept = report.n_by_reason[0];
        warn_about(report, any_mt, options, result.warnings);
        result.warning_sample.resize(result.warnings.size(), s);
        result.samples.push_back(std::move(report));
    }
    return result;
}

}  // namespace morula::analysis
