#include "morula/analysis/cnv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "morula/analysis/even_sample.hpp"
#include "morula/analysis/normalize.hpp"
#include "morula/core/error.hpp"
#include "morula/core/random.hpp"
#include "morula/matrix/tiles.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kFewestDonorChunks = 4;
constexpr std::int32_t kRandomChunks = 16;
constexpr int kRefinements = 2;
constexpr double kPerCounts = 10'000.0;
// log2 of one copy less and one more among some RNA of other cells (1 and .58 without).
constexpr double kLeastLoss = -0.6;
constexpr double kLeastGain = 0.4;
constexpr double kMostOfACopy = 0.35;
// Of the shifts that log values show, against those expected of counts.
constexpr double kLeastScale = 0.25;
constexpr double kMostScale = 4.0;
constexpr std::int64_t kMostNullCells = 2000;  // reference cells by which intervals of scores are widened

/// Cells by their part, and what they sum to.
struct Cells {
    std::vector<std::int64_t> reference;
    std::vector<std::int64_t> query;
    std::vector<double> totals;  // all cells, over the placed genes
};

Cells look_at_cells(const CnvInput& input, const CnvOptions& options) {
    Cells cells;
    for (std::int64_t cell = 0; cell < input.counts.n_rows(); ++cell) {
        const CnvRole role = input.role[static_cast<std::size_t>(cell)];
        if (role == CnvRole::reference) cells.reference.push_back(cell);
        if (role == CnvRole::query && input.donor[static_cast<std::size_t>(cell)] >= 0) cells.query.push_back(cell);
    }
    if (std::ssize(cells.reference) < kFewestReferenceCells) {
        invalid_data(fmt::format("There are {} reference cells; at least {} are needed to tell what is normal.", cells.reference.size(), kFewestReferenceCells), "Name more normal cells, or leave this sample out.");
    }
    if (std::ssize(cells.query) < options.clones.min_cells) {
        invalid_data(fmt::format("There are {} cells beside the reference; a clone has at least {}.", cells.query.size(), options.clones.min_cells), "Name fewer cells as the reference, or lower --min-cells.");
    }
    return cells;
}

/// Places of the genes that are expressed. Fills cells.totals.
std::vector<std::int64_t> expressed_genes(const CnvInput& input, double min_expression, Cells& cells, Context& context) {
    const std::int64_t n_genes = input.counts.n_cols();
    cells.totals.assign(static_cast<std::size_t>(input.counts.n_rows()), 0.0);
    const std::vector<double> sums = matrix::sum_tiles(input.counts, 2 * n_genes, context, [&](const matrix::CsrView& tile, std::int64_t first_row, std::span<double> to) {
        for (std::int64_t row = 0; row < tile.n_rows; ++row) {
            const auto cell = static_cast<std::size_t>(first_row + row);
            const auto genes = tile.row_indices(row);
            const auto values = tile.row_values(row);
            double total = 0.0;
            for (const float value : values) total += static_cast<double>(value);
            cells.totals[cell] = total;
            if (input.role[cell] == CnvRole::none) continue;
            const std::size_t side = input.role[cell] == CnvRole::reference ? 0 : static_cast<std::size_t>(n_genes);
            for (std::size_t i = 0; i < genes.size(); ++i) to[side + genes[i]] += static_cast<double>(values[i]);
        }
    });
    const std::span<const double> reference = std::span<const double>(sums).first(static_cast<std::size_t>(n_genes));
    const std::span<const double> query = std::span<const double>(sums).last(static_cast<std::size_t>(n_genes));
    const auto per_count = [](std::span<const double> side) {
        const double total = std::accumulate(side.begin(), side.end(), 0.0);
        return total > 0.0 ? kPerCounts / total : 0.0;
    };
    const double scale_reference = per_count(reference), scale_query = per_count(query);
    std::vector<std::int64_t> kept;
    for (std::size_t g = 0; g < reference.size(); ++g) {
        const double expression = 0.5 * (reference[g] * scale_reference + query[g] * scale_query);
        if (expression > 0.0 && expression >= min_expression) kept.push_back(static_cast<std::int64_t>(g));
    }
    if (std::ssize(kept) < kFewestCnvGenes) {
        invalid_data(fmt::format("{} of {} genes with a place on an autosome are expressed; at least {} are needed.", kept.size(), n_genes, kFewestCnvGenes), "Check that the gene positions are of this species, or lower --min-expression.");
    }
    return kept;
}

std::vector<std::int64_t> every_second(std::int64_t n, std::int64_t first) {
    std::vector<std::int64_t> out;
    for (std::int64_t i = first; i < n; i += 2) out.push_back(i);
    return out;
}

/// Chunk of each cell, -1 for cells that are no reference.
std::vector<std::int32_t> reference_chunks(const CnvInput& input, const Cells& cells, const CnvOptions& options, CnvResult& result) {
    std::map<std::int32_t, std::int64_t> n_of_donor;
    for (const std::int64_t cell : cells.reference) {
        if (input.donor[static_cast<std::size_t>(cell)] >= 0) ++n_of_donor[input.donor[static_cast<std::size_t>(cell)]];
    }
    std::erase_if(n_of_donor, [&](const auto& each) { return each.second < options.clones.min_cells; });
    std::vector<std::int32_t> chunk(input.role.size(), -1);
    result.chunks_are_donors = std::ssize(n_of_donor) >= kFewestDonorChunks;
    if (result.chunks_are_donors) {
        std::map<std::int32_t, std::int32_t> number;
        for (const auto& [donor, n] : n_of_donor) number.emplace(donor, static_cast<std::int32_t>(number.size()));
        for (const std::int64_t cell : cells.reference) {
            const auto found = number.find(input.donor[static_cast<std::size_t>(cell)]);
            if (found != number.end()) chunk[static_cast<std::size_t>(cell)] = found->second;
        }
        result.n_chunks = std::ssize(number);
        return chunk;
    }
    result.n_chunks = std::min<std::int64_t>(kRandomChunks, std::ssize(cells.reference) / 2);
    // Equal parts: the cells in the order of a random number of their own.
    std::vector<std::pair<std::uint64_t, std::int64_t>> order;
    for (const std::int64_t cell : cells.reference) order.emplace_back(Random(options.clones.seed, Purpose::cnv_chunks, static_cast<std::uint64_t>(cell), 0).next_u64(), cell);
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < order.size(); ++i) chunk[static_cast<std::size_t>(order[i].second)] = static_cast<std::int32_t>(static_cast<std::int64_t>(i) % result.n_chunks);
    return chunk;
}

/// Half of the genes: every second one along the genome.
struct Half {
    std::vector<std::int64_t> genes;
    CnvGenome genome;
};

/// Clones and the cells in them, while they are refined. Cells are put together by the genes of `making_`, and whether that is right is judged by those of `judging_`.
class CloneFinder {
public:
    CloneFinder(const CnvInput& input, const CnvOptions& options, const Cells& cells, matrix::Matrix counts, matrix::Matrix log_values, CnvResult& result, Context& context)
        : input_(input), options_(options), cells_(cells), counts_(std::move(counts)), log_values_(std::move(log_values)), result_(result), context_(context) {
        making_.genes = every_second(result_.genome.n_genes(), 0);
        judging_.genes = every_second(result_.genome.n_genes(), 1);
        making_.genome = select_genes(result_.genome, making_.genes);
        judging_.genome = select_genes(result_.genome, judging_.genes);
        std::vector<std::int32_t> all(input.role.size(), -1);
        for (const std::int64_t cell : cells.reference) all[static_cast<std::size_t>(cell)] = 0;
        reference_ = pooled_values(*counts_, all, 1, context);
        moments_ = matrix::column_moments(*matrix::select_rows(log_values_, cells.reference), context);
        result_.null_inflation = calibrate();
    }

    /// Groups of the query cells, n_cells codes.
    std::vector<std::int32_t> split() {
        // Half of the genes: the same stretch of the genome has half as many.
        CnvWindowsOptions half = options_.windows;
        half.window = std::max(3, (half.window + 1) / 2);
        half.step = std::max(1, half.step / 2);
        const matrix::Matrix query_values = matrix::select(log_values_, cells_.query, making_.genes);
        const matrix::Dense<float> windows = cnv_windows(*query_values, of_half(moments_.mean, making_), plan_windows(making_.genome.chromosome, half), half, context_);
        const matrix::Matrix judged = matrix::select(counts_, cells_.query, judging_.genes);
        std::vector<std::int32_t> donor;
        for (const std::int64_t cell : cells_.query) donor.push_back(input_.donor[static_cast<std::size_t>(cell)]);
        const std::vector<std::int32_t> groups = split_cells({windows.view(), *judged, judging_.genome, result_.null_inflation}, donor, options_.clones, options_.calls, context_);
        std::vector<std::int32_t> out(input_.role.size(), -1);
        for (std::size_t i = 0; i < groups.size(); ++i) out[static_cast<std::size_t>(cells_.query[i])] = groups[i];
        result_.n_groups = groups.empty() ? 0 : 1 + *std::max_element(groups.begin(), groups.end());
        return out;
    }

    /// Pools the groups and keeps those in which something is found as result.clones, with result.clone.
    void call(const std::vector<std::int32_t>& groups) {
        const std::int32_t n_groups = 1 + *std::max_element(groups.begin(), groups.end());
        result_.clones.clear();
        result_.clone.assign(groups.size(), -1);
        if (n_groups == 0) return;
        const matrix::Dense<double> sums = pooled_values(*counts_, groups, n_groups, context_);
        std::vector<CnvClone> found(static_cast<std::size_t>(n_groups));
        for (std::size_t cell = 0; cell < groups.size(); ++cell) {
            if (groups[cell] < 0) continue;
            CnvClone& group = found[static_cast<std::size_t>(groups[cell])];
            ++group.n_cells;
            group.donor = input_.donor[cell];
        }
        parallel_blocks(context_, n_groups, 1, [&](Block block) { call_group(sums.row(block.begin), found[static_cast<std::size_t>(block.begin)]); });
        std::vector<std::int32_t> order;
        for (std::int32_t group = 0; group < n_groups; ++group) {
            if (found[static_cast<std::size_t>(group)].calls.any()) order.push_back(group);
        }
        std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return found[static_cast<std::size_t>(a)].n_cells > found[static_cast<std::size_t>(b)].n_cells; });
        std::vector<std::int32_t> number(static_cast<std::size_t>(n_groups), -1);
        std::vector<std::int32_t> kept;
        for (const std::int32_t group : order) {
            // A group of one clone's cells among others looks like that clone, but less so: it joins the larger one.
            const auto same = std::find_if(kept.begin(), kept.end(), [&](std::int32_t other) {
                return found[static_cast<std::size_t>(other)].donor == found[static_cast<std::size_t>(group)].donor && !are_distinct(sums, found, other, group);
            });
            if (same != kept.end()) {
                number[static_cast<std::size_t>(group)] = number[static_cast<std::size_t>(*same)];
                continue;
            }
            number[static_cast<std::size_t>(group)] = static_cast<std::int32_t>(kept.size());
            kept.push_back(group);
        }
        for (const std::int32_t group : kept) result_.clones.push_back(std::move(found[static_cast<std::size_t>(group)]));
        for (std::size_t cell = 0; cell < groups.size(); ++cell) {
            if (groups[cell] >= 0) result_.clone[cell] = number[static_cast<std::size_t>(groups[cell])];
        }
        count_cells();
    }

    /// Puts each query cell in the clone of its donor that it fits best, or in none. making: by half of the genes, so that the others can say whether that was right.
    enum class Genes { making, all };
    void assign(Genes which) {
        matrix::Dense<double> levels = clone_levels();
        // A cell has lost a copy or it has not: a group whose loss is small holds both kinds, and would choose cells by their noise.
        for (double& level : levels.values) {
            if (level < 0.0) level = std::min(level, kLeastLoss);
            if (level > 0.0) level = std::max(level, kLeastGain);
        }
        std::vector<CnvFit> fits;
        if (which == Genes::all) {
            fits = fit_to_members(*log_values_, make_cnv_model(moments_.mean, moments_.variance, levels, prior_odds()), 1.0);
        } else {
            matrix::Dense<double> half(levels.n_rows, std::ssize(making_.genes));
            for (std::int64_t clone = 0; clone < half.n_rows; ++clone) {
                for (std::size_t g = 0; g < making_.genes.size(); ++g) half(clone, static_cast<std::int64_t>(g)) = levels(clone, making_.genes[g]);
            }
            const matrix::Matrix values = matrix::select_cols(log_values_, making_.genes);
            fits = fit_to_members(*values, make_cnv_model(of_half(moments_.mean, making_), of_half(moments_.variance, making_), half, prior_odds()), 1.0);
        }
        result_.clone.assign(input_.role.size(), -1);
        for (const std::int64_t cell : cells_.query) {
            const CnvFit& fit = fits[static_cast<std::size_t>(cell)];
            if (fit.clone >= 0 && fit.gain > 0.0F) result_.clone[static_cast<std::size_t>(cell)] = fit.clone;
        }
        count_cells();
    }

    void score() {
        CnvModel model = scaled_to_members(*log_values_, make_cnv_model(moments_.mean, moments_.variance, clone_levels(), prior_odds()), kLeastScale);
        std::vector<std::int64_t> some;
        for (const std::int64_t place : even_sample(std::ssize(cells_.reference), kMostNullCells)) some.push_back(cells_.reference[static_cast<std::size_t>(place)]);
        widen_to_normal_cells(model, *matrix::select_rows(log_values_, some), donors_of_clones(), context_);
        result_.fit = fit_cells(*log_values_, model, scored_donors(), donors_of_clones(), context_);
    }

private:
    double calibrate() {
        const std::vector<std::int32_t> chunks = reference_chunks(input_, cells_, options_, result_);
        const matrix::Dense<double> sums = pooled_values(*counts_, chunks, static_cast<std::int32_t>(result_.n_chunks), context_);
        return cnv_null_inflation(sums, result_.genome, options_.genes.null_draws, options_.clones.seed, context_);
    }

    static std::vector<double> of_half(std::span<const double> values, const Half& half) {
        std::vector<double> out;
        for (const std::int64_t gene : half.genes) out.push_back(values[static_cast<std::size_t>(gene)]);
        return out;
    }

    /// The model with shifts scaled so that the mean score of a clone's cells is 1: how a change of copies shows in log values depends on the protocol. least: no smaller scale is taken.
    CnvModel scaled_to_members(const matrix::RowBlockSource& values, CnvModel model, double least) const {
        const std::vector<CnvFit> fits = fit_cells(values, model, scored_donors(), donors_of_clones(), context_);
        std::vector<double> sum(result_.clones.size(), 0.0), n(result_.clones.size(), 0.0);
        for (std::size_t cell = 0; cell < fits.size(); ++cell) {
            if (result_.clone[cell] < 0 || fits[cell].clone != result_.clone[cell]) continue;
            sum[static_cast<std::size_t>(result_.clone[cell])] += static_cast<double>(fits[cell].score);
            n[static_cast<std::size_t>(result_.clone[cell])] += 1.0;
        }
        for (std::size_t clone = 0; clone < sum.size(); ++clone) {
            const double scale = n[clone] > 0.0 ? std::clamp(sum[clone] / n[clone], least, kMostScale) : 1.0;
            for (double& shift : model.shift.row(static_cast<std::int64_t>(clone))) shift *= scale;
        }
        return model;
    }
    std::vector<CnvFit> fit_to_members(const matrix::RowBlockSource& values, CnvModel model, double least) const {
        return fit_cells(values, scaled_to_members(values, std::move(model), least), scored_donors(), donors_of_clones(), context_);
    }

    /// The group's calls, none where the genes that did not make the group call nothing.
    void call_group(std::span<const double> sums, CnvClone& group) const {
        if (group.n_cells < options_.clones.min_cells) return;
        const CnvRatios judged = cnv_ratios(of_half(sums, judging_), of_half(reference_.row(0), judging_), judging_.genome);
        if (!call_changes(judged, judging_.genome, result_.null_inflation, options_.calls).any()) return;
        const CnvRatios ratios = cnv_ratios(sums, reference_.row(0), result_.genome);
        group.inflation = ratios.inflation;
        group.calls = call_changes(ratios, result_.genome, result_.null_inflation, options_.calls);
    }

    /// Whether some stretch that is called in one and not in the other differs between them by most of a copy.
    bool are_distinct(const matrix::Dense<double>& sums, const std::vector<CnvClone>& found, std::int32_t a, std::int32_t b) const {
        const CnvRatios ratios = cnv_ratios(sums.row(a), sums.row(b), result_.genome);
        const double most_log10_p = std::log10(options_.calls.alpha / static_cast<double>(std::max(1, result_.genome.n_arms())));
        for (const auto& [one, other] : {std::pair{a, b}, std::pair{b, a}}) {
            const CnvCalls& calls = found[static_cast<std::size_t>(one)].calls;
            const CnvCalls& others = found[static_cast<std::size_t>(other)].calls;
            for (const CnvSegment& segment : calls.segments) {
                if (segment.state == CopyState::neutral) continue;
                const auto begin = others.state.begin() + segment.first_gene, end = others.state.begin() + segment.last_gene + 1;
                if (2 * std::count(begin, end, segment.state) > end - begin) continue;
                const CnvStretch stretch = cnv_stretch(ratios, segment.first_gene, segment.last_gene + 1);
                if (std::abs(stretch.mean) >= kMostOfACopy && cnv_log10_p(stretch.z, ratios, result_.null_inflation) <= most_log10_p) return true;
            }
        }
        return false;
    }

    void count_cells() {
        for (CnvClone& clone : result_.clones) clone.n_cells = 0;
        for (const std::int32_t clone : result_.clone) {
            if (clone >= 0) ++result_.clones[static_cast<std::size_t>(clone)].n_cells;
        }
    }

    matrix::Dense<double> clone_levels() const {
        matrix::Dense<double> levels(std::ssize(result_.clones), result_.genome.n_genes());
        for (std::size_t clone = 0; clone < result_.clones.size(); ++clone) std::ranges::copy(result_.clones[clone].calls.level, levels.row(static_cast<std::int64_t>(clone)).begin());
        return levels;
    }
    std::vector<std::int32_t> donors_of_clones() const {
        std::vector<std::int32_t> donors;
        for (const CnvClone& clone : result_.clones) donors.push_back(clone.donor);
        return donors;
    }
    /// Donor of each cell that takes part.
    std::vector<std::int32_t> scored_donors() const {
        std::vector<std::int32_t> donors(input_.donor.begin(), input_.donor.end());
        for (std::size_t cell = 0; cell < donors.size(); ++cell) {
            if (input_.role[cell] == CnvRole::none) donors[cell] = -1;
        }
        return donors;
    }
    /// Cells of each clone for each cell of its donor in none, one more on both sides.
    std::vector<double> prior_odds() const {
        std::map<std::int32_t, double> none;
        for (const std::int64_t cell : cells_.query) none[input_.donor[static_cast<std::size_t>(cell)]] += result_.clone[static_cast<std::size_t>(cell)] < 0 ? 1.0 : 0.0;
        std::vector<double> odds;
        for (const CnvClone& clone : result_.clones) odds.push_back((static_cast<double>(clone.n_cells) + 1.0) / (none[clone.donor] + 1.0));
        return odds;
    }

    const CnvInput& input_;
    const CnvOptions& options_;
    const Cells& cells_;
    matrix::Matrix counts_;
    matrix::Matrix log_values_;
    CnvResult& result_;
    Context& context_;
    Half making_;
    Half judging_;
    matrix::Dense<double> reference_;
    matrix::ColumnMoments moments_;
};

}  // namespace

CnvResult cnv(const CnvInput& input, const CnvOptions& options, Context& context) {
    check_fields(options.genes);
    MORULA_ASSERT(std::ssize(input.role) == input.counts.n_rows() && std::ssize(input.donor) == input.counts.n_rows() && input.genome.n_genes() == input.counts.n_cols());
    Cells cells = look_at_cells(input, options);
    CnvResult result;
    result.n_reference = std::ssize(cells.reference);
    result.n_query = std::ssize(cells.query);
    result.genes = expressed_genes(input, options.genes.min_expression, cells, context);
    result.genome = select_genes(input.genome, result.genes);

    // All passes below read this copy: placed and expressed genes at about three bytes a count.
    const matrix::Matrix view(&input.counts, [](const matrix::RowBlockSource*) {});
    const matrix::Matrix counts = matrix::compact_copy(*matrix::select_cols(view, result.genes), context);
    const matrix::Matrix log_values = matrix::log1p_scaled(counts, normalize(cells.totals, {}, context).scale);

    CloneFinder finder(input, options, cells, counts, log_values, result, context);
    finder.call(finder.split());
    for (int round = 0; round < kRefinements && !result.clones.empty(); ++round) {
        finder.assign(CloneFinder::Genes::making);
        finder.call(std::vector<std::int32_t>(result.clone));
    }
    finder.assign(CloneFinder::Genes::all);
    finder.score();
    return result;
}

}  // namespace morula::analysis
