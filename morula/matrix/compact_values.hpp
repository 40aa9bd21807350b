// Values packed into small integers where they are counts: the forms behind every compact copy.
#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

namespace morula::matrix {

/// A value that its code cannot hold.
struct Escape {
    std::uint32_t at = 0;  // position in the chunk
    float value = 0.0F;
};

/// Values of a chunk; the largest code stands for "look among the escapes".
template <class Code>
struct Coded {
    std::vector<Code> codes;
    std::vector<Escape> escapes;  // by position
};

using CompactValues = std::variant<Coded<std::uint8_t>, Coded<std::uint16_t>, std::vector<float>>;

/// The smallest of the three forms. Any of them gives back the same bits. At most 2^32 - 1 values.
CompactValues encode_values(std::span<const float> values);
/// One byte a value into `codes` (as many as values), 255 where it cannot hold the value. Returns how many those are; whether Coded<uint8> is worth it tells is_worth_bytes.
std::int64_t encode_bytes(std::span<const float> values, std::uint8_t* codes);
bool is_worth_bytes(std::int64_t n_values, std::int64_t n_escapes);
/// Values [begin, begin + n) into `to`.
void decode_values(const CompactValues& values, std::int64_t begin, std::int64_t n, float* to);

}  // namespace morula::matrix
