// Writing h5ad files that AnnData 0.8 to 0.13 opens without a warning.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/core/describe.hpp"
#include "morula/data/dataset.hpp"

namespace morula::formats {

enum class H5adCompression { none, gzip };

struct WriteH5adOptions {
    H5adCompression compression = H5adCompression::none;
    // Layers known to store exactly the same entries as X (only values differ): their indices and indptr become hard links to X's.
    // Checked while writing; a difference throws internal.
    std::vector<std::string> layers_sharing_index_with_x;
};

/// Everything of `dataset`, matrices streamed in bounded memory. The file appears whole or not at all; disk space is checked first.
/// Bytes depend on the data and options only, never on threads.
void write_h5ad(const data::Dataset& dataset, const std::filesystem::path& path, const WriteH5adOptions& options, Context& context);

/// The same in two parts, for whoever knows the matrices long before the rest: the disk writes them while the rest is computed.
/// Not finished: nothing is left.
class H5adFile {
public:
    /// Writes the matrices (layers and raw) of `dataset`; they may be none.
    H5adFile(const data::Dataset& dataset, const std::filesystem::path& path, const WriteH5adOptions& options, Context& context);
    ~H5adFile();
    H5adFile(const H5adFile&) = delete;
    H5adFile& operator=(const H5adFile&) = delete;

    /// Writes everything else of `dataset`, whose cells and genes are those of the matrices, and puts the file in its place.
    void finish(const data::Dataset& dataset, Context& context);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Bytes the file will take without compression, to within a few per cent.
std::int64_t estimate_h5ad_bytes(const data::Dataset& dataset, const WriteH5adOptions& options);

}  // namespace morula::formats
