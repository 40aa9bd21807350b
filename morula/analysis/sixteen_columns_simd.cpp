#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/analysis/sixteen_columns_simd.cpp"
#include "morula/analysis/sixteen_columns_simd.hpp"

#include "hwy/foreach_target.h"  // compiles this file once a target
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace morula::analysis::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Numbers = hn::CappedTag<double, 8>;
constexpr Numbers kNumbers;

constexpr std::int64_t kRowsAtOnce = 4;

/// Two vectors of the sums of four rows: what is read of the block serves all four.
void add_two_vectors(const double* const* rows, std::int64_t n_cols, const double* block, double* const* to) {
    const std::size_t lanes = hn::Lanes(kNumbers);
    auto a0 = hn::Zero(kNumbers), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
    for (std::int64_t j = 0; j < n_cols; ++j, block += kSixteenColumns) {
        const auto low = hn::LoadU(kNumbers, block);
        const auto high = hn::LoadU(kNumbers, block + lanes);
        const auto a = hn::Set(kNumbers, rows[0][j]);
        const auto b = hn::Set(kNumbers, rows[1][j]);
        const auto c = hn::Set(kNumbers, rows[2][j]);
        const auto d = hn::Set(kNumbers, rows[3][j]);
        a0 = hn::MulAdd(a, low, a0);
        a1 = hn::MulAdd(a, high, a1);
        b0 = hn::MulAdd(b, low, b0);
        b1 = hn::MulAdd(b, high, b1);
        c0 = hn::MulAdd(c, low, c0);
        c1 = hn::MulAdd(c, high, c1);
        d0 = hn::MulAdd(d, low, d0);
        d1 = hn::MulAdd(d, high, d1);
    }
    hn::StoreU(a0, kNumbers, to[0]);
    hn::StoreU(a1, kNumbers, to[0] + lanes);
    hn::StoreU(b0, kNumbers, to[1]);
    hn::StoreU(b1, kNumbers, to[1] + lanes);
    hn::StoreU(c0, kNumbers, to[2]);
    hn::StoreU(c1, kNumbers, to[2] + lanes);
    hn::StoreU(d0, kNumbers, to[3]);
    hn::StoreU(d1, kNumbers, to[3] + lanes);
}

void times_here(const double* rows, std::int64_t n_rows, std::int64_t n_cols, const double* block, double* out) {
    const auto width = static_cast<std::int64_t>(2 * hn::Lanes(kNumbers));  // columns at once
    for (std::int64_t row = 0; row < n_rows; row += kRowsAtOnce) {
        for (std::int64_t col = 0; col < kSixteenColumns; col += width) {
            const double* from[kRowsAtOnce];
            double* to[kRowsAtOnce];
            for (std::int64_t i = 0; i < kRowsAtOnce; ++i) {
                const std::int64_t at = row + i < n_rows ? row + i : n_rows - 1;  // the last row again, to its own place
                from[i] = rows + at * n_cols;
                to[i] = out + at * kSixteenColumns + col;
            }
            add_two_vectors(from, n_cols, block + col, to);
        }
    }
}

}  // namespace morula::analysis::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::analysis {

HWY_EXPORT(times_here);

void times_sixteen_columns(const double* rows, std::int64_t n_rows, std::int64_t n_cols, const double* block, double* out) { HWY_DYNAMIC_DISPATCH(times_here)(rows, n_rows, n_cols, block, out); }

void times_sixteen_columns_plain(const double* rows, std::int64_t n_rows, std::int64_t n_cols, const double* block, double* out) {
    for (std::int64_t row = 0; row < n_rows; ++row) {
        for (std::int64_t col = 0; col < kSixteenColumns; ++col) {
            double sum = 0.0;
            for (std::int64_t j = 0; j < n_cols; ++j) sum += rows[row * n_cols + j] * block[j * kSixteenColumns + col];
            out[row * kSixteenColumns + col] = sum;
        }
    }
}

}  // namespace morula::analysis
#endif
