#include "morula/analysis/graph_connectivity.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/errors.hpp"

namespace morula::analysis {
namespace {

/// One neighbour a cell.
NeighborsResult chain(const std::vector<std::uint32_t>& neighbor) {
    NeighborsResult out;
    out.index = matrix::Dense<std::uint32_t>(std::ssize(neighbor), 1);
    out.index.values = neighbor;
    return out;
}

TEST(graph_connectivity, seven_cells_by_hand) {
    // Cells 0-1-2 hang together, 3 hangs on 4 of the other label; 4 and 5 hang together, 6 hangs on 2 of the other label.
    const std::vector<double> share = graph_connectivity(chain({1, 2, 1, 4, 5, 4, 2}), std::vector<std::int32_t>{0, 0, 0, 0, 1, 1, 1}, 3);
    EXPECT_EQ(share[0], 3.0 / 4.0);
    EXPECT_EQ(share[1], 2.0 / 3.0);
    EXPECT_TRUE(std::isnan(share[2])) << "no cell has the label";
}

TEST(graph_connectivity, a_neighbour_joins_in_either_direction) {
    EXPECT_EQ(graph_connectivity(chain({2, 2, 0}), std::vector<std::int32_t>{0, 0, 0}, 1)[0], 1.0);
    EXPECT_EQ(graph_connectivity(chain({1, 0, 3, 2}), std::vector<std::int32_t>{0, 0, 0, 0}, 1)[0], 0.5);
}

TEST(graph_connectivity, refuses_codes_that_do_not_fit) {
    EXPECT_EQ(test::error_code([] { graph_connectivity(chain({1, 0}), std::vector<std::int32_t>{0}, 1); }), ErrorCode::invalid_data);
    EXPECT_EQ(test::error_code([] { graph_connectivity(chain({1, 0}), std::vector<std::int32_t>{0, 1}, 1); }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::analysis
