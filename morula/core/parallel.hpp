// The only way to start parallel work. Results never depend on how blocks were shared out.
#pragma once

#include <cstdint>
#include <functional>

#include "morula/core/context.hpp"

namespace morula {

struct Block {
    std::int64_t index = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::int64_t size() const { return end - begin; }
};

/// Calls body for [0, n) cut into blocks of block_size (the last may be shorter), on the Context's threads.
/// A nested call runs inline. When bodies throw, the exception of the lowest block wins. Checks cancellation once a block.
void parallel_blocks(Context& context, std::int64_t n, std::int64_t block_size, const std::function<void(Block)>& body);

/// Sum of body(block) over all blocks, added in block order.
double sum_blocks(Context& context, std::int64_t n, std::int64_t block_size, const std::function<double(Block)>& body);

}  // namespace morula
