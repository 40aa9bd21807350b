#include "morula/analysis/cell_calling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <mutex>

#include "morula/analysis/ambient_profile.hpp"
#include "morula/analysis/p_values.hpp"
#include "morula/core/checked_cast.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

using matrix::CsrView;

constexpr std::int64_t kBytesPerBarcode = 40;
constexpr std::int64_t kFewestAmbientCounts = 1000;  // below, the profile is noise
constexpr std::int64_t kMostCellsOfCapture = 50'000; // more than one lane of any machine of today loads
constexpr double kMostSimulatedCounts = 50'000.0;    // no droplet of soup holds so many, and simulating them would take minutes
constexpr std::int64_t kDropletsABlock = 64;
constexpr double kTie = 1e-8;                        // relative: sums of the same terms in another order
constexpr float kNotTested = std::numeric_limits<float>::quiet_NaN();

/// Totals of all barcodes, and what the empty ones hold.
struct FirstPass {
    std::vector<std::int64_t> total;
    std::vector<double> ambient_counts;    // n_genes
    std::vector<std::uint8_t> seen;        // n_genes, in any barcode
    AmbientEntries entries;
};

std::int64_t total_of(std::span<const float> values) {
    double sum = 0.0;
    for (const float value : values) sum += static_cast<double>(value);
    return static_cast<std::int64_t>(sum);
}

FirstPass first_pass(const matrix::RowBlockSource& counts, std::int64_t ambient_below, Context& context) {
    FirstPass out;
    out.total.resize(static_cast<std::size_t>(counts.n_rows()));
    std::mutex mutex;
    const auto n_genes = static_cast<std::size_t>(counts.n_cols());
    const std::vector<double> sums = matrix::sum_tiles(counts, counts.n_cols() * 2, context, [&](const CsrView& tile, std::int64_t first_row, std::span<double> to) {
        std::vector<std::uint64_t> repeated;
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            const auto genes = tile.row_indices(row);
            const auto values = tile.row_values(row);
            const std::int64_t total = total_of(values);
            out.total[static_cast<std::size_t>(first_row + row)] = total;
            const bool is_ambient = total <= ambient_below;
            for (std::size_t i = 0; i < genes.size(); ++i) {
                to[is_ambient ? genes[i] : n_genes + genes[i]] += static_cast<double>(values[i]);
                if (is_ambient && values[i] >= 2.0F) repeated.push_back(std::uint64_t{genes[i]} << 32 | static_cast<std::uint64_t>(values[i]));
            }
        }
        const std::lock_guard lock(mutex);  // sorted before use: the order of tasks leaves no trace
        out.entries.repeated.insert(out.entries.repeated.end(), repeated.begin(), repeated.end());
    });
    out.ambient_counts.assign(sums.begin(), sums.begin() + counts.n_cols());
    out.seen.resize(n_genes);
    for (std::size_t gene = 0; gene < n_genes; ++gene) out.seen[gene] = sums[gene] + sums[n_genes + gene] > 0.0 ? 1 : 0;
    for (const std::int64_t total : out.total) {
        if (total > 0 && total <= ambient_below) out.entries.totals.push_back(total);
    }
    return out;
}

/// The barcodes to test, by total, then by statistic, then by place.
struct Tested {
    std::vector<std::int64_t> barcode;
    std::vector<double> statistic;
    std::vector<std::int64_t> total;
};

Tested tested_barcodes(const matrix::RowBlockSource& counts, const std::vector<std::int64_t>& totals, std::int64_t above, double below, const AmbientModel& model, Context& context) {
    const auto is_tested = [&](std::int64_t total) { return total > above && static_cast<double>(total) < below; };
    std::vector<double> statistic(totals.size(), 0.0);
    matrix::for_each_tile(counts, context, [&](const CsrView& tile, std::int64_t first_row) {
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            const auto barcode = static_cast<std::size_t>(first_row + row);
            if (is_tested(totals[barcode])) statistic[barcode] = model.statistic(tile.row_indices(row), tile.row_values(row));
        }
    });
    Tested out;
    for (std::size_t barcode = 0; barcode < totals.size(); ++barcode) {
        if (is_tested(totals[barcode])) out.barcode.push_back(static_cast<std::int64_t>(barcode));
    }
    std::sort(out.barcode.begin(), out.barcode.end(), [&](std::int64_t a, std::int64_t b) {
        const auto i = static_cast<std::size_t>(a);
        const auto j = static_cast<std::size_t>(b);
        if (totals[i] != totals[j]) return totals[i] < totals[j];
        return statistic[i] != statistic[j] ? statistic[i] < statistic[j] : a < b;
    });
    for (const std::int64_t barcode : out.barcode) {
        out.statistic.push_back(statistic[static_cast<std::size_t>(barcode)]);
        out.total.push_back(totals[static_cast<std::size_t>(barcode)]);
    }
    return out;
}

/// Barcodes [begin, end) of Tested share a total.
struct Group {
    std::size_t begin = 0;
    std::size_t end = 0;
};

std::vector<Group> groups_of(const Tested& tested) {
    std::vector<Group> out;
    for (std::size_t begin = 0; begin < tested.total.size();) {
        std::size_t end = begin;
        while (end < tested.total.size() && tested.total[end] == tested.total[begin]) ++end;
        out.push_back({begin, end});
        begin = end;
    }
    return out;
}

/// Grows one droplet through every total, and marks in each group the first barcode that is as likely as it or likelier.
void compare_droplet(AmbientDroplet& droplet, Random& random, const Tested& tested, const std::vector<Group>& groups, std::vector<std::uint32_t>& marks) {
    droplet.empty();
    for (const Group& group : groups) {
        while (droplet.total() < tested.total[group.begin]) droplet.add_count(random);
        const double at_least = droplet.statistic() - kTie * std::abs(droplet.statistic());
        const auto first = tested.statistic.begin() + static_cast<std::ptrdiff_t>(group.begin);
        const auto last = tested.statistic.begin() + static_cast<std::ptrdiff_t>(group.end);
        const auto place = std::lower_bound(first, last, at_least);
        if (place != last) ++marks[static_cast<std::size_t>(place - tested.statistic.begin())];
    }
}

/// How many simulated droplets are no likelier than each tested barcode: all droplets serve all barcodes, as in DropletUtils.
std::vector<std::int64_t> n_no_likelier(const Tested& tested, const AmbientModel& model, const CellCallingOptions& options, Context& context) {
    const std::vector<Group> groups = groups_of(tested);
    std::vector<std::int64_t> n(tested.barcode.size(), 0);
    std::mutex mutex;
    Progress progress(context, "call cells", options.n_simulations, "droplets");
    parallel_blocks(context, options.n_simulations, kDropletsABlock, [&](Block block) {
        AmbientDroplet droplet(model);
        std::vector<std::uint32_t> marks(n.size(), 0);
        for (std::int64_t i = block.begin; i < block.end; ++i) {
            Random random(options.seed, Purpose::cell_calling, static_cast<std::uint64_t>(i), 0);
            compare_droplet(droplet, random, tested, groups, marks);
        }
        const std::lock_guard lock(mutex);  // whole numbers: any order gives the same sums
        for (std::size_t i = 0; i < n.size(); ++i) n[i] += marks[i];
        progress.advance(block.size());
    });
    for (const Group& group : groups) {
        for (std::size_t i = group.begin + 1; i < group.end; ++i) n[i] += n[i - 1];
    }
    return n;
}

/// Where Cell Ranger puts the line that needs no test, held between the inflection and the knee.
double always_from(const std::vector<std::int64_t>& totals, const BarcodeRanks& ranks) {
    constexpr double kShareOfLargest = 0.1;
    if (ranks.knee == 0.0) return *std::max_element(totals.begin(), totals.end()) >= kMostSimulatedCounts ? kMostSimulatedCounts : 0.0;
    std::vector<double> large;
    for (const std::int64_t total : totals) {
        if (static_cast<double>(total) >= ranks.knee) large.push_back(static_cast<double>(total));
    }
    const auto percentile = large.begin() + static_cast<std::ptrdiff_t>(large.size() / 100);
    std::nth_element(large.begin(), percentile, large.end(), std::greater<>());
    return std::min(kMostSimulatedCounts, std::clamp(kShareOfLargest * *percentile, std::min(ranks.inflection, ranks.knee), ranks.knee));
}

/// Fills p and log_probability of the barcodes that are neither empty by their total nor called by it.
void test_profiles(const matrix::RowBlockSource& counts, FirstPass& pass, const CellCallingOptions& options, CellCallingResult& result, Context& context) {
    std::vector<double> profile = good_turing(pass.ambient_counts, pass.seen);
    result.precision = options.variation == AmbientVariation::multinomial ? std::numeric_limits<double>::infinity() : ambient_precision(std::move(pass.entries), profile);
    const AmbientModel model(std::move(profile), result.precision);
    result.ambient = model.profile();
    const double below = result.always_from > 0.0 ? result.always_from : std::numeric_limits<double>::infinity();
    const Tested tested = tested_barcodes(counts, result.total, options.ambient_below, below, model, context);
    const std::vector<std::int64_t> n = n_no_likelier(tested, model, options, context);
    for (std::size_t i = 0; i < n.size(); ++i) {
        const auto barcode = static_cast<std::size_t>(tested.barcode[i]);
        result.p[barcode] = static_cast<float>(static_cast<double>(n[i] + 1) / static_cast<double>(options.n_simulations + 1));
        result.log_probability[barcode] = static_cast<float>(tested.statistic[i] + model.of_total(tested.total[i]));
    }
    result.n_tested = std::ssize(n);
    result.profile_tested = true;
}

/// FDR over everything that is not empty; what is called untested has p = 0.
void adjust(const CellCallingOptions& options, CellCallingResult& result) {
    std::vector<double> log10_p(result.total.size(), std::numeric_limits<double>::quiet_NaN());
    for (std::size_t i = 0; i < log10_p.size(); ++i) {
        if (result.total[i] <= options.ambient_below) continue;
        const bool by_total = result.always_from > 0.0 && static_cast<double>(result.total[i]) >= result.always_from;
        log10_p[i] = by_total ? -std::numeric_limits<double>::infinity() : std::log10(static_cast<double>(result.p[i]));
    }
    const std::vector<double> log10_fdr_values = log10_fdr(log10_p);
    const float least_p = static_cast<float>(1.0 / static_cast<double>(options.n_simulations + 1));
    for (std::size_t i = 0; i < log10_p.size(); ++i) {
        if (std::isnan(log10_p[i])) continue;
        const double fdr = std::pow(10.0, log10_fdr_values[i]);
        result.fdr[i] = static_cast<float>(fdr);
        const bool by_total = std::isinf(log10_p[i]);
        result.is_cell[i] = by_total || fdr <= options.fdr ? 1 : 0;
        result.n_by_total += by_total ? 1 : 0;
        result.n_by_profile += !by_total && result.is_cell[i] != 0 ? 1 : 0;
        result.n_limited += result.is_cell[i] == 0 && result.p[i] <= least_p ? 1 : 0;
    }
}

/// Without empty droplets there is only the curve.
void call_by_inflection(CellCallingResult& result, const CellCallingOptions& options) {
    result.always_from = result.ranks.inflection;
    for (std::size_t i = 0; i < result.total.size(); ++i) {
        if (result.total[i] <= options.ambient_below || static_cast<double>(result.total[i]) < result.ranks.inflection) continue;
        result.is_cell[i] = 1;
        ++result.n_by_total;
    }
}

std::string note_on(const CellCallingResult& result, const CellCallingOptions& options) {
    std::vector<std::string> notes;
    if (!result.profile_tested) {
        notes.push_back(fmt::format("Too few empty droplets to know the ambient RNA ({} barcodes with 1 to {} counts): every barcode above the steepest fall of the curve ({:.0f} counts) is called. "
                                    "Is this the matrix with all barcodes?", result.n_ambient_barcodes, options.ambient_below, result.ranks.inflection));
    } else if (result.always_from == 0.0) {
        notes.push_back("The curve of barcodes has no knee, so no barcode is called by its counts alone.");
    }
    if (result.n_cells > kMostCellsOfCapture) {
        notes.push_back(fmt::format("{} cells are more than one capture holds: empty droplets may have more than {} counts here. Look at the curve and set --ambient-below to the counts of its second plateau.",
                                    result.n_cells, options.ambient_below));
    }
    if (result.n_limited > 0) {
        notes.push_back(fmt::format("{} barcodes are unlike all {} simulated droplets and still not called, because so many barcodes were tested; more draws (--n-simulations) would settle them.", result.n_limited, options.n_simulations));
    }
    return fmt::format("{}", fmt::join(notes, " "));
}

}  // namespace

CellCallingResult call_cells(const matrix::RowBlockSource& counts, const CellCallingOptions& options, Context& context) {
    context.require_memory(checked_size_product(counts.n_rows(), kBytesPerBarcode), "call cells");
    FirstPass pass = first_pass(counts, options.ambient_below, context);
    CellCallingResult result;
    result.total = std::move(pass.total);
    result.n_ambient_barcodes = std::ssize(pass.entries.totals);
    result.ranks = barcode_ranks(result.total, options.ambient_below);
    if (result.ranks.rank.empty()) {
        invalid_data(fmt::format("None of {} barcodes has more than {} counts, so there is no cell among them.", counts.n_rows(), options.ambient_below),
                     "Check that the matrix holds raw counts. Where every barcode is a cell, as in small panels, pass --call-cells never; for very shallow data set --ambient-below lower.");
    }
    result.always_from = always_from(result.total, result.ranks);
    const auto n = result.total.size();
    result.is_cell.assign(n, 0);
    result.log_probability.assign(n, kNotTested);
    result.p.assign(n, kNotTested);
    result.fdr.assign(n, kNotTested);
    std::int64_t n_ambient_counts = 0;
    for (const std::int64_t total : pass.entries.totals) n_ambient_counts += total;
    if (n_ambient_counts >= kFewestAmbientCounts) {
        test_profiles(counts, pass, options, result, context);
        adjust(options, result);
    } else {
        call_by_inflection(result, options);
    }
    for (const std::uint8_t cell : result.is_cell) result.n_cells += cell;
    result.note = note_on(result, options);
    return result;
}

}  // namespace morula::analysis
