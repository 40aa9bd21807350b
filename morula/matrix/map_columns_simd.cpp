#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "morula/matrix/map_columns_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "morula/matrix/map_columns.hpp"

HWY_BEFORE_NAMESPACE();
namespace morula::matrix::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

std::int64_t map_columns_here(std::span<const std::uint32_t> cols, std::span<const float> values, std::span<const std::uint32_t> new_col, std::uint32_t* to_cols, float* to_values) {
    const hn::CappedTag<std::uint32_t, kMapSlack / 4> ids;
    const hn::RebindToSigned<decltype(ids)> places;
    const hn::RebindToFloat<decltype(ids)> floats;
    const std::size_t lanes = hn::Lanes(ids);
    const auto dropped = hn::Set(ids, kDroppedColumn);
    std::size_t at = 0;
    std::size_t i = 0;
    for (; i + lanes <= cols.size(); i += lanes) {
        const auto mapped = hn::GatherIndex(ids, new_col.data(), hn::BitCast(places, hn::LoadU(ids, cols.data() + i)));
        const auto kept = hn::Ne(mapped, dropped);
        // Packed in a register, then stored: packing straight into memory is microcode on AMD's processors, and several times slower.
        hn::StoreU(hn::Compress(hn::LoadU(floats, values.data() + i), hn::RebindMask(floats, kept)), floats, to_values + at);
        hn::StoreU(hn::Compress(mapped, kept), ids, to_cols + at);
        at += hn::CountTrue(ids, kept);
    }
    const auto done = static_cast<std::int64_t>(at);
    return done + map_columns_plain(cols.subspan(i), values.subspan(i), new_col, to_cols + done, to_values + done);
}

}  // namespace morula::matrix::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace morula::matrix {

HWY_EXPORT(map_columns_here);

std::int64_t map_columns(std::span<const std::uint32_t> cols, std::span<const float> values, std::span<const std::uint32_t> new_col, std::uint32_t* to_cols, float* to_values) {
    return HWY_DYNAMIC_DISPATCH(map_columns_here)(cols, values, new_col, to_cols, to_values);
}

std::int64_t map_columns_plain(std::span<const std::uint32_t> cols, std::span<const float> values, std::span<const std::uint32_t> new_col, std::uint32_t* to_cols, float* to_values) {
    std::int64_t at = 0;
    for (std::size_t i = 0; i < cols.size(); ++i) {
        const std::uint32_t col = new_col[cols[i]];
        to_cols[at] = col;
        to_values[at] = values[i];
        at += col != kDroppedColumn ? 1 : 0;
    }
    return at;
}

}  // namespace morula::matrix
#endif
