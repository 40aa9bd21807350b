// A copy in memory of what is read more than once, where there is room for it.
#pragma once

#include "morula/matrix/block_source.hpp"

namespace morula::matrix {

/// compact_copy() where it takes less than two fifths of the memory budget, else the source as it is.
Matrix held_in_memory(const Matrix& source, Context& context);

}  // namespace morula::matrix
