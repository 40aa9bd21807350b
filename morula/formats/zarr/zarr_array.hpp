// Reading one Zarr v3 array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/formats/zarr/zarr_node.hpp"

namespace morula::formats {

/// An array open for reading; const methods are safe to call from many threads. Sharded or not, 0 to 2 dimensions.
/// Every error names the file and what is damaged in it.
class ZarrArray {
public:
    /// Throws not_found, invalid_data, unsupported (see parse_zarr_node).
    explicit ZarrArray(const std::filesystem::path& folder);
    /// With metadata that is known already, for instance of an array whose zarr.json is not written yet.
    ZarrArray(const std::filesystem::path& folder, ZarrArrayMeta meta);
    ~ZarrArray();
    ZarrArray(ZarrArray&&) noexcept;
    ZarrArray& operator=(ZarrArray&&) noexcept;

    const ZarrArrayMeta& meta() const;
    const std::filesystem::path& folder() const;
    /// Number of elements.
    std::int64_t size() const;
    std::int64_t n_rows() const;  // 1 for a scalar
    std::int64_t n_cols() const;  // 1 for 0 and 1 dimensions

    /// Rows [first_row, first_row + out.size() / n_cols()), converted to T; of a 1-D array every element is a row. Throws invalid_data when a chunk is
    /// damaged or ends early, or when a value does not fit T. T: uint8_t (also booleans), int32_t, int64_t, uint32_t, float, double.
    template <class T>
    void read(std::int64_t first_row, std::span<T> out) const;
    /// All elements of a numeric array; asks the memory budget first.
    template <class T>
    std::vector<T> read_all(Context& context) const;
    /// All elements of an array of texts.
    std::vector<std::string> read_texts(Context& context) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace morula::formats
