// Most counts of a cell are a few small integers: what is computed of each is computed once a cell.
#pragma once

#include <array>
#include <cstdint>

namespace morula::matrix {

/// Remembers f(count) for the integers 1 to 63.
template <class Value>
class PerCount {
public:
    /// Forgets everything: the next cell begins.
    void clear() { known_ = 0; }

    template <class Function>
    Value of(float count, const Function& f) {
        const auto whole = static_cast<std::int64_t>(count >= 0.0F && count < static_cast<float>(kSmall) ? count : -1.0F);
        const auto small = static_cast<std::size_t>(whole) & (kSmall - 1);
        const bool remembered = static_cast<float>(whole) == count && count != 0.0F;
        if (remembered && (known_ >> small & 1U) != 0) [[likely]] return value_[small];
        const Value value = f(count);
        if (remembered) {
            value_[small] = value;
            known_ |= std::uint64_t{1} << small;
        }
        return value;
    }

private:
    static constexpr std::size_t kSmall = 64;
    std::array<Value, kSmall> value_;
    std::uint64_t known_ = 0;
};

}  // namespace morula::matrix
