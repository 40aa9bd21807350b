#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/analysis/gram_panels_simd.cpp"
#include "morula/analysis/gram_panels_simd.hpp"

#include "hwy/foreach_target.h"  // compiles this file once a target
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace morula::analysis::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Numbers = hn::CappedTag<double, kPanelGenes / 3>;
using Vector = hn::Vec<Numbers>;
constexpr Numbers kNumbers;

/// A row of sums in three registers.
struct Three {
    Vector a, b, c;
    static Three load(const double* from) {
        const std::size_t lanes = hn::Lanes(kNumbers);
        return {hn::LoadU(kNumbers, from), hn::LoadU(kNumbers, from + lanes), hn::LoadU(kNumbers, from + 2 * lanes)};
    }
    void store(double* to) const {
        const std::size_t lanes = hn::Lanes(kNumbers);
        hn::StoreU(a, kNumbers, to);
        hn::StoreU(b, kNumbers, to + lanes);
        hn::StoreU(c, kNumbers, to + 2 * lanes);
    }
    void add(double factor, const Three& row) {
        const Vector all = hn::Set(kNumbers, factor);
        a = hn::Add(a, hn::Mul(all, row.a));
        b = hn::Add(b, hn::Mul(all, row.b));
        c = hn::Add(c, hn::Mul(all, row.c));
    }
};

/// Four rows of sums: with the row of b and a factor, what sixteen registers hold.
void add_products_of_four(const double* a, const double* b, std::int64_t n_cells, double* products) {
    Three first = Three::load(products);
    Three second = Three::load(products + kPanelGenes);
    Three third = Three::load(products + 2 * kPanelGenes);
    Three fourth = Three::load(products + 3 * kPanelGenes);
    for (std::int64_t cell = 0; cell < n_cells; ++cell, a += kPanelGenes, b += kPanelGenes) {
        const Three row = Three::load(b);
        first.add(a[0], row);
        second.add(a[1], row);
        third.add(a[2], row);
        fourth.add(a[3], row);
    }
    first.store(products);
    second.store(products + kPanelGenes);
    third.store(products + 2 * kPanelGenes);
    fourth.store(products + 3 * kPanelGenes);
}

void add_panel_products_here(const double* a, const double* b, std::int64_t n_cells, double* products) {
    const auto step = static_cast<std::int64_t>(3 * hn::Lanes(kNumbers));
    for (std::int64_t i = 0; i < kPanelGenes; i += 4) {
        for (std::int64_t j = 0; j < kPanelGenes; j += step) add_products_of_four(a + i, b + j, n_cells, products + i * kPanelGenes + j);
    }
}

void add_scaled_here(double factor, const float* values, std::int64_t n, double* sums) {
    const hn::Rebind<float, Numbers> floats;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(kNumbers));
    const Vector all = hn::Set(kNumbers, factor);
    for (std::int64_t j = 0; j < n; j += lanes) {
        const Vector row = hn::PromoteTo(kNumbers, hn::LoadU(floats, values + j));
        hn::StoreU(hn::Add(hn::LoadU(kNumbers, sums + j), hn::Mul(all, row)), kNumbers, sums + j);
    }
}

}  // namespace morula::analysis::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::analysis {

HWY_EXPORT(add_panel_products_here);
HWY_EXPORT(add_scaled_here);

void add_panel_products(const double* a, const double* b, std::int64_t n_cells, double* products) { HWY_DYNAMIC_DISPATCH(add_panel_products_here)(a, b, n_cells, products); }
void add_scaled(double factor, const float* values, std::int64_t n, double* sums) { HWY_DYNAMIC_DISPATCH(add_scaled_here)(factor, values, n, sums); }

}  // namespace morula::analysis
#endif
