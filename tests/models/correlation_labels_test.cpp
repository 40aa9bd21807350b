#include "morula/models/correlation_labels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::models {
namespace {

/// Three labels: genes 0-2 mark the first, 3-5 the second, 6-8 the third; the second and third share gene 9.
matrix::Dense<float> profile_cells() {
    matrix::Dense<float> cells(6, 10);
    for (std::int64_t cell = 0; cell < 6; ++cell) {
        const std::int64_t label = cell / 2;
        for (std::int64_t i = 0; i < 3; ++i) cells(cell, 3 * label + i) = static_cast<float>(3 - i);
        if (label > 0) cells(cell, 9) = 2.5F;
    }
    return cells;
}

TEST(label_profiles, take_the_genes_with_the_largest_differences) {
    const auto context = test::make_context(1);
    const std::vector<std::int32_t> label{0, 0, 1, 1, 2, 2};
    const LabelProfiles profiles = label_profiles(*matrix::make_source(test::to_csr(profile_cells())), label, 3, {.n_markers = 2}, *context);
    // 0 over 1 and 2: genes 0, 1. 1 over 0: 3 (3) and 9 (2.5); over 2: 3, 4. 2 over 0: 6, 9; over 1: 6, 7.
    EXPECT_EQ(profiles.genes, (std::vector<std::int64_t>{0, 1, 3, 4, 6, 7, 9}));
    EXPECT_EQ(profiles.markers_of_pair[1 * 3 + 0], (std::vector<std::int32_t>{2, 6}));
    EXPECT_EQ(profiles.markers_of_pair[1 * 3 + 2], (std::vector<std::int32_t>{2, 3}));
    EXPECT_FLOAT_EQ(profiles.mean(2, 6), 2.5F);
}

TEST(correlation_labels, are_spearmans_by_hand_and_fine_tuned) {
    const auto context = test::make_context(1);
    const std::vector<std::int32_t> label{0, 0, 1, 1, 2, 2};
    const CorrelationLabelsOptions options{.n_markers = 3, .fine_tune_margin = 0.05};
    const LabelProfiles profiles = label_profiles(*matrix::make_source(test::to_csr(profile_cells())), label, 3, options, *context);
    matrix::Dense<float> query(3, 10);
    query(0, 0) = 3.0F, query(0, 1) = 2.0F, query(0, 2) = 1.0F;  // the first label's own profile
    query(1, 9) = 2.0F, query(1, 3) = 1.0F;                      // the shared gene and one of the second's
    const CorrelationLabels found = correlation_labels(profiles, test::to_csr(query).view(), options, *context);
    EXPECT_EQ(found.label[0], 0);
    EXPECT_NEAR(found.correlation[0], 1.0, 1e-6);
    EXPECT_EQ(found.label[1], 1);
    EXPECT_EQ(found.label[2], -1);  // none of the genes
    EXPECT_TRUE(std::isnan(found.correlation[2]));
}

/// Spearman's correlation the long way round: mean ranks of all values, then Pearson's.
double plain_spearman(const std::vector<double>& a, const std::vector<double>& b) {
    const auto ranks = [](const std::vector<double>& values) {
        std::vector<double> out;
        for (const double value : values) {
            double below = 0.0;
            double same = 0.0;
            for (const double other : values) {
                below += other < value ? 1.0 : 0.0;
                same += other == value ? 1.0 : 0.0;
            }
            out.push_back(below + 0.5 * (same + 1.0));
        }
        return out;
    };
    const std::vector<double> x = ranks(a);
    const std::vector<double> y = ranks(b);
    const double middle = 0.5 * (static_cast<double>(x.size()) + 1.0);
    double xy = 0.0;
    double xx = 0.0;
    double yy = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        xy += (x[i] - middle) * (y[i] - middle);
        xx += (x[i] - middle) * (x[i] - middle);
        yy += (y[i] - middle) * (y[i] - middle);
    }
    return xy / std::sqrt(xx * yy);
}

/// Every 17th cell's correlation with its best label, against the long way round.
void expect_spearmans(const matrix::Csr& cells) {
    const auto context = test::make_context(2);
    std::vector<std::int32_t> label;
    for (std::int32_t cell = 0; cell < 300; ++cell) label.push_back(cell % 3);
    const CorrelationLabelsOptions options{.n_markers = 20, .fine_tune_margin = 0.0};
    const LabelProfiles profiles = label_profiles(*matrix::make_view_source(cells.view()), label, 3, options, *context);
    const matrix::Csr values = matrix::read_all(*matrix::select_cols(matrix::make_view_source(cells.view()), profiles.genes), *context);
    const CorrelationLabels found = correlation_labels(profiles, cells.view(), options, *context);
    const matrix::Dense<float> dense = test::to_dense(values.view());
    for (std::int64_t cell = 0; cell < 300; cell += 17) {
        const std::vector<double> own(dense.row(cell).begin(), dense.row(cell).end());
        double best = -2.0;
        for (std::int64_t l = 0; l < 3; ++l) best = std::max(best, plain_spearman(own, std::vector<double>(profiles.mean.row(l).begin(), profiles.mean.row(l).end())));
        EXPECT_NEAR(found.correlation[static_cast<std::size_t>(cell)], best, 1e-5);
    }
}

TEST(correlation_labels, score_is_spearmans_with_ties_on_random_counts) { expect_spearmans(test::random_counts(300, 80, 0.2, 5)); }

TEST(correlation_labels, score_is_spearmans_where_nearly_all_values_differ) {
    matrix::Csr cells = test::random_counts(300, 160, 0.9, 7);
    for (std::size_t i = 0; i < cells.values.size(); ++i) cells.values[i] += static_cast<float>(i % 211) / 211.0F;
    expect_spearmans(cells);
}

/// Profiles, cells and calls that oracles/singler.R wrote.
struct SingleR {
    std::vector<std::vector<float>> profiles, cells;
    std::vector<std::int32_t> first, tuned;          // labels before and after fine tuning
    std::vector<std::vector<float>> correlation;     // with each label, before

    SingleR() {
        std::ifstream file(MORULA_SOURCE_DIR "/tests/models/fixtures/singler.csv");
        for (std::string line; std::getline(file, line);) {
            if (line.empty() || line[0] == '#') continue;
            std::vector<std::string> fields;
            std::stringstream text(line);
            for (std::string field; std::getline(text, field, ',');) fields.push_back(field);
            const auto numbers = [&](std::size_t from) {
                std::vector<float> out;
                for (std::size_t i = from; i < fields.size(); ++i) out.push_back(std::stof(fields[i]));
                return out;
            };
            if (fields[0] == "profile") profiles.push_back(numbers(2));
            if (fields[0] == "cell") cells.push_back(numbers(1));
            if (fields[0] != "called") continue;
            first.push_back(std::stoi(fields[1]));
            tuned.push_back(std::stoi(fields[2]));
            correlation.push_back(numbers(3));
        }
    }
    static matrix::Dense<float> dense(const std::vector<std::vector<float>>& rows) {
        matrix::Dense<float> out(std::ssize(rows), std::ssize(rows.at(0)));
        for (std::size_t row = 0; row < rows.size(); ++row) std::ranges::copy(rows[row], out.row(static_cast<std::int64_t>(row)).begin());
        return out;
    }
};

TEST(correlation_labels, equal_singlers_where_each_label_has_one_profile) {
    const auto context = test::make_context(2);
    const SingleR known;
    ASSERT_EQ(known.profiles.size(), 5U);
    ASSERT_EQ(known.cells.size(), 80U);
    ASSERT_EQ(known.tuned.size(), 80U);
    const matrix::Csr cells = test::to_csr(SingleR::dense(known.cells));
    const std::vector<std::int32_t> label{0, 1, 2, 3, 4};
    const CorrelationLabelsOptions options{.n_markers = 6, .fine_tune_margin = 0.05};
    const LabelProfiles profiles = label_profiles(*matrix::make_source(test::to_csr(SingleR::dense(known.profiles))), label, 5, options, *context);
    const CorrelationLabels found = correlation_labels(profiles, cells.view(), options, *context);
    EXPECT_EQ(found.label, known.tuned);
    EXPECT_NE(known.first, known.tuned) << "fine tuning changes some calls";
    for (std::size_t cell = 0; cell < known.cells.size(); ++cell) EXPECT_NEAR(found.correlation[cell], known.correlation[cell][static_cast<std::size_t>(known.tuned[cell])], 1e-5) << cell;
}

TEST(correlation_labels, gives_the_same_bits_at_any_thread_count_and_in_pieces) {
    const matrix::Csr cells = test::random_counts(700, 120, 0.15, 6);
    std::vector<std::int32_t> label;
    for (std::int32_t cell = 0; cell < 700; ++cell) label.push_back(cell % 5);
    const auto run = [&](const matrix::Matrix& source, Context& context) {
        const LabelProfiles profiles = label_profiles(*source, label, 5, {}, context);
        return correlation_labels(profiles, matrix::read_all(*source, context).view(), {}, context);
    };
    const auto same = [](const CorrelationLabels& a, const CorrelationLabels& b) { return a.label == b.label && test::same_bits(a.correlation, b.correlation) && a.is_fine_tuned == b.is_fine_tuned; };
    const matrix::Matrix source = matrix::make_view_source(cells.view());
    const CorrelationLabels serial = test::same_at_1_2_4_threads([&](Context& context) { return run(source, context); }, same);
    EXPECT_TRUE(same(serial, run(test::read_seven_rows(source), *test::make_context(2))));
}

}  // namespace
}  // namespace morula::models
