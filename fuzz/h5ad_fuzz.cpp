// Any bytes as an HDF5 file: a look by a child process, as for every file from strangers, then all of AnnData's and Cell Ranger's slots here;
// and any bytes through the chunk filters. A value or an Error, never a crash of this process.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fuzz/expect.hpp"
#include "fuzz/memory_file.hpp"
#include "morula/core/context.hpp"
#include "morula/formats/hdf5/check_in_child.hpp"
#include "morula/formats/hdf5/chunk_filters.hpp"
#include "morula/formats/hdf5/read_h5ad.hpp"
#include "morula/formats/hdf5/tenx_h5.hpp"

namespace {

using morula::formats::h5::Filter;
using morula::fuzz::expect_value_or_error;

constexpr Filter kChains[4][3] = {{Filter::shuffle, Filter::deflate, Filter::fletcher32},
                                  {Filter::shuffle, Filter::lzf, Filter::fletcher32},
                                  {Filter::lzf, Filter::shuffle, Filter::deflate},
                                  {Filter::fletcher32, Filter::deflate, Filter::lzf}};

void decode(std::uint8_t kind, std::span<const std::byte> bytes) {
    std::vector<std::byte> out(static_cast<std::size_t>(kind) * 8);
    std::vector<std::byte> spare;
    const std::size_t n_filters = 1 + kind / 4 % 3;
    morula::formats::h5::decode_chunk(bytes, std::span(kChains[kind % 4]).first(n_filters), kind / 16U, kind % 3 == 0 ? 8 : 4, out, spare);
    const std::int64_t size = morula::formats::h5::lzf_decoded_size(bytes);
    if (size > 0 && size < (1 << 24)) {
        std::vector<std::byte> decoded(static_cast<std::size_t>(size));
        morula::formats::h5::decode_lzf(bytes, decoded);
    }
}

void read_all_rows(const morula::data::Dataset& dataset, morula::Context& context) {
    for (const auto& layer : dataset.layers) morula::matrix::read_all(*layer.second, context);
}

void read(const std::filesystem::path& path, morula::Context& context) {
    expect_value_or_error([&] { read_all_rows(morula::formats::read_h5ad(path, context), context); });
    expect_value_or_error([&] { read_all_rows(morula::formats::read_tenx_h5(path, context), context); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static morula::Context context({.threads = 1, .memory_bytes = 200'000'000});
    if (size == 0) return 0;
    decode(data[0], std::as_bytes(std::span(data + 1, size - 1)));
    const morula::fuzz::MemoryFile file(data, size);
    expect_value_or_error([&] {
        morula::formats::check_in_child(file.path(), 2, [&](morula::Context& inner) { read(file.path(), inner); }, context);
        read(file.path(), context);
    });
    return 0;
}
