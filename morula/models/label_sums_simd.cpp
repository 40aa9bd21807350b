#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/models/label_sums_simd.cpp"
#include "morula/models/label_sums_simd.hpp"

#include "hwy/foreach_target.h"  // compiles this file once a target
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace morula::models::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Up to four vectors of sums stay in registers while all entries pass: their additions wait for none of the others.
template <int kVectors, class D>
void add_vectors(D d, std::span<const std::uint32_t> ids, std::span<const float> values, const hn::TFromD<D>* rows, std::size_t stride, hn::TFromD<D>* sums) {
    const std::size_t lanes = hn::Lanes(d);
    auto a = hn::LoadU(d, sums);
    auto b = a;
    auto c = a;
    auto e = a;
    if constexpr (kVectors > 1) b = hn::LoadU(d, sums + lanes);
    if constexpr (kVectors > 2) c = hn::LoadU(d, sums + 2 * lanes);
    if constexpr (kVectors > 3) e = hn::LoadU(d, sums + 3 * lanes);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto value = hn::Set(d, static_cast<hn::TFromD<D>>(values[i]));
        const hn::TFromD<D>* row = rows + static_cast<std::size_t>(ids[i]) * stride;
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

template <class D>
void add_rows(D d, std::span<const std::uint32_t> ids, std::span<const float> values, const hn::TFromD<D>* rows, std::span<hn::TFromD<D>> sums) {
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t stride = sums.size();
    std::size_t label = 0;
    for (; label + 4 * lanes <= stride; label += 4 * lanes) add_vectors<4>(d, ids, values, rows + label, stride, sums.data() + label);
    const std::size_t left = (stride - label) / lanes;
    if (left == 3) add_vectors<3>(d, ids, values, rows + label, stride, sums.data() + label);
    if (left == 2) add_vectors<2>(d, ids, values, rows + label, stride, sums.data() + label);
    if (left == 1) add_vectors<1>(d, ids, values, rows + label, stride, sums.data() + label);
}

void add_labels_here(std::span<const std::uint32_t> ids, std::span<const float> values, const double* rows, std::span<double> sums) {
    add_rows(hn::CappedTag<double, static_cast<std::size_t>(kLabelPadding)>(), ids, values, rows, sums);
}

void add_components_here(std::span<const std::uint32_t> ids, std::span<const float> values, const float* rows, std::span<float> sums) {
    add_rows(hn::CappedTag<float, static_cast<std::size_t>(kComponentPadding)>(), ids, values, rows, sums);
}

}  // namespace morula::models::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::models {

HWY_EXPORT(add_labels_here);
HWY_EXPORT(add_components_here);

void add_scaled_rows(std::span<const std::uint32_t> ids, std::span<const float> values, const double* rows, std::span<double> sums) { HWY_DYNAMIC_DISPATCH(add_labels_here)(ids, values, rows, sums); }
void add_scaled_rows(std::span<const std::uint32_t> ids, std::span<const float> values, const float* rows, std::span<float> sums) { HWY_DYNAMIC_DISPATCH(add_components_here)(ids, values, rows, sums); }

namespace {

template <class T>
void add_plain(std::span<const std::uint32_t> ids, std::span<const float> values, const T* rows, std::span<T> sums) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
        for (std::size_t at = 0; at < sums.size(); ++at) sums[at] += static_cast<T>(values[i]) * rows[static_cast<std::size_t>(ids[i]) * sums.size() + at];
    }
}

}  // namespace

void add_scaled_rows_plain(std::span<const std::uint32_t> ids, std::span<const float> values, const double* rows, std::span<double> sums) { add_plain(ids, values, rows, sums); }
void add_scaled_rows_plain(std::span<const std::uint32_t> ids, std::span<const float> values, const float* rows, std::span<float> sums) { add_plain(ids, values, rows, sums); }

}  // namespace morula::models
#endif
