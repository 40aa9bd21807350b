// A long one-dimensional array of numbers in a file, read piece by piece from many threads; inflating happens outside the library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "morula/formats/hdf5/chunk_filters.hpp"
#include "morula/formats/hdf5/h5.hpp"

namespace morula::formats::h5 {

enum class NumberType { int8, uint8, int16, uint16, int32, uint32, int64, uint64, float32, float64 };

class Array {
public:
    /// Throws invalid_data unless the data set is one-dimensional and holds integers or floats.
    explicit Array(Object dataset);
    ~Array();

    std::int64_t size() const { return size_; }
    NumberType type() const { return type_; }
    std::string place() const { return dataset_.place(); }
    /// Whether the elements lie one after the other in the file, so that a short read costs no more an element than a long one.
    bool is_contiguous() const { return layout_ == Layout::contiguous; }

    /// Elements [begin, begin + out.size()) converted. Throws invalid_data with the element when an integer does not fit:
    /// for uint32 anything below 0 or above 2^32 - 1, for float an integer above 2^32 (a count no cell can hold).
    void read(std::int64_t begin, std::span<float> out) const;
    void read(std::int64_t begin, std::span<std::uint32_t> out) const;
    void read(std::int64_t begin, std::span<std::int64_t> out) const;

private:
    enum class Layout { contiguous, chunks, by_library };
    using Bytes = std::vector<std::byte>;
    struct Cache;

    void choose_layout();
    bool take_filters(hid_t creation);
    template <class T>
    void read_any(std::int64_t begin, std::span<T> out) const;
    template <class T>
    void read_contiguous(std::int64_t begin, std::span<T> out) const;
    void read_bytes(std::int64_t at, std::span<std::byte> bytes) const;
    template <class T>
    void read_chunks(std::int64_t begin, std::span<T> out) const;
    template <class T>
    void read_by_library(std::int64_t begin, std::span<T> out) const;
    std::shared_ptr<const Bytes> chunk(std::int64_t index, bool keep) const;
    void fetch_chunk(std::int64_t index, Bytes& stored, std::uint32_t& skip_mask) const;
    template <class T>
    void convert(std::span<const std::byte> bytes, std::int64_t first, std::span<T> out) const;

    Object dataset_;
    std::int64_t size_ = 0;
    NumberType type_ = NumberType::float32;
    std::int64_t type_bytes_ = 4;
    Layout layout_ = Layout::by_library;
    std::int64_t offset_ = 0;          // contiguous: of the first element in the file
    int file_descriptor_ = -1;         // contiguous: the library's own, read by pread
    std::int64_t chunk_elements_ = 0;
    std::vector<Filter> filters_;
    std::unique_ptr<Cache> cache_;
};

}  // namespace morula::formats::h5
