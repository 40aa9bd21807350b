#include "morula/models/label_sums_simd.hpp"

#include <gtest/gtest.h>

#include "morula/core/random.hpp"
#include "tests/support/sources.hpp"

namespace morula::models {
namespace {

TEST(label_sums, vectors_give_the_bits_of_one_after_the_other) {
    EXPECT_EQ(padded_labels(1), 4);
    EXPECT_EQ(padded_labels(4), 4);
    EXPECT_EQ(padded_labels(9), 12);
    Random random(5, Purpose::test, 0, 0);
    for (const std::size_t n_labels : {4U, 8U, 12U, 16U, 20U, 36U, 64U}) {
        std::vector<double> rows(50 * n_labels);
        for (double& each : rows) each = random.normal();
        for (const std::size_t n : {0U, 1U, 7U, 200U}) {
            std::vector<std::uint32_t> ids;
            std::vector<float> values;
            for (std::size_t i = 0; i < n; ++i) ids.push_back(static_cast<std::uint32_t>(random.below(50))), values.push_back(static_cast<float>(random.normal()));
            std::vector<double> plain(n_labels);
            for (double& each : plain) each = random.normal();
            std::vector<double> vectors = plain;
            add_scaled_rows_plain(ids, values, rows.data(), plain);
            add_scaled_rows(ids, values, rows.data(), vectors);
            EXPECT_TRUE(test::same_bits(plain, vectors)) << n_labels << " labels, " << n << " entries";
        }
    }
}

TEST(label_sums, vectors_of_components_give_the_bits_of_one_after_the_other) {
    EXPECT_EQ(padded_components(50), 64);
    Random random(6, Purpose::test, 0, 0);
    for (const std::size_t n_components : {16U, 32U, 48U, 64U, 208U}) {
        std::vector<float> rows(40 * n_components);
        for (float& each : rows) each = static_cast<float>(random.normal());
        std::vector<std::uint32_t> ids;
        std::vector<float> values;
        for (std::size_t i = 0; i < 90; ++i) ids.push_back(static_cast<std::uint32_t>(random.below(40))), values.push_back(static_cast<float>(random.normal()));
        std::vector<float> plain(n_components, 0.5F);
        std::vector<float> vectors = plain;
        add_scaled_rows_plain(ids, values, rows.data(), plain);
        add_scaled_rows(ids, values, rows.data(), vectors);
        EXPECT_TRUE(test::same_bits(plain, vectors)) << n_components;
    }
}

}  // namespace
}  // namespace morula::models
