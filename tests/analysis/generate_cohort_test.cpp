#include "morula/analysis/generate_cohort.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <set>

#include "morula/analysis/generate_cohort_plan.hpp"
#include "morula/analysis/sample_checks.hpp"

namespace morula::analysis {
namespace {

using matrix::Csr;
using matrix::CsrScratch;
using matrix::CsrView;

GenerateCohortResult make(const GenerateCohortOptions& options) {
    Context context({.threads = 2});
    return generate_cohort(options, context);
}

/// Sums of counts over the cells of each group, n_groups x n_genes; group_of(cell) < 0: in none.
std::vector<std::vector<double>> group_sums(const GenerateCohortResult& made, std::size_t n_groups, const std::function<std::int32_t(std::size_t)>& group_of) {
    std::vector<std::vector<double>> sums(n_groups, std::vector<double>(made.gene_ids.size(), 0.0));
    CsrScratch scratch;
    const std::int64_t n = made.counts->n_rows();
    for (std::int64_t begin = 0; begin < n; begin += 1024) {
        const CsrView block = made.counts->read({begin, std::min(begin + 1024, n)}, scratch);
        for (std::int64_t row = 0; row < block.n_rows; ++row) {
            const std::int32_t group = group_of(static_cast<std::size_t>(begin + row));
            if (group < 0) continue;
            for (std::size_t k = 0; k < block.row_indices(row).size(); ++k) sums[static_cast<std::size_t>(group)][block.row_indices(row)[k]] += block.row_values(row)[k];
        }
    }
    return sums;
}

double total(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

const CohortSample& sample_of(const GenerateCohortResult& made, std::size_t cell) { return made.samples[static_cast<std::size_t>(made.cells.sample[cell])]; }

bool is_planted(const GenerateCohortResult& made, std::size_t type, std::size_t gene) { return made.types[type].log2_fold_change[gene] != 0.0F; }

std::string usage_message(const GenerateCohortOptions& options) {
    try {
        make(options);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::usage);
        EXPECT_FALSE(error.next().empty());
        return error.message();
    }
    return "";
}

/// Nothing but multinomial noise.
GenerateCohortOptions quiet() {
    GenerateCohortOptions options;
    options.cells_sd = 0.0;
    options.composition_sd = 0.0;
    options.donor_sd = 0.0;
    options.sample_sd = 0.0;
    options.ambient_fraction = 0.0;
    options.damaged_fraction = 0.0;
    options.genes = 2000;
    options.seed = 5;
    return options;
}

TEST(generate_cohort, any_threads_and_any_blocks_give_the_same_cohort) {
    GenerateCohortOptions options;
    options.donors = 4;
    options.cells = 60;
    options.genes = 1000;
    options.batches = 2;
    options.clone_donors = 2;
    options.followed = 1;
    options.doublet_fraction = 0.1;
    Context one({.threads = 1});
    const GenerateCohortResult want = generate_cohort(options, one);
    const Csr counts = matrix::read_all(*want.counts, one);
    matrix::check_csr(counts.view(), "cohort");
    EXPECT_LE(counts.view().nnz(), want.counts->nnz());
    for (const std::int32_t threads : {2, 4}) {
        Context context({.threads = threads});
        const GenerateCohortResult again = generate_cohort(options, context);
        const Csr got = matrix::read_all(*again.counts, context);
        EXPECT_EQ(got.indices, counts.indices);
        EXPECT_EQ(got.values, counts.values);
        EXPECT_EQ(again.cells.clone, want.cells.clone);
        EXPECT_EQ(again.cells.total_counts, want.cells.total_counts);
    }
    CsrScratch scratch;
    scratch.csr.values.assign(50, 7.0F);  // junk
    for (std::int64_t begin = 0; begin < counts.n_rows; begin += 7) {
        const CsrView block = want.counts->read({begin, std::min(begin + 7, counts.n_rows)}, scratch);
        for (std::int64_t row = 0; row < block.n_rows; ++row) {
            const auto values = counts.view().row_values(begin + row);
            ASSERT_TRUE(std::equal(values.begin(), values.end(), block.row_values(row).begin(), block.row_values(row).end())) << begin + row;
            ASSERT_EQ(std::accumulate(values.begin(), values.end(), 0.0), want.cells.total_counts[static_cast<std::size_t>(begin + row)]);
        }
    }
}

TEST(generate_cohort, planted_composition_is_in_the_cells) {
    GenerateCohortOptions options = quiet();
    options.donors = 40;
    options.cells = 1000;
    options.composition_types = 3;
    const GenerateCohortResult made = make(options);
    std::vector<std::vector<double>> n(2, std::vector<double>(8, 0.0));
    for (std::size_t cell = 0; cell < made.cells.type.size(); ++cell) n[sample_of(made, cell).is_diseased][static_cast<std::size_t>(made.cells.type[cell])] += 1.0;
    for (std::size_t type = 0; type < 8; ++type) {
        const TypeTruth& truth = made.types[type];
        EXPECT_NEAR(n[0][type] / 20000.0, truth.healthy_share, 5.0 * std::sqrt(truth.healthy_share / 20000.0));
        EXPECT_NEAR(n[1][type] / 20000.0, truth.diseased_share, 5.0 * std::sqrt(truth.diseased_share / 20000.0));
        // The effect is a ratio to a type that does not change: the last.
        const double effect = std::log(n[1][type] / n[1][7]) - std::log(n[0][type] / n[0][7]);
        EXPECT_NEAR(effect, truth.composition_effect, 5.0 * std::sqrt(1 / n[0][type] + 1 / n[1][type] + 1 / n[0][7] + 1 / n[1][7])) << type;
    }
    EXPECT_EQ(made.types[1].composition_effect, 1.0);
    EXPECT_EQ(made.types[2].composition_effect, -1.0);
    EXPECT_EQ(made.types[3].composition_effect, 1.0);
    EXPECT_EQ(made.types[0].composition_effect, 0.0);
}

TEST(generate_cohort, donors_differ_in_composition_as_much_as_asked) {
    GenerateCohortOptions options = quiet();
    options.donors = 300;
    options.cells = 10;
    options.genes = 500;
    options.types = 6;
    options.composition_types = 0;
    options.state_types = 0;
    options.composition_sd = 0.4;
    options.design = CohortDesign::paired;
    const GenerateCohortResult made = make(options);
    double donor = 0.0, within = 0.0;
    for (std::size_t i = 0; i < made.samples.size(); i += 2) {
        const auto log_ratio = [&](std::size_t s) { return std::log(made.samples[s].type_share[0] / made.samples[s].type_share[1] * made.types[1].healthy_share / made.types[0].healthy_share); };
        donor += log_ratio(i) * log_ratio(i) / 300.0;
        within += std::pow(log_ratio(i) - log_ratio(i + 1), 2) / 300.0;
    }
    // Two types, each with the variance of donor and sample: 2 x .16 x 1.25; the difference of two samples of a donor: 4 x .16 x .25.
    EXPECT_NEAR(donor, 0.40, 5 * 0.40 * std::sqrt(2.0 / 300.0));
    EXPECT_NEAR(within, 0.16, 5 * 0.16 * std::sqrt(2.0 / 300.0));
}

TEST(generate_cohort, planted_fold_changes_are_in_the_sums_and_no_other_gene_moves) {
    GenerateCohortOptions options = quiet();
    options.cells = 1500;
    options.state_genes = 40;
    const GenerateCohortResult made = make(options);
    std::int64_t n_planted_seen = 0;
    for (const std::size_t type : {2U, 3U, 4U}) {
        ASSERT_FALSE(made.types[type].log2_fold_change.empty());
        const auto sums = group_sums(made, 2, [&](std::size_t cell) { return made.cells.type[cell] == static_cast<std::int32_t>(type) ? sample_of(made, cell).is_diseased : -1; });
        const double offset = std::log2(total(sums[1]) / total(sums[0]));
        double planted_square = 0.0, other_square = 0.0, n_planted = 0.0, n_other = 0.0;
        for (std::size_t gene = 0; gene < 1987; ++gene) {
            if (sums[0][gene] < 60 || sums[1][gene] < 60) continue;
            const double sd = std::sqrt(1.0 / sums[0][gene] + 1.0 / sums[1][gene]) / std::log(2.0);
            const double z = (std::log2(sums[1][gene] / sums[0][gene]) - offset - made.types[type].log2_fold_change[gene] - made.types[type].state_shift) / sd;
            ASSERT_LT(std::abs(z), 5.5) << "gene " << gene;
            (is_planted(made, type, gene) ? planted_square : other_square) += z * z;
            (is_planted(made, type, gene) ? n_planted : n_other) += 1.0;
        }
        EXPECT_NEAR(planted_square / n_planted, 1.0, 5 * std::sqrt(2.0 / n_planted));
        EXPECT_NEAR(other_square / n_other, 1.0, 5 * std::sqrt(2.0 / n_other) + 0.05);
        n_planted_seen += static_cast<std::int64_t>(n_planted);
    }
    EXPECT_GT(n_planted_seen, 150);
    EXPECT_TRUE(made.types[1].log2_fold_change.empty());
    EXPECT_TRUE(made.types[5].log2_fold_change.empty());
    std::int64_t up = 0, down = 0;
    for (const float value : made.types[3].log2_fold_change) {
        up += value > 0.0F;
        down += value < 0.0F;
        EXPECT_LE(std::abs(value), 1.5F);
    }
    EXPECT_EQ(up, 40);
    EXPECT_EQ(down, 40);
}

TEST(generate_cohort, donors_and_samples_differ_in_expression_as_much_as_asked) {
    GenerateCohortOptions options = quiet();
    options.donors = 2;
    options.design = CohortDesign::paired;
    options.cells = 3000;
    options.types = 1;
    options.composition_types = 0;
    options.state_types = 0;
    options.donor_sd = 0.4;
    options.sample_sd = 0.2;
    const GenerateCohortResult made = make(options);
    const auto sums = group_sums(made, 4, [&](std::size_t cell) { return made.cells.sample[cell]; });
    const auto variance = [&](std::size_t a, std::size_t b) {
        const double offset = std::log(total(sums[a]) / total(sums[b]));
        double square = 0.0, n = 0.0, mean = 0.0;
        for (std::size_t gene = 0; gene < 1987; ++gene) {
            if (sums[a][gene] < 400 || sums[b][gene] < 400) continue;
            const double difference = std::log(sums[a][gene] / sums[b][gene]) - offset;
            square += difference * difference;
            mean += difference;
            n += 1.0;
        }
        EXPECT_GT(n, 500.0);
        return square / n - mean * mean / n / n;
    };
    EXPECT_NEAR(variance(0, 1), 2 * 0.04, 0.015);           // one donor
    EXPECT_NEAR(variance(0, 2), 2 * (0.16 + 0.04), 0.07);   // two donors
}

TEST(generate_cohort, gains_and_losses_are_in_the_counts_of_the_clones) {
    GenerateCohortOptions options = quiet();
    options.donors = 2;
    options.cells = 8000;
    options.types = 1;
    options.composition_types = 0;
    options.state_types = 0;
    options.genes = 4000;
    options.clone_donors = 1;
    options.followed = 1;
    const GenerateCohortResult made = make(options);
    ASSERT_EQ(made.clones.size(), 3U);
    const auto sums = group_sums(made, 4, [&](std::size_t cell) { return made.cells.donor[cell] == 0 ? made.cells.clone[cell] + 1 : -1; });
    for (std::size_t clone = 0; clone < 3; ++clone) {
        std::vector<std::int32_t> copies(made.gene_ids.size(), 2);
        for (const CopyChange& change : made.clones[clone].changes) {
            EXPECT_NE(change.copies, 2);
            EXPECT_LT(change.begin, change.end);
            for (const std::int64_t gene : change.genes) {
                const auto g = static_cast<std::size_t>(gene);
                EXPECT_EQ(copies[g], 2) << "no gene is changed twice";
                EXPECT_EQ(made.places.chromosome[g], change.chromosome);
                EXPECT_GE(made.places.start[g], change.begin);
                EXPECT_LE(made.places.start[g], change.end);
                copies[g] = change.copies;
            }
        }
        double unchanged = 0.0, unchanged_reference = 0.0;
        for (std::size_t gene = 0; gene < 3987; ++gene) {
            if (copies[gene] != 2) continue;
            unchanged += sums[clone + 1][gene];
            unchanged_reference += sums[0][gene];
        }
        for (const CopyChange& change : made.clones[clone].changes) {
            double own = 0.0, reference = 0.0;
            for (const std::int64_t gene : change.genes) {
                own += sums[clone + 1][static_cast<std::size_t>(gene)];
                reference += sums[0][static_cast<std::size_t>(gene)];
            }
            const double ratio = own / unchanged / (reference / unchanged_reference);
            EXPECT_NEAR(ratio, change.copies / 2.0, 5 * ratio * std::sqrt(1 / own + 1 / reference)) << made.clones[clone].name << " " << change.arm;
        }
    }
}

TEST(generate_cohort, at_the_second_time_one_clone_is_gone_and_one_is_new) {
    GenerateCohortOptions options = quiet();
    options.donors = 4;
    options.clone_donors = 2;
    options.followed = 1;
    options.cells = 2000;
    const GenerateCohortResult made = make(options);
    ASSERT_EQ(made.clones.size(), 5U);  // three of the followed donor, two of the other
    ASSERT_EQ(made.samples.size(), 5U);
    EXPECT_EQ(made.samples[1].time_point, 2);
    EXPECT_EQ(made.samples[1].donor, 0);
    std::vector<std::vector<int>> n(5, std::vector<int>(5, 0));
    for (std::size_t cell = 0; cell < made.cells.clone.size(); ++cell) {
        if (made.cells.clone[cell] < 0) continue;
        EXPECT_EQ(made.cells.type[cell], 0);
        ++n[static_cast<std::size_t>(made.cells.sample[cell])][static_cast<std::size_t>(made.cells.clone[cell])];
    }
    EXPECT_GT(n[0][0], 100);
    EXPECT_GT(n[0][1], 60);
    EXPECT_EQ(n[0][2], 0);
    EXPECT_EQ(n[1][0], 0) << "gone";
    EXPECT_GT(n[1][1], 60);
    EXPECT_GT(n[1][2], 60) << "new";
    EXPECT_GT(n[2][3], 100);
    EXPECT_EQ(total(std::vector<double>(n[3].begin(), n[3].end())), 0.0) << "healthy";
    for (const std::size_t clone : {1U, 2U, 4U}) {
        const CohortClone& child = made.clones[clone];
        const CohortClone& parent = made.clones[static_cast<std::size_t>(child.parent)];
        ASSERT_GT(child.changes.size(), parent.changes.size());
        for (std::size_t i = 0; i < parent.changes.size(); ++i) EXPECT_EQ(child.changes[i].genes, parent.changes[i].genes);
    }
    EXPECT_FALSE(made.clones[1].changes[3].is_arm);
    EXPECT_NE(made.clones[0].changes[0].arm, made.clones[3].changes[0].arm) << "each donor has changes of its own";
}

TEST(generate_cohort, expression_tells_the_sex_of_each_donor) {
    GenerateCohortOptions options;
    options.donors = 8;
    options.cells = 200;
    const GenerateCohortResult made = make(options);
    Context context({});
    std::vector<std::string> told;
    std::set<bool> diseased_sexes;
    for (const CohortSample& sample : made.samples) {
        const bool is_female = made.donors[static_cast<std::size_t>(sample.donor)].is_female;
        told.emplace_back(is_female ? "female" : "male");
        if (sample.is_diseased) diseased_sexes.insert(is_female);
    }
    const SexCheckResult check = sex_check(*made.counts, made.gene_symbols, made.cells.sample, static_cast<std::int32_t>(made.samples.size()), told, context);
    EXPECT_EQ(check.n_y_genes, 6);
    for (const SampleSex& sample : check.samples) EXPECT_EQ(sample.verdict, SexVerdict::agrees) << sample.evidence;
    EXPECT_EQ(diseased_sexes.size(), 2U);
}

TEST(generate_cohort, confounding_decides_how_far_condition_and_batch_are_one) {
    const auto shared_batches = [](double confounding, CohortDesign design) {
        GenerateCohortOptions options = quiet();
        options.donors = 12;
        options.cells = 5;
        options.genes = 500;
        options.state_genes = 20;
        options.batches = 2;
        options.confounding = confounding;
        options.design = design;
        const GenerateCohortResult made = make(options);
        std::vector<std::vector<int>> n(2, std::vector<int>(2, 0));
        for (const CohortSample& sample : made.samples) ++n[sample.is_diseased][static_cast<std::size_t>(sample.batch)];
        return std::vector<int>{n[0][0], n[0][1], n[1][0], n[1][1]};
    };
    EXPECT_EQ(shared_batches(0.0, CohortDesign::unpaired), (std::vector<int>{3, 3, 3, 3}));
    EXPECT_EQ(shared_batches(1.0, CohortDesign::unpaired), (std::vector<int>{6, 0, 0, 6}));
    EXPECT_EQ(shared_batches(0.5, CohortDesign::unpaired), (std::vector<int>{5, 1, 2, 4}));
    EXPECT_EQ(shared_batches(1.0, CohortDesign::paired), (std::vector<int>{12, 0, 0, 12}));
}

TEST(generate_cohort, a_paired_donor_gives_a_sample_of_each_condition) {
    GenerateCohortOptions options = quiet();
    options.donors = 3;
    options.design = CohortDesign::paired;
    options.cells = 20;
    const GenerateCohortResult made = make(options);
    ASSERT_EQ(made.samples.size(), 6U);
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(made.samples[i].donor, static_cast<std::int32_t>(i / 2));
        EXPECT_EQ(made.samples[i].is_diseased, i % 2 == 1);
        EXPECT_EQ(made.samples[i].n_cells, 20);
    }
    EXPECT_EQ(made.samples[1].name, "donor-01-diseased");
}

TEST(generate_cohort, samples_have_unequal_cells) {
    GenerateCohortOptions options;
    options.donors = 200;
    options.cells = 20;
    options.genes = 500;
    options.types = 2;
    options.composition_types = 0;
    options.state_types = 0;
    const GenerateCohortResult made = make(options);
    double sum = 0.0, square = 0.0;
    for (const CohortSample& sample : made.samples) {
        sum += static_cast<double>(sample.n_cells) / 200.0;
        square += std::pow(std::log(static_cast<double>(sample.n_cells) / 20.0), 2) / 200.0;
    }
    EXPECT_NEAR(sum, 20.0, 5 * 20 * 0.35 / std::sqrt(200.0));
    EXPECT_NEAR(std::sqrt(square), 0.35, 0.08);
}

TEST(generate_cohort, genes_lie_on_chromosomes_of_human_size_in_no_order_of_the_table) {
    const GenePlaces places = place_genes(20000, 13, 3);
    const auto on_1 = genes_on(places, "chr1");
    EXPECT_NEAR(static_cast<double>(on_1.size()), 20000.0 * 2050 / 19630, 80.0);
    EXPECT_GT(std::abs(on_1[1] - on_1[0]), 1);
    for (std::size_t i = 1; i < on_1.size(); ++i) {
        ASSERT_LT(places.start[static_cast<std::size_t>(on_1[i - 1])], places.start[static_cast<std::size_t>(on_1[i])]);
    }
    EXPECT_LT(places.end[static_cast<std::size_t>(on_1.back())], 248'960'000);
    EXPECT_EQ(std::count(places.arm.begin(), places.arm.end(), "13p"), 0);
    EXPECT_EQ(std::count(places.chromosome.begin(), places.chromosome.end(), "chrM"), 13);
    EXPECT_EQ(genes_on(place_genes(500, 13, 3), "chrY").size(), 6U);
    for (const ChromosomeArm& arm : autosome_arms(places, 160)) {
        EXPECT_GE(arm.genes.size(), 160U);
        EXPECT_EQ(arm.name.substr(0, arm.name.size() - 1), arm.chromosome.substr(3));
    }
}

TEST(generate_cohort, edges_are_cohorts_too) {
    GenerateCohortOptions options;
    options.donors = 1;
    options.cells = 1;
    options.genes = 500;
    options.types = 1;
    options.composition_types = 0;
    options.state_types = 0;
    const GenerateCohortResult one = make(options);
    EXPECT_EQ(one.samples.size(), 1U);
    EXPECT_FALSE(one.samples[0].is_diseased);
    options.diseased = 1;
    options.clone_donors = 1;
    options.clone_fraction = 1.0;
    options.cells = 50;
    const GenerateCohortResult all = make(options);
    EXPECT_TRUE(all.samples[0].is_diseased);
    for (const std::int32_t clone : all.cells.clone) EXPECT_GE(clone, 0);
}

TEST(generate_cohort, options_that_contradict_one_another_are_refused) {
    GenerateCohortOptions options;
    options.donors = 4;
    options.genes = 1000;
    options.cells = 10;
    const auto with = [&](auto change) {
        GenerateCohortOptions changed = options;
        change(changed);
        return usage_message(changed);
    };
    EXPECT_NE(with([](auto& o) { o.diseased = 5; }).find("5 diseased donors of 4"), std::string::npos);
    EXPECT_NE(with([](auto& o) { o.design = CohortDesign::paired; o.diseased = 2; }).find("--diseased cannot be given"), std::string::npos);
    EXPECT_NE(with([](auto& o) { o.clone_donors = 3; }).find("2 of the donors are diseased"), std::string::npos);
    EXPECT_NE(with([](auto& o) { o.followed = 3; }).find("--followed 3"), std::string::npos);
    EXPECT_NE(with([](auto& o) { o.confounding = 0.5; }).find("two batches"), std::string::npos);
    EXPECT_NE(with([](auto& o) { o.types = 4; }).find("do not fit into 4"), std::string::npos);
    EXPECT_NE(with([](auto& o) { o.state_genes = 500; }).find("500 genes up"), std::string::npos);
    EXPECT_FALSE(with([](auto& o) { o.donors = 0; }).empty());
    EXPECT_FALSE(with([](auto& o) { o.confounding = 1.5; }).empty());
    EXPECT_EQ(with([](auto& o) { o.types = 5; }), "");
}

TEST(generate_cohort, more_than_the_memory_budget_is_refused_before_it_starts) {
    Context context({.memory_bytes = 10'000'000});
    EXPECT_THROW(generate_cohort({.donors = 50}, context), Error);
}

}  // namespace
}  // namespace morula::analysis
