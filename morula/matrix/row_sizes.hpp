// How many entries each row holds, without decoding them where the source knows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/block_source.hpp"

namespace morula::matrix {

/// A source that may know the lengths of its rows.
class RowSizes {
public:
    virtual bool knows_row_sizes() const = 0;
    /// Entries of rows [rows.begin, rows.end), one a row; only where they are known.
    virtual void row_sizes(Range rows, std::span<std::int64_t> out) const = 0;

protected:
    ~RowSizes() = default;
};

/// The source's own answer, null where it has none.
const RowSizes* known_row_sizes(const RowBlockSource& source);

/// Where each row begins among all entries, n_rows + 1 numbers; read where they are not known.
std::vector<std::int64_t> row_offsets(const RowBlockSource& source, Context& context);

}  // namespace morula::matrix
