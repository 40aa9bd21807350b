#include "morula/matrix/held_in_memory.hpp"

namespace morula::matrix {

Matrix held_in_memory(const Matrix& source, Context& context) {
    constexpr std::int64_t kBytesPerEntry = 4;  // upper bound of the copy
    constexpr double kShare = 0.4;              // of the memory budget
    const std::int64_t bytes = source->nnz() * kBytesPerEntry + source->n_rows() * 16;
    return static_cast<double>(bytes) < kShare * static_cast<double>(context.memory_bytes()) ? compact_copy(*source, context) : source;
}

}  // namespace morula::matrix
