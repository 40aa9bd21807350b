// A made-up Dataset with something in every slot, and comparisons bit by bit. Shared by the tests of zarr and atlas.
#pragma once

#include <gtest/gtest.h>
#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/random.hpp"
#include "morula/data/dataset.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::test {

/// Counts: 3 of 10 entries, mostly small, `largest` in the first cell that has any.
inline matrix::Csr sample_counts(std::int64_t n_cells, std::int64_t n_genes, float largest, std::uint64_t seed) {
    matrix::Csr csr;
    csr.n_rows = n_cells;
    csr.n_cols = n_genes;
    bool placed = false;
    for (std::int64_t r = 0; r < n_cells; ++r) {
        Random random(seed, Purpose::test, static_cast<std::uint64_t>(r), 0);
        for (std::int64_t c = 0; c < n_genes; ++c) {
            if (random.uniform() > 0.3) continue;
            csr.indices.push_back(static_cast<std::uint32_t>(c));
            csr.values.push_back(placed ? static_cast<float>(1 + random.below(9)) : largest);
            placed = true;
        }
        csr.indptr.push_back(static_cast<std::int64_t>(csr.values.size()));
    }
    return csr;
}

inline std::vector<std::string> numbered(const std::string& stem, std::int64_t n) {
    std::vector<std::string> names;
    for (std::int64_t i = 0; i < n; ++i) names.push_back(stem + std::to_string(i));
    return names;
}

inline data::Dataset sample_dataset(std::int64_t n_cells, std::int64_t n_genes, std::uint64_t seed) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    data::Dataset d;
    d.name = "sample";
    d.obs = data::Table(numbered("cell-", n_cells));
    d.var = data::Table(numbered("gene-", n_genes));
    d.obs.index_name = "barcode";
    const auto n = static_cast<std::size_t>(n_cells);
    std::vector<double> score(n);
    std::vector<float> depth(n);
    std::vector<std::int64_t> plate(n);
    std::vector<std::string> note(n);
    data::Booleans kept{std::vector<std::uint8_t>(n)};
    data::Categorical type{std::vector<std::int32_t>(n), {"T cell", "B-Zelle \xc3\xa4", "empty"}, true};
    data::NullableIntegers age{std::vector<std::int64_t>(n), std::vector<std::uint8_t>(n)};
    data::NullableBooleans smoker{std::vector<std::uint8_t>(n), std::vector<std::uint8_t>(n)};
    for (std::size_t i = 0; i < n; ++i) {
        score[i] = i % 3 == 0 ? nan : 1.0 / static_cast<double>(i);
        depth[i] = i % 4 == 0 ? -0.0F : 0.1F * static_cast<float>(i);
        plate[i] = (std::int64_t{1} << 40) - static_cast<std::int64_t>(i);
        note[i] = i % 2 == 0 ? "" : "note, \"quoted\" \xe2\x9c\x93 " + std::to_string(i);
        kept.values[i] = static_cast<std::uint8_t>(i % 2);
        type.codes[i] = static_cast<std::int32_t>(i % 3) - 1;
        age.present[i] = static_cast<std::uint8_t>(i % 5 != 0);
        age.values[i] = age.present[i] != 0 ? -static_cast<std::int64_t>(i) : 0;
        smoker.present[i] = static_cast<std::uint8_t>(i % 4 != 1);
        smoker.values[i] = static_cast<std::uint8_t>(smoker.present[i] != 0 && i % 2 == 0);
    }
    d.obs.set("score", score);
    d.obs.set("depth", depth);
    d.obs.set("plate", plate);
    d.obs.set("pct/mito %", note);
    d.obs.set("kept", kept);
    d.obs.set("type", type);
    d.obs.set("age", age);
    d.obs.set("smoker", smoker);
    d.var.set("gene_ids", numbered("ENSG", n_genes));
    d.layers["X"] = matrix::make_source(sample_counts(n_cells, n_genes, 300.0F, seed));
    matrix::Csr logged = sample_counts(n_cells, n_genes, 7.0F, seed + 1);
    for (float& value : logged.values) value = std::log1p(value);
    d.layers["log1p"] = matrix::make_source(logged);
    d.raw = data::Raw{matrix::make_source(sample_counts(n_cells, n_genes + 2, 70'000.0F, seed + 2)), data::Table(numbered("raw-gene-", n_genes + 2))};
    matrix::Dense<float> pca(n_cells, 3);
    for (std::size_t i = 0; i < pca.values.size(); ++i) pca.values[i] = i == 1 ? std::numeric_limits<float>::infinity() : 0.5F - static_cast<float>(i);
    d.obsm["X_pca"] = pca;
    d.varm["PCs"] = matrix::Dense<float>(n_genes, 2);
    d.obsp["distances"] = sample_counts(n_cells, n_cells, 1.0F, seed + 3);
    data::RecordArray records;
    records.fields = {"names", "scores", "logp"};
    records.columns = {std::vector<std::string>{"MS4A1", "CD3E"}, std::vector<float>{2.5F, 1.5F}, std::vector<double>{-10.0, nan}};
    data::UnsMap inner;
    inner["method"].value = std::string("wilcoxon");
    inner["base"].value = std::monostate{};
    inner["rare"].value = true;
    d.uns["rank_genes_groups"].value = records;
    d.uns["params"].value = inner;
    d.uns["empty"].value = data::UnsMap{};
    d.uns["n"].value = std::int64_t{-7};
    d.uns["resolution"].value = 0.1;
    d.uns["colors"].value = std::vector<std::string>{"#1f77b4", ""};
    d.uns["sizes"].value = std::vector<std::int64_t>{1, -2, 3};
    d.uns["variance"].value = std::vector<double>{0.25, nan};
    d.uns["grid"].value = matrix::Dense<float>(2, 2);
    d.uns["palette"].value = data::Categorical{{0, -1, 1}, {"a", "b"}, false};
    return d;
}

template <class T>
void expect_same_bits(const std::vector<T>& a, const std::vector<T>& b, const std::string& what) {
    ASSERT_EQ(a.size(), b.size()) << what;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if constexpr (std::is_same_v<T, double>) ASSERT_EQ(std::bit_cast<std::uint64_t>(a[i]), std::bit_cast<std::uint64_t>(b[i])) << what << " at " << i;
        else if constexpr (std::is_same_v<T, float>) ASSERT_EQ(std::bit_cast<std::uint32_t>(a[i]), std::bit_cast<std::uint32_t>(b[i])) << what << " at " << i;
        else ASSERT_EQ(a[i], b[i]) << what << " at " << i;
    }
}

inline void expect_same(const data::Categorical& a, const data::Categorical& b, const std::string& what) {
    expect_same_bits(a.codes, b.codes, what);
    expect_same_bits(a.categories, b.categories, what);
    EXPECT_EQ(a.ordered, b.ordered) << what;
}

inline void expect_same(const matrix::Dense<float>& a, const matrix::Dense<float>& b, const std::string& what) {
    EXPECT_EQ(a.n_rows, b.n_rows) << what;
    EXPECT_EQ(a.n_cols, b.n_cols) << what;
    expect_same_bits(a.values, b.values, what);
}

inline void expect_same(const matrix::Csr& a, const matrix::Csr& b, const std::string& what) {
    EXPECT_EQ(a.n_rows, b.n_rows) << what;
    EXPECT_EQ(a.n_cols, b.n_cols) << what;
    expect_same_bits(a.indptr, b.indptr, what);
    expect_same_bits(a.indices, b.indices, what);
    expect_same_bits(a.values, b.values, what);
}

inline void expect_same(const data::Column& a, const data::Column& b, const std::string& what) {
    ASSERT_EQ(a.index(), b.index()) << what;
    std::visit(
        [&](const auto& left) {
            using T = std::decay_t<decltype(left)>;
            const T& right = std::get<T>(b);
            if constexpr (std::is_same_v<T, data::Categorical>) {
                expect_same(left, right, what);
            } else if constexpr (std::is_same_v<T, data::Booleans>) {
                expect_same_bits(left.values, right.values, what);
            } else if constexpr (std::is_same_v<T, data::NullableIntegers> || std::is_same_v<T, data::NullableBooleans>) {
                expect_same_bits(left.values, right.values, what);
                expect_same_bits(left.present, right.present, what);
            } else {
                expect_same_bits(left, right, what);
            }
        },
        a);
}

inline void expect_same(const data::Table& a, const data::Table& b, const std::string& what) {
    EXPECT_EQ(a.index_name, b.index_name) << what;
    expect_same_bits(a.index(), b.index(), what + " index");
    ASSERT_EQ(a.names(), b.names()) << what;
    for (const auto& [name, column] : a.columns()) expect_same(column, b.at(name), what + "/" + name);
}

inline void expect_same(const data::UnsMap& a, const data::UnsMap& b, const std::string& what);

inline void expect_same(const data::RecordArray& a, const data::RecordArray& b, const std::string& what) {
    ASSERT_EQ(a.fields, b.fields) << what;
    ASSERT_EQ(a.columns.size(), b.columns.size()) << what;
    for (std::size_t i = 0; i < a.columns.size(); ++i) {
        ASSERT_EQ(a.columns[i].index(), b.columns[i].index()) << what;
        std::visit([&](const auto& left) { expect_same_bits(left, std::get<std::decay_t<decltype(left)>>(b.columns[i]), what); }, a.columns[i]);
    }
}

inline void expect_same(const data::UnsMap& a, const data::UnsMap& b, const std::string& what) {
    ASSERT_EQ(a.size(), b.size()) << what;
    for (const auto& [name, node] : a) {
        const std::string where = what + "/" + name;
        ASSERT_TRUE(b.count(name) == 1) << where;
        const auto& other = b.at(name).value;
        ASSERT_EQ(node.value.index(), other.index()) << where;
        std::visit(
            [&](const auto& left) {
                using T = std::decay_t<decltype(left)>;
                const T& right = std::get<T>(other);
                if constexpr (std::is_same_v<T, std::monostate>) {
                } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::int64_t> || std::is_same_v<T, double> || std::is_same_v<T, std::string>) {
                    EXPECT_EQ(left, right) << where;
                } else if constexpr (std::is_same_v<T, matrix::Dense<float>> || std::is_same_v<T, data::Categorical> || std::is_same_v<T, data::RecordArray> ||
                                     std::is_same_v<T, data::UnsMap>) {
                    expect_same(left, right, where);
                } else {
                    expect_same_bits(left, right, where);
                }
            },
            node.value);
    }
}

inline void expect_same(const data::Dataset& a, const data::Dataset& b, Context& context) {
    expect_same(a.obs, b.obs, "obs");
    expect_same(a.var, b.var, "var");
    ASSERT_EQ(a.layers.size(), b.layers.size());
    for (const auto& [name, layer] : a.layers) {
        ASSERT_TRUE(b.layers.count(name) == 1) << name;
        expect_same(matrix::read_all(*layer, context), matrix::read_all(*b.layers.at(name), context), name);
    }
    ASSERT_EQ(a.raw.has_value(), b.raw.has_value());
    if (a.raw) {
        expect_same(matrix::read_all(*a.raw->x, context), matrix::read_all(*b.raw->x, context), "raw.X");
        expect_same(a.raw->var, b.raw->var, "raw.var");
    }
    ASSERT_EQ(a.obsm.size(), b.obsm.size());
    for (const auto& [name, dense] : a.obsm) expect_same(dense, b.obsm.at(name), "obsm/" + name);
    ASSERT_EQ(a.varm.size(), b.varm.size());
    for (const auto& [name, dense] : a.varm) expect_same(dense, b.varm.at(name), "varm/" + name);
    ASSERT_EQ(a.obsp.size(), b.obsp.size());
    for (const auto& [name, graph] : a.obsp) expect_same(graph, b.obsp.at(name), "obsp/" + name);
    expect_same(a.uns, b.uns, "uns");
}

inline std::string file_bytes(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void replace_file(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << bytes;
}

/// Every file below a folder with its bytes.
inline std::map<std::string, std::string> folder_bytes(const std::filesystem::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) files[std::filesystem::relative(entry.path(), folder).string()] = file_bytes(entry.path());
    }
    return files;
}

}  // namespace morula::test
