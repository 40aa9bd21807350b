// A 10x folder: barcodes.tsv, features.tsv and matrix.mtx out of the same bytes, parted by the record separator (0x1E). A data set whose names, genes and
// counts agree, or an Error. Zipped parts are the business of the fuzzers of delimited text and Matrix Market.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/expect.hpp"
#include "morula/core/context.hpp"
#include "morula/core/file.hpp"
#include "morula/formats/tenx/tenx_folder.hpp"
#include "tests/support/temporary_folder.hpp"

namespace {

std::string_view next_part(std::string_view& rest) {
    const std::size_t end = rest.find('\x1E');
    const std::string_view part = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return part;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static morula::Context context({.threads = 1, .memory_bytes = 200'000'000});
    static const morula::test::TemporaryFolder folder;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    morula::write_text_file(folder / "barcodes.tsv", next_part(rest));
    morula::write_text_file(folder / "features.tsv", next_part(rest));
    morula::write_text_file(folder / "matrix.mtx", next_part(rest));
    morula::fuzz::expect_value_or_error([&] {
        const morula::data::Dataset sample = morula::formats::read_tenx_folder(folder.path(), context);
        morula::data::check_shapes(sample);
        morula::matrix::check_csr(morula::matrix::read_all(*sample.layers.at("X"), context).view(), "read matrix");
    });
    return 0;
}
