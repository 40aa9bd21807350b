#include "morula/analysis/ambient_profile.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/support/contexts.hpp"

namespace morula::analysis {
namespace {

TEST(ambient_profile, unseen_genes_share_what_genes_seen_once_give_up) {
    const std::vector<double> counts{1, 1, 2, 3, 5, 0, 0, 0};
    const std::vector<std::uint8_t> takes_part{1, 1, 1, 1, 1, 1, 1, 0};
    const std::vector<double> p = good_turing(counts, takes_part);
    EXPECT_NEAR(p[5], 2.0 / 12.0 / 2.0, 1e-15);
    EXPECT_EQ(p[5], p[6]);
    EXPECT_EQ(p[7], 0.0);
    double sum = 0.0;
    for (const double each : p) sum += each;
    EXPECT_NEAR(sum, 1.0, 1e-14);
    EXPECT_LT(p[0], p[2]);
    EXPECT_LT(p[3], p[4]);
}

TEST(ambient_profile, nothing_unseen_gives_up_nothing_and_nothing_seen_is_refused) {
    const std::vector<double> counts{4, 6};
    const std::vector<std::uint8_t> takes_part{1, 1};
    const std::vector<double> p = good_turing(counts, takes_part);
    EXPECT_NEAR(p[0] + p[1], 1.0, 1e-15);
    const std::vector<double> none{0, 0};
    EXPECT_EQ(test::error_code([&] { good_turing(none, takes_part); }), ErrorCode::invalid_data);
}

/// Droplets of 60 counts, from a Polya urn over 50 genes of uneven probability.
AmbientEntries droplets(const AmbientModel& model, int n) {
    AmbientEntries entries;
    for (int i = 0; i < n; ++i) {
        Random random(5, Purpose::test, static_cast<std::uint64_t>(i), 0);
        std::map<std::uint64_t, std::uint64_t> counts;
        std::vector<std::uint64_t> drawn;
        for (int count = 0; count < 60; ++count) {
            const double place = random.uniform() * (count + model.precision());
            const std::uint64_t gene = place < count ? drawn[static_cast<std::size_t>(place)] : model.draws().draw(random.next_u64());
            drawn.push_back(gene);
            ++counts[gene];
        }
        for (const auto& [gene, count] : counts) {
            if (count >= 2) entries.repeated.push_back(gene << 32 | count);
        }
        entries.totals.push_back(60);
    }
    return entries;
}

std::vector<double> uneven() {
    std::vector<double> p;
    double sum = 0.0;
    for (int gene = 0; gene < 50; ++gene) sum += p.emplace_back(1.0 / (gene + 2.0));
    for (double& each : p) each /= sum;
    return p;
}

TEST(ambient_profile, the_precision_that_made_the_droplets_is_found) {
    for (const double truth : {30.0, 300.0}) {
        const AmbientModel model(uneven(), truth);
        EXPECT_NEAR(std::log(ambient_precision(droplets(model, 3000), model.profile())), std::log(truth), 0.08) << truth;
    }
}

TEST(ambient_profile, droplets_that_never_repeat_a_gene_are_multinomial) {
    const std::vector<double> profile(50, 0.02);
    EXPECT_TRUE(std::isinf(ambient_precision({{}, {10, 10, 10}}, profile)));
}

TEST(ambient_profile, a_grown_droplet_has_the_likelihood_of_its_counts) {
    for (const double precision : {40.0, std::numeric_limits<double>::infinity()}) {
        const AmbientModel model({0.5, 0.3, 0.2, 0.0}, precision);
        AmbientDroplet droplet(model);
        double probability = 0.0;
        // Every droplet of 4 counts, drawn often: its frequency is exp(log probability).
        std::map<double, int> seen;
        constexpr int kDroplets = 40000;
        for (int i = 0; i < kDroplets; ++i) {
            Random random(1, Purpose::test, static_cast<std::uint64_t>(i), 1);
            droplet.empty();
            while (droplet.total() < 4) droplet.add_count(random);
            ++seen[std::round(droplet.statistic() * 1e9) / 1e9];
        }
        double unlike = 0.0;
        std::map<double, double> expected;
        for (std::uint32_t a = 0; a <= 4; ++a) {
            for (std::uint32_t b = 0; a + b <= 4; ++b) {
                std::vector<std::uint32_t> genes;
                std::vector<float> counts;
                for (const auto& [gene, count] : std::map<std::uint32_t, std::uint32_t>{{0, a}, {1, b}, {2, 4 - a - b}}) {
                    if (count == 0) continue;
                    genes.push_back(gene);
                    counts.push_back(static_cast<float>(count));
                }
                const double statistic = model.statistic(genes, counts);
                probability += std::exp(statistic + model.of_total(4));
                expected[std::round(statistic * 1e9) / 1e9] += std::exp(statistic + model.of_total(4));
            }
        }
        EXPECT_NEAR(probability, 1.0, 1e-12);
        for (const auto& [statistic, share] : expected) unlike = std::max(unlike, std::abs(seen[statistic] / double{kDroplets} - share) / std::sqrt(share / kDroplets));
        EXPECT_LT(unlike, 4.5);
    }
}

}  // namespace
}  // namespace morula::analysis
