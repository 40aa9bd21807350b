// An atlas with one damaged file: the first byte chooses which file the rest replaces (CURRENT, the manifest, tables, shards of the matrix, ...). Opening it,
// reading all of it and verifying it give an Error or values, never a crash or a huge allocation.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/expect.hpp"
#include "morula/atlas/atlas.hpp"
#include "morula/core/context.hpp"
#include "morula/core/file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace {

namespace fs = std::filesystem;

morula::data::Dataset small_dataset() {
    morula::data::Dataset dataset;
    dataset.name = "small";
    dataset.obs = morula::data::Table(std::vector<std::string>{"a", "b", "c"});
    dataset.obs.set("type", morula::data::Categorical{{0, 1, 0}, {"T", "B"}, false});
    dataset.obs.set("total", std::vector<double>{3.0, 4.0, 5.0});
    dataset.var = morula::data::Table(std::vector<std::string>{"g", "h"});
    morula::matrix::Csr counts;
    counts.n_rows = 3;
    counts.n_cols = 2;
    counts.indptr = {0, 2, 3, 4};
    counts.indices = {0, 1, 1, 0};
    counts.values = {1.0F, 2.0F, 4.0F, 5.0F};
    dataset.layers["X"] = morula::matrix::make_source(std::move(counts));
    return dataset;
}

struct StoredFile {
    fs::path path;
    std::string bytes;
};

/// An atlas on disk, the same for every input, and what its files hold.
struct Target {
    morula::test::TemporaryFolder folder;
    fs::path path = folder / "small.atlas";
    std::vector<StoredFile> files;

    explicit Target(morula::Context& context) {
        {
            morula::atlas::Atlas atlas = morula::atlas::Atlas::init(path, "small");
            atlas.ingest(small_dataset(), {}, context);
        }
        for (const auto& entry : fs::recursive_directory_iterator(path)) {
            if (!entry.is_regular_file()) continue;
            files.push_back({entry.path(), morula::read_text_file(entry.path(), 1 << 20)});
        }
        // Ids depend on the content alone; the order of a folder's entries does not.
        std::sort(files.begin(), files.end(), [](const StoredFile& a, const StoredFile& b) { return a.path < b.path; });
    }
};

void read_everything(const fs::path& path, morula::Context& context) {
    const morula::atlas::Atlas atlas = morula::atlas::Atlas::open(path);
    atlas.verify(context);
    morula::fuzz::expect_value_or_error([&] { atlas.info(context); });
    for (const std::string& id : atlas.dataset_ids()) {
        morula::fuzz::expect_value_or_error([&] {
            const morula::data::Dataset dataset = atlas.dataset(id, context);
            for (const auto& layer : dataset.layers) morula::matrix::check_csr(morula::matrix::read_all(*layer.second, context).view(), "read matrix");
        });
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static morula::Context context({.threads = 1, .memory_bytes = 200'000'000});
    static const Target target(context);
    if (size == 0) return 0;
    const StoredFile& file = target.files[data[0] % target.files.size()];
    morula::write_text_file(file.path, {reinterpret_cast<const char*>(data) + 1, size - 1});
    morula::fuzz::expect_value_or_error([&] { read_everything(target.path, context); });
    morula::write_text_file(file.path, file.bytes);
    return 0;
}
