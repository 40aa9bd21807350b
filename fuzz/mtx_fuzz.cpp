// Matrix Market: any bytes, zipped or not, give a well-formed matrix, or invalid_data, unsupported (another kind of matrix) or resource_limit.
#include <cstddef>
#include <cstdint>

#include "fuzz/memory_file.hpp"
#include "morula/core/context.hpp"
#include "morula/core/error.hpp"
#include "morula/formats/text/mtx.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static morula::Context context({.threads = 1, .memory_bytes = 200'000'000});
    const morula::fuzz::MemoryFile file(data, size);
    morula::matrix::Csr counts;
    try {
        counts = morula::formats::read_mtx_transposed(file.path(), context);
    } catch (const morula::Error& error) {
        const morula::ErrorCode code = error.code();
        if (code != morula::ErrorCode::invalid_data && code != morula::ErrorCode::unsupported && code != morula::ErrorCode::resource_limit) __builtin_trap();
        return 0;
    }
    morula::matrix::check_csr(counts.view(), "read matrix");
    return 0;
}
