// Draws from a fixed discrete distribution in constant time (Walker 1977, built as Vose 1991).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace morula::analysis {

class AliasTable {
public:
    AliasTable() = default;
    /// weights: not negative, at least one positive, fewer than 2^32; they need not sum to one. An item of weight 0 is never drawn.
    explicit AliasTable(std::span<const double> weights);

    /// The item that belongs to 64 random bits. Probabilities are kept to 2^-24 of an even share.
    std::uint32_t draw(std::uint64_t bits) const {
        const auto slot = static_cast<std::size_t>(((bits & 0xffffffffULL) * slots_.size()) >> 32);
        const Slot& entry = slots_[slot];
        return static_cast<std::uint32_t>(bits >> 40) < entry.keep ? static_cast<std::uint32_t>(slot) : entry.other;
    }
    std::size_t size() const { return slots_.size(); }

private:
    struct Slot {
        std::uint32_t keep = 0;  // of 2^24
        std::uint32_t other = 0;
    };
    std::vector<Slot> slots_;
};

}  // namespace morula::analysis
