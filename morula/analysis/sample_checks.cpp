#include "morula/analysis/sample_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "morula/analysis/gene_scores.hpp"
#include "morula/core/error.hpp"
#include "morula/knowledge/gene_sets.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kFewestCells = 20;   // below: nothing is said of a sample
constexpr double kSeenPct = 2.0;            // cells with a count from which a sex is seen
constexpr double kOtherShare = 0.25;        // of the other's share of cells: then both are seen

void check_codes(std::span<const std::int32_t> codes, std::int64_t n_cells, std::int32_t n_levels, std::string_view what) {
    if (static_cast<std::int64_t>(codes.size()) != n_cells) invalid_data(fmt::format("There are {} {} codes for {} cells.", codes.size(), what, n_cells), "Give one code a cell.");
    for (const std::int32_t code : codes) {
        if (code < -1 || code >= n_levels) invalid_data(fmt::format("A {} code is {}, codes go from 0 to {}.", what, code, n_levels - 1), "Give codes of the levels.");
    }
}

/// Sums of one sample: counts in all, of XIST and of Y genes, and cells that show them.
enum SexSum : std::size_t { kTotal, kXist, kY, kCellsXist, kCellsY, kCells, kSums };

enum class GeneRole : std::uint8_t { other, xist, y };

std::vector<GeneRole> roles_of(std::span<const std::string> symbols, SexCheckResult& result) {
    std::vector<GeneRole> roles(symbols.size(), GeneRole::other);
    const std::string_view xist = "XIST";
    const std::vector<std::int64_t> found = find_genes(symbols, {&xist, 1});
    result.xist_measured = !found.empty();
    for (const std::int64_t gene : found) roles[static_cast<std::size_t>(gene)] = GeneRole::xist;
    for (const std::int64_t gene : find_genes(symbols, knowledge::y_genes().symbols)) {
        roles[static_cast<std::size_t>(gene)] = GeneRole::y;
        ++result.n_y_genes;
    }
    return roles;
}

Sex sex_from(const SampleSex& sample, const SexCheckResult& measured) {
    if (!measured.xist_measured || measured.n_y_genes == 0 || sample.n_cells < kFewestCells) return Sex::unknown;
    const double x = sample.pct_cells_xist;
    const double y = sample.pct_cells_y;
    if (std::max(x, y) < kSeenPct) return Sex::unknown;
    if (std::min(x, y) >= kSeenPct && std::min(x, y) >= kOtherShare * std::max(x, y)) return Sex::mixed;
    return x > y ? Sex::female : Sex::male;
}

SexVerdict verdict_of(const SampleSex& sample) {
    if (sample.seen == Sex::unknown) return SexVerdict::cannot_tell;
    if (sample.told == Sex::unknown) return SexVerdict::no_metadata;
    return sample.seen == sample.told ? SexVerdict::agrees : SexVerdict::disagrees;
}

/// Parts of the graph that links batches and conditions which share units.
std::int64_t n_parts(const matrix::Dense<std::int64_t>& table) {
    const std::int64_t n = table.n_rows + table.n_cols;
    std::vector<std::int64_t> parent(static_cast<std::size_t>(n));
    std::iota(parent.begin(), parent.end(), 0);
    const auto root = [&](std::int64_t node) {
        while (parent[static_cast<std::size_t>(node)] != node) node = parent[static_cast<std::size_t>(node)];
        return node;
    };
    std::vector<std::uint8_t> used(static_cast<std::size_t>(n), 0);
    for (std::int64_t b = 0; b < table.n_rows; ++b) {
        for (std::int64_t c = 0; c < table.n_cols; ++c) {
            if (table(b, c) == 0) continue;
            used[static_cast<std::size_t>(b)] = used[static_cast<std::size_t>(table.n_rows + c)] = 1;
            parent[static_cast<std::size_t>(root(b))] = root(table.n_rows + c);
        }
    }
    std::int64_t parts = 0;
    for (std::int64_t node = 0; node < n; ++node) parts += used[static_cast<std::size_t>(node)] != 0 && root(node) == node ? 1 : 0;
    return parts;
}

double cramers_v(const matrix::Dense<std::int64_t>& table) {
    std::vector<double> row(static_cast<std::size_t>(table.n_rows), 0.0);
    std::vector<double> column(static_cast<std::size_t>(table.n_cols), 0.0);
    double n = 0.0;
    for (std::int64_t b = 0; b < table.n_rows; ++b) {
        for (std::int64_t c = 0; c < table.n_cols; ++c) {
            const auto count = static_cast<double>(table(b, c));
            row[static_cast<std::size_t>(b)] += count;
            column[static_cast<std::size_t>(c)] += count;
            n += count;
        }
    }
    double chi_square = 0.0;
    for (std::int64_t b = 0; b < table.n_rows; ++b) {
        for (std::int64_t c = 0; c < table.n_cols; ++c) {
            const double expected = row[static_cast<std::size_t>(b)] * column[static_cast<std::size_t>(c)] / n;
            if (expected > 0.0) chi_square += (static_cast<double>(table(b, c)) - expected) * (static_cast<double>(table(b, c)) - expected) / expected;
        }
    }
    const auto levels = [](const std::vector<double>& sums) { return static_cast<double>(std::count_if(sums.begin(), sums.end(), [](double sum) { return sum > 0.0; })); };
    return std::sqrt(chi_square / (n * (std::min(levels(row), levels(column)) - 1.0)));
}

std::int64_t n_used(const matrix::Dense<std::int64_t>& table, bool rows) {
    std::int64_t used = 0;
    for (std::int64_t i = 0; i < (rows ? table.n_rows : table.n_cols); ++i) {
        std::int64_t sum = 0;
        for (std::int64_t j = 0; j < (rows ? table.n_cols : table.n_rows); ++j) sum += rows ? table(i, j) : table(j, i);
        used += sum > 0 ? 1 : 0;
    }
    return used;
}

}  // namespace

std::string_view sex_name(Sex sex) {
    switch (sex) {
        case Sex::female: return "female";
        case Sex::male: return "male";
        case Sex::mixed: return "mixed";
        case Sex::unknown: return "unknown";
    }
    return "unknown";
}

Sex parse_sex(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const char* word : {"f", "female", "xx", "woman", "girl", "pato:0000383"}) {
        if (lower == word) return Sex::female;
    }
    for (const char* word : {"m", "male", "xy", "man", "boy", "pato:0000384"}) {
        if (lower == word) return Sex::male;
    }
    return Sex::unknown;
}

SexCheckResult sex_check(const matrix::RowBlockSource& counts, std::span<const std::string> symbols, std::span<const std::int32_t> sample, std::int32_t n_samples, std::span<const std::string> told,
                         Context& context) {
    check_codes(sample, counts.n_rows(), n_samples, "sample");
    if (static_cast<std::int64_t>(symbols.size()) != counts.n_cols()) invalid_data(fmt::format("There are {} gene symbols for {} genes.", symbols.size(), counts.n_cols()), "Give one symbol a gene.");
    if (!told.empty() && static_cast<std::int32_t>(told.size()) != n_samples) invalid_data(fmt::format("There are {} stated sexes for {} samples.", told.size(), n_samples), "Give one text a sample.");
    SexCheckResult result;
    const std::vector<GeneRole> roles = roles_of(symbols, result);
    const std::vector<double> sums = matrix::sum_tiles(counts, std::int64_t{n_samples} * static_cast<std::int64_t>(kSums), context, [&](const matrix::CsrView& tile, std::int64_t first_row, std::span<double> out) {
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            const std::int32_t code = sample[static_cast<std::size_t>(first_row + row)];
            if (code < 0) continue;
            double* own = out.data() + static_cast<std::size_t>(code) * kSums;
            double xist = 0.0;
            double y = 0.0;
            const auto genes = tile.row_indices(row);
            const auto values = tile.row_values(row);
            for (std::size_t i = 0; i < genes.size(); ++i) {
                own[kTotal] += static_cast<double>(values[i]);
                if (roles[genes[i]] == GeneRole::xist) xist += static_cast<double>(values[i]);
                if (roles[genes[i]] == GeneRole::y) y += static_cast<double>(values[i]);
            }
            own[kXist] += xist;
            own[kY] += y;
            own[kCellsXist] += xist > 0.0 ? 1.0 : 0.0;
            own[kCellsY] += y > 0.0 ? 1.0 : 0.0;
            own[kCells] += 1.0;
        }
    });
    for (std::int32_t s = 0; s < n_samples; ++s) {
        const double* own = sums.data() + static_cast<std::size_t>(s) * kSums;
        SampleSex row;
        row.n_cells = static_cast<std::int64_t>(own[kCells]);
        if (own[kTotal] > 0.0) {
            row.xist_cpm = 1e6 * own[kXist] / own[kTotal];
            row.y_cpm = 1e6 * own[kY] / own[kTotal];
        }
        if (own[kCells] > 0.0) {
            row.pct_cells_xist = 100.0 * own[kCellsXist] / own[kCells];
            row.pct_cells_y = 100.0 * own[kCellsY] / own[kCells];
        }
        if (!told.empty()) row.told = parse_sex(told[static_cast<std::size_t>(s)]);
        row.seen = sex_from(row, result);
        row.verdict = verdict_of(row);
        row.evidence = fmt::format("XIST in {:.1f} % and Y genes in {:.1f} % of {} cells.", row.pct_cells_xist, row.pct_cells_y, row.n_cells);
        result.samples.push_back(std::move(row));
    }
    return result;
}

std::vector<SampleStress> stress_summary(std::span<const double> pct_counts_stress, std::span<const std::int32_t> sample, std::int32_t n_samples) {
    check_codes(sample, static_cast<std::int64_t>(pct_counts_stress.size()), n_samples, "sample");
    constexpr double kFlaggedPct = 25.0;
    std::vector<SampleStress> out;
    for (std::int32_t s = 0; s < n_samples; ++s) {
        std::vector<double> own;
        for (std::size_t cell = 0; cell < sample.size(); ++cell) {
            if (sample[cell] == s && !std::isnan(pct_counts_stress[cell])) own.push_back(pct_counts_stress[cell]);
        }
        SampleStress row;
        row.n_cells = static_cast<std::int64_t>(own.size());
        if (!own.empty()) {
            std::sort(own.begin(), own.end());
            row.median_pct = (own[(own.size() - 1) / 2] + own[own.size() / 2]) / 2.0;
            const auto stressed = own.end() - std::lower_bound(own.begin(), own.end(), kStressedPct);
            row.pct_stressed = 100.0 * static_cast<double>(stressed) / static_cast<double>(own.size());
            row.flagged = row.pct_stressed > kFlaggedPct;
        }
        out.push_back(row);
    }
    return out;
}

std::string_view confounding_name(Confounding verdict) {
    switch (verdict) {
        case Confounding::none: return "none";
        case Confounding::partial: return "partial";
        case Confounding::complete: return "complete";
        case Confounding::not_applicable: return "not applicable";
    }
    return "not applicable";
}

ConfoundingResult confounding(std::span<const std::int32_t> batch, std::int32_t n_batches, std::span<const std::int32_t> condition, std::int32_t n_conditions) {
    check_codes(batch, static_cast<std::int64_t>(batch.size()), n_batches, "batch");
    check_codes(condition, static_cast<std::int64_t>(batch.size()), n_conditions, "condition");
    ConfoundingResult result;
    result.n_units = matrix::Dense<std::int64_t>(n_batches, n_conditions);
    for (std::size_t unit = 0; unit < batch.size(); ++unit) {
        if (batch[unit] >= 0 && condition[unit] >= 0) ++result.n_units(batch[unit], condition[unit]);
    }
    const std::int64_t batches = n_used(result.n_units, true);
    const std::int64_t conditions = n_used(result.n_units, false);
    if (batches < 2 || conditions < 2) {
        result.cramers_v = std::numeric_limits<double>::quiet_NaN();
        result.sentence = "There is one batch or one condition, so nothing can be confounded.";
        return result;
    }
    result.cramers_v = cramers_v(result.n_units);
    std::int64_t cells = 0;
    for (const std::int64_t n : result.n_units.values) cells += n > 0 ? 1 : 0;
    if (n_parts(result.n_units) > 1) {
        result.verdict = Confounding::complete;
        result.sentence = "Batch and condition cannot be told apart: no chain of shared batches links all conditions.";
    } else if (cells < batches * conditions) {
        result.verdict = Confounding::partial;
        result.sentence = fmt::format("Some batches lack conditions ({} of {} combinations are there), but batches link all conditions.", cells, batches * conditions);
    } else {
        result.verdict = Confounding::none;
        result.sentence = "Every batch holds every condition.";
    }
    return result;
}

}  // namespace morula::analysis
