#include "morula/simulation/medium.hpp"

#include <array>

namespace morula::simulation {

std::vector<std::int64_t> medium_voxels(const Grid& grid, std::span<const std::int64_t> occupied, Context& context) {
    context.require_memory(9 * grid.n_stored(), "the medium");
    enum : std::uint8_t { unseen, cell, medium };
    std::vector<std::uint8_t> is(static_cast<std::size_t>(grid.n_stored()), unseen);
    for (const std::int64_t place : occupied) is[static_cast<std::size_t>(place)] = cell;
    std::vector<std::int64_t> front;
    const auto reach = [&](std::int64_t place) {
        std::uint8_t& here = is[static_cast<std::size_t>(place)];
        if (here != unseen) return;
        here = medium;
        front.push_back(place);
    };
    const auto& n = grid.n;
    for (std::int64_t z = 0; z < n[2]; ++z) {
        for (std::int64_t y = 0; y < n[1]; ++y) {
            const bool is_side = y == 0 || y == n[1] - 1 || (!grid.is_flat() && (z == 0 || z == n[2] - 1));
            for (std::int64_t x = 0; x < n[0]; x += is_side || x == n[0] - 1 ? 1 : n[0] - 1) reach(grid.place(x, y, z));
        }
    }
    const std::array<std::int64_t, 3> step{1, grid.stride(), grid.stride() * n[1]};
    while (!front.empty()) {
        const std::int64_t place = front.back();
        front.pop_back();
        const std::array<std::int64_t, 3> at{place % step[1], place / step[1] % n[1], place / step[2]};
        for (std::size_t axis = 0; axis < 3; ++axis) {
            if (at[axis] > 0) reach(place - step[axis]);
            if (at[axis] + 1 < n[axis]) reach(place + step[axis]);
        }
    }
    std::vector<std::int64_t> places;
    for (std::size_t place = 0; place < is.size(); ++place) {
        if (is[place] == medium) places.push_back(static_cast<std::int64_t>(place));
    }
    return places;
}

}  // namespace morula::simulation
