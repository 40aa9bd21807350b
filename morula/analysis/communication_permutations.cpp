#include "morula/analysis/communication_permutations.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "morula/core/checked_cast.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kLanes = 128;        // permutations at once: their sums of one gene and 25 types fill a first-level cache
constexpr std::int64_t kShuffledAtOnce = 16;  // so that 32 bytes of a cell are written together
constexpr double kRounding = 1e-12;

/// The cells that are shuffled. Types take one byte where they fit: the codes of a cell come from far away in memory.
template <class Code>
struct ShuffledCells {
    std::vector<std::int32_t> place;  // of each cell among them, -1: none
    std::vector<Code> type;
    std::int64_t size() const { return std::ssize(type); }
};

template <class Code>
ShuffledCells<Code> shuffled_cells(std::span<const std::int32_t> types) {
    ShuffledCells<Code> out;
    for (const std::int32_t type : types) {
        out.place.push_back(type < 0 ? -1 : static_cast<std::int32_t>(out.type.size()));
        if (type >= 0) out.type.push_back(checked_cast<Code>(type));
    }
    return out;
}

template <class Code>
void shuffle(std::span<Code> types, std::uint64_t seed, std::int64_t permutation) {
    Random random(seed, Purpose::label_permutations, static_cast<std::uint64_t>(permutation), 0);
    for (std::size_t left = types.size(); left > 1; --left) std::swap(types[left - 1], types[random.below(left)]);
}

/// codes: cells x kLanes types; lane l has permutation first + l. Lanes from n on repeat the types as they are, which nobody reads.
template <class Code>
void fill_codes(const ShuffledCells<Code>& cells, std::int64_t first, std::int64_t n, std::uint64_t seed, std::vector<Code>& codes, Context& context) {
    parallel_blocks(context, kLanes, kShuffledAtOnce, [&](Block block) {
        std::vector<Code> shuffled;
        for (std::int64_t lane = block.begin; lane < block.end; ++lane) {
            shuffled.insert(shuffled.end(), cells.type.begin(), cells.type.end());
            if (lane < n) shuffle(std::span<Code>(shuffled).last(cells.type.size()), seed, first + lane);
        }
        for (std::size_t cell = 0; cell < cells.type.size(); ++cell) {
            Code* to = codes.data() + static_cast<std::int64_t>(cell) * kLanes + block.begin;
            for (std::int64_t i = 0; i < block.size(); ++i) to[i] = shuffled[static_cast<std::size_t>(i) * cells.type.size() + cell];
        }
    });
}

/// Adds a value to the sum of its type in every lane; sums: types x kLanes.
template <class Code>
void add_to_lanes(const Code* codes, double value, double* sums) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) sums[static_cast<std::int64_t>(codes[lane]) * kLanes + lane] += value;
}

/// Numbers of the genes that the pairs found need, and each one's place among them.
struct NeededGenes {
    std::vector<std::int64_t> gene;
    std::vector<std::int64_t> place;
};
NeededGenes needed_genes(std::int64_t n_genes, std::span<const PairGenes> pairs, std::span<const CoExpression> found) {
    NeededGenes out{{}, std::vector<std::int64_t>(static_cast<std::size_t>(n_genes), -1)};
    for (const CoExpression& each : found) {
        for (const auto* genes : {&pairs[static_cast<std::size_t>(each.pair)].ligand, &pairs[static_cast<std::size_t>(each.pair)].receptor}) {
            for (const std::int64_t gene : *genes) out.place[static_cast<std::size_t>(gene)] = 0;
        }
    }
    for (std::size_t gene = 0; gene < out.place.size(); ++gene) {
        if (out.place[gene] < 0) continue;
        out.place[gene] = std::ssize(out.gene);
        out.gene.push_back(static_cast<std::int64_t>(gene));
    }
    return out;
}

/// Sums of every needed gene by type, for kLanes permutations: [gene][type][lane].
template <class Code>
class LaneSums {
public:
    LaneSums(const NeededGenes& genes, std::int32_t n_types, const ShuffledCells<Code>& cells)
        : genes_(genes), cells_(cells), n_types_(n_types), inverse_n_(static_cast<std::size_t>(n_types), 0.0), sums_(genes.gene.size() * static_cast<std::size_t>(n_types * kLanes)) {
        for (const Code type : cells.type) inverse_n_[type] += 1.0;
        for (double& n : inverse_n_) n = n > 0.0 ? 1.0 / n : 0.0;
    }

    void compute(const matrix::CompactColumns& columns, const std::vector<Code>& codes, Context& context) {
        parallel_blocks(context, std::ssize(genes_.gene), 1, [&](Block block) {
            auto entries = pool_.take();
            columns.read(genes_.gene[static_cast<std::size_t>(block.begin)], *entries);
            double* sums = sums_.data() + block.begin * n_types_ * kLanes;
            std::fill(sums, sums + n_types_ * kLanes, 0.0);
            for (std::size_t i = 0; i < entries->rows.size(); ++i) {
                if (i + kAhead < entries->rows.size()) prefetch(codes, cells_.place[entries->rows[i + kAhead]]);
                const std::int32_t place = cells_.place[entries->rows[i]];
                if (place >= 0) add_to_lanes(codes.data() + std::int64_t{place} * kLanes, static_cast<double>(entries->values[i]), sums);
            }
        });
    }

    /// Least mean of the genes in a type, lane by lane; below any score where one is 0.
    void least_means(const std::vector<std::int64_t>& genes, std::int32_t type, double* out) const {
        std::fill(out, out + kLanes, std::numeric_limits<double>::infinity());
        for (const std::int64_t gene : genes) {
            const double* sums = sums_.data() + (genes_.place[static_cast<std::size_t>(gene)] * n_types_ + type) * kLanes;
            const double scale = inverse_n_[static_cast<std::size_t>(type)];
            for (std::int64_t lane = 0; lane < kLanes; ++lane) out[lane] = std::min(out[lane], sums[lane] * scale);
        }
        for (std::int64_t lane = 0; lane < kLanes; ++lane) {
            if (!(out[lane] > 0.0)) out[lane] = -std::numeric_limits<double>::infinity();
        }
    }

private:
    static constexpr std::size_t kAhead = 4;

    static void prefetch(const std::vector<Code>& codes, std::int32_t place) {
        constexpr std::int64_t line = 64 / sizeof(Code);
        if (place < 0) return;
        for (std::int64_t lane = 0; lane < kLanes; lane += line) __builtin_prefetch(codes.data() + std::int64_t{place} * kLanes + lane);
    }

    const NeededGenes& genes_;
    const ShuffledCells<Code>& cells_;
    std::int64_t n_types_;
    std::vector<double> inverse_n_;
    std::vector<double> sums_;
    matrix::ScratchPool<matrix::ColumnEntries> pool_;
};

/// First of `found` of each pair, and one past the last: found is sorted by pair.
std::vector<matrix::Range> ranges_of_pairs(std::span<const CoExpression> found) {
    std::vector<matrix::Range> ranges;
    for (std::int64_t i = 0; i < std::ssize(found); ++i) {
        if (i == 0 || found[static_cast<std::size_t>(i)].pair != found[static_cast<std::size_t>(i - 1)].pair) ranges.push_back({i, i});
        ranges.back().end = i + 1;
    }
    return ranges;
}

/// Ligand means of all senders and receptor means of all receivers of one pair: types x kLanes each.
struct PairLanes {
    std::vector<double> ligand;
    std::vector<double> receptor;
};

template <class Code>
void pair_lanes(const LaneSums<Code>& sums, const PairGenes& pair, std::span<const CoExpression> found, std::int32_t n_types, PairLanes& lanes) {
    const auto size = static_cast<std::size_t>(n_types * kLanes);
    lanes.ligand.resize(size);
    lanes.receptor.resize(size);
    std::vector<std::uint8_t> sends(static_cast<std::size_t>(n_types), 0), receives(static_cast<std::size_t>(n_types), 0);
    for (const CoExpression& each : found) {
        if (std::exchange(sends[static_cast<std::size_t>(each.sender)], std::uint8_t{1}) == 0) sums.least_means(pair.ligand, each.sender, lanes.ligand.data() + each.sender * kLanes);
        if (std::exchange(receives[static_cast<std::size_t>(each.receiver)], std::uint8_t{1}) == 0) sums.least_means(pair.receptor, each.receiver, lanes.receptor.data() + each.receiver * kLanes);
    }
}

/// Calls body(pair of found: range, lanes) for every pair, in parallel.
template <class Code, class Body>
void for_each_pair(const LaneSums<Code>& sums, std::span<const PairGenes> pairs, std::span<const CoExpression> found, std::int32_t n_types, Context& context, const Body& body) {
    const std::vector<matrix::Range> ranges = ranges_of_pairs(found);
    matrix::ScratchPool<PairLanes> pool;
    parallel_blocks(context, std::ssize(ranges), 1, [&](Block block) {
        auto lanes = pool.take();
        const matrix::Range range = ranges[static_cast<std::size_t>(block.begin)];
        const auto own = found.subspan(static_cast<std::size_t>(range.begin), static_cast<std::size_t>(range.size()));
        pair_lanes(sums, pairs[static_cast<std::size_t>(own.front().pair)], own, n_types, *lanes);
        for (std::int64_t i = range.begin; i < range.end; ++i) {
            const CoExpression& each = found[static_cast<std::size_t>(i)];
            body(static_cast<std::size_t>(i), lanes->ligand.data() + each.sender * kLanes, lanes->receptor.data() + each.receiver * kLanes);
        }
    });
}

template <class Code>
std::vector<std::int64_t> count_as_high(const matrix::CompactColumns& genes, std::span<const PairGenes> pairs, std::span<const std::int32_t> types, std::int32_t n_types, std::span<const CoExpression> found,
                                        const CommunicationOptions& options, Context& context) {
    std::vector<std::int64_t> n_as_high(found.size(), 0);
    if (found.empty()) return n_as_high;
    const ShuffledCells<Code> cells = shuffled_cells<Code>(types);
    const NeededGenes needed = needed_genes(genes.n_cols(), pairs, found);
    context.require_memory(cells.size() * kLanes * static_cast<std::int64_t>(sizeof(Code)) + std::ssize(needed.gene) * n_types * kLanes * static_cast<std::int64_t>(sizeof(double)), "permutations");
    std::vector<Code> codes(static_cast<std::size_t>(cells.size() * kLanes));
    LaneSums<Code> sums(needed, n_types, cells);
    // The types as they are, in every lane.
    fill_codes(cells, 0, 0, options.seed, codes, context);
    sums.compute(genes, codes, context);
    std::vector<double> observed(found.size());
    for_each_pair(sums, pairs, found, n_types, context, [&](std::size_t i, const double* ligand, const double* receptor) { observed[i] = (ligand[0] + receptor[0]) * (1.0 - kRounding); });
    Progress progress(context, "permutations", options.permutations, "permutations");
    for (std::int64_t first = 0; first < options.permutations; first += kLanes) {
        const std::int64_t n = std::min<std::int64_t>(kLanes, options.permutations - first);
        fill_codes(cells, first, n, options.seed, codes, context);
        sums.compute(genes, codes, context);
        for_each_pair(sums, pairs, found, n_types, context, [&](std::size_t i, const double* ligand, const double* receptor) {
            std::int64_t as_high = 0;
            for (std::int64_t lane = 0; lane < n; ++lane) as_high += ligand[lane] + receptor[lane] >= observed[i];
            n_as_high[i] += as_high;
        });
        progress.advance(n);
    }
    return n_as_high;
}

}  // namespace

std::vector<std::int64_t> permutations_as_high(const matrix::CompactColumns& genes, std::span<const PairGenes> pairs, std::span<const std::int32_t> types, std::int32_t n_types,
                                               std::span<const CoExpression> found, const CommunicationOptions& options, Context& context) {
    constexpr std::int32_t types_in_a_byte = 256;
    return n_types <= types_in_a_byte ? count_as_high<std::uint8_t>(genes, pairs, types, n_types, found, options, context) : count_as_high<std::uint16_t>(genes, pairs, types, n_types, found, options, context);
}

}  // namespace morula::analysis
