#include "morula/simulation/directions.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace morula::simulation {
namespace {

TEST(directions, are_even_on_the_sphere_and_the_circle) {
    for (const int dimensions : {2, 3}) {
        std::array<double, 3> mean{}, squares{};
        const int n = 20'000;
        for (int i = 0; i < n; ++i) {
            Random random(1, Purpose::test, static_cast<std::uint64_t>(i), 0);
            const auto direction = random_direction(random, dimensions);
            EXPECT_NEAR(std::hypot(direction[0], direction[1], direction[2]), 1.0, 1e-14);
            for (std::size_t axis = 0; axis < 3; ++axis) {
                mean[axis] += direction[axis] / n;
                squares[axis] += direction[axis] * direction[axis] / n;
            }
        }
        for (std::size_t axis = 0; axis < 3; ++axis) {
            EXPECT_NEAR(mean[axis], 0.0, 0.02);
            EXPECT_NEAR(squares[axis], static_cast<int>(axis) < dimensions ? 1.0 / dimensions : 0.0, 0.01);
        }
    }
}

}  // namespace
}  // namespace morula::simulation
