#include "morula/simulation/voxel_sums.hpp"

#include <algorithm>
#include <array>

#include "morula/core/parallel.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::simulation {
namespace {

/// Pieces depend on the number of agents alone, so that the order of the sums does not depend on the threads. Few are better: where pieces meet, both hold the voxels.
constexpr std::int64_t kPieces = 16;
constexpr std::int64_t kFewestInAPiece = 4'096;
constexpr std::int64_t kBlockVoxels = 4'096;
/// Agents whose rates are found at once: they stay in the cache until they are added.
constexpr std::int64_t kBatch = 1'024;

/// Places of the agents of a block; the lowest and the highest.
std::array<std::int64_t, 2> find_places(const Grid& grid, const Agents& agents, Block block, std::vector<std::int64_t>& places) {
    places.resize(static_cast<std::size_t>(block.size()));
    std::array<std::int64_t, 2> range{grid.n_stored(), 0};
    for (std::int64_t i = block.begin; i < block.end; ++i) {
        const auto a = static_cast<std::size_t>(i);
        const std::int64_t place = grid.place(nearest_voxel(grid, 0, agents.x[a]), nearest_voxel(grid, 1, agents.y[a]), nearest_voxel(grid, 2, agents.z[a]));
        places[static_cast<std::size_t>(i - block.begin)] = place;
        range = {std::min(range[0], place), std::max(range[1], place)};
    }
    return range;
}

}  // namespace

void VoxelSums::merge(const Grid& grid, Context& context) {
    const double per_voxel = 1.0 / grid.voxel_volume_um3();
    const std::int64_t n_blocks = (grid.n_stored() + kBlockVoxels - 1) / kBlockVoxels;
    parallel_blocks(context, n_blocks * static_cast<std::int64_t>(rates_.size()), 1, [&](Block block) {
        const auto s = static_cast<std::size_t>(block.begin / n_blocks);
        const std::int64_t begin = block.begin % n_blocks * kBlockVoxels, end = std::min(begin + kBlockVoxels, grid.n_stored());
        for (const std::size_t part : {std::size_t{0}, std::size_t{1}}) {
            double* out = (part == 0 ? rates_[s].source : rates_[s].sink).data();
            std::fill(out + begin, out + end, 0.0);
            for (const Piece& piece : pieces_) {
                const double* sums = piece.sums.data() + static_cast<std::int64_t>(2 * s + part) * piece.n;
                for (std::int64_t v = std::max(begin, piece.first); v < std::min(end, piece.first + piece.n); ++v) out[v] += sums[v - piece.first];
            }
            for (std::int64_t v = begin; v < end; ++v) out[v] *= per_voxel;
        }
    });
}

const std::vector<VoxelRates>& VoxelSums::add_up(const Grid& grid, const Agents& agents, std::span<const std::int32_t> substances, const AgentRates& rates, Context& context) {
    const std::int64_t in_a_piece = std::max(kFewestInAPiece, (agents.size() + kPieces - 1) / kPieces);
    pieces_.resize(static_cast<std::size_t>((agents.size() + in_a_piece - 1) / in_a_piece));
    rates_.resize(substances.size());
    context.require_memory(16 * grid.n_stored() * std::ssize(substances), "what cells exchange");
    for (VoxelRates& of_substance : rates_) {
        of_substance.source.resize(static_cast<std::size_t>(grid.n_stored()));
        of_substance.sink.resize(static_cast<std::size_t>(grid.n_stored()));
    }
    matrix::ScratchPool<std::vector<std::int64_t>> scratch;
    parallel_blocks(context, agents.size(), in_a_piece, [&](Block block) {
        Piece& piece = pieces_[static_cast<std::size_t>(block.index)];
        auto places = scratch.take();
        const auto [low, high] = find_places(grid, agents, block, *places);
        piece.first = low;
        piece.n = high - low + 1;
        context.require_memory(16 * piece.n * std::ssize(substances), "what cells exchange");
        piece.sums.assign(static_cast<std::size_t>(2 * piece.n * std::ssize(substances)), 0.0);
        std::vector<float> secretion(kBatch), clearance(kBatch);
        for (std::int64_t begin = block.begin; begin < block.end; begin += kBatch) {
            const auto n = static_cast<std::size_t>(std::min(kBatch, block.end - begin));
            const std::int64_t* place = places->data() + (begin - block.begin);
            for (std::size_t s = 0; s < substances.size(); ++s) {
                rates(substances[s], begin, std::span(secretion).first(n), std::span(clearance).first(n));
                double* source = piece.sums.data() + static_cast<std::int64_t>(2 * s) * piece.n;
                double* sink = source + piece.n;
                for (std::size_t k = 0; k < n; ++k) {
                    source[place[k] - low] += static_cast<double>(secretion[k]);
                    sink[place[k] - low] += static_cast<double>(clearance[k]);
                }
            }
        }
    });
    merge(grid, context);
    return rates_;
}

std::int64_t VoxelSums::bytes() const {
    std::int64_t bytes = 0;
    for (const Piece& piece : pieces_) bytes += static_cast<std::int64_t>(8 * piece.sums.capacity());
    for (const VoxelRates& rates : rates_) bytes += static_cast<std::int64_t>(8 * (rates.source.capacity() + rates.sink.capacity()));
    return bytes;
}

}  // namespace morula::simulation
