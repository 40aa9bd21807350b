#include "morula/formats/hdf5/h5_array.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <list>
#include <string>
#include <type_traits>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/matrix/entry_scans.hpp"

namespace morula::formats::h5 {

namespace {

constexpr std::size_t kCacheBytes = std::size_t{64} << 20;
constexpr std::int64_t kMostChunkBytes = std::int64_t{1} << 30;
constexpr std::int64_t kPieceBytes = std::int64_t{1} << 18;  // converted while it is in the cache of the processor
constexpr hid_t kFilterLzf = 32000;

std::int64_t bytes_of(NumberType type) {
    switch (type) {
        case NumberType::int8:
        case NumberType::uint8:
            return 1;
        case NumberType::int16:
        case NumberType::uint16:
            return 2;
        case NumberType::int32:
        case NumberType::uint32:
        case NumberType::float32:
            return 4;
        case NumberType::int64:
        case NumberType::uint64:
        case NumberType::float64:
            return 8;
    }
    return 8;
}

hid_t native_type(NumberType type) {
    switch (type) {
        case NumberType::int8:
            return H5T_NATIVE_INT8;
        case NumberType::uint8:
            return H5T_NATIVE_UINT8;
        case NumberType::int16:
            return H5T_NATIVE_INT16;
        case NumberType::uint16:
            return H5T_NATIVE_UINT16;
        case NumberType::int32:
            return H5T_NATIVE_INT32;
        case NumberType::uint32:
            return H5T_NATIVE_UINT32;
        case NumberType::float32:
            return H5T_NATIVE_FLOAT;
        case NumberType::int64:
            return H5T_NATIVE_INT64;
        case NumberType::uint64:
            return H5T_NATIVE_UINT64;
        case NumberType::float64:
            return H5T_NATIVE_DOUBLE;
    }
    return H5T_NATIVE_DOUBLE;
}

// The nearest of our types; booleans count as bytes, half floats as float32.
NumberType number_type(const Object& dataset, const DatasetInfo& info) {
    if (info.type == TypeClass::boolean) {
        return NumberType::uint8;
    }
    if (info.type == TypeClass::real && info.type_bytes <= 8) {
        return info.type_bytes <= 4 ? NumberType::float32 : NumberType::float64;
    }
    if (info.type == TypeClass::integer && info.type_bytes <= 8) {
        switch (info.type_bytes) {
            case 1:
                return info.is_signed ? NumberType::int8 : NumberType::uint8;
            case 2:
                return info.is_signed ? NumberType::int16 : NumberType::uint16;
            case 3:
            case 4:
                return info.is_signed ? NumberType::int32 : NumberType::uint32;
            default:
                return info.is_signed ? NumberType::int64 : NumberType::uint64;
        }
    }
    invalid_data(dataset.place() + " does not hold numbers.", "Save the file again with AnnData 0.8 or newer.");
}

// True when `value` may become a T without a change that matters. Floats are delivered as they are, NaN included.
template <class T, class From>
bool fits(From value) {
    if constexpr (std::is_floating_point_v<From> && std::is_floating_point_v<T>) {
        return true;
    } else if constexpr (std::is_floating_point_v<T>) {
        // Above 2^32 no count is believable and float32 would bend it silently.
        if constexpr (sizeof(From) <= 4) {
            return true;
        } else if constexpr (std::is_signed_v<From>) {
            return value <= 4294967296LL && value >= -4294967296LL;
        } else {
            return value <= 4294967296ULL;
        }
    } else if constexpr (std::is_floating_point_v<From>) {
        return value >= 0 && value < static_cast<From>(4294967296.0) && value == static_cast<From>(static_cast<T>(value));
    } else {
        return std::in_range<T>(value);
    }
}

// A number of type From has the same bytes as a T, unless it is negative.
template <class From, class T>
constexpr bool kSameBytes = std::is_same_v<From, T> || (std::is_integral_v<From> && std::is_unsigned_v<T> && std::is_integral_v<T> && sizeof(From) == sizeof(T));

// The first of n numbers that does not fit a T, or n.
template <class T, class From>
std::size_t first_unfit(const std::byte* bytes, std::size_t n) {
    std::size_t i = 0;
    for (; i < n; ++i) {
        From value;
        std::memcpy(&value, bytes + i * sizeof(From), sizeof(From));
        if (!fits<T>(value)) {
            break;
        }
    }
    return i;
}

template <class From, class T>
std::size_t convert_all(const std::byte* bytes, std::span<T> out) {
    bool all_fit = true;
    if constexpr (kSameBytes<From, T>) {
        // Nothing to move where they were read in place. A set highest bit is a negative number.
        if (static_cast<const void*>(bytes) != out.data()) {
            std::memcpy(out.data(), bytes, out.size_bytes());
        }
        if constexpr (!std::is_same_v<From, T>) {
            T bits = 0;
            if constexpr (std::is_same_v<T, std::uint32_t>) {
                bits = matrix::bits_of_any(out);
            } else {
                for (const T value : out) {
                    bits |= value;
                }
            }
            all_fit = fits<T>(static_cast<From>(bits));
        }
    } else {
        for (std::size_t i = 0; i < out.size(); ++i) {
            From value;
            std::memcpy(&value, bytes + i * sizeof(From), sizeof(From));
            const bool ok = fits<T>(value);
            all_fit &= ok;
            out[i] = ok ? static_cast<T>(value) : T{};
        }
    }
    return all_fit ? out.size() : first_unfit<T, From>(bytes, out.size());
}

// Calls body with a null pointer to the C++ type of `type`.
template <class Body>
decltype(auto) with_type(NumberType type, const Body& body) {
    switch (type) {
        case NumberType::int8:
            return body(static_cast<std::int8_t*>(nullptr));
        case NumberType::uint8:
            return body(static_cast<std::uint8_t*>(nullptr));
        case NumberType::int16:
            return body(static_cast<std::int16_t*>(nullptr));
        case NumberType::uint16:
            return body(static_cast<std::uint16_t*>(nullptr));
        case NumberType::int32:
            return body(static_cast<std::int32_t*>(nullptr));
        case NumberType::uint32:
            return body(static_cast<std::uint32_t*>(nullptr));
        case NumberType::int64:
            return body(static_cast<std::int64_t*>(nullptr));
        case NumberType::uint64:
            return body(static_cast<std::uint64_t*>(nullptr));
        case NumberType::float32:
            return body(static_cast<float*>(nullptr));
        case NumberType::float64:
            break;
    }
    return body(static_cast<double*>(nullptr));
}

}  // namespace

// Decoded chunks at the seams of reads: the next tile begins in the chunk where this one ended.
struct Array::Cache {
    std::mutex mutex;
    std::list<std::pair<std::int64_t, std::shared_ptr<const Bytes>>> newest_first;
    std::size_t bytes = 0;

    std::shared_ptr<const Bytes> find(std::int64_t index) {
        const std::lock_guard guard(mutex);
        for (auto at = newest_first.begin(); at != newest_first.end(); ++at) {
            if (at->first == index) {
                newest_first.splice(newest_first.begin(), newest_first, at);
                return at->second;
            }
        }
        return nullptr;
    }

    void keep(std::int64_t index, std::shared_ptr<const Bytes> chunk) {
        const std::lock_guard guard(mutex);
        bytes += chunk->size();
        newest_first.emplace_front(index, std::move(chunk));
        while (newest_first.size() > 4 && (bytes > kCacheBytes || newest_first.size() > 64)) {
            bytes -= newest_first.back().second->size();
            newest_first.pop_back();
        }
    }
};

Array::Array(Object dataset) : dataset_(std::move(dataset)), cache_(std::make_unique<Cache>()) {
    const Lock lock;
    const DatasetInfo info = dataset_info(dataset_);
    if (info.shape.size() != 1) {
        invalid_data(place() + " has " + std::to_string(info.shape.size()) + " dimensions, where a list of numbers is expected.", "Save the file again with AnnData 0.8 or newer.");
    }
    size_ = info.n_elements;
    type_ = number_type(dataset_, info);
    type_bytes_ = bytes_of(type_);
    choose_layout();
}

Array::~Array() = default;

void Array::choose_layout() {
    const Id type(H5Dget_type(dataset_.id));
    const Id creation(H5Dget_create_plist(dataset_.id));
    const bool plain_type = H5Tget_class(type) == H5T_ENUM || H5Tequal(type, native_type(type_)) > 0;
    const H5D_layout_t layout = H5Pget_layout(creation);
    if (!plain_type || size_ == 0) {
        return;
    }
    if (layout == H5D_CONTIGUOUS) {
        const haddr_t offset = H5Dget_offset(dataset_.id);
        void* handle = nullptr;
        if (offset == HADDR_UNDEF || H5Fget_vfd_handle(dataset_.file->id, H5P_DEFAULT, &handle) < 0 || handle == nullptr) {
            return;  // never written, or a driver without a file: the library fills in
        }
        offset_ = static_cast<std::int64_t>(offset);
        if (offset_ < 0 || offset_ > dataset_.file->size - size_ * type_bytes_) {
            invalid_data(place() + " lies beyond the end of the file.", "Copy or download the file again.");
        }
        file_descriptor_ = *static_cast<int*>(handle);
        layout_ = Layout::contiguous;
    } else if (layout == H5D_CHUNKED && take_filters(creation)) {
        hsize_t extent = 0;
        if (H5Pget_chunk(creation, 1, &extent) != 1 || extent == 0 || static_cast<std::int64_t>(extent) > kMostChunkBytes / type_bytes_) {
            invalid_data(place() + " declares chunks of " + std::to_string(extent) + " values.", "The file may be damaged: copy or download it again.");
        }
        chunk_elements_ = static_cast<std::int64_t>(extent);
        layout_ = Layout::chunks;
    }
}

bool Array::take_filters(hid_t creation) {
    const int n = H5Pget_nfilters(creation);
    for (int i = 0; i < n; ++i) {
        unsigned flags = 0;
        std::size_t n_values = 0;
        unsigned config = 0;
        switch (H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &n_values, nullptr, 0, nullptr, &config)) {
            case H5Z_FILTER_DEFLATE:
                filters_.push_back(Filter::deflate);
                break;
            case H5Z_FILTER_SHUFFLE:
                filters_.push_back(Filter::shuffle);
                break;
            case H5Z_FILTER_FLETCHER32:
                filters_.push_back(Filter::fletcher32);
                break;
            case kFilterLzf:
                filters_.push_back(Filter::lzf);
                break;
            default:
                if (H5Zfilter_avail(H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &n_values, nullptr, 0, nullptr, &config)) <= 0) {
                    fail(ErrorCode::unsupported, place() + " is compressed in a way that is not read here.", "Save the file again with compression=\"gzip\" or none.");
                }
                return false;
        }
    }
    return true;
}

template <class T>
void Array::convert(std::span<const std::byte> bytes, std::int64_t first, std::span<T> out) const {
    const std::size_t good = with_type(type_, [&](auto* type) { return convert_all<std::remove_pointer_t<decltype(type)>>(bytes.data(), out); });
    if (good == out.size()) {
        return;
    }
    const std::string value = with_type(type_, [&](auto* type) {
        std::remove_pointer_t<decltype(type)> number;
        std::memcpy(&number, bytes.data() + good * sizeof(number), sizeof(number));
        return std::to_string(number);
    });
    invalid_data(place() + ": entry " + std::to_string(first + static_cast<std::int64_t>(good) + 1) + " holds " + value + ", which is out of range.",
                 std::is_floating_point_v<T> ? "Check the counts: no cell holds more than 2^32 molecules of a gene." : "The file may be damaged: copy or download it again.");
}

template <class T>
void Array::read_contiguous(std::int64_t begin, std::span<T> out) const {
    const bool in_place = with_type(type_, [](auto* type) { return kSameBytes<std::remove_pointer_t<decltype(type)>, T>; });
    const std::int64_t piece = kPieceBytes / type_bytes_;
    static thread_local Bytes buffer;
    if (!in_place) buffer.resize(static_cast<std::size_t>(kPieceBytes));
    for (std::int64_t done = 0; done < static_cast<std::int64_t>(out.size());) {
        const std::int64_t n = std::min<std::int64_t>(piece, static_cast<std::int64_t>(out.size()) - done);
        const std::span<T> to(out.data() + done, static_cast<std::size_t>(n));
        const auto bytes = in_place ? std::as_writable_bytes(to) : std::span<std::byte>(buffer).first(static_cast<std::size_t>(n * type_bytes_));
        read_bytes(offset_ + (begin + done) * type_bytes_, bytes);
        convert(std::span<const std::byte>(bytes), begin + done, to);
        done += n;
    }
}

void Array::read_bytes(std::int64_t at, std::span<std::byte> bytes) const {
    for (std::size_t have = 0; have < bytes.size();) {
        const ssize_t got = pread(file_descriptor_, bytes.data() + have, bytes.size() - have, at + static_cast<std::int64_t>(have));
        if (got == 0 || (got < 0 && errno != EINTR)) {
            invalid_data(place() + ": the file ended while it was read.", "Do not change the file during a run; copy it again.");
        }
        have += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    }
}

void Array::fetch_chunk(std::int64_t index, Bytes& stored, std::uint32_t& skip_mask) const {
    const Lock lock;
    const hsize_t offset = static_cast<hsize_t>(index * chunk_elements_);
    hsize_t n_bytes = 0;
    if (H5Dget_chunk_storage_size(dataset_.id, &offset, &n_bytes) < 0) {
        damaged(place(), "a chunk cannot be found");
    }
    if (n_bytes > static_cast<hsize_t>(dataset_.file->size)) {
        invalid_data(place() + ": a chunk declares " + std::to_string(n_bytes) + " bytes, more than the file has.", "The file may be damaged: copy or download it again.");
    }
    stored.resize(n_bytes);
    if (n_bytes > 0 && H5Dread_chunk(dataset_.id, H5P_DEFAULT, &offset, &skip_mask, stored.data()) < 0) {
        damaged(place(), "a chunk cannot be read");
    }
}

std::shared_ptr<const Array::Bytes> Array::chunk(std::int64_t index, bool keep) const {
    if (std::shared_ptr<const Bytes> known = cache_->find(index)) {
        return known;
    }
    static thread_local Bytes stored;
    static thread_local Bytes spare;
    std::uint32_t skip_mask = 0;
    fetch_chunk(index, stored, skip_mask);
    auto decoded = std::make_shared<Bytes>(static_cast<std::size_t>(chunk_elements_ * type_bytes_));
    // A chunk that was never written holds the fill value, which is zero in every file we know of.
    if (!stored.empty() && !decode_chunk(stored, filters_, skip_mask, type_bytes_, *decoded, spare)) {
        invalid_data(place() + ": the compressed data of entries " + std::to_string(index * chunk_elements_ + 1) + " to " + std::to_string(std::min((index + 1) * chunk_elements_, size_)) +
                         " are damaged.",
                     "Copy or download the file again.");
    }
    if (keep) {
        cache_->keep(index, decoded);
    }
    return decoded;
}

template <class T>
void Array::read_chunks(std::int64_t begin, std::span<T> out) const {
    const std::int64_t end = begin + static_cast<std::int64_t>(out.size());
    for (std::int64_t index = begin / chunk_elements_; index * chunk_elements_ < end; ++index) {
        const std::int64_t first = std::max(begin, index * chunk_elements_);
        const std::int64_t last = std::min(end, (index + 1) * chunk_elements_);
        const std::shared_ptr<const Bytes> bytes = chunk(index, last - first < chunk_elements_);
        convert(std::span<const std::byte>(*bytes).subspan(static_cast<std::size_t>((first - index * chunk_elements_) * type_bytes_)), first,
                out.subspan(static_cast<std::size_t>(first - begin), static_cast<std::size_t>(last - first)));
    }
}

template <class T>
void Array::read_by_library(std::int64_t begin, std::span<T> out) const {
    Bytes bytes(out.size() * static_cast<std::size_t>(type_bytes_));
    {
        const Lock lock;
        const hsize_t start = static_cast<hsize_t>(begin);
        const hsize_t count = out.size();
        const Id space(H5Dget_space(dataset_.id));
        const Id memory(H5Screate_simple(1, &count, nullptr));
        if (H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &count, nullptr) < 0 ||
            H5Dread(dataset_.id, native_type(type_), memory, space, H5P_DEFAULT, bytes.data()) < 0) {
            damaged(place(), "the values cannot be read");
        }
    }
    convert(std::span<const std::byte>(bytes), begin, out);
}

template <class T>
void Array::read_any(std::int64_t begin, std::span<T> out) const {
    if (out.empty()) {
        return;
    }
    MORULA_ASSERT(begin >= 0 && begin + static_cast<std::int64_t>(out.size()) <= size_);
    switch (layout_) {
        case Layout::contiguous:
            return read_contiguous(begin, out);
        case Layout::chunks:
            return read_chunks(begin, out);
        case Layout::by_library:
            return read_by_library(begin, out);
    }
}

void Array::read(std::int64_t begin, std::span<float> out) const { read_any(begin, out); }
void Array::read(std::int64_t begin, std::span<std::uint32_t> out) const { read_any(begin, out); }
void Array::read(std::int64_t begin, std::span<std::int64_t> out) const { read_any(begin, out); }

}  // namespace morula::formats::h5
