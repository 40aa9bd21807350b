#include "morula/data/dataset.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "morula/data/checked_counts.hpp"
#include "tests/support/sources.hpp"

namespace morula::data {
namespace {

using Texts = std::vector<std::string>;
using test::error_code;
using test::error_text;

Texts numbered(const std::string& stem, std::int64_t n) {
    Texts names;
    for (std::int64_t i = 0; i < n; ++i) names.push_back(stem + std::to_string(i));
    return names;
}

matrix::Csr mapped(matrix::Csr csr, float (*f)(float)) {
    for (float& value : csr.values) value = f(value);
    return csr;
}
float halved(float x) { return x + 0.5F; }

Dataset with_layers(const std::vector<std::pair<std::string, matrix::Csr>>& layers) {
    Dataset dataset;
    dataset.name = "blood.h5ad";
    dataset.obs = Table(numbered("cell", layers.front().second.n_rows));
    dataset.var = Table(numbered("gene", layers.front().second.n_cols));
    for (const auto& layer : layers) dataset.layers[layer.first] = matrix::make_source(layer.second);
    return dataset;
}

const matrix::Csr& counts() {
    static const matrix::Csr csr = test::random_counts(40, 10, 0.4, 1);
    return csr;
}
matrix::Csr logs() { return mapped(counts(), halved); }

Dataset whole() {
    Dataset dataset = with_layers({{"X", logs()}, {"counts", counts()}});
    const matrix::Csr wide = test::random_counts(40, 15, 0.4, 2);
    dataset.raw = Raw{matrix::make_source(wide), Table(numbered("raw", 15))};
    dataset.obsm["X_pca"] = matrix::Dense<float>(40, 3);
    dataset.varm["PCs"] = matrix::Dense<float>(10, 3);
    for (std::int64_t i = 0; i < 40; ++i) dataset.obsm["X_pca"](i, 2) = static_cast<float>(i);
    for (std::int64_t i = 0; i < 10; ++i) dataset.varm["PCs"](i, 0) = static_cast<float>(-i);
    dataset.obsp["distances"] = matrix::Csr{40, 40, std::vector<std::int64_t>(41, 0), {}, {}};
    dataset.uns["title"] = Uns{std::string("blood")};
    return dataset;
}

TEST(Dataset, parts_that_fit_pass_and_each_that_does_not_is_named) {
    EXPECT_NO_THROW(check_shapes(whole()));
    const auto says = [](void (*spoil)(Dataset&)) {
        Dataset dataset = whole();
        spoil(dataset);
        return error_text([&] { check_shapes(dataset); });
    };
    EXPECT_NE(says([](Dataset& d) { d.layers["X"] = matrix::select_rows(d.layers["X"], {0}); }).find("blood.h5ad: X is 1 x 10, but 40 cells in obs and 10 genes in var make it 40 x 10"),
              std::string::npos);
    EXPECT_NE(says([](Dataset& d) { d.layers["counts"] = matrix::select_cols(d.layers["counts"], {0}); }).find("layer 'counts' is 40 x 1"), std::string::npos);
    EXPECT_NE(says([](Dataset& d) { d.raw->var = Table(numbered("g", 3)); }).find("raw.X is 40 x 15, but 40 cells in obs and 3 genes in raw.var"), std::string::npos);
    EXPECT_NE(says([](Dataset& d) { d.obsm["X_pca"] = matrix::Dense<float>(39, 2); }).find("obsm 'X_pca' is 39 x 2, but 40 cells in obs make it 40 x 2"), std::string::npos);
    EXPECT_NE(says([](Dataset& d) { d.varm["PCs"] = matrix::Dense<float>(40, 3); }).find("varm 'PCs' is 40 x 3, but 10 genes in var make it 10 x 3"), std::string::npos);
    EXPECT_NE(says([](Dataset& d) { d.obsp["distances"].n_cols = 39; }).find("obsp 'distances' is 40 x 39"), std::string::npos);
}

TEST(Dataset, select_cuts_every_slot_and_drops_graphs_and_notes) {
    Dataset dataset = whole();
    dataset.obs.set("donor", numbered("d", 40));
    dataset.var.set("mt", Booleans{std::vector<std::uint8_t>(10, 1)});
    const Dataset kept = select(dataset, {0, 5, 39}, {1, 9});
    EXPECT_NO_THROW(check_shapes(kept));
    EXPECT_EQ(kept.name, "blood.h5ad");
    EXPECT_EQ(kept.obs.index(), (Texts{"cell0", "cell5", "cell39"}));
    EXPECT_EQ(kept.var.index(), (Texts{"gene1", "gene9"}));
    EXPECT_EQ(column_texts(kept.obs.at("donor")), (Texts{"d0", "d5", "d39"}));
    EXPECT_EQ(kept.obsm.at("X_pca")(2, 2), 39.0F);
    EXPECT_EQ(kept.varm.at("PCs")(1, 0), -9.0F);
    EXPECT_EQ(kept.raw->x->n_rows(), 3);
    EXPECT_EQ(kept.raw->x->n_cols(), 15) << "raw keeps its genes";
    EXPECT_TRUE(kept.obsp.empty());
    EXPECT_TRUE(kept.uns.empty());

    const auto context = test::make_context(2);
    const matrix::Dense<float> all = test::to_dense(counts().view());
    const matrix::Dense<float> cut = test::to_dense(matrix::read_all(*kept.layers.at("counts"), *context).view());
    EXPECT_EQ(cut.values, (std::vector<float>{all(0, 1), all(0, 9), all(5, 1), all(5, 9), all(39, 1), all(39, 9)}));
}

TEST(Dataset, matrices_and_their_genes_are_found_by_name) {
    const Dataset dataset = whole();
    EXPECT_EQ(find_matrix(dataset, "X"), dataset.layers.at("X"));
    EXPECT_EQ(find_matrix(dataset, "counts"), dataset.layers.at("counts"));
    for (const char* name : {"raw.X", "raw/X", "raw"}) {
        EXPECT_EQ(find_matrix(dataset, name), dataset.raw->x);
        EXPECT_EQ(find_genes(dataset, name).index()[0], "raw0");
    }
    EXPECT_EQ(find_genes(dataset, "counts").index()[0], "gene0");
    const auto ask = [&] { find_matrix(dataset, "count"); };
    EXPECT_EQ(error_code(ask), ErrorCode::not_found);
    EXPECT_EQ(error_text(ask), "blood.h5ad has no layer 'count'; it holds raw.X, X, counts. Next: Did you mean 'counts'?");
    EXPECT_NE(error_text([&] { find_matrix(dataset, "spliced"); }).find("Name one of them with --layer."), std::string::npos);
}

struct LookCase {
    std::vector<float> values;
    ValueSpace space;
    const char* example;
};

TEST(Dataset, a_look_tells_counts_from_fractions_negatives_and_nonsense) {
    const std::vector<LookCase> cases{
        {{1, 4, 2}, ValueSpace::counts, "cell 'cell1', gene 'gene0' holds 4"},
        {{1, 1.32F, 2.5F}, ValueSpace::fractional, "cell 'cell1', gene 'gene0' holds 1.32"},
        {{0.5F, -1, 2}, ValueSpace::negative, "cell 'cell1', gene 'gene0' holds -1"},
        {{-1, 2, NAN}, ValueSpace::not_finite, "cell 'cell1', gene 'gene1' holds NaN"},
        {{INFINITY, 2, 3}, ValueSpace::not_finite, "cell 'cell0', gene 'gene1' holds inf"},
        {{0, 0, 0}, ValueSpace::empty, ""},
    };
    for (const LookCase& c : cases) {
        const matrix::Csr csr{2, 2, {0, 1, 3}, {1, 0, 1}, c.values};
        const ValueLook look = look_at_values(*matrix::make_source(csr), Table(numbered("cell", 2)), Table(numbered("gene", 2)));
        EXPECT_EQ(look.space, c.space) << c.example;
        EXPECT_EQ(look.example, c.example);
        EXPECT_EQ(look.cells_looked_at, 2);
    }
}

TEST(Dataset, a_look_at_nothing_says_empty) {
    const ValueLook look = look_at_values(*matrix::make_source(matrix::Csr{}), Table(), Table());
    EXPECT_EQ(look.space, ValueSpace::empty);
    EXPECT_EQ(look.cells_looked_at, 0);
    EXPECT_EQ(look.largest, 0.0);
}

TEST(Dataset, a_look_reads_2000_cells_from_the_first_to_the_last) {
    matrix::Csr csr{50'000, 1, {0}, {}, {}};
    for (std::int64_t row = 0; row < 50'000; ++row) {
        csr.indices.push_back(0);
        csr.values.push_back(row == 0 ? 7.0F : row == 49'999 ? 9.0F : 1.0F);
        csr.indptr.push_back(row + 1);
    }
    const Table obs(numbered("cell", 50'000));
    const ValueLook look = look_at_values(*matrix::make_source(csr), obs, Table(numbered("gene", 1)));
    EXPECT_EQ(look.cells_looked_at, 2000);
    EXPECT_EQ(look.largest, 9.0);
    EXPECT_EQ(look.example, "cell 'cell49999', gene 'gene0' holds 9");
    // A normalized second half cannot hide.
    for (std::size_t row = 30'000; row < 50'000; ++row) csr.values[row] = 0.5F;
    EXPECT_EQ(look_at_values(*matrix::make_source(csr), obs, Table(numbered("gene", 1))).space, ValueSpace::fractional);
}

TEST(CheckedCounts, let_counts_through_and_name_the_first_value_that_is_none) {
    const auto context = test::make_context(1);
    const matrix::Csr largest{2, 2, {0, 1, 2}, {0, 1}, {1.0F, 4294967296.0F}};
    EXPECT_TRUE(test::same_csr(matrix::read_all(*checked_counts(matrix::make_source(largest), "a", {}, {}), *context), largest));
    for (const auto& [value, text] : std::vector<std::pair<float, std::string>>{
             {-3.0F, "-3"}, {1.5F, "1.5"}, {std::nanf(""), "NaN"}, {INFINITY, "inf"}, {4294967808.0F, "4294967808"}}) {
        const matrix::Csr bad{2, 2, {0, 1, 2}, {0, 1}, {1.0F, value}};
        const matrix::Matrix named = checked_counts(matrix::make_source(bad), "blood.h5ad, X", {"c0", "c1"}, {"g0", "g1"});
        EXPECT_EQ(error_text([&] { matrix::read_all(*named, *context); }).find("blood.h5ad, X: cell 'c1', gene 'g1' holds " + text + ", which is not a count"), 0U) << text;
        const matrix::Matrix unnamed = checked_counts(matrix::make_source(bad), "X", {}, {});
        EXPECT_EQ(error_text([&] { matrix::read_all(*unnamed, *context); }).find("X: cell 2, gene 2 holds"), 0U);
    }
}

TEST(CountsChoice, a_layer_called_counts_comes_before_raw_and_x) {
    Dataset dataset = whole();
    const CountsChoice choice = choose_counts(dataset, "");
    EXPECT_EQ(choice.layer, "counts");
    EXPECT_EQ(choice.others, (Texts{"raw.X"}));
    EXPECT_EQ(choice.reason.find("layer 'counts' holds integers; raw.X holds integers; in X cell 'cell"), 0U) << choice.reason;
    EXPECT_NE(choice.reason.find("so it is not raw counts"), std::string::npos) << choice.reason;
}

TEST(CountsChoice, names_do_not_decide_against_values) {
    // Layer counts holds logs here, so raw.X is next, then X.
    Dataset dataset = whole();
    dataset.layers["counts"] = matrix::make_source(logs());
    EXPECT_EQ(choose_counts(dataset, "").layer, "raw.X");
    dataset.raw.reset();
    dataset.layers["X"] = matrix::make_source(counts());
    EXPECT_EQ(choose_counts(dataset, "").layer, "X");
}

TEST(CountsChoice, other_spellings_are_known_and_stand_before_x) {
    for (const char* name : {"raw_counts", "Counts", "UMI", "umi_counts", "rawcounts"}) {
        EXPECT_EQ(choose_counts(with_layers({{"X", counts()}, {name, counts()}, {"ambient", counts()}}), "").layer, name);
    }
    EXPECT_EQ(choose_counts(with_layers({{"X", logs()}, {"ambient", counts()}}), "").layer, "ambient");
    EXPECT_EQ(choose_counts(with_layers({{"X", counts()}, {"ambient", counts()}}), "").layer, "X");
}

TEST(CountsChoice, velocity_layers_are_not_taken_for_the_counts) {
    const Dataset dataset = with_layers({{"X", logs()}, {"spliced", counts()}, {"unspliced", counts()}});
    const auto choose = [&] { choose_counts(dataset, ""); };
    EXPECT_EQ(error_code(choose), ErrorCode::invalid_data);
    EXPECT_NE(error_text(choose).find("layer 'spliced' holds integers, but only a part of the counts"), std::string::npos) << error_text(choose);
    EXPECT_NE(error_text(choose).find("pass --layer spliced"), std::string::npos);
    EXPECT_EQ(choose_counts(dataset, "spliced").layer, "spliced") << "taken when asked for";
    const CountsChoice with_x = choose_counts(with_layers({{"X", counts()}, {"spliced", counts()}}), "");
    EXPECT_EQ(with_x.layer, "X");
    EXPECT_EQ(with_x.others, (Texts{"spliced"}));
}

TEST(CountsChoice, a_wanted_layer_must_hold_counts) {
    const Dataset dataset = whole();
    EXPECT_EQ(choose_counts(dataset, "raw.X").layer, "raw.X");
    const auto choose = [&] { choose_counts(dataset, "X"); };
    EXPECT_EQ(error_code(choose), ErrorCode::invalid_data);
    EXPECT_NE(error_text(choose).find("blood.h5ad: in X cell 'cell"), std::string::npos) << error_text(choose);
    EXPECT_NE(error_text(choose).find("--layer"), std::string::npos);
    EXPECT_EQ(error_code([&] { choose_counts(dataset, "cuonts"); }), ErrorCode::not_found);
}

TEST(CountsChoice, without_counts_each_matrix_is_said_to_hold_what_it_holds) {
    const matrix::Csr zeros{40, 10, std::vector<std::int64_t>(41, 0), {}, {}};
    const Dataset dataset = with_layers({{"X", logs()}, {"scaled", mapped(counts(), [](float x) { return -x; })}, {"zeros", zeros}});
    const std::string text = error_text([&] { choose_counts(dataset, ""); });
    EXPECT_EQ(text.find("blood.h5ad holds no raw counts: in X cell 'cell"), 0U) << text;
    EXPECT_NE(text.find("in layer 'scaled' cell 'cell"), std::string::npos) << text;
    EXPECT_NE(text.find("layer 'zeros' holds only zeros"), std::string::npos) << text;
    Dataset nothing;
    nothing.name = "empty.h5ad";
    EXPECT_NE(error_text([&] { choose_counts(nothing, ""); }).find("empty.h5ad holds no matrix"), std::string::npos);
}

}  // namespace
}  // namespace morula::data
