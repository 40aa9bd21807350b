#include "morula/matrix/compact_values.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "morula/matrix/widen.hpp"

namespace morula::matrix {
namespace {

/// The code of a value, the largest where none gives back the same bits (fractions, large and negative values, -0, NaN). Without branches, so that
/// the loop over it runs in vectors.
template <class Code>
Code code_of(float value) {
    constexpr auto kEscaped = static_cast<std::int32_t>(std::numeric_limits<Code>::max());
    const float in_range = value > 0.0F && value < static_cast<float>(kEscaped) ? value : 0.0F;
    const auto code = static_cast<std::int32_t>(in_range);
    return static_cast<Code>(std::bit_cast<std::uint32_t>(static_cast<float>(code)) == std::bit_cast<std::uint32_t>(value) ? code : kEscaped);
}

std::int64_t encode(std::span<const float> values, std::uint8_t* codes) { return narrow(values.data(), static_cast<std::int64_t>(values.size()), codes); }
std::int64_t encode(std::span<const float> values, std::uint16_t* codes) {
    for (std::size_t i = 0; i < values.size(); ++i) codes[i] = code_of<std::uint16_t>(values[i]);
    return std::count(codes, codes + values.size(), std::numeric_limits<std::uint16_t>::max());
}

template <class Code>
Coded<Code> with_escapes(std::vector<Code> codes, std::span<const float> values, std::int64_t n_escapes) {
    Coded<Code> coded;
    coded.escapes.reserve(static_cast<std::size_t>(n_escapes));
    for (auto at = codes.begin(); std::ssize(coded.escapes) < n_escapes; ++at) {
        at = std::find(at, codes.end(), std::numeric_limits<Code>::max());
        const auto i = static_cast<std::size_t>(at - codes.begin());
        coded.escapes.push_back({static_cast<std::uint32_t>(i), values[i]});
    }
    coded.codes = std::move(codes);
    return coded;
}

template <class Code>
void decode_coded(const Coded<Code>& coded, std::int64_t begin, std::int64_t n, float* to) {
    widen(coded.codes.data() + begin, n, to);
    auto escape = std::lower_bound(coded.escapes.begin(), coded.escapes.end(), begin, [](const Escape& e, std::int64_t at) { return std::int64_t{e.at} < at; });
    for (; escape != coded.escapes.end() && std::int64_t{escape->at} < begin + n; ++escape) to[std::int64_t{escape->at} - begin] = escape->value;
}

constexpr auto kEscapeBytes = static_cast<std::int64_t>(sizeof(Escape));

}  // namespace

std::int64_t encode_bytes(std::span<const float> values, std::uint8_t* codes) { return encode(values, codes); }

bool is_worth_bytes(std::int64_t n_values, std::int64_t n_escapes) { return kEscapeBytes * n_escapes <= n_values; }

CompactValues encode_values(std::span<const float> values) {
    const auto n = static_cast<std::int64_t>(values.size());
    std::vector<std::uint8_t> bytes(values.size());
    const std::int64_t escapes_8 = encode(values, bytes.data());
    const std::int64_t bytes_8 = n + kEscapeBytes * escapes_8;
    if (is_worth_bytes(n, escapes_8)) return with_escapes(std::move(bytes), values, escapes_8);
    std::vector<std::uint16_t> shorts(values.size());
    const std::int64_t escapes_16 = encode(values, shorts.data());
    const std::int64_t bytes_16 = 2 * n + kEscapeBytes * escapes_16;
    if (bytes_8 <= std::min(bytes_16, 4 * n)) return with_escapes(std::move(bytes), values, escapes_8);
    if (bytes_16 <= 4 * n) return with_escapes(std::move(shorts), values, escapes_16);
    return std::vector<float>(values.begin(), values.end());
}

void decode_values(const CompactValues& values, std::int64_t begin, std::int64_t n, float* to) {
    if (const auto* bytes = std::get_if<Coded<std::uint8_t>>(&values)) return decode_coded(*bytes, begin, n, to);
    if (const auto* shorts = std::get_if<Coded<std::uint16_t>>(&values)) return decode_coded(*shorts, begin, n, to);
    std::copy_n(std::get<std::vector<float>>(values).data() + begin, n, to);
}

}  // namespace morula::matrix
