#include "morula/analysis/gene_scores.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <unordered_map>

#include "morula/core/error.hpp"
#include "morula/core/random.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

/// Bin of each gene by the rank of its mean: equal means share the lowest rank, as pandas' rank(method="min").
std::vector<std::int64_t> expression_bins(const std::vector<double>& mean, std::int32_t n_bins) {
    const auto n = static_cast<std::int64_t>(mean.size());
    std::vector<std::int64_t> order(mean.size());
    for (std::size_t g = 0; g < order.size(); ++g) order[g] = static_cast<std::int64_t>(g);
    std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        const double x = mean[static_cast<std::size_t>(a)];
        const double y = mean[static_cast<std::size_t>(b)];
        return x != y ? x < y : a < b;
    });
    const std::int64_t per_bin = std::max<std::int64_t>(1, std::llround(static_cast<double>(n) / static_cast<double>(n_bins - 1)));
    std::vector<std::int64_t> bin(mean.size());
    std::int64_t rank = 1;
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i == 0 || mean[static_cast<std::size_t>(order[i])] != mean[static_cast<std::size_t>(order[i - 1])]) rank = static_cast<std::int64_t>(i) + 1;
        bin[static_cast<std::size_t>(order[i])] = rank / per_bin;
    }
    return bin;
}

/// The first n of a random order of `genes` (all when there are no more).
void draw(std::vector<std::int64_t> genes, std::int64_t n, Random& random, std::set<std::int64_t>& into) {
    const auto size = static_cast<std::int64_t>(genes.size());
    for (std::int64_t i = 0; i < std::min(n, size); ++i) {
        std::swap(genes[static_cast<std::size_t>(i)], genes[static_cast<std::size_t>(i) + random.below(static_cast<std::uint64_t>(size - i))]);
        into.insert(genes[static_cast<std::size_t>(i)]);
    }
}

std::vector<std::int64_t> choose_controls(const std::vector<std::int64_t>& set, const std::vector<std::int64_t>& bin, const GeneScoresOptions& options, std::uint64_t set_number) {
    std::set<std::int64_t> bins;
    for (const std::int64_t gene : set) bins.insert(bin[static_cast<std::size_t>(gene)]);
    std::set<std::int64_t> controls;
    for (const std::int64_t each : bins) {
        std::vector<std::int64_t> genes;
        for (std::size_t g = 0; g < bin.size(); ++g) {
            if (bin[g] == each) genes.push_back(static_cast<std::int64_t>(g));
        }
        Random random(options.seed, Purpose::score_controls, set_number, static_cast<std::uint32_t>(each));
        draw(std::move(genes), options.n_controls, random, controls);
    }
    for (const std::int64_t gene : set) controls.erase(gene);
    return {controls.begin(), controls.end()};
}

/// What each gene adds to each score: 1/n for genes of the set, -1/n for controls.
struct Weights {
    std::vector<std::vector<std::pair<std::int32_t, double>>> of_gene;  // (set, weight)
    std::vector<std::uint8_t> valid;                                     // n_sets
};

void add_weights(Weights& weights, const std::vector<std::int64_t>& genes, std::int32_t set, double sign) {
    for (const std::int64_t gene : genes) weights.of_gene[static_cast<std::size_t>(gene)].emplace_back(set, sign / static_cast<double>(genes.size()));
}

}  // namespace

GeneScoresResult gene_scores(const matrix::RowBlockSource& log_values, std::span<const std::vector<std::int64_t>> sets, const GeneScoresOptions& options, Context& context) {
    const std::int64_t n_genes = log_values.n_cols();
    const std::vector<std::int64_t> bin = expression_bins(matrix::column_moments(log_values, context).mean, options.n_bins);
    Weights weights{std::vector<std::vector<std::pair<std::int32_t, double>>>(static_cast<std::size_t>(n_genes)), {}};
    GeneScoresResult result;
    for (std::size_t s = 0; s < sets.size(); ++s) {
        for (const std::int64_t gene : sets[s]) {
            if (gene < 0 || gene >= n_genes) invalid_data(fmt::format("Gene index {} of a gene set is outside 0 to {}.", gene, n_genes - 1), "Give indices of measured genes.");
        }
        const std::set<std::int64_t> distinct(sets[s].begin(), sets[s].end());
        const std::vector<std::int64_t> set(distinct.begin(), distinct.end());
        result.controls.push_back(choose_controls(set, bin, options, s));
        weights.valid.push_back(!set.empty() && !result.controls.back().empty() ? 1 : 0);
        add_weights(weights, set, static_cast<std::int32_t>(s), 1.0);
        add_weights(weights, result.controls.back(), static_cast<std::int32_t>(s), -1.0);
    }
    const auto n_sets = static_cast<std::int64_t>(sets.size());
    result.score = matrix::Dense<float>(log_values.n_rows(), n_sets);
    matrix::for_each_tile(log_values, context, [&](const matrix::CsrView& tile, std::int64_t first_row) {
        std::vector<double> sums(sets.size());
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            std::fill(sums.begin(), sums.end(), 0.0);
            const auto genes = tile.row_indices(row);
            const auto values = tile.row_values(row);
            for (std::size_t i = 0; i < genes.size(); ++i) {
                for (const auto& [set, weight] : weights.of_gene[genes[i]]) sums[static_cast<std::size_t>(set)] += weight * static_cast<double>(values[i]);
            }
            for (std::int64_t s = 0; s < n_sets; ++s) {
                const auto at = static_cast<std::size_t>(s);
                result.score(first_row + row, s) = weights.valid[at] != 0 ? static_cast<float>(sums[at]) : std::numeric_limits<float>::quiet_NaN();
            }
        }
    });
    return result;
}

std::vector<std::int64_t> place_genes(std::span<const std::string> symbols, std::span<const std::string_view> set) {
    std::unordered_map<std::string, std::int64_t> wanted;
    for (const std::string_view symbol : set) wanted.emplace(upper(symbol), -1);
    for (std::size_t gene = 0; gene < symbols.size(); ++gene) {
        const auto found = wanted.find(upper(symbols[gene]));
        if (found != wanted.end() && found->second < 0) found->second = static_cast<std::int64_t>(gene);
    }
    std::vector<std::int64_t> places;
    for (const std::string_view symbol : set) places.push_back(wanted.at(upper(symbol)));
    return places;
}

std::vector<std::int64_t> find_genes(std::span<const std::string> symbols, std::span<const std::string_view> set) {
    std::vector<std::int64_t> genes = place_genes(symbols, set);
    std::erase(genes, -1);
    return genes;
}

}  // namespace morula::analysis
