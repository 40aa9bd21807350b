#include "morula/models/annotation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "morula/analysis/generate.hpp"
#include "morula/models/nearest_labels.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/sources.hpp"

namespace morula::models {
namespace {

/// Made-up cells with types, donors and batches; some donors are the reference, the others the query.
struct Study {
    matrix::Matrix reference;
    matrix::Matrix query;
    std::vector<std::int32_t> label;        // of the reference
    std::vector<std::int32_t> donor;
    std::vector<std::int32_t> query_label;
    std::vector<std::int32_t> query_batch;
    std::int32_t n_labels = 0;
    std::int32_t n_donors = 0;

    AnnotateInputs inputs() const { return {.reference = {reference.get(), {}, 1}, .query = {query.get(), {}, 1}, .label = label, .n_labels = n_labels, .donor = donor, .n_donors = n_donors}; }
};

/// is_query(cells, cell) -> whether the cell is asked about; types: names of those that are kept, empty for all.
template <class IsQuery>
Study study_of_cells(const analysis::GenerateOptions& options, const std::vector<std::string>& types, const IsQuery& is_query) {
    const auto context = test::make_context(2);
    const analysis::GenerateResult made = analysis::generate(options, *context);
    const matrix::Matrix counts = matrix::make_source(matrix::read_all(*made.counts, *context));
    Study study;
    std::vector<std::int64_t> reference;
    std::vector<std::int64_t> query;
    for (std::size_t cell = 0; cell < made.cells.type.size(); ++cell) {
        if (made.cells.is_damaged[cell] != 0 || made.cells.is_doublet[cell] != 0) continue;
        if (!types.empty() && std::ranges::count(types, made.type_names[static_cast<std::size_t>(made.cells.type[cell])]) == 0) continue;
        const bool asked = is_query(made.cells, cell);
        (asked ? query : reference).push_back(static_cast<std::int64_t>(cell));
        (asked ? study.query_label : study.label).push_back(made.cells.type[cell]);
        if (asked) study.query_batch.push_back(made.cells.batch[cell]);
        if (!asked) study.donor.push_back(made.cells.donor[cell]);
    }
    study.reference = matrix::select_rows(counts, reference);
    study.query = matrix::select_rows(counts, query);
    study.n_labels = static_cast<std::int32_t>(made.type_names.size());
    study.n_donors = static_cast<std::int32_t>(made.donor_names.size());
    return study;
}

template <class IsQuery>
Study study_of(const analysis::GenerateOptions& options, const IsQuery& is_query) {
    return study_of_cells(options, {}, [&](const analysis::GeneratedCells& cells, std::size_t cell) { return is_query(cells.donor[cell]); });
}

double share_right(const AnnotateResult& result, const std::vector<std::int32_t>& truth) {
    double right = 0.0;
    for (std::size_t cell = 0; cell < truth.size(); ++cell) right += result.label[cell] == truth[cell] ? 1.0 : 0.0;
    return right / static_cast<double>(truth.size());
}

double covered(const AnnotateResult& result, const std::vector<std::int32_t>& truth) {
    double n = 0.0;
    for (std::size_t cell = 0; cell < truth.size(); ++cell) n += std::ranges::count(result.label_set[cell], truth[cell]) > 0 ? 1.0 : 0.0;
    return n / static_cast<double>(truth.size());
}

double mean_size(const AnnotateResult& result) {
    double n = 0.0;
    for (const auto& set : result.label_set) n += static_cast<double>(set.size());
    return n / static_cast<double>(result.label_set.size());
}

bool same_result(const AnnotateResult& a, const AnnotateResult& b) {
    return a.label == b.label && test::same_bits(a.confidence, b.confidence) && a.label_set == b.label_set && test::same_bits(a.novelty_p, b.novelty_p) &&
           test::same_bits(a.opinions.pooled.values, b.opinions.pooled.values) && a.correlation.label == b.correlation.label && a.genes == b.genes;
}

const analysis::GenerateOptions kSmall{.cells = 1600, .genes = 1500, .types = 5, .rare_types = 0, .batches = 2, .donors = 2, .batch_sd = 0.4, .mean_counts = 1500.0, .seed = 4};

TEST(annotate, names_types_across_a_batch) {
    const Study study = study_of(kSmall, [](std::int32_t donor) { return donor == 1; });
    const auto context = test::make_context(2);
    const AnnotateResult result = annotate(study.inputs(), {}, *context);
    EXPECT_GE(share_right(result, study.query_label), 0.95);
    EXPECT_FALSE(result.calibration.has_value());
    const auto novel = std::ranges::count_if(result.novelty_p, [](double p) { return p <= kNoveltyThreshold; });
    EXPECT_LE(static_cast<double>(novel), 0.05 * static_cast<double>(result.novelty_p.size()));
    EXPECT_LE(mean_size(result), 1.5);
}

TEST(annotate, a_type_that_the_reference_lacks_is_unlike_it) {
    Study study = study_of(kSmall, [](std::int32_t donor) { return donor == 1; });
    constexpr std::int32_t kLeftOut = 2;
    std::vector<std::int64_t> kept;
    std::vector<std::int32_t> label;
    for (std::size_t cell = 0; cell < study.label.size(); ++cell) {
        if (study.label[cell] == kLeftOut) continue;
        kept.push_back(static_cast<std::int64_t>(cell));
        label.push_back(study.label[cell]);
    }
    study.reference = matrix::select_rows(study.reference, kept);
    study.label = label;
    study.donor.clear();
    const auto context = test::make_context(2);
    const AnnotateResult result = annotate(study.inputs(), {}, *context);
    double above = 0.0;
    double pairs = 0.0;
    for (std::size_t a = 0; a < study.query_label.size(); ++a) {
        if (study.query_label[a] != kLeftOut) continue;
        for (std::size_t b = 0; b < study.query_label.size(); ++b) {
            if (study.query_label[b] == kLeftOut) continue;
            above += result.novelty_p[a] < result.novelty_p[b] ? 1.0 : result.novelty_p[a] == result.novelty_p[b] ? 0.5 : 0.0;
            pairs += 1.0;
        }
    }
    EXPECT_GE(above / pairs, 0.95);
}

TEST(annotate, gives_the_same_bits_at_any_thread_count_and_in_pieces) {
    const Study study = study_of(kSmall, [](std::int32_t donor) { return donor == 1; });
    const auto run = [&](Context& context) { return annotate(study.inputs(), {.max_query_cells = 300}, context); };
    const AnnotateResult serial = test::same_at_1_2_4_threads(run, same_result);
    Study pieces = study;
    pieces.reference = test::read_seven_rows(study.reference);
    pieces.query = test::read_seven_rows(study.query);
    EXPECT_TRUE(same_result(serial, annotate(pieces.inputs(), {.max_query_cells = 300}, *test::make_context(2))));
}

TEST(annotate, cells_placed_afterwards_get_the_labels_of_cells_the_space_was_learned_on) {
    const Study study = study_of(kSmall, [](std::int32_t donor) { return donor == 1; });
    const auto context = test::make_context(2);
    const AnnotateResult all = annotate(study.inputs(), {}, *context);
    const AnnotateResult some = annotate(study.inputs(), {.max_query_cells = 300}, *context);
    EXPECT_EQ(some.n_learned_on, 300);
    EXPECT_GE(share_right(some, study.query_label), share_right(all, study.query_label) - 0.02);
}

/// Simulated blood with few counts, of which three kinds of T cells are kept that overlap: a set always holds the likeliest label, so where nearly all of those are right it covers more
/// than it promises, and only labels that are hard to tell show whether thresholds are right.
const analysis::GenerateOptions kHard{.preset = analysis::GeneratePreset::blood, .cells = 7500, .donors = 30, .donor_sd = 0.2, .mean_counts = 200.0, .seed = 11};
const std::vector<std::string> kKindsOfTCells{"Naive CD4 T", "Memory CD4 T", "CD8 T"};

TEST(annotate, label_sets_cover_new_donors_as_promised) {
    const Study study = study_of_cells(kHard, kKindsOfTCells, [](const analysis::GeneratedCells& cells, std::size_t cell) { return cells.donor[cell] % 2 == 1; });
    const auto context = test::make_context(2);
    const AnnotateResult result = annotate(study.inputs(), {}, *context);
    ASSERT_TRUE(result.calibration.has_value());
    std::printf("label sets on new donors: right %.3f, covered %.3f, labels a set %.2f; held out: covered %.3f; calibration error %.3f\n", share_right(result, study.query_label), covered(result, study.query_label),
                mean_size(result), result.calibration->covered, result.calibration->reliability.expected_error);
    EXPECT_GE(covered(result, study.query_label), 0.88);
    EXPECT_LE(covered(result, study.query_label), 0.92);
    EXPECT_LE(mean_size(result), 1.5);
    EXPECT_LE(result.calibration->reliability.expected_error, 0.05);
    const double confidence = std::accumulate(result.confidence.begin(), result.confidence.end(), 0.0) / static_cast<double>(result.confidence.size());
    EXPECT_NEAR(confidence, share_right(result, study.query_label), 0.05);
}

TEST(annotate, label_sets_under_a_batch_shift_are_measured) {
    analysis::GenerateOptions options = kHard;
    options.batches = 2;
    options.batch_sd = 0.4;
    const Study study = study_of_cells(options, kKindsOfTCells, [](const analysis::GeneratedCells& cells, std::size_t cell) { return cells.batch[cell] == 1; });
    const auto context = test::make_context(2);
    const AnnotateResult result = annotate(study.inputs(), {}, *context);
    ASSERT_TRUE(result.calibration.has_value());
    std::printf("label sets in another batch: right %.3f, covered %.3f, labels a set %.2f\n", share_right(result, study.query_label), covered(result, study.query_label), mean_size(result));
    EXPECT_GE(covered(result, study.query_label), 0.8);  // nothing is promised there: a floor against breakage
}

TEST(annotate, a_batch_or_a_query_of_one_cell_is_labelled_too) {
    const Study study = study_of(kSmall, [](std::int32_t donor) { return donor == 1; });
    const auto context = test::make_context(2);
    AnnotateInputs inputs = study.inputs();
    std::vector<std::int32_t> batch(study.query_label.size(), 0);
    batch[7] = 1;
    inputs.query = {study.query.get(), batch, 2};
    EXPECT_GE(share_right(annotate(inputs, {}, *context), study.query_label), 0.95);
    const matrix::Matrix one = matrix::select_rows(study.query, {3});
    inputs.query = {one.get(), {}, 1};
    const AnnotateResult result = annotate(inputs, {}, *context);
    ASSERT_EQ(result.label.size(), 1U);
    EXPECT_EQ(result.label[0], study.query_label[3]);
}

TEST(annotate, says_why_it_cannot) {
    const Study study = study_of(kSmall, [](std::int32_t donor) { return donor == 1; });
    const auto context = test::make_context(1);
    AnnotateInputs inputs = study.inputs();
    const std::vector<std::int32_t> one(study.label.size(), 0);
    inputs.label = one;
    EXPECT_TRUE(test::contains(test::error_text([&] { annotate(inputs, {}, *context); }), "one label"));
    inputs = study.inputs();
    const std::vector<std::int32_t> few(3, 0);
    inputs.label = few;
    EXPECT_EQ(test::error_code([&] { annotate(inputs, {}, *context); }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::models
