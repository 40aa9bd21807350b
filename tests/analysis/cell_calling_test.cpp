#include "morula/analysis/cell_calling.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>

#include "morula/analysis/alias_table.hpp"
#include "morula/analysis/generate.hpp"
#include "morula/core/random.hpp"
#include "tests/analysis/fixture.hpp"
#include "tests/analysis/made_up.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/sources.hpp"

namespace morula::analysis {
namespace {

constexpr std::int64_t kOracleGenes = 150;

matrix::Csr oracle_counts() {
    matrix::Csr csr;
    csr.n_cols = kOracleGenes;
    for (const auto& row : fixture::rows("cell_calling/counts.csv")) {
        for (std::size_t i = 1; i < row.size(); ++i) {
            const auto colon = row[i].find(':');
            csr.indices.push_back(static_cast<std::uint32_t>(std::stoul(row[i].substr(0, colon))));
            csr.values.push_back(colon == std::string::npos ? 1.0F : std::stof(row[i].substr(colon + 1)));
        }
        made_up::push_row(csr);
    }
    return csr;
}

TEST(cell_calling, profile_precision_likelihood_and_p_are_those_of_the_oracle) {
    const auto context = test::make_context(2);
    const matrix::Csr csr = oracle_counts();
    const CellCallingResult result = call_cells(*matrix::make_view_source(csr.view()), {.n_simulations = 20000}, *context);
    const auto genes = fixture::rows("cell_calling/genes.csv");
    ASSERT_EQ(genes.size(), result.ambient.size());
    for (std::size_t gene = 0; gene < genes.size(); ++gene) EXPECT_NEAR(result.ambient[gene], std::stod(genes[gene][0]), 1e-9 * std::stod(genes[gene][0]) + 1e-18) << gene;
    const double precision = std::stod(fixture::rows("cell_calling/numbers.csv")[0][0]);
    EXPECT_NEAR(result.precision, precision, 1e-5 * precision);
    int compared = 0;
    for (const auto& row : fixture::rows("cell_calling/barcodes.csv")) {
        const auto barcode = std::stoul(row[0]);
        ASSERT_EQ(result.total[barcode], std::stol(row[1]));
        if (std::isnan(result.p[barcode])) continue;  // called untested
        ++compared;
        EXPECT_NEAR(result.log_probability[barcode], std::stod(row[2]), 2e-6 * std::abs(std::stod(row[2]))) << barcode;
        const double p = std::stod(row[4]);
        // Both are Monte Carlo: 20,000 droplets here, 30,000 there.
        EXPECT_NEAR(result.p[barcode], p, 4.5 * std::sqrt(p * (1.0 - p) * (1.0 / 20000 + 1.0 / 30000)) + 1e-4) << barcode;
    }
    EXPECT_GT(compared, 40);
}

TEST(cell_calling, the_multinomial_likelihood_is_that_of_scipy) {
    const auto context = test::make_context(2);
    const matrix::Csr csr = oracle_counts();
    const CellCallingResult result = call_cells(*matrix::make_view_source(csr.view()), {.n_simulations = 100, .variation = AmbientVariation::multinomial}, *context);
    EXPECT_TRUE(std::isinf(result.precision));
    for (const auto& row : fixture::rows("cell_calling/barcodes.csv")) {
        const auto barcode = std::stoul(row[0]);
        if (!std::isnan(result.p[barcode])) {
            EXPECT_NEAR(result.log_probability[barcode], std::stod(row[3]), 2e-6 * std::abs(std::stod(row[3])));
        }
    }
}

/// A capture as it leaves the machine: 20,000 droplets of soup, 500 cells of three kinds, and 150 small cells (150 to 600 counts) half of whose RNA is their own.
struct Capture {
    matrix::Csr counts;
    std::vector<std::uint8_t> kind;  // 0 empty, 1 cell, 2 small cell
};

constexpr std::size_t kGenes = 3000;

std::vector<double> profile(std::uint64_t seed, std::uint64_t kind) {
    Random random(seed, Purpose::test, kind, 7);
    std::vector<double> p;
    for (std::size_t gene = 0; gene < kGenes; ++gene) p.push_back(std::exp(1.5 * random.normal()));
    return p;
}

void push_cell(matrix::Csr& csr, const std::vector<std::uint32_t>& drawn) {
    std::map<std::uint32_t, int> counts;
    for (const std::uint32_t gene : drawn) ++counts[gene];
    for (const auto& [gene, count] : counts) {
        csr.indices.push_back(gene);
        csr.values.push_back(static_cast<float>(count));
    }
    made_up::push_row(csr);
}

Capture capture(std::uint64_t seed, int n_empty, double empty_counts) {
    // Kinds share three quarters of their RNA; the soup is what all of them lose.
    std::vector<AliasTable> kinds;
    const std::vector<double> shared = profile(seed, 0);
    std::vector<double> soup(kGenes, 0.0);
    for (std::uint64_t kind = 1; kind <= 3; ++kind) {
        std::vector<double> p = profile(seed, kind);
        for (std::size_t gene = 0; gene < kGenes; ++gene) {
            p[gene] = 3.0 * shared[gene] + p[gene];
            soup[gene] += p[gene];
        }
        kinds.emplace_back(p);
    }
    const AliasTable ambient(soup);
    std::vector<double> own(kGenes, 0.0);
    for (std::size_t gene = 100; gene < 130; ++gene) own[gene] = 1.0;
    const AliasTable small(own);

    Capture out;
    out.counts.n_cols = static_cast<std::int64_t>(kGenes);
    for (int barcode = 0; barcode < n_empty + 650; ++barcode) {
        Random random(seed, Purpose::test, static_cast<std::uint64_t>(barcode), 8);
        const int place = barcode % ((n_empty + 650) / 650);  // cells lie scattered among the empty ones
        const int cell = barcode / ((n_empty + 650) / 650);
        const std::uint8_t kind = place != 0 || cell >= 650 ? 0 : cell < 500 ? 1 : 2;
        const double mean = kind == 0 ? empty_counts * std::exp(0.5 * random.normal()) : kind == 1 ? std::exp(8.2 + 0.4 * random.normal()) : 150.0 + 450.0 * random.uniform();
        const std::int64_t total = random.poisson(mean);
        std::vector<std::uint32_t> drawn;
        for (std::int64_t i = 0; i < total; ++i) {
            const bool from_soup = kind == 0 || random.uniform() < 0.1;
            const AliasTable& from = from_soup ? ambient : kind == 2 && random.uniform() < 0.5 ? small : kinds[static_cast<std::size_t>(cell % 3)];
            drawn.push_back(from.draw(random.next_u64()));
        }
        push_cell(out.counts, drawn);
        out.kind.push_back(kind);
    }
    return out;
}

TEST(cell_calling, small_cells_are_found_and_empty_droplets_stay_out) {
    const auto context = test::make_context(2);
    for (const std::uint64_t seed : {1, 2, 3}) {
        const Capture made = capture(seed, 20000, 35.0);
        const CellCallingResult result = call_cells(*matrix::make_view_source(made.counts.view()), {}, *context);
        std::array<int, 3> n{};
        std::array<int, 3> called{};
        for (std::size_t i = 0; i < made.kind.size(); ++i) {
            ++n[made.kind[i]];
            called[made.kind[i]] += result.is_cell[i];
        }
        EXPECT_EQ(called[1], n[1]) << seed;
        EXPECT_GT(called[2], 0.95 * n[2]) << seed;
        EXPECT_LE(called[0], 0.01 * static_cast<double>(result.n_cells)) << seed;
        EXPECT_GT(result.n_tested, 300) << "empty droplets with more than 100 counts are tested too";
        EXPECT_GT(result.n_by_profile, 100) << seed;
        EXPECT_EQ(result.n_by_total + result.n_by_profile, result.n_cells);
        EXPECT_EQ(result.note, "");
    }
}

GenerateOptions unfiltered(std::uint64_t seed) {
    GenerateOptions options;
    options.cells = 800;
    options.genes = 3000;
    options.types = 5;
    options.rare_types = 0;
    options.continuum_fraction = 0.0;
    options.mean_counts = 3000.0;
    options.damaged_fraction = 0.0;
    options.empty_droplets = 20000;
    options.seed = seed;
    return options;
}

TEST(cell_calling, empty_droplets_alone_give_p_values_that_are_uniform) {
    // Deep soup: most empty droplets have more than 100 counts and are tested; none is a cell.
    GenerateOptions options = unfiltered(4);
    options.cells = 100;
    options.mean_counts = 20000.0;
    options.depth_sd = 0.3;
    options.empty_counts = 110.0;
    const auto context = test::make_context(2);
    const GenerateResult made = generate(options, *context);
    for (const AmbientVariation variation : {AmbientVariation::dirichlet_multinomial, AmbientVariation::multinomial}) {
        const CellCallingResult result = call_cells(*made.counts, {.n_simulations = 2000, .variation = variation}, *context);
        std::vector<double> p;
        for (std::size_t i = 0; i < result.p.size(); ++i) {
            if (made.cells.is_empty[i] != 0 && !std::isnan(result.p[i])) p.push_back(static_cast<double>(result.p[i]));
        }
        ASSERT_GT(p.size(), 5000u);
        for (const double level : {0.01, 0.1, 0.5}) {
            const auto below = std::count_if(p.begin(), p.end(), [&](double each) { return each <= level; });
            EXPECT_NEAR(static_cast<double>(below) / static_cast<double>(p.size()), level, 0.15 * level + 0.005) << level;
        }
        EXPECT_GE(result.n_cells, 90);
        EXPECT_LE(result.n_cells, 100);
    }
}

TEST(cell_calling, any_number_of_threads_and_any_way_of_reading_gives_the_same_bits) {
    const auto context = test::make_context(2);
    GenerateOptions options = unfiltered(5);
    options.cells = 200;
    options.empty_droplets = 3000;
    const matrix::Csr csr = matrix::read_all(*generate(options, *context).counts, *context);
    const matrix::Matrix whole = matrix::make_view_source(csr.view());
    const CellCallingOptions calling{.n_simulations = 1000};
    const auto same = [](const CellCallingResult& a, const CellCallingResult& b) {
        return test::same_bits(a.p, b.p) && test::same_bits(a.fdr, b.fdr) && test::same_bits(a.log_probability, b.log_probability) && a.is_cell == b.is_cell &&
               test::same_bits(a.ambient, b.ambient) && a.precision == b.precision;
    };
    const CellCallingResult serial = test::same_at_1_2_4_threads([&](Context& c) { return call_cells(*whole, calling, c); }, same);
    EXPECT_TRUE(same(serial, call_cells(*test::read_seven_rows(whole), calling, *context)));
    CellCallingOptions other = calling;
    other.seed = 1;
    EXPECT_FALSE(same(serial, call_cells(*whole, other, *context)));
}

TEST(cell_calling, without_empty_droplets_the_curve_alone_decides_and_says_so) {
    const auto context = test::make_context(2);
    GenerateOptions options = unfiltered(6);
    options.empty_droplets = 0;
    options.depth_sd = 0.3;
    const CellCallingResult result = call_cells(*generate(options, *context).counts, {}, *context);
    EXPECT_FALSE(result.profile_tested);
    EXPECT_NE(result.note.find("Too few empty droplets"), std::string::npos);
    EXPECT_GT(result.n_cells, 0);
}

TEST(cell_calling, too_few_draws_to_settle_are_told) {
    const auto context = test::make_context(2);
    const Capture made = capture(7, 6500, 90.0);
    const CellCallingResult result = call_cells(*matrix::make_view_source(made.counts.view()), {.n_simulations = 99, .fdr = 0.001}, *context);
    EXPECT_GT(result.n_limited, 100);
    EXPECT_NE(result.note.find("--n-simulations"), std::string::npos) << result.note;
}

TEST(cell_calling, a_droplet_of_a_million_counts_is_not_simulated) {
    const auto context = test::make_context(2);
    matrix::Csr csr;
    csr.n_cols = 50;
    for (int barcode = 0; barcode < 600; ++barcode) {
        for (std::uint32_t gene = 0; gene < 50; ++gene) {
            csr.indices.push_back(gene);
            csr.values.push_back(barcode < 5 ? 20000.0F : 1.0F);
        }
        made_up::push_row(csr);
    }
    const CellCallingResult result = call_cells(*matrix::make_view_source(csr.view()), {}, *context);
    EXPECT_EQ(result.n_cells, 5);
    EXPECT_EQ(result.n_by_total, 5);
    EXPECT_EQ(result.n_tested, 0);
}

TEST(cell_calling, only_empty_barcodes_are_refused) {
    const auto context = test::make_context(1);
    GenerateOptions options = unfiltered(8);
    options.cells = 0;
    options.empty_counts = 5.0;
    options.empty_droplets = 500;
    EXPECT_EQ(test::error_code([&] { call_cells(*generate(options, *context).counts, {}, *context); }), ErrorCode::invalid_data);
}

}  // namespace
}  // namespace morula::analysis
