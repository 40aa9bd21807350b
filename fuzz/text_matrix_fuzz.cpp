// Dense text matrices: any bytes, zipped or not, give a well-formed matrix or an error a user can act on.
#include <cstddef>
#include <cstdint>

#include "fuzz/expect.hpp"
#include "fuzz/memory_file.hpp"
#include "morula/core/context.hpp"
#include "morula/formats/text/text_matrix.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static morula::Context context({.threads = 1, .memory_bytes = 200'000'000});
    const morula::fuzz::MemoryFile file(data, size);
    morula::fuzz::expect_value_or_error([&] {
        const morula::data::Dataset dataset = morula::formats::read_text_matrix(file.path(), morula::formats::TextOrientation::automatic, context);
        morula::matrix::check_csr(morula::matrix::read_all(*dataset.layers.at("X"), context).view(), "text matrix");
    });
    return 0;
}
