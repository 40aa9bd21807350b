#include "morula/analysis/generate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace morula::analysis {
namespace {

using matrix::Csr;
using matrix::CsrScratch;
using matrix::CsrView;

struct Made {
    GenerateResult result;
    Csr counts;
};

Made make(const GenerateOptions& options) {
    Context context({.threads = 2});
    GenerateResult result = generate(options, context);
    Csr counts = matrix::read_all(*result.counts, context);
    return {std::move(result), std::move(counts)};
}

double sum_of(std::span<const float> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

double share_of(const std::vector<std::uint8_t>& flags) {
    return static_cast<double>(std::accumulate(flags.begin(), flags.end(), 0)) / static_cast<double>(flags.size());
}

bool is_mitochondrial(const GenerateResult& result, std::uint32_t gene) { return result.gene_symbols[gene].starts_with("MT-"); }

std::string usage_message(const GenerateOptions& options) {
    Context context({});
    try {
        generate(options, context);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::usage);
        EXPECT_FALSE(error.next().empty());
        return error.message();
    }
    return "";
}

TEST(generate, every_count_is_a_positive_integer_and_cells_add_up_to_the_stated_total) {
    const Made made = make({.cells = 500, .genes = 3000, .doublet_fraction = 0.1, .seed = 3});
    const CsrView view = made.counts.view();
    matrix::check_csr(view, "made-up counts");
    ASSERT_EQ(view.n_rows, 500);
    ASSERT_EQ(view.n_cols, 3000);
    EXPECT_LE(view.nnz(), made.result.counts->nnz());
    for (const float value : view.values) ASSERT_TRUE(value >= 1.0F && value == std::floor(value));
    for (std::int64_t cell = 0; cell < 500; ++cell) {
        ASSERT_EQ(sum_of(view.row_values(cell)), made.result.cells.total_counts[static_cast<std::size_t>(cell)]) << "cell " << cell;
    }
}

TEST(generate, any_threads_any_blocks_and_any_number_of_cells_give_the_same_cells) {
    const GenerateOptions options{.cells = 300, .genes = 2000, .batches = 3, .donors = 2, .doublet_fraction = 0.05, .seed = 11};
    const Made whole = make(options);
    for (const std::int32_t threads : {1, 2, 4}) {
        Context context({.threads = threads});
        const GenerateResult again = generate(options, context);
        const Csr counts = matrix::read_all(*again.counts, context);
        EXPECT_EQ(counts.indptr, whole.counts.indptr);
        EXPECT_EQ(counts.indices, whole.counts.indices);
        EXPECT_EQ(counts.values, whole.counts.values);
        EXPECT_EQ(again.cells.total_counts, whole.result.cells.total_counts);
        EXPECT_EQ(again.cells.type, whole.result.cells.type);
        EXPECT_EQ(again.cells.ambient_fraction, whole.result.cells.ambient_fraction);
    }
    CsrScratch scratch;
    scratch.csr.indices.assign(99, 7);  // junk
    for (std::int64_t begin = 0; begin < 300; begin += 7) {
        const CsrView block = whole.result.counts->read({begin, std::min<std::int64_t>(begin + 7, 300)}, scratch);
        for (std::int64_t row = 0; row < block.n_rows; ++row) {
            const auto want = whole.counts.view().row_values(begin + row);
            const auto got = block.row_values(row);
            ASSERT_TRUE(std::equal(want.begin(), want.end(), got.begin(), got.end())) << "cell " << begin + row;
        }
    }
    GenerateOptions fewer = options;
    fewer.cells = 40;
    const Made first = make(fewer);
    EXPECT_TRUE(std::equal(first.counts.values.begin(), first.counts.values.end(), whole.counts.values.begin()));
}

TEST(generate, another_seed_gives_other_cells) {
    const Made a = make({.cells = 20, .genes = 2000, .seed = 1});
    const Made b = make({.cells = 20, .genes = 2000, .seed = 2});
    EXPECT_NE(a.counts.indices, b.counts.indices);
}

TEST(generate, shares_of_rare_types_doublets_damage_ambient_and_depth_are_as_asked) {
    const GenerateOptions options{.cells = 40000, .genes = 500, .batches = 2, .donors = 4, .mean_counts = 300.0, .doublet_fraction = 0.08, .seed = 5};
    Context context({.threads = 2});
    const GenerateResult result = generate(options, context);
    const GeneratedCells& cells = result.cells;

    std::map<std::int32_t, double> share;
    for (const std::int32_t type : cells.type) share[type] += 1.0 / 40000.0;
    EXPECT_NEAR(share[10], 0.005, 5 * std::sqrt(0.005 / 40000));
    EXPECT_NEAR(share[11], 0.005, 5 * std::sqrt(0.005 / 40000));
    EXPECT_GT(share[0], share[9]);
    EXPECT_NEAR(share_of(cells.is_doublet), 0.08, 5 * std::sqrt(0.08 * 0.92 / 40000));
    // A doublet is damaged when either of its cells is.
    EXPECT_NEAR(share_of(cells.is_damaged), 0.02 * 1.08, 5 * std::sqrt(0.022 / 40000));

    double singlet_counts = 0.0, n_singlets = 0.0, doublet_counts = 0.0, n_doublets = 0.0, ambient = 0.0, n_continuum = 0.0;
    for (std::size_t i = 0; i < 40000; ++i) {
        EXPECT_EQ(cells.batch[i], cells.donor[i] % 2);  // each donor in one batch
        EXPECT_EQ(cells.is_doublet[i] != 0, cells.second_type[i] >= 0);
        ambient += cells.ambient_fraction[i] / 40000.0;
        if (!std::isnan(cells.pseudotime[i])) {
            n_continuum += 1.0;
            EXPECT_EQ(cells.type[i], cells.pseudotime[i] < 0.5F ? 0 : 1);
        }
        if (cells.is_damaged[i]) continue;
        (cells.is_doublet[i] ? doublet_counts : singlet_counts) += cells.total_counts[i];
        (cells.is_doublet[i] ? n_doublets : n_singlets) += 1.0;
    }
    EXPECT_NEAR(singlet_counts / n_singlets, 300.0, 5 * 300 * 0.47 / std::sqrt(n_singlets));
    EXPECT_NEAR(doublet_counts / n_doublets, 600.0, 5 * 300 * 0.67 / std::sqrt(n_doublets));
    EXPECT_NEAR(ambient, 0.05, 0.002);
    EXPECT_NEAR(n_continuum / 40000.0, 0.1 * 0.92, 0.008);
}

TEST(generate, counts_of_a_type_follow_its_profile_and_no_other) {
    // Without ambient RNA and batches the marker genes of a type stand out in it.
    const Made made = make({.cells = 2000, .genes = 2000, .types = 3, .rare_types = 0, .continuum_fraction = 0.0, .ambient_fraction = 0.0, .damaged_fraction = 0.0, .seed = 9});
    const CsrView view = made.counts.view();
    std::vector<std::vector<double>> mean(3, std::vector<double>(2000, 0.0));
    std::vector<double> total(3, 0.0);
    for (std::int64_t cell = 0; cell < view.n_rows; ++cell) {
        const auto type = static_cast<std::size_t>(made.result.cells.type[static_cast<std::size_t>(cell)]);
        const auto genes = view.row_indices(cell);
        const auto values = view.row_values(cell);
        for (std::size_t i = 0; i < genes.size(); ++i) {
            mean[type][genes[i]] += values[i];
            total[type] += values[i];
        }
    }
    // About 80 genes of each type are raised about fivefold over both others.
    for (std::size_t type = 0; type < 3; ++type) {
        std::int64_t n_markers = 0;
        for (std::size_t gene = 0; gene < 2000; ++gene) {
            double other = 0.0;
            for (std::size_t t = 0; t < 3; ++t) {
                if (t != type) other = std::max(other, mean[t][gene] / total[t]);
            }
            n_markers += mean[type][gene] > 30.0 && mean[type][gene] / total[type] > 2.5 * other;
        }
        EXPECT_GT(n_markers, 30) << "type " << type;
        EXPECT_LT(n_markers, 110) << "type " << type;
    }
}

TEST(generate, mitochondrial_share_is_the_stated_one_and_high_in_damaged_cells) {
    const Made made = make({.cells = 1000, .genes = 1000, .ambient_fraction = 0.0, .damaged_fraction = 0.2, .seed = 2});
    const CsrView view = made.counts.view();
    for (std::int64_t cell = 0; cell < view.n_rows; ++cell) {
        const auto i = static_cast<std::size_t>(cell);
        double mitochondrial = 0.0;
        for (std::size_t k = 0; k < view.row_indices(cell).size(); ++k) {
            if (is_mitochondrial(made.result, view.row_indices(cell)[k])) mitochondrial += view.row_values(cell)[k];
        }
        ASSERT_NEAR(mitochondrial / made.result.cells.total_counts[i], made.result.cells.mitochondrial_fraction[i], 1e-6);
        const float stated = made.result.cells.mitochondrial_fraction[i];
        ASSERT_TRUE(made.result.cells.is_damaged[i] ? stated > 0.24F : stated < 0.2F) << "cell " << cell << ": " << stated;
    }
}

TEST(generate, batches_and_donors_shift_genes_and_one_batch_alone_shifts_none) {
    const auto variance_between_samples = [](const GenerateOptions& options) {
        const Made made = make(options);
        const CsrView view = made.counts.view();
        std::vector<std::vector<double>> sums(2, std::vector<double>(500, 1.0));
        for (std::int64_t cell = 0; cell < view.n_rows; ++cell) {
            const auto sample = static_cast<std::size_t>(made.result.cells.sample[static_cast<std::size_t>(cell)]);
            for (std::size_t k = 0; k < view.row_indices(cell).size(); ++k) sums[sample][view.row_indices(cell)[k]] += view.row_values(cell)[k];
        }
        const double offset = std::log(sum_of(std::vector<float>(sums[0].begin(), sums[0].end())) / sum_of(std::vector<float>(sums[1].begin(), sums[1].end())));
        double square = 0.0, n = 0.0;
        for (std::size_t gene = 0; gene < 487; ++gene) {
            if (sums[0][gene] + sums[1][gene] < 400.0) continue;
            const double difference = std::log(sums[0][gene] / sums[1][gene]) - offset;
            square += difference * difference;
            n += 1.0;
        }
        return square / n;
    };
    GenerateOptions options{.preset = GeneratePreset::homogeneous, .cells = 3000, .genes = 500, .batches = 2, .batch_sd = 0.4, .mean_counts = 2000.0, .seed = 8};
    // Two independent effects of sd .4 differ with variance .32; ambient RNA carries the same effects.
    EXPECT_NEAR(variance_between_samples(options), 0.32, 0.08);
    options.batch_sd = 0.0;
    EXPECT_LT(variance_between_samples(options), 0.01);
    options.batches = 1;
    options.donors = 2;
    options.donor_sd = 0.4;
    EXPECT_NEAR(variance_between_samples(options), 0.32, 0.08);
}

TEST(generate, homogeneous_cells_differ_in_depth_only) {
    const Made made = make({.preset = GeneratePreset::homogeneous, .cells = 2000, .genes = 1000, .mean_counts = 1000.0, .seed = 4});
    const auto [least, most] = std::minmax_element(made.result.cells.total_counts.begin(), made.result.cells.total_counts.end());
    EXPECT_NEAR(static_cast<double>(*most) / *least, 10.0, 0.5);
    EXPECT_EQ(made.result.type_names.size(), 1U);
    EXPECT_EQ(share_of(made.result.cells.is_damaged), 0.0);

    // Given the depth, a gene's counts are multinomial: Pearson's statistic over all cells and the 50 highest genes has its expected size.
    const CsrView view = made.counts.view();
    std::vector<double> sum(1000, 0.0);
    for (std::size_t k = 0; k < view.values.size(); ++k) sum[view.indices[k]] += view.values[k];
    const double all = std::accumulate(sum.begin(), sum.end(), 0.0);
    std::vector<std::size_t> order(1000);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return sum[a] > sum[b]; });
    double statistic = 0.0;
    for (std::int64_t cell = 0; cell < view.n_rows; ++cell) {
        std::vector<double> row(1000, 0.0);
        for (std::size_t k = 0; k < view.row_indices(cell).size(); ++k) row[view.row_indices(cell)[k]] = view.row_values(cell)[k];
        const double depth = made.result.cells.total_counts[static_cast<std::size_t>(cell)];
        for (std::size_t g = 0; g < 50; ++g) {
            const double p = sum[order[g]] / all;
            statistic += (row[order[g]] - depth * p) * (row[order[g]] - depth * p) / (depth * p * (1.0 - p));
        }
    }
    EXPECT_NEAR(statistic / (2000.0 * 50.0), 1.0, 0.05);
}

TEST(generate, a_blood_sample_has_real_symbols_and_says_that_it_is_simulated) {
    const Made made = make({.preset = GeneratePreset::blood, .cells = 600, .seed = 1});
    EXPECT_EQ(made.result.counts->n_cols(), static_cast<std::int64_t>(made.result.gene_symbols.size()));
    EXPECT_NE(std::find(made.result.gene_symbols.begin(), made.result.gene_symbols.end(), "MS4A1"), made.result.gene_symbols.end());
    EXPECT_NE(made.result.source.find("Simulated"), std::string::npos);
    const double genes_a_cell = static_cast<double>(made.counts.view().nnz()) / 600.0;
    EXPECT_NEAR(genes_a_cell, 850.0, 120.0);  // PBMC3k itself: 847
}

TEST(generate, about_2600_genes_are_seen_in_a_cell_at_20000_genes) {
    const Made made = make({.cells = 300, .damaged_fraction = 0.0, .seed = 1});
    EXPECT_NEAR(static_cast<double>(made.counts.view().nnz()) / 300.0, 2600.0, 200.0);
}

TEST(generate, zero_cells_are_an_empty_matrix) {
    const Made made = make({.cells = 0, .genes = 100});
    EXPECT_EQ(made.counts.n_rows, 0);
    EXPECT_EQ(made.result.counts->nnz(), 0);
    EXPECT_EQ(made.result.gene_symbols.size(), 100U);
}

TEST(generate, options_that_contradict_the_preset_or_each_other_are_refused) {
    EXPECT_NE(usage_message({.preset = GeneratePreset::blood, .genes = 5000}).find("--genes cannot be given with preset blood"), std::string::npos);
    EXPECT_NE(usage_message({.preset = GeneratePreset::homogeneous, .types = 3}).find("--types cannot be given with preset homogeneous"), std::string::npos);
    EXPECT_NE(usage_message({.rare_types = 5, .rare_fraction = 0.2}).find("leave no cell"), std::string::npos);
    EXPECT_FALSE(usage_message({.cells = -1}).empty());
    EXPECT_FALSE(usage_message({.doublet_fraction = 1.5}).empty());
    EXPECT_FALSE(usage_message({.batches = 0}).empty());
}

TEST(generate, own_genes_of_a_type_are_silent_in_all_others_and_leave_no_trace_when_none_are_asked_for) {
    const Made made = make({.cells = 400, .genes = 2000, .types = 4, .rare_types = 0, .continuum_fraction = 0.0, .ambient_fraction = 0.0, .own_genes = 10, .seed = 5});
    const auto& own = made.result.own_of_type;
    ASSERT_EQ(own.size(), 2000U);
    for (std::int32_t type = 0; type < 4; ++type) EXPECT_EQ(std::count(own.begin(), own.end(), type), 10);
    double counts = 0.0, total = 0.0;
    const CsrView view = made.counts.view();
    for (std::int64_t cell = 0; cell < view.n_rows; ++cell) {
        for (std::size_t i = 0; i < view.row_indices(cell).size(); ++i) {
            const std::int32_t owner = own[view.row_indices(cell)[i]];
            total += static_cast<double>(view.row_values(cell)[i]);
            if (owner < 0) continue;
            ASSERT_EQ(owner, made.result.cells.type[static_cast<std::size_t>(cell)]);
            counts += static_cast<double>(view.row_values(cell)[i]);
        }
    }
    EXPECT_GT(counts / total, 0.005);  // ten thousandths, less what is mitochondrial or of a programme
    EXPECT_LT(counts / total, 0.011);
    EXPECT_TRUE(make({.cells = 2, .genes = 2000}).result.own_of_type.empty());
    EXPECT_NE(usage_message({.preset = GeneratePreset::blood, .own_genes = 1}), "");
    EXPECT_NE(usage_message({.genes = 200, .own_genes = 50}), "");
}

TEST(generate, more_than_the_memory_budget_is_refused_before_it_starts) {
    Context context({.memory_bytes = 10000000});
    EXPECT_THROW(generate({.cells = 1000000}, context), Error);
    EXPECT_THROW(generate({.cells = 10, .types = 100, .batches = 10}, context), Error);
}

TEST(generate, empty_droplets_hold_soup_alone_and_leave_the_cells_as_they_were) {
    const GenerateOptions without{.cells = 300, .genes = 2000, .seed = 4};
    GenerateOptions with = without;
    with.empty_droplets = 2000;
    with.empty_counts = 40.0;
    const Made cells = make(without);
    const Made both = make(with);
    ASSERT_EQ(both.counts.n_rows, 2300);
    EXPECT_EQ(std::vector<float>(both.counts.values.begin(), both.counts.values.begin() + cells.counts.view().nnz()), cells.counts.values);
    double sum = 0.0;
    for (std::size_t i = 0; i < 2300; ++i) {
        EXPECT_EQ(both.result.cells.is_empty[i], i < 300 ? 0 : 1);
        if (i < 300) continue;
        EXPECT_EQ(both.result.cells.type[i], -1);
        EXPECT_EQ(both.result.cells.ambient_fraction[i], 1.0F);
        EXPECT_EQ(sum_of(both.counts.view().row_values(static_cast<std::int64_t>(i))), both.result.cells.total_counts[i]);
        sum += both.result.cells.total_counts[i];
    }
    EXPECT_NEAR(sum / 2000.0, 40.0, 2.0);
    EXPECT_EQ(both.result.cells.names[300], "empty-0000001");
}

}  // namespace
}  // namespace morula::analysis
