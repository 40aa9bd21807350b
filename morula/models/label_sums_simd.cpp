#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/models/label_sums_simd.cpp"
#include "morula/models/label_sums_simd.hpp"

#include "hwy/foreach_target.h"  // compiles this file once a target
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace morula::models::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::CappedTag<double, static_cast<std::size_t>(kLabelPadding)>;

/// Up to four vectors of sums stay in registers while all entries pass: their additions wait for none of the others.
template <int kVectors>
void add_vectors(std::span<const std::uint32_t> ids, std::span<const float> values, const double* rows, std::size_t stride, double* sums) {
    const Doubles d;
    const std::size_t lanes = hn::Lanes(d);
    auto a = hn::LoadU(d, sums);
    auto b = a;
    auto c = a;
    auto e = a;
    if constexpr (kVectors > 1) b = hn::LoadU(d, sums + lanes);
    if constexpr (kVectors > 2) c = hn::LoadU(d, sums + 2 * lanes);
    if constexpr (kVectors > 3) e = hn::LoadU(d, sums + 3 * lanes);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto value = hn::Set(d, static_cast<double>(values[i]));
        const double* row = rows + static_cast<std::size_t>(ids[i]) * stride;
        a = hn::Add(a, hn::Mul(value, hn::LoadU(d, row)));
        if constexpr (kVectors > 1) b = hn::Add(b, hn::Mul(value, hn::LoadU(d, row + lanes)));
        if constexpr (kVectors > 2) c = hn::Add(c, hn::Mul(value, hn::LoadU(d, row + 2 * lanes)));
        if constexpr (kVectors > 3) e = hn::Add(e, hn::Mul(value, hn::LoadU(d, row + 3 * lanes)));
    }
    hn::StoreU(a, d, sums);
    if constexpr (kVectors > 1) hn::StoreU(b, d, sums + lanes);
    if constexpr (kVectors > 2) hn::StoreU(c, d, sums + 2 * lanes);
    if constexpr (kVectors > 3) hn::StoreU(e, d, sums + 3 * lanes);
}

void add_scaled_rows_here(std::span<const std::uint32_t> ids, std::span<const float> values, const double* rows, std::span<double> sums) {
    const std::size_t lanes = hn::Lanes(Doubles());
    const std::size_t stride = sums.size();
    std::size_t label = 0;
    for (; label + 4 * lanes <= stride; label += 4 * lanes) add_vectors<4>(ids, values, rows + label, stride, sums.data() + label);
    const std::size_t left = (stride - label) / lanes;
    if (left == 3) add_vectors<3>(ids, values, rows + label, stride, sums.data() + label);
    if (left == 2) add_vectors<2>(ids, values, rows + label, stride, sums.data() + label);
    if (left == 1) add_vectors<1>(ids, values, rows + label, stride, sums.data() + label);
}

}  // namespace morula::models::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::models {

HWY_EXPORT(add_scaled_rows_here);

void add_scaled_rows(std::span<const std::uint32_t> ids, std::span<const float> values, const double* rows, std::span<double> sums) {
    HWY_DYNAMIC_DISPATCH(add_scaled_rows_here)(ids, values, rows, sums);
}

void add_scaled_rows_plain(std::span<const std::uint32_t> ids, std::span<const float> values, const double* rows, std::span<double> sums) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
        for (std::size_t label = 0; label < sums.size(); ++label) sums[label] += static_cast<double>(values[i]) * rows[static_cast<std::size_t>(ids[i]) * sums.size() + label];
    }
}

}  // namespace morula::models
#endif
