#include "morula/simulation/voxel_sums.hpp"

#include <algorithm>
#include <array>

#include "morula/core/parallel.hpp"
#include "morula/simulation/voxel_places_simd.hpp"

namespace morula::simulation {
namespace {

/// Pieces depend on the number of agents alone, so that the order of the sums does not depend on the threads. Few are better: where pieces meet, both hold the voxels.
constexpr std::int64_t kPieces = 16;
constexpr std::int64_t kFewestInAPiece = 4'096;
constexpr std::int64_t kBlockVoxels = 4'096;
/// Agents whose rates are found at once: they stay in the cache until they are added.
constexpr std::int64_t kBatch = 1'024;

/// Sums of a piece of the agents over the voxels [first, first + n): source and sink of each substance one behind the other.
struct Piece {
    std::int64_t first = 0;
    std::int64_t n = 0;
    double* sums = nullptr;
};

/// Places of the agents [begin, begin + out.size()).
void find_places(const Grid& grid, const Agents& agents, std::int64_t begin, std::span<std::int64_t> out) {
    const auto of = [&](const std::vector<double>& values) { return std::span(values).subspan(static_cast<std::size_t>(begin), out.size()); };
    voxel_places::find(grid, of(agents.x), of(agents.y), of(agents.z), out);
}

std::vector<Piece> find_pieces(const Grid& grid, const Agents& agents, std::int64_t in_a_piece, Context& context) {
    std::vector<Piece> pieces(static_cast<std::size_t>((agents.size() + in_a_piece - 1) / in_a_piece));
    parallel_blocks(context, agents.size(), in_a_piece, [&](Block block) {
        std::int64_t low = grid.n_stored(), high = 0;
        std::array<std::int64_t, kBatch> place;
        for (std::int64_t begin = block.begin; begin < block.end; begin += kBatch) {
            const auto here = std::span(place).first(static_cast<std::size_t>(std::min(kBatch, block.end - begin)));
            find_places(grid, agents, begin, here);
            for (const std::int64_t at : here) {
                low = std::min(low, at);
                high = std::max(high, at);
            }
        }
        pieces[static_cast<std::size_t>(block.index)] = {.first = low, .n = high - low + 1};
    });
    return pieces;
}

void merge(const Grid& grid, std::span<const Piece> pieces, std::span<const VoxelRates> rates, Context& context) {
    const double per_voxel = 1.0 / grid.voxel_volume_um3();
    const std::int64_t n_blocks = (grid.n_stored() + kBlockVoxels - 1) / kBlockVoxels;
    parallel_blocks(context, n_blocks * std::ssize(rates), 1, [&](Block block) {
        const auto s = static_cast<std::size_t>(block.begin / n_blocks);
        const std::int64_t begin = block.begin % n_blocks * kBlockVoxels, end = std::min(begin + kBlockVoxels, grid.n_stored());
        for (const std::size_t part : {std::size_t{0}, std::size_t{1}}) {
            double* out = (part == 0 ? rates[s].source : rates[s].sink).data();
            std::fill(out + begin, out + end, 0.0);
            for (const Piece& piece : pieces) {
                const double* sums = piece.sums + static_cast<std::int64_t>(2 * s + part) * piece.n;
                for (std::int64_t v = std::max(begin, piece.first); v < std::min(end, piece.first + piece.n); ++v) out[v] += sums[v - piece.first];
            }
            for (std::int64_t v = begin; v < end; ++v) out[v] *= per_voxel;
        }
    });
}

}  // namespace

std::vector<VoxelRates> add_up_voxels(const Grid& grid, const Agents& agents, std::span<const std::int32_t> substances, const AgentRates& rates, Workspace& workspace, Context& context) {
    const std::int64_t in_a_piece = std::max(kFewestInAPiece, (agents.size() + kPieces - 1) / kPieces);
    const std::int64_t n_sums = 2 * std::ssize(substances);
    std::vector<Piece> pieces = find_pieces(grid, agents, in_a_piece, context);
    std::int64_t n_in_pieces = 0;
    for (const Piece& piece : pieces) n_in_pieces += n_sums * piece.n;
    context.require_memory(8 * (n_sums * grid.n_stored() + n_in_pieces), "what cells exchange");
    const auto [whole, of_pieces] = workspace.lend<double, double>(n_sums * grid.n_stored(), n_in_pieces);
    std::vector<VoxelRates> sums;
    const auto n_stored = static_cast<std::size_t>(grid.n_stored());
    for (std::size_t s = 0; s < substances.size(); ++s) sums.push_back({whole.subspan(2 * s * n_stored, n_stored), whole.subspan((2 * s + 1) * n_stored, n_stored)});
    double* next = of_pieces.data();
    for (Piece& piece : pieces) next = (piece.sums = next) + n_sums * piece.n;
    parallel_blocks(context, agents.size(), in_a_piece, [&](Block block) {
        const Piece& piece = pieces[static_cast<std::size_t>(block.index)];
        std::fill_n(piece.sums, n_sums * piece.n, 0.0);
        std::array<float, kBatch> secretion, clearance;
        std::array<std::int64_t, kBatch> place;
        for (std::int64_t begin = block.begin; begin < block.end; begin += kBatch) {
            const auto n = static_cast<std::size_t>(std::min(kBatch, block.end - begin));
            find_places(grid, agents, begin, std::span(place).first(n));
            for (std::size_t s = 0; s < substances.size(); ++s) {
                rates(substances[s], begin, std::span(secretion).first(n), std::span(clearance).first(n));
                double* source = piece.sums + static_cast<std::int64_t>(2 * s) * piece.n;
                double* sink = source + piece.n;
                for (std::size_t k = 0; k < n; ++k) {
                    source[place[k] - piece.first] += static_cast<double>(secretion[k]);
                    sink[place[k] - piece.first] += static_cast<double>(clearance[k]);
                }
            }
        }
    });
    merge(grid, pieces, sums, context);
    return sums;
}

}  // namespace morula::simulation
