// Delimited text: any bytes, zipped or not, give rows of one length, or invalid_data that names the file.
#include <cstddef>
#include <cstdint>

#include "fuzz/expect.hpp"
#include "fuzz/memory_file.hpp"
#include "morula/core/context.hpp"
#include "morula/formats/text/delimited.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static morula::Context context({.threads = 1, .memory_bytes = 200'000'000});
    const morula::fuzz::MemoryFile file(data, size);
    morula::fuzz::expect_value_or_error([&] {
        const auto table = morula::formats::read_rows(file.path(), {}, context);
        for (const auto& row : table.rows) {
            if (row.size() != table.names.size()) __builtin_trap();
        }
        (void)morula::formats::read_table(file.path(), {}, context);
    });
    return 0;
}
