#include "morula/formats/hdf5/lzf_filter.hpp"

#include <cstdlib>
#include <cstring>

#include "morula/formats/hdf5/chunk_filters.hpp"
#include "morula/formats/hdf5/h5.hpp"

namespace morula::formats::h5 {

namespace {

constexpr H5Z_filter_t kLzf = 32000;

// Called by the library with its own buffer, which is replaced. cd_values: {filter version, lzf version, bytes of a chunk}.
std::size_t undo_lzf(unsigned flags, std::size_t n_options, const unsigned* options, std::size_t n_bytes, std::size_t* buffer_bytes, void** buffer) {
    constexpr std::size_t largest = std::size_t{1} << 30;
    if ((flags & H5Z_FLAG_REVERSE) == 0 || n_options < 3 || options[2] == 0 || options[2] > largest) {
        return 0;
    }
    const std::size_t size = options[2];
    void* decoded = H5allocate_memory(size, false);
    if (decoded == nullptr) {
        return 0;
    }
    if (!decode_lzf({static_cast<const std::byte*>(*buffer), n_bytes}, {static_cast<std::byte*>(decoded), size})) {
        H5free_memory(decoded);
        return 0;
    }
    H5free_memory(*buffer);
    *buffer = decoded;
    *buffer_bytes = size;
    return size;
}

}  // namespace

void register_lzf() {
    const Lock lock;
    if (H5Zfilter_avail(kLzf) > 0) {
        return;
    }
    H5Z_class2_t filter{};
    filter.version = H5Z_CLASS_T_VERS;
    filter.id = kLzf;
    filter.encoder_present = 0;
    filter.decoder_present = 1;
    filter.name = "lzf";
    filter.filter = undo_lzf;
    H5Zregister(&filter);
}

}  // namespace morula::formats::h5
