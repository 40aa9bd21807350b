// The matrix that oracles/h5ad_files.py puts into every fixture, and where the fixtures and the real data are.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "morula/matrix/block_source.hpp"
#include "tests/formats/zarr_sample.hpp"
#include "tests/support/contexts.hpp"

namespace morula::test {

inline constexpr std::int64_t kMadeUpCells = 30;
inline constexpr std::int64_t kMadeUpGenes = 20;

inline std::filesystem::path fixture(const std::string& name) { return std::filesystem::path(MORULA_SOURCE_DIR) / "tests/formats/fixtures/h5ad" / name; }

/// counts(i, j) of the script, columns [first, last).
inline matrix::Csr made_up_counts(std::int64_t first, std::int64_t last) {
    matrix::Csr csr;
    csr.n_rows = kMadeUpCells;
    csr.n_cols = last - first;
    for (std::int64_t i = 0; i < kMadeUpCells; ++i) {
        for (std::int64_t j = first; j < last; ++j) {
            const std::int64_t value = (7 * i + 3 * j + i * j) % 11;
            if (value > 0 && value < 4) {
                csr.indices.push_back(static_cast<std::uint32_t>(j - first));
                csr.values.push_back(static_cast<float>(value));
            }
        }
        csr.indptr.push_back(static_cast<std::int64_t>(csr.indices.size()));
    }
    return csr;
}
inline matrix::Csr made_up_counts() { return made_up_counts(0, kMadeUpGenes); }

/// Everything at once and seven rows at a time.
inline void expect_rows(const matrix::RowBlockSource& source, const matrix::Csr& wanted, const std::string& what) {
    Context context({.threads = 2});
    expect_same(wanted, matrix::read_all(source, context), what);
    matrix::CsrScratch scratch;
    for (std::int64_t begin = 0; begin < source.n_rows(); begin += 7) {
        const std::int64_t end = std::min(begin + 7, source.n_rows());
        const matrix::CsrView rows = source.read({begin, end}, scratch);
        ASSERT_EQ(rows.n_rows, end - begin) << what;
        for (std::int64_t r = begin; r < end; ++r) {
            const auto a = wanted.view().row_indices(r);
            const auto b = rows.row_indices(r - begin);
            ASSERT_EQ(std::vector<std::uint32_t>(a.begin(), a.end()), std::vector<std::uint32_t>(b.begin(), b.end())) << what << " row " << r;
            const auto v = wanted.view().row_values(r);
            const auto w = rows.row_values(r - begin);
            ASSERT_EQ(std::vector<float>(v.begin(), v.end()), std::vector<float>(w.begin(), w.end())) << what << " row " << r;
        }
    }
}

}  // namespace morula::test
