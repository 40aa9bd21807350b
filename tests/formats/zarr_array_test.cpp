// One Zarr v3 array: CRC, codecs, chunks and shards, damage.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <numeric>
#include <tuple>

#include "morula/core/hash.hpp"
#include "morula/formats/zarr/crc32c.hpp"
#include "morula/formats/zarr/zarr_array.hpp"
#include "morula/formats/zarr/zarr_codec.hpp"
#include "morula/formats/zarr/zarr_writer.hpp"
#include "tests/formats/zarr_sample.hpp"

namespace morula::formats {
namespace {

using test::contains;
using test::TemporaryFolder;
using test::thrown_by;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text.data(), text.size())); }

Context& two_threads() {
    static Context context({.threads = 2});
    return context;
}

std::vector<std::uint32_t> noisy_numbers(std::size_t n) {
    std::vector<std::uint32_t> values(n);
    Random random(1, Purpose::test, 0, 0);
    for (auto& value : values) value = static_cast<std::uint32_t>(random.below(60'000));
    return values;
}

/// An array "a" of uint16 in its own tree.
std::filesystem::path write_numbers(const TemporaryFolder& folder, const std::vector<std::uint32_t>& values) {
    ZarrTreeWriter tree(folder / "tree", two_threads());
    tree.group("", {});
    tree.numbers("a", ZarrType::uint16, std::span<const std::uint32_t>(values), {});
    tree.finish();
    return folder / "tree/a";
}

TEST(Crc32c, gives_the_published_check_value) {
    EXPECT_EQ(crc32c(bytes_of("123456789")), 0xE3069283U);  // RFC 3720, appendix B.4
    EXPECT_EQ(crc32c(bytes_of(std::string(32, '\0'))), 0x8A9136AAU);
    EXPECT_EQ(crc32c(bytes_of(std::string(32, '\xff'))), 0x62A8AB43U);
    EXPECT_EQ(crc32c({}), 0U);
}

TEST(Crc32c, by_instruction_equals_by_table_at_every_length) {
    std::string text;
    for (int length = 0; length < 100; ++length) {
        EXPECT_EQ(crc32c(bytes_of(text)), crc32c_by_table(bytes_of(text))) << length;
        text += static_cast<char>(length * 37);
    }
}

TEST(ZarrCodec, every_flipped_byte_of_a_chunk_of_numbers_is_noticed) {
    for (const ZarrCodec blosc : {ZarrCodec::blosc, ZarrCodec::blosc_bits}) {
        const std::vector<ZarrCodec> codecs = {ZarrCodec::bytes, blosc, ZarrCodec::crc32c};
        std::vector<std::uint16_t> values(2'003);
        std::iota(values.begin(), values.end(), std::uint16_t{0});
        std::vector<std::byte> encoded;
        encode_chunk(codecs, 2, std::as_bytes(std::span<const std::uint16_t>(values)), encoded);
        std::vector<std::byte> decoded;
        ASSERT_EQ(decode_chunk(codecs, encoded, 4'006, decoded), "");
        ASSERT_EQ(std::memcmp(decoded.data(), values.data(), 4'006), 0);
        for (std::size_t i = 0; i < encoded.size(); ++i) {
            auto broken = encoded;
            broken[i] ^= std::byte{0x10};
            EXPECT_NE(decode_chunk(codecs, broken, 4'006, decoded), "") << i;
        }
    }
}

TEST(ZarrCodec, blosc_without_a_checksum_survives_damage) {
    for (const ZarrCodec blosc : {ZarrCodec::blosc, ZarrCodec::blosc_bits}) {
        const std::vector<ZarrCodec> codecs = {ZarrCodec::bytes, blosc};
        std::vector<std::byte> encoded;
        std::vector<std::byte> decoded;
        encode_chunk(codecs, 4, std::as_bytes(std::span<const std::uint32_t>(noisy_numbers(1'000))), encoded);
        for (std::size_t i = 0; i < encoded.size(); ++i) {
            auto broken = encoded;
            broken[i] ^= std::byte{0xff};
            decode_chunk(codecs, broken, 4'000, decoded);  // wrong values or a message, never a crash
            decode_chunk(codecs, std::span<const std::byte>(encoded).first(i), 4'000, decoded);
        }
    }
}

/// blosc decides by the room it is given whether noise is worth compressing.
TEST(ZarrCodec, a_chunk_has_the_same_bytes_whatever_was_encoded_before) {
    const auto noise = noisy_numbers(40'000);
    std::vector<std::uint16_t> values(noise.begin(), noise.end());
    const auto encode = [&](ZarrCodec blosc, std::size_t n) {
        std::vector<std::byte> encoded;
        encode_chunk(std::vector<ZarrCodec>{ZarrCodec::bytes, blosc}, 2, std::as_bytes(std::span<const std::uint16_t>(values).first(n)), encoded);
        return encoded;
    };
    for (const ZarrCodec blosc : {ZarrCodec::blosc, ZarrCodec::blosc_bits}) {
        std::map<std::size_t, std::vector<std::byte>> first;
        for (int round = 0; round < 2; ++round) {
            for (const std::size_t n : {std::size_t{8}, std::size_t{777}, std::size_t{2'000}, std::size_t{6'784}, std::size_t{32'768}, std::size_t{40'000}}) {
                EXPECT_EQ(first.try_emplace(n, encode(blosc, n)).first->second, encode(blosc, n)) << n;
            }
        }
    }
}

TEST(ZarrCodec, chains_of_crc32c_and_zstd_in_any_order_come_back) {
    const std::string text = "the same bytes, the same bytes, the same bytes";
    using Chain = std::vector<ZarrCodec>;
    for (const Chain& codecs : {Chain{ZarrCodec::bytes}, Chain{ZarrCodec::bytes, ZarrCodec::crc32c}, Chain{ZarrCodec::bytes, ZarrCodec::zstd},
                                Chain{ZarrCodec::bytes, ZarrCodec::crc32c, ZarrCodec::zstd}, Chain{ZarrCodec::bytes, ZarrCodec::blosc, ZarrCodec::zstd, ZarrCodec::crc32c}}) {
        std::vector<std::byte> encoded;
        std::vector<std::byte> decoded;
        encode_chunk(codecs, 1, bytes_of(text), encoded);
        ASSERT_EQ(decode_chunk(codecs, encoded, static_cast<std::int64_t>(text.size()), decoded), "");
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(decoded.data()), decoded.size()), text);
        EXPECT_NE(decode_chunk(codecs, encoded, static_cast<std::int64_t>(text.size()) - 1, decoded), "");
    }
}

TEST(ZarrCodec, utf8_is_told_from_other_bytes) {
    for (const char* good : {"", "abc", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\xa7\xac", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) EXPECT_TRUE(is_utf8(good)) << good;
    for (const char* bad : {"\xe4", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\x80", "\xe2\x82"}) EXPECT_FALSE(is_utf8(bad));
}

TEST(ZarrArray, any_range_of_a_sharded_array_reads_back) {
    const TemporaryFolder folder;
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{5}, std::size_t{32'768}, std::size_t{32'769}, std::size_t{700'001}}) {
        const auto values = noisy_numbers(n);
        std::filesystem::remove_all(folder / "tree");
        const ZarrArray array(write_numbers(folder, values));
        ASSERT_EQ(array.size(), static_cast<std::int64_t>(n));
        EXPECT_EQ(array.read_all<std::uint32_t>(two_threads()), values);
        if (n < 2) continue;
        for (const auto& [begin, end] : std::vector<std::pair<std::size_t, std::size_t>>{{0, 1}, {n / 3, n / 2 + 1}, {n - 1, n}, {n / 2, n / 2}}) {
            std::vector<float> part(end - begin, -1.0F);
            array.read(static_cast<std::int64_t>(begin), std::span<float>(part));
            for (std::size_t i = 0; i < part.size(); ++i) ASSERT_EQ(part[i], static_cast<float>(values[begin + i]));
        }
    }
}

TEST(ZarrArray, a_matrix_reads_back_by_rows) {
    const TemporaryFolder folder;
    for (const std::int64_t n_cols : {std::int64_t{1}, std::int64_t{50}, std::int64_t{40'000}}) {
        const std::int64_t n_rows = 200'000 / n_cols;
        std::vector<float> values(static_cast<std::size_t>(n_rows * n_cols));
        std::iota(values.begin(), values.end(), 0.5F);
        const auto path = folder / ("tree" + std::to_string(n_cols));
        ZarrTreeWriter tree(path, two_threads());
        tree.matrix("m", ZarrType::float32, std::span<const float>(values), n_rows, n_cols, {});
        tree.finish();
        const ZarrArray array(path / "m");
        EXPECT_EQ(array.read_all<float>(two_threads()), values);
        std::vector<float> row(static_cast<std::size_t>(n_cols));
        array.read(n_rows - 1, std::span<float>(row));
        EXPECT_EQ(row.back(), values.back());
    }
}

/// Atlases of before have their counts shuffled by bytes: both forms read alike, and the metadata say which it is.
TEST(ZarrArray, elements_shuffled_by_bytes_or_by_bits_read_alike) {
    const auto values = noisy_numbers(70'001);
    for (const auto& [shuffle, codec, name] : {std::tuple{Shuffle::bytes, ZarrCodec::blosc, "\"shuffle\""}, std::tuple{Shuffle::bits, ZarrCodec::blosc_bits, "\"bitshuffle\""}}) {
        const TemporaryFolder folder;
        ZarrTreeWriter tree(folder / "tree", two_threads());
        ZarrArrayWriter writer(tree, "a", ZarrType::uint16, 0, shuffle, {});
        writer.append(std::span<const std::uint32_t>(values));
        writer.finish();
        tree.finish();
        EXPECT_TRUE(contains(test::file_bytes(folder / "tree/a/zarr.json"), std::string("\"shuffle\": ") + name));
        const ZarrArray array(folder / "tree/a");
        EXPECT_EQ(array.meta().codecs.at(1), codec);
        EXPECT_EQ(array.read_all<std::uint32_t>(two_threads()), values);
    }
}

TEST(ZarrArray, bytes_do_not_depend_on_threads_or_on_how_values_are_handed_over) {
    const auto values = noisy_numbers(400'000);
    std::map<std::string, std::string> first;
    for (const std::int32_t threads : {1, 2, 4}) {
        for (const std::size_t piece : {std::size_t{777}, std::size_t{400'000}}) {
            const TemporaryFolder folder;
            Context context({.threads = threads});
            ZarrTreeWriter tree(folder / "tree", context);
            ZarrArrayWriter writer(tree, "a", ZarrType::uint16, 0, Shuffle::bits, {});
            for (std::size_t at = 0; at < values.size(); at += piece) writer.append(std::span<const std::uint32_t>(values).subspan(at, std::min(piece, values.size() - at)));
            writer.finish();
            tree.finish();
            const auto bytes = test::folder_bytes(folder.path());
            if (first.empty()) first = bytes;
            EXPECT_EQ(bytes, first) << threads << " threads, pieces of " << piece;
        }
    }
}

TEST(ZarrArray, an_array_of_many_shards_reads_back_whole_and_in_parts) {
    const TemporaryFolder folder;
    const auto values = noisy_numbers(32'768 * 200 + 5);
    for (const std::int64_t n_cols : {std::int64_t{0}, std::int64_t{7}}) {
        const auto path = folder / ("tree" + std::to_string(n_cols));
        const auto part = std::span<const std::uint32_t>(values).first(values.size() / 7 * 7);
        ZarrTreeWriter tree(path, two_threads());
        tree.set_shard_elements(2 * kZarrChunkElements);
        ZarrArrayWriter writer(tree, "a", ZarrType::uint16, n_cols, Shuffle::bytes, {});
        writer.append(part);
        writer.finish();
        tree.finish();
        const ZarrArray array(path / "a");
        // More shards than an array keeps open, read forwards and at random.
        EXPECT_GT(tree.files().size(), 90U);
        EXPECT_EQ(array.read_all<std::uint32_t>(two_threads()), std::vector<std::uint32_t>(part.begin(), part.end()));
        Random random(3, Purpose::test, 0, 0);
        const std::int64_t width = std::max<std::int64_t>(1, n_cols);
        for (int i = 0; i < 200; ++i) {
            const auto first = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(array.n_rows() - 40'000 / width)));
            std::vector<std::uint32_t> got(static_cast<std::size_t>(40'000 / width * width));
            array.read(first, std::span<std::uint32_t>(got));
            ASSERT_TRUE(std::equal(got.begin(), got.end(), part.begin() + first * width));
        }
    }
}

TEST(ZarrArray, texts_read_back_over_several_chunks) {
    const TemporaryFolder folder;
    std::vector<std::string> texts = test::numbered("cell \xc3\xa4 ", kZarrChunkTexts + 3);
    texts[5] = "";
    ZarrTreeWriter tree(folder / "tree", two_threads());
    tree.texts("t", texts, {});
    tree.finish();
    EXPECT_EQ(ZarrArray(folder / "tree/t").read_texts(two_threads()), texts);
    std::vector<float> numbers(1);
    EXPECT_EQ(thrown_by([&] { ZarrArray(folder / "tree/t").read(0, std::span<float>(numbers)); }).code(), ErrorCode::invalid_data);
}

TEST(ZarrArray, texts_that_are_not_utf8_are_refused) {
    const TemporaryFolder folder;
    ZarrTreeWriter tree(folder / "tree", two_threads());
    const Error error = thrown_by([&] { tree.texts("t", {"good", "bad \xe4"}, {}); });
    EXPECT_EQ(error.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(contains(error.message(), "row 1")) << error.message();
}

TEST(ZarrArray, values_that_do_not_fit_are_refused_both_ways) {
    const TemporaryFolder folder;
    ZarrTreeWriter tree(folder / "tree", two_threads());
    const std::vector<std::int64_t> big = {70'000};
    EXPECT_EQ(thrown_by([&] { tree.numbers("a", ZarrType::uint16, std::span<const std::int64_t>(big), {}); }).code(), ErrorCode::internal);
    const std::vector<double> half = {0.5};
    tree.numbers("h", ZarrType::float64, std::span<const double>(half), {});
    tree.numbers("b", ZarrType::int64, std::span<const std::int64_t>(big), {});
    tree.finish();
    EXPECT_EQ(thrown_by([&] { ZarrArray(folder / "tree/h").read_all<std::int64_t>(two_threads()); }).code(), ErrorCode::invalid_data);
    EXPECT_EQ(thrown_by([&] { ZarrArray(folder / "tree/b").read_all<std::uint8_t>(two_threads()); }).code(), ErrorCode::invalid_data);
    EXPECT_EQ(ZarrArray(folder / "tree/b").read_all<std::uint32_t>(two_threads()).at(0), 70'000U);
}

TEST(ZarrDamage, every_damaged_place_of_a_shard_is_named) {
    const TemporaryFolder folder;
    const auto array = write_numbers(folder, noisy_numbers(100'000));
    const auto shard = array / "c/0";
    const std::string good = test::file_bytes(shard);
    for (std::size_t at = 0; at < good.size(); at += std::max<std::size_t>(1, good.size() / 97)) {
        std::string broken = good;
        broken[at] = static_cast<char>(broken[at] ^ 1);
        test::replace_file(shard, broken);
        const Error error = thrown_by([&] { ZarrArray(array).read_all<std::uint32_t>(two_threads()); });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_TRUE(contains(error.message(), shard.string())) << error.message();
    }
    for (const std::size_t length : {std::size_t{0}, std::size_t{3}, std::size_t{67}, good.size() / 2, good.size() - 1}) {
        test::replace_file(shard, good.substr(0, length));
        const Error error = thrown_by([&] { ZarrArray(array).read_all<std::uint32_t>(two_threads()); });
        EXPECT_EQ(error.code(), ErrorCode::invalid_data);
        EXPECT_TRUE(contains(error.message(), shard.string())) << error.message();
    }
}

TEST(ZarrDamage, a_missing_chunk_of_ours_is_damage_and_not_zeros) {
    const TemporaryFolder folder;
    const auto array = write_numbers(folder, noisy_numbers(1'000));
    std::filesystem::remove(array / "c/0");
    EXPECT_NE(thrown_by([&] { ZarrArray(array).read_all<std::uint32_t>(two_threads()); }).message(), "");
    std::vector<float> part(10);
    EXPECT_EQ(thrown_by([&] { ZarrArray(array).read(0, std::span<float>(part)); }).code(), ErrorCode::not_found);
}

TEST(ZarrDamage, absurd_sizes_are_refused_before_memory_is_asked_for) {
    const TemporaryFolder folder;
    const auto array = write_numbers(folder, noisy_numbers(100'000));
    const std::string good = test::file_bytes(array / "zarr.json");
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        const auto at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        text.replace(at, from.size(), to);
        test::replace_file(array / "zarr.json", text);
        return thrown_by([&] { ZarrArray(array).read_all<std::uint32_t>(two_threads()); });
    };
    const std::string shape = "\"shape\": [\n    100000\n  ]";
    EXPECT_EQ(with(shape, "\"shape\": [100000000000000000000]").code(), ErrorCode::invalid_data);
    EXPECT_EQ(with(shape, "\"shape\": [9000000000000000000]").code(), ErrorCode::invalid_data);
    EXPECT_EQ(with(shape, "\"shape\": [-1]").code(), ErrorCode::invalid_data);
    EXPECT_EQ(with(shape, "\"shape\": [1.5]").code(), ErrorCode::invalid_data);
    EXPECT_EQ(with(shape, "\"shape\": [100000000000]").code(), ErrorCode::invalid_data);  // the last chunk's file is missing
    EXPECT_EQ(with(shape, "\"shape\": [100000, 1]").code(), ErrorCode::invalid_data);
    EXPECT_EQ(with("131072", "4294967296").code(), ErrorCode::invalid_data);              // an index larger than the file
    EXPECT_EQ(with("32768", "1073741824").code(), ErrorCode::invalid_data);               // no divisor of the shard
    EXPECT_EQ(with("\"uint16\"", "\"float16\"").code(), ErrorCode::unsupported);
    EXPECT_EQ(with("\"blosc\"", "\"gzip\"").code(), ErrorCode::unsupported);
    EXPECT_EQ(with("\"uint16\"", "\"string\"").code(), ErrorCode::invalid_data);
    EXPECT_EQ(with("\"uint16\"", "\"uint32\"").code(), ErrorCode::invalid_data);          // chunks of the wrong size
    EXPECT_EQ(with("\"zarr_format\": 3", "\"zarr_format\": 2").code(), ErrorCode::unsupported);
    EXPECT_EQ(with("\"zarr_format\": 3", "\"zarr_format\": 3,,").code(), ErrorCode::invalid_data);
    EXPECT_EQ(with("\"node_type\": \"array\"", "\"node_type\": 7").code(), ErrorCode::invalid_data);
}

TEST(ZarrTree, names_that_cannot_be_stored_are_refused) {
    const TemporaryFolder folder;
    ZarrTreeWriter tree(folder / "tree", two_threads());
    const std::vector<double> one = {1.0};
    for (const std::string& name : {std::string(""), std::string("a/../b"), std::string("."), std::string("a//b"), std::string("zarr.json"), std::string("a\0b", 3), std::string(300, 'x')}) {
        EXPECT_EQ(thrown_by([&] { tree.numbers(name, ZarrType::float64, std::span<const double>(one), {}); }).code(), ErrorCode::invalid_data) << name;
    }
}

TEST(ZarrTree, lists_every_file_with_its_hash) {
    const TemporaryFolder folder;
    write_numbers(folder, noisy_numbers(10));
    std::filesystem::remove_all(folder / "tree");
    ZarrTreeWriter tree(folder / "tree", two_threads());
    tree.texts("t", {"a"}, {});
    tree.scalar("s", 2.5, {});
    tree.file("run.json", "{}");
    tree.finish();
    const auto bytes = test::folder_bytes(folder / "tree");
    ASSERT_EQ(tree.files().size(), bytes.size());
    for (const WrittenFile& file : tree.files()) {
        ASSERT_TRUE(bytes.count(file.path) == 1) << file.path;
        EXPECT_EQ(file.size, static_cast<std::int64_t>(bytes.at(file.path).size()));
        EXPECT_EQ(file.hash, hash_hex(bytes.at(file.path)));
    }
}

}  // namespace
}  // namespace morula::formats
