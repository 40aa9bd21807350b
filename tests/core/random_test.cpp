#include "morula/core/random.hpp"

#include <gtest/gtest.h>

#include <Random123/philox.h>

#include <cmath>
#include <vector>

namespace morula {
namespace {

TEST(random, philox_gives_the_published_known_answer) {
    // Random123's kat_vectors: philox4x32, 10 rounds, all counter and key words ffffffff.
    const r123::Philox4x32::ctr_type counter{{0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu}};
    const r123::Philox4x32::key_type key{{0xffffffffu, 0xffffffffu}};
    const auto out = r123::Philox4x32()(counter, key);
    EXPECT_EQ(out[0], 0x408f276du);
    EXPECT_EQ(out[1], 0x41c83b0eu);
    EXPECT_EQ(out[2], 0xa20bc7c6u);
    EXPECT_EQ(out[3], 0x6d5451fdu);
}

TEST(random, a_stream_depends_on_each_part_of_its_key) {
    const auto first = [](std::uint64_t seed, Purpose purpose, std::uint64_t item, std::uint32_t step) { return Random(seed, purpose, item, step).next_u64(); };
    const std::uint64_t base = first(1, Purpose::test, 2, 3);
    EXPECT_EQ(base, first(1, Purpose::test, 2, 3));
    EXPECT_NE(base, first(2, Purpose::test, 2, 3));
    EXPECT_NE(base, first(1, Purpose::umap_start, 2, 3));
    EXPECT_NE(base, first(1, Purpose::test, 3, 3));
    EXPECT_NE(base, first(1, Purpose::test, 2 + (std::uint64_t{1} << 32), 3));
    EXPECT_NE(base, first(1, Purpose::test, 2, 4));
}

struct Moments {
    double mean = 0.0;
    double variance = 0.0;
};
template <class Draw>
Moments moments_of(Draw draw) {
    constexpr int n = 200'000;
    std::vector<double> values(n);
    for (double& value : values) value = draw();
    Moments m;
    for (const double value : values) m.mean += value / n;
    for (const double value : values) m.variance += (value - m.mean) * (value - m.mean) / n;
    return m;
}

TEST(random, distributions_have_their_mean_and_variance) {
    Random random(5, Purpose::test, 0, 0);
    const Moments uniform = moments_of([&] { return random.uniform(); });
    EXPECT_NEAR(uniform.mean, 0.5, 0.005);
    EXPECT_NEAR(uniform.variance, 1.0 / 12.0, 0.002);
    const Moments normal = moments_of([&] { return random.normal(); });
    EXPECT_NEAR(normal.mean, 0.0, 0.01);
    EXPECT_NEAR(normal.variance, 1.0, 0.02);
    for (const double mean : {0.3, 4.0, 29.5, 30.5, 800.0}) {
        const Moments poisson = moments_of([&] { return static_cast<double>(random.poisson(mean)); });
        EXPECT_NEAR(poisson.mean / mean, 1.0, 0.02) << mean;
        EXPECT_NEAR(poisson.variance / mean, 1.0, 0.03) << mean;
    }
    for (const double shape : {0.4, 2.5}) {
        const Moments gamma = moments_of([&] { return random.gamma(shape, 3.0); });
        EXPECT_NEAR(gamma.mean / (shape * 3.0), 1.0, 0.02);
        EXPECT_NEAR(gamma.variance / (shape * 9.0), 1.0, 0.05);
    }
}

TEST(random, below_stays_below_and_reaches_all) {
    Random random(9, Purpose::test, 0, 0);
    std::vector<int> seen(7, 0);
    for (int i = 0; i < 7000; ++i) ++seen.at(random.below(7));
    for (const int n : seen) EXPECT_NEAR(n, 1000, 150);
}

}  // namespace
}  // namespace morula
