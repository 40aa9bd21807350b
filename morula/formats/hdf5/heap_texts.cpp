#include "morula/formats/hdf5/heap_texts.hpp"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace morula::formats::h5 {

namespace {

constexpr std::int64_t kReference = 16;        // length (4), address of the collection (8), number of the object in it (4)
constexpr std::int64_t kCollectionHead = 16;   // "GCOL", version, 3 reserved, size (8)
constexpr std::int64_t kObjectHead = 16;       // number (2), references (2), 4 reserved, size (8)
constexpr std::int64_t kUsualCollection = 4096;
constexpr std::int64_t kMostCollection = std::int64_t{1} << 30;
constexpr std::size_t kReferencesAtOnce = 8192;

template <class T>
T number_at(std::span<const std::byte> bytes, std::size_t at) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(value));
    return value;
}

bool read_at(int file, std::int64_t at, std::span<std::byte> out) {
    for (std::size_t have = 0; have < out.size();) {
        const ssize_t got = pread(file, out.data() + have, out.size() - have, at + static_cast<std::int64_t>(have));
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        have += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    }
    return true;
}

// One collection of the global heap at a time: texts that were written together lie in the same.
class Heap {
public:
    Heap(int file, std::int64_t file_size) : file_(file), file_size_(file_size) {}

    std::optional<std::string_view> text(std::uint64_t address, std::uint32_t number, std::uint32_t length) {
        if (address != address_ && !load(address)) {
            return std::nullopt;
        }
        if (number == 0 || number >= objects_.size() || objects_[number].at == 0 || objects_[number].size < std::uint64_t{length}) {
            return std::nullopt;
        }
        return std::string_view(reinterpret_cast<const char*>(bytes_.data()) + objects_[number].at, length);
    }

private:
    struct Place {
        std::size_t at = 0;  // 0: no such object
        std::uint64_t size = 0;
    };

    bool load(std::uint64_t address) {
        address_ = kNowhere;
        objects_.clear();
        if (address > static_cast<std::uint64_t>(file_size_ - kCollectionHead)) {
            return false;
        }
        const auto at = static_cast<std::int64_t>(address);
        bytes_.resize(static_cast<std::size_t>(std::min(kUsualCollection, file_size_ - at)));
        if (!read_at(file_, at, bytes_) || std::memcmp(bytes_.data(), "GCOL\1", 5) != 0) {
            return false;
        }
        const auto size = number_at<std::uint64_t>(bytes_, 8);
        if (size < static_cast<std::uint64_t>(kCollectionHead) || size > static_cast<std::uint64_t>(std::min(kMostCollection, file_size_ - at))) {
            return false;
        }
        const std::size_t have = bytes_.size();
        bytes_.resize(static_cast<std::size_t>(size));
        if (size > have && !read_at(file_, at + static_cast<std::int64_t>(have), std::span(bytes_).subspan(have))) {
            return false;
        }
        find_objects();
        address_ = address;
        return true;
    }

    void find_objects() {
        std::size_t at = static_cast<std::size_t>(kCollectionHead);
        while (at + static_cast<std::size_t>(kObjectHead) <= bytes_.size()) {
            const auto number = number_at<std::uint16_t>(bytes_, at);
            const auto size = number_at<std::uint64_t>(bytes_, at + 8);
            at += static_cast<std::size_t>(kObjectHead);
            if (number == 0 || size > bytes_.size() - at) {  // 0: free space, up to the end
                return;
            }
            if (objects_.size() <= number) {
                objects_.resize(std::size_t{number} + 1);
            }
            objects_[number] = {at, size};
            at += std::min((static_cast<std::size_t>(size) + 7) / 8 * 8, bytes_.size() - at);
        }
    }

    static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};
    int file_;
    std::int64_t file_size_;
    std::uint64_t address_ = kNowhere;
    std::vector<std::byte> bytes_;
    std::vector<Place> objects_;  // by number
};

// Where the references begin, and the file; nullopt where they are not found the plain way.
struct Layout {
    int file;
    std::int64_t begin;
};
std::optional<Layout> layout_of(const Object& dataset, const DatasetInfo& info) {
    const Id creation(H5Dget_create_plist(dataset.id));
    const Id file_creation(H5Fget_create_plist(dataset.file->id));
    std::size_t bytes_of_address = 0;
    std::size_t bytes_of_length = 0;
    hsize_t user_block = 0;
    if (std::endian::native != std::endian::little || H5Dget_storage_size(dataset.id) != static_cast<hsize_t>(info.n_elements) * static_cast<hsize_t>(kReference) || H5Pget_layout(creation) != H5D_CONTIGUOUS || H5Pget_sizes(file_creation, &bytes_of_address, &bytes_of_length) < 0 ||
        bytes_of_address != 8 || bytes_of_length != 8 || H5Pget_userblock(file_creation, &user_block) < 0 || user_block != 0) {
        return std::nullopt;
    }
    const haddr_t offset = H5Dget_offset(dataset.id);
    void* handle = nullptr;
    if (offset == HADDR_UNDEF || H5Fget_vfd_handle(dataset.file->id, H5P_DEFAULT, &handle) < 0 || handle == nullptr) {
        return std::nullopt;
    }
    const auto begin = static_cast<std::int64_t>(offset);
    if (begin < 0 || info.n_elements > (dataset.file->size - begin) / kReference) {
        return std::nullopt;
    }
    return Layout{*static_cast<int*>(handle), begin};
}

}  // namespace

std::optional<std::vector<std::string>> read_heap_texts(const Object& dataset, const DatasetInfo& info) {
    const Lock lock;
    const std::optional<Layout> layout = layout_of(dataset, info);
    if (!layout || dataset.file->size < kCollectionHead) {
        return std::nullopt;
    }
    const auto n = static_cast<std::size_t>(info.n_elements);
    std::vector<std::string> texts;
    texts.reserve(n);
    Heap heap(layout->file, dataset.file->size);
    std::vector<std::byte> references(std::min(n, kReferencesAtOnce) * static_cast<std::size_t>(kReference));
    for (std::size_t first = 0; first < n; first += kReferencesAtOnce) {
        const std::span<std::byte> some = std::span(references).first(std::min(kReferencesAtOnce, n - first) * static_cast<std::size_t>(kReference));
        if (!read_at(layout->file, layout->begin + static_cast<std::int64_t>(first) * kReference, some)) {
            return std::nullopt;
        }
        for (std::size_t at = 0; at < some.size(); at += static_cast<std::size_t>(kReference)) {
            const auto length = number_at<std::uint32_t>(some, at);
            const auto address = number_at<std::uint64_t>(some, at + 4);
            if (address == 0 || length == 0) {
                texts.emplace_back();
                continue;
            }
            const auto text = heap.text(address, number_at<std::uint32_t>(some, at + 12), length);
            if (!text) {
                return std::nullopt;
            }
            texts.emplace_back(text->substr(0, text->find('\0')));
        }
    }
    return texts;
}

}  // namespace morula::formats::h5
