#include "morula/formats/hdf5/lzf_filter.hpp"

#include <algorithm>

#include "morula/formats/hdf5/chunk_filters.hpp"
#include "morula/formats/hdf5/h5.hpp"

namespace morula::formats::h5 {

namespace {

constexpr H5Z_filter_t kLzf = 32000;

// Called by the library with its own buffer, which is replaced. The filter's options do not reliably hold the size of a chunk (newer h5py leaves
// them empty), so it is found from the data.
std::size_t undo_lzf(unsigned flags, std::size_t, const unsigned*, std::size_t n_bytes, std::size_t* buffer_bytes, void** buffer) {
    constexpr std::int64_t largest = std::int64_t{1} << 30;
    const std::int64_t decoded_size = lzf_decoded_size({static_cast<const std::byte*>(*buffer), n_bytes});
    if ((flags & H5Z_FLAG_REVERSE) == 0 || decoded_size <= 0 || decoded_size > largest) {
        return 0;
    }
    const auto size = static_cast<std::size_t>(decoded_size);
    // The library takes for granted that a whole chunk came back. Damaged data may give less: then the rest is zeros, not foreign memory.
    // h5py makes chunks of at most 1 MiB.
    constexpr std::size_t usual_chunk = std::size_t{1} << 20;
    const std::size_t room = std::max(size, usual_chunk);
    void* decoded = H5allocate_memory(room, true);
    if (decoded == nullptr) {
        return 0;
    }
    if (!decode_lzf({static_cast<const std::byte*>(*buffer), n_bytes}, {static_cast<std::byte*>(decoded), size})) {
        H5free_memory(decoded);
        return 0;
    }
    H5free_memory(*buffer);
    *buffer = decoded;
    *buffer_bytes = room;
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
