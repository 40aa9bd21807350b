// Where rows (cells) or columns (genes) come from: memory, a file, or a lazy view. Steps see only these.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/matrix/views.hpp"

namespace morula::matrix {

struct Range {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::int64_t size() const { return end - begin; }
};

/// Room that a source may use to build a block; reused from call to call, one a task. Its vectors only grow: sizes mean nothing,
/// the view that read() returns says what is there.
struct CsrScratch {
    Csr csr;                       // where the block goes
    std::vector<std::byte> bytes;  // for raw chunks

    /// Room for the source below a lazy view, made when first asked for.
    CsrScratch& below();

private:
    std::unique_ptr<CsrScratch> below_;
};

/// A sparse matrix read by blocks of rows. const methods are safe to call from many threads.
class RowBlockSource {
public:
    virtual ~RowBlockSource() = default;
    virtual std::int64_t n_rows() const = 0;
    virtual std::int64_t n_cols() const = 0;
    /// Stored entries; exact where known, else an upper estimate.
    virtual std::int64_t nnz() const = 0;
    /// Rows [begin, end). The view may point into `scratch` or into the source's own memory and holds until scratch is used again.
    virtual CsrView read(Range rows, CsrScratch& scratch) const = 0;
    /// Whether a row costs the same however few are read at once, so that a caller may take no more than the processor's cache holds.
    virtual bool cheap_in_pieces() const { return false; }
};

using Matrix = std::shared_ptr<const RowBlockSource>;

/// A Csr in memory as a source; reads without copying.
Matrix make_source(Csr csr);
/// As above, not owning: `csr` must outlive the source.
Matrix make_view_source(CsrView csr);
/// The kept rows and columns of a source, each strictly increasing. Kept rows that lie close together are read in one call,
/// gaps of more than kSelectGap rows never, and none where rows are cheap one by one. select_rows keeps every column, select_cols every row. A selection of everything is the source itself;
/// one of log values goes below them, so that only logs that are kept are computed.
inline constexpr std::int64_t kSelectGap = 16;
Matrix select(Matrix source, std::vector<std::int64_t> rows, std::vector<std::int64_t> cols);
Matrix select_rows(Matrix source, std::vector<std::int64_t> rows);
Matrix select_cols(Matrix source, std::vector<std::int64_t> cols);
/// log1p(x * scale[row]) of every stored value, computed in float64 and rounded once.
Matrix log1p_scaled(Matrix source, std::vector<double> scale_of_row);
inline float log1p_scaled_value(float count, double scale) { return static_cast<float>(std::log1p(static_cast<double>(count) * scale)); }

/// What a log1p_scaled view is made of. scale_of_row lives as long as the view.
struct ScaledCounts {
    Matrix counts;
    std::span<const double> scale_of_row;
};
/// Set when the values are logs of counts, for a step that takes the logs better itself (gene by gene); none for any other source.
std::optional<ScaledCounts> scaled_counts(const RowBlockSource& values);
/// Sources one below the other; all must have the same number of columns.
Matrix stack_rows(std::vector<Matrix> sources);
/// Columns renamed: column c of the source becomes new_col[c] of n_cols (or is dropped where -1), in any order, no two the same.
/// For joining data sets on one gene axis. Where every column stays at its place, the source itself.
Matrix remap_cols(Matrix source, std::vector<std::int64_t> new_col, std::int64_t n_cols);

/// All rows in memory.
Csr read_all(const RowBlockSource& source, Context& context);

/// A copy in memory, same bits, at about 3 bytes a non-zero for counts: columns in 16 bits (32 above 65,536 columns); values in 8 or 16 bits
/// with the few that do not fit beside them, or float32 where values are not small integers. Reads the source once; any number of tasks may read the copy.
Matrix compact_copy(const RowBlockSource& source, Context& context);

}  // namespace morula::matrix
