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

/// Four vectors of sums stay in registers while all entries pass.
void add_four(std::span<const std::uint32_t> ids, std::span<const float> values, const double* rows, std::size_t stride, double* sums) {
    const Doubles d;
    const std::size_t lanes = hn::Lanes(d);
    auto a = hn::LoadU(d, sums);
    auto b = hn::LoadU(d, sums + lanes);
    auto c = hn::LoadU(d, sums + 2 * lanes);
    auto e = hn::LoadU(d, sums + 3 * lanes);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto value = hn::Set(d, static_cast<double>(values[i]));
        const double* row = rows + static_cast<std::size_t>(ids[i]) * stride;
        a = hn::Add(a, hn::Mul(value, hn::LoadU(d, row)));
        b = hn::Add(b, hn::Mul(value, hn::LoadU(d, row + lanes)));
        c = hn::Add(c, hn::Mul(value, hn::LoadU(d, row + 2 * lanes)));
        e = hn::Add(e, hn::Mul(value, hn::LoadU(d, row + 3 * lanes)));
    }
    hn::StoreU(a, d, sums);
    hn::StoreU(b, d, sums + lanes);
    hn::StoreU(c, d, sums + 2 * lanes);
    hn::StoreU(e, d, sums + 3 * lanes);
}

void add_one(std::span<const std::uint32_t> ids, std::span<const float> values, const double* rows, std::size_t stride, double* sums) {
    const Doubles d;
    auto a = hn::LoadU(d, sums);
    for (std::size_t i = 0; i < ids.size(); ++i) a = hn::Add(a, hn::Mul(hn::Set(d, static_cast<double>(values[i])), hn::LoadU(d, rows + static_cast<std::size_t>(ids[i]) * stride)));
    hn::StoreU(a, d, sums);
}

void add_scaled_rows_here(std::span<const std::uint32_t> ids, std::span<const float> values, const double* rows, std::span<double> sums) {
    const std::size_t lanes = hn::Lanes(Doubles());
    std::size_t label = 0;
    for (; label + 4 * lanes <= sums.size(); label += 4 * lanes) add_four(ids, values, rows + label, sums.size(), sums.data() + label);
    for (; label < sums.size(); label += lanes) add_one(ids, values, rows + label, sums.size(), sums.data() + label);
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
