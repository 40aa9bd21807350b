#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/analysis/pair_wins_simd.cpp"
#include "morula/analysis/pair_wins_simd.hpp"

#include <algorithm>
#include <limits>

#include "hwy/foreach_target.h"  // compiles this file once a target
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace morula::analysis::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

std::size_t group_of(std::uint64_t key) { return static_cast<std::size_t>(key & 0xffffffffU); }

std::size_t end_of_run(std::span<const std::uint64_t> keys, std::size_t begin) {
    std::size_t end = begin + 1;
    while (end < keys.size() && keys[end] >> 32 == keys[begin] >> 32) ++end;
    return end;
}

/// Rows of twice the wins in 32 bits: a quarter of the bytes of float64, emptied into it before they can overflow.
class Rows {
public:
    Rows(std::size_t n_groups, std::span<double> all, PairWinsScratch& scratch) : n_groups_(n_groups), stride_((n_groups + 15) / 16 * 16), all_(all), scratch_(scratch) {
        scratch_.wins.assign(n_groups_ * stride_, 0);
        scratch_.run.assign(stride_, 0);
        scratch_.below.resize(stride_, 0);
    }
    void add(std::size_t group) {
        std::uint32_t* to = scratch_.wins.data() + group * stride_;
        for (std::size_t g = 0; g < stride_; g += lanes_) hn::StoreU(hn::Add(hn::LoadU(d_, to + g), hn::LoadU(d_, scratch_.below.data() + g)), d_, to + g);
    }
    void add_with_run(std::size_t group) {
        std::uint32_t* to = scratch_.wins.data() + group * stride_;
        for (std::size_t g = 0; g < stride_; g += lanes_) {
            const auto sum = hn::Add(hn::LoadU(d_, scratch_.below.data() + g), hn::LoadU(d_, scratch_.run.data() + g));
            hn::StoreU(hn::Add(hn::LoadU(d_, to + g), sum), d_, to + g);
        }
    }
    /// A run too long for 32 bits.
    void add_long_run() {
        for (std::size_t group = 0; group < n_groups_; ++group) {
            const double n = scratch_.run[group];
            if (n == 0.0) continue;
            for (std::size_t other = 0; other < n_groups_; ++other) all_[group * n_groups_ + other] += 0.5 * n * (static_cast<double>(scratch_.below[other]) + static_cast<double>(scratch_.run[other]));
        }
    }
    void end_run() {
        for (std::size_t g = 0; g < n_groups_; ++g) {
            scratch_.below[g] += 2 * scratch_.run[g];
            scratch_.run[g] = 0;
        }
    }
    void empty() {
        for (std::size_t group = 0; group < n_groups_; ++group) {
            std::uint32_t* from = scratch_.wins.data() + group * stride_;
            for (std::size_t other = 0; other < n_groups_; ++other) all_[group * n_groups_ + other] += 0.5 * static_cast<double>(from[other]);
            std::fill(from, from + n_groups_, 0U);
        }
    }

private:
    hn::ScalableTag<std::uint32_t> d_;
    std::size_t lanes_ = std::min<std::size_t>(16, hn::Lanes(hn::ScalableTag<std::uint32_t>()));
    std::size_t n_groups_;
    std::size_t stride_;
    std::span<double> all_;
    PairWinsScratch& scratch_;
};

/// most: keys that can be added before 32 bits may overflow, at least 1.
void add_pair_wins_here(std::span<const std::uint64_t> keys, std::size_t n_groups, std::size_t most, PairWinsScratch& scratch, std::span<double> wins) {
    Rows rows(n_groups, wins, scratch);
    std::size_t left = most;
    for (std::size_t begin = 0; begin < keys.size();) {
        const std::size_t end = end_of_run(keys, begin);
        const std::size_t length = end - begin;
        if (length > left) {
            rows.empty();
            left = most;
        }
        if (length == 1) {
            rows.add(group_of(keys[begin]));
            scratch.below[group_of(keys[begin])] += 2;
        } else {
            for (std::size_t i = begin; i < end; ++i) ++scratch.run[group_of(keys[i])];
            if (length > most) rows.add_long_run();
            else for (std::size_t i = begin; i < end; ++i) rows.add_with_run(group_of(keys[i]));
            rows.end_run();
        }
        left -= std::min(left, length);
        begin = end;
    }
    rows.empty();
}

}  // namespace morula::analysis::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::analysis {

HWY_EXPORT(add_pair_wins_here);

void add_pair_wins(std::span<const std::uint64_t> keys, std::span<const double> below, PairWinsScratch& scratch, std::span<double> wins) {
    double n_cells = static_cast<double>(keys.size());
    for (const double n : below) n_cells += n;
    const double most = static_cast<double>(std::numeric_limits<std::uint32_t>::max()) / (2.0 * std::max(1.0, n_cells));
    if (most < 1.0) return add_pair_wins_plain(keys, below, wins);
    scratch.below.clear();
    for (const double n : below) scratch.below.push_back(2 * static_cast<std::uint32_t>(n));
    HWY_DYNAMIC_DISPATCH(add_pair_wins_here)(keys, below.size(), static_cast<std::size_t>(most), scratch, wins);
}

void add_pair_wins_plain(std::span<const std::uint64_t> keys, std::span<const double> below_all, std::span<double> wins) {
    std::vector<double> below(below_all.begin(), below_all.end());
    const std::size_t n_groups = below.size();
    for (std::size_t begin = 0; begin < keys.size();) {
        std::vector<double> run(n_groups, 0.0);
        std::size_t end = begin;
        for (; end < keys.size() && keys[end] >> 32 == keys[begin] >> 32; ++end) run[keys[end] & 0xffffffffU] += 1.0;
        const double share = end - begin == 1 ? 0.0 : 0.5;
        for (std::size_t i = begin; i < end; ++i) {
            double* row = wins.data() + (keys[i] & 0xffffffffU) * n_groups;
            for (std::size_t other = 0; other < n_groups; ++other) row[other] += below[other] + share * run[other];
        }
        for (std::size_t group = 0; group < n_groups; ++group) below[group] += run[group];
        begin = end;
    }
}

}  // namespace morula::analysis
#endif
