#include "morula/matrix/row_sizes.hpp"

#include "morula/core/parallel.hpp"
#include "morula/matrix/scratch_pool.hpp"

namespace morula::matrix {
namespace {

constexpr std::int64_t kReadRows = 1024;

}  // namespace

const RowSizes* known_row_sizes(const RowBlockSource& source) {
    const auto* sizes = dynamic_cast<const RowSizes*>(&source);
    return sizes != nullptr && sizes->knows_row_sizes() ? sizes : nullptr;
}

std::vector<std::int64_t> row_offsets(const RowBlockSource& source, Context& context) {
    std::vector<std::int64_t> offsets(static_cast<std::size_t>(source.n_rows()) + 1, 0);
    const std::span<std::int64_t> sizes = std::span(offsets).subspan(1);
    if (const RowSizes* known = known_row_sizes(source)) {
        known->row_sizes({0, source.n_rows()}, sizes);
    } else {
        ScratchPool<> pool;
        parallel_blocks(context, source.n_rows(), kReadRows, [&](Block block) {
            auto scratch = pool.take();
            const CsrView rows = source.read({block.begin, block.end}, *scratch);
            for (std::int64_t row = 0; row < rows.n_rows; ++row) sizes[static_cast<std::size_t>(block.begin + row)] = static_cast<std::int64_t>(rows.row_indices(row).size());
        });
    }
    for (std::size_t row = 1; row < offsets.size(); ++row) offsets[row] += offsets[row - 1];
    return offsets;
}

}  // namespace morula::matrix
