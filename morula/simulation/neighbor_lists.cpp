#include "morula/simulation/neighbor_lists.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>

#include "morula/core/checked_cast.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/scratch_pool.hpp"
#include "morula/simulation/mechanics_simd.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kBlockAgents = 16'384;
/// Pieces of the counting sort: a fixed number, so that the order does not depend on the threads. Any number gives the same order.
constexpr std::int64_t kSortPieces = 8;
constexpr std::int64_t kFewestCells = 32'768;
constexpr std::int64_t kCellsAnAgent = 8;
/// What lists need in tissue: about 30 neighbours of 4 bytes.
constexpr std::int64_t kExpectedBytesAnAgent = 160;
/// For how long fast agents are listed ahead.
constexpr float kAheadMin = 1.0F;

template <class T>
std::int64_t bytes_of(const std::vector<T>& values) {
    return static_cast<std::int64_t>(values.capacity() * sizeof(T));
}

/// Lowest and highest value of one array, over blocks.
std::array<double, 2> range_of(const std::vector<double>& values, Context& context) {
    const auto n = static_cast<std::int64_t>(values.size());
    std::vector<std::array<double, 2>> parts(static_cast<std::size_t>((n + kBlockAgents - 1) / kBlockAgents));
    parallel_blocks(context, n, kBlockAgents, [&](Block block) {
        const auto [low, high] = std::minmax_element(values.begin() + block.begin, values.begin() + block.end);
        parts[static_cast<std::size_t>(block.index)] = {*low, *high};
    });
    std::array<double, 2> range = parts.front();
    for (const auto& part : parts) range = {std::min(range[0], part[0]), std::max(range[1], part[1])};
    return range;
}

[[noreturn]] void refuse_crowd(const Context& context) {
    fail(ErrorCode::resource_limit, fmt::format("The lists of neighbouring cells need more than the memory there is, {}: so many cells lie within reach of each other.", format_bytes(context.memory_bytes())),
         "Put fewer cells into one place (spacing_um, the radius of an injection), raise the limit with --memory, or use a machine with more memory.");
}

}  // namespace

/// Along x, where the cells of a row lie one behind the other in the arrays, cells are half as long: fewer agents are looked at in vain.
std::int64_t NeighborLists::Cells::along(std::size_t axis, float at) const { return std::clamp<std::int64_t>(static_cast<std::int64_t>(at / (axis == 0 ? 0.5F * edge : edge)), 0, n[axis] - 1); }

std::array<std::int64_t, 2> NeighborLists::Cells::around(std::size_t axis, float at, float far) const {
    // Rounding may put what is just within reach into the next cell: a little further is looked at.
    const float more = far + 1e-3F * edge;
    return {along(axis, at - more), along(axis, at + more)};
}

/// Fast agents are listed for where they will be: those that others push out of their way would else have lists built anew every few steps.
float NeighborLists::reach_ahead(const Agents& agents, std::size_t i) const {
    const float vx = agents.velocity_x[i], vy = agents.velocity_y[i], vz = agents.velocity_z[i];
    return reach(agents, i) + std::min(0.5F * skin_um_, kAheadMin * std::sqrt(vx * vx + vy * vy + vz * vz));
}

std::int64_t NeighborLists::most_cells(std::int64_t n_agents) { return std::max(kFewestCells, kCellsAnAgent * n_agents); }

NeighborLists::Cells NeighborLists::choose_cells(const Agents& agents, Context& context) {
    const std::array<std::array<double, 2>, 3> range{range_of(agents.x, context), range_of(agents.y, context), range_of(agents.z, context)};
    std::vector<float> largest(static_cast<std::size_t>((agents.size() + kBlockAgents - 1) / kBlockAgents), 0.0F);
    parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
        float& most = largest[static_cast<std::size_t>(block.index)];
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) most = std::max(most, reach_ahead(agents, i));
    });
    Cells cells;
    largest_reach_ = *std::max_element(largest.begin(), largest.end());
    cells.edge = 2.0F * largest_reach_ + skin_um_;
    const std::int64_t most = most_cells(agents.size());
    for (;; cells.edge *= 1.25F) {
        double count = 1.0;
        for (std::size_t axis = 0; axis < 3; ++axis) {
            origin_[axis] = range[axis][0];
            const double n = std::floor((range[axis][1] - range[axis][0]) / static_cast<double>(axis == 0 ? 0.5F * cells.edge : cells.edge)) + 1.0;
            MORULA_ASSERT(std::isfinite(n));
            cells.n[axis] = static_cast<std::int64_t>(std::min(n, 1e9));
            count *= n;
        }
        if (count <= static_cast<double>(most)) return cells;
    }
}

void NeighborLists::sort_by_cell(Agents& agents, Workspace& workspace, Context& context) {
    const Cells& cells = cells_;
    const std::int64_t n = agents.size();
    const std::int64_t piece = (n + kSortPieces - 1) / kSortPieces;
    const std::int64_t n_cells = cells.count();
    const auto lent = workspace.lend<std::uint32_t, std::uint32_t, std::uint64_t, std::uint32_t>(n, n, n, n_cells * kSortPieces);
    const std::span<std::uint32_t> cell_of = std::get<0>(lent), order = std::get<1>(lent), histogram = std::get<3>(lent);
    std::fill(histogram.begin(), histogram.end(), 0U);
    cell_begin_.resize(static_cast<std::size_t>(n_cells + 1));
    parallel_blocks(context, n, piece, [&](Block block) {
        std::uint32_t* count = histogram.data() + block.index * n_cells;
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            const auto along = [&](std::size_t axis, double position) { return cells.along(axis, static_cast<float>(position - origin_[axis])); };
            const std::int64_t cell = (along(2, agents.z[i]) * cells.n[1] + along(1, agents.y[i])) * cells.n[0] + along(0, agents.x[i]);
            cell_of[i] = static_cast<std::uint32_t>(cell);
            ++count[cell];
        }
    });
    std::uint32_t before = 0;
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
        cell_begin_[static_cast<std::size_t>(cell)] = before;
        for (std::int64_t p = 0; p < kSortPieces; ++p) {
            std::uint32_t& count = histogram[static_cast<std::size_t>(p * n_cells + cell)];
            const std::uint32_t here = count;
            count = before;
            before += here;
        }
    }
    cell_begin_.back() = before;
    parallel_blocks(context, n, piece, [&](Block block) {
        std::uint32_t* next = histogram.data() + block.index * n_cells;
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) order[next[cell_of[i]]++] = static_cast<std::uint32_t>(i);
    });
    sort_agents(agents, order, std::get<2>(lent), context);
}

void NeighborLists::keep_places(const Agents& agents, Context& context) {
    const auto padded = static_cast<std::size_t>(n_ + mechanics_simd::kPadding);
    for (std::vector<float>* values : {&x_, &y_, &z_, &reach_}) {
        resize_with_room(*values, padded);
        std::fill(values->end() - mechanics_simd::kPadding, values->end(), 0.0F);
    }
    parallel_blocks(context, n_, kBlockAgents, [&](Block block) {
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            x_[i] = static_cast<float>(agents.x[i] - origin_[0]);
            y_[i] = static_cast<float>(agents.y[i] - origin_[1]);
            z_[i] = static_cast<float>(agents.z[i] - origin_[2]);
            reach_[i] = reach_ahead(agents, i);
        }
    });
}

void NeighborLists::list_neighbors(Context& context) {
    const Cells& cells = cells_;
    room_->reuse();
    chunks_.resize(static_cast<std::size_t>((n_ + kListChunk - 1) / kListChunk));
    std::atomic<std::int64_t> listed{0};
    const std::int64_t most = context.memory_bytes() / static_cast<std::int64_t>(sizeof(std::uint32_t));
    matrix::ScratchPool<std::vector<std::uint32_t>> scratch;
    const mechanics_simd::Near near{x_.data(), y_.data(), z_.data(), reach_.data()};
    parallel_blocks(context, n_, kListChunk, [&](Block block) {
        const std::span<std::uint32_t> begins = room_->take<std::uint32_t>(block.size() + 1);
        auto found = scratch.take();
        std::int64_t count = 0;
        for (std::int64_t i = block.begin; i < block.end; ++i) {
            begins[static_cast<std::size_t>(i - block.begin)] = checked_cast<std::uint32_t>(count / kListGroup);
            const auto a = static_cast<std::size_t>(i);
            const float far = reach_[a] + largest_reach_ + skin_um_;
            const auto [first_x, last_x] = cells.around(0, x_[a], far);
            const auto [first_y, last_y] = cells.around(1, y_[a], far);
            const auto [first_z, last_z] = cells.around(2, z_[a], far);
            for (std::int64_t cz = first_z; cz <= last_z; ++cz) {
                for (std::int64_t cy = first_y; cy <= last_y; ++cy) {
                    const std::int64_t row = (cz * cells.n[1] + cy) * cells.n[0];
                    const std::int64_t begin = cell_begin_[static_cast<std::size_t>(row + first_x)];
                    const std::int64_t end = cell_begin_[static_cast<std::size_t>(row + last_x + 1)];
                    const std::int64_t room = count + (end - begin) + mechanics_simd::kPadding + kListGroup;
                    if (static_cast<std::int64_t>(found->size()) < room) found->resize(static_cast<std::size_t>(2 * room));
                    count += mechanics_simd::near(near, i, begin, end, skin_um_, found->data() + count);
                }
            }
            if (count > most - listed.load(std::memory_order_relaxed)) refuse_crowd(context);
            while (count % kListGroup != 0) (*found)[static_cast<std::size_t>(count++)] = static_cast<std::uint32_t>(n_);
        }
        begins.back() = checked_cast<std::uint32_t>(count / kListGroup);
        const std::span<std::uint32_t> list = room_->take<std::uint32_t>(count);
        std::copy_n(found->begin(), count, list.begin());
        chunks_[static_cast<std::size_t>(block.index)] = {begins, list};
        listed.fetch_add(count, std::memory_order_relaxed);
    });
}

void NeighborLists::build(Agents& agents, Workspace& workspace, Context& context) {
    clear();
    const std::int64_t n = agents.size();
    MORULA_ASSERT(n < std::numeric_limits<std::uint32_t>::max());
    if (n > 0) {
        context.require_memory(kExpectedBytesAnAgent * n, "the neighbour lists");
        cells_ = choose_cells(agents, context);
        sort_by_cell(agents, workspace, context);
        n_ = n;
        keep_places(agents, context);
        list_neighbors(context);
    }
    n_ = n;
}

void NeighborLists::clear() { n_ = -1; }

void NeighborLists::save(StateWriter& out) const {
    out.put(n_);
    if (n_ <= 0) return;
    out.put(cells_.n);
    out.put(cells_.edge);
    out.put(largest_reach_);
    out.put(origin_);
    for (const std::vector<float>* values : {&x_, &y_, &z_, &reach_}) out.put(*values);
}

void NeighborLists::load(StateReader& in, std::int64_t n_agents, Context& context) {
    in.get(n_);
    if (n_ <= 0) return;
    in.get(cells_.n);
    in.get(cells_.edge);
    in.get(largest_reach_);
    in.get(origin_);
    const auto is_side = [&](std::int64_t n) { return n > 0 && n <= most_cells(n_agents); };
    if (n_ != n_agents || !(cells_.edge > 0.0F) || !(largest_reach_ >= 0.0F && 2.0F * largest_reach_ <= cells_.edge) || !is_side(cells_.n[0]) || !is_side(cells_.n[1]) || !is_side(cells_.n[2]) ||
        static_cast<double>(cells_.n[0]) * static_cast<double>(cells_.n[1]) * static_cast<double>(cells_.n[2]) > static_cast<double>(most_cells(n_agents))) {
        in.damaged("its neighbour lists are not those of its agents");
    }
    for (std::vector<float>* values : {&x_, &y_, &z_, &reach_}) {
        in.get(*values);
        if (static_cast<std::int64_t>(values->size()) != n_ + mechanics_simd::kPadding) in.damaged("its neighbour lists are not those of its agents");
    }
    cell_begin_.assign(static_cast<std::size_t>(cells_.count() + 1), 0);
    std::int64_t before = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(n_); ++i) {
        for (const float at : {x_[i], y_[i], z_[i]}) {
            if (!(at >= 0.0F && at / cells_.edge < 5e8F)) in.damaged("an agent is out of place");
        }
        const std::int64_t cell = (cells_.along(2, z_[i]) * cells_.n[1] + cells_.along(1, y_[i])) * cells_.n[0] + cells_.along(0, x_[i]);
        if (cell < before) in.damaged("its agents are not sorted");
        before = cell;
        ++cell_begin_[static_cast<std::size_t>(cell + 1)];
    }
    std::partial_sum(cell_begin_.begin(), cell_begin_.end(), cell_begin_.begin());
    list_neighbors(context);
}

std::int64_t NeighborLists::n_listed() const {
    std::int64_t n = 0;
    for (const ListChunk& chunk : chunks_) n += static_cast<std::int64_t>(chunk.list.size());
    return n;
}

std::int64_t NeighborLists::bytes() const {
    return bytes_of(x_) + bytes_of(y_) + bytes_of(z_) + bytes_of(reach_) + bytes_of(cell_begin_) + room_->bytes();
}

}  // namespace morula::simulation
