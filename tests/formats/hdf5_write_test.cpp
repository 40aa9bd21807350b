// Writing h5ad: what was written reads back bit for bit, whatever the threads; what fails leaves nothing behind.
// That AnnData opens the files is checked by tests/formats/open_with_anndata.py.
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <memory>

#include "morula/core/file.hpp"
#include "morula/formats/hdf5/read_h5ad.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "tests/formats/hdf5_sample.hpp"
#include "tests/support/sources.hpp"

namespace morula::formats {
namespace {

using test::error_text;
using test::TemporaryFolder;

Context& two_threads() {
    static Context context({.threads = 2});
    return context;
}

std::string bytes_of(const std::filesystem::path& path) { return read_text_file(path, std::int64_t{1} << 30); }

std::size_t files_in(const std::filesystem::path& folder) {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++n;
    return n;
}

/// A copy where tests/formats/open_with_anndata.py looks for it ($MORULA_WRITTEN_FILES).
void keep_for_anndata(const std::filesystem::path& file, const std::string& name) {
    const char* folder = std::getenv("MORULA_WRITTEN_FILES");
    if (folder != nullptr) std::filesystem::copy_file(file, std::filesystem::path(folder) / name, std::filesystem::copy_options::overwrite_existing);
}

/// What a file cannot hold as it stands: '/' in names becomes '|', and None has no place in uns before AnnData 0.12.
data::Dataset as_files_hold_it(data::Dataset dataset) {
    data::Table obs(dataset.obs.index());
    obs.index_name = dataset.obs.index_name;
    for (const auto& [name, column] : dataset.obs.columns()) obs.set(name == "pct/mito %" ? "pct|mito %" : name, column);
    dataset.obs = obs;
    std::get<data::UnsMap>(dataset.uns.at("params").value).erase("base");
    return dataset;
}

data::Dataset counts_and_logs(std::int64_t n_cells, std::int64_t n_genes) {
    data::Dataset dataset;
    dataset.obs = data::Table(test::numbered("c", n_cells));
    dataset.var = data::Table(test::numbered("g", n_genes));
    const matrix::Matrix counts = matrix::make_source(test::random_counts(n_cells, n_genes, 0.2, 5));
    dataset.layers["counts"] = counts;
    dataset.layers["X"] = matrix::log1p_scaled(counts, std::vector<double>(static_cast<std::size_t>(n_cells), 0.5));
    return dataset;
}

TEST(WriteH5ad, a_data_set_with_every_slot_reads_back_bit_for_bit) {
    const TemporaryFolder folder;
    for (const H5adCompression compression : {H5adCompression::none, H5adCompression::gzip}) {
        const data::Dataset written = test::sample_dataset(1337, 23, 5);
        write_h5ad(written, folder / "a.h5ad", {.compression = compression, .layers_sharing_index_with_x = {}}, two_threads());
        test::expect_same(as_files_hold_it(written), read_h5ad_checked(folder / "a.h5ad", two_threads()), two_threads());
        EXPECT_EQ(files_in(folder.path()), 1U);
        keep_for_anndata(folder / "a.h5ad", compression == H5adCompression::none ? "every_slot.h5ad" : "every_slot_gzip.h5ad");
    }
}

TEST(WriteH5ad, data_sets_without_cells_or_genes_read_back) {
    const TemporaryFolder folder;
    for (const auto& [cells, genes] : std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 5}, {5, 0}, {1, 1}}) {
        for (const H5adCompression compression : {H5adCompression::none, H5adCompression::gzip}) {
            const data::Dataset written = test::sample_dataset(cells, genes, 1);
            write_h5ad(written, folder / "a.h5ad", {.compression = compression, .layers_sharing_index_with_x = {}}, two_threads());
            test::expect_same(as_files_hold_it(written), read_h5ad(folder / "a.h5ad", two_threads()), two_threads());
            keep_for_anndata(folder / "a.h5ad", std::to_string(cells) + "x" + std::to_string(genes) + ".h5ad");
        }
    }
}

TEST(WriteH5ad, layers_with_the_entries_of_x_share_its_index) {
    const TemporaryFolder folder;
    for (const H5adCompression compression : {H5adCompression::none, H5adCompression::gzip}) {
        const data::Dataset written = counts_and_logs(6000, 400);
        write_h5ad(written, folder / "shared.h5ad", {.compression = compression, .layers_sharing_index_with_x = {"counts"}}, two_threads());
        write_h5ad(written, folder / "apart.h5ad", {.compression = compression, .layers_sharing_index_with_x = {}}, two_threads());
        test::expect_same(written, read_h5ad(folder / "shared.h5ad", two_threads()), two_threads());
        keep_for_anndata(folder / "shared.h5ad", compression == H5adCompression::none ? "shared.h5ad" : "shared_gzip.h5ad");
        const auto saved = static_cast<double>(std::filesystem::file_size(folder / "apart.h5ad")) - static_cast<double>(std::filesystem::file_size(folder / "shared.h5ad"));
        const auto nnz = static_cast<double>(written.layers.at("X")->nnz());
        EXPECT_GT(saved, (compression == H5adCompression::none ? 3.8 : 0.5) * nnz);
    }
}

TEST(WriteH5ad, a_layer_with_other_entries_is_not_allowed_to_share) {
    const TemporaryFolder folder;
    data::Dataset dataset = counts_and_logs(100, 20);
    dataset.layers["counts"] = matrix::make_source(test::random_counts(100, 20, 0.2, 6));
    EXPECT_NE(error_text([&] { write_h5ad(dataset, folder / "a.h5ad", {.compression = {}, .layers_sharing_index_with_x = {"counts"}}, two_threads()); }).find("counts"), std::string::npos);
    EXPECT_EQ(files_in(folder.path()), 0U);
}

TEST(WriteH5ad, the_bytes_do_not_depend_on_threads_or_time) {
    const TemporaryFolder folder;
    for (const H5adCompression compression : {H5adCompression::none, H5adCompression::gzip}) {
        const data::Dataset dataset = counts_and_logs(5000, 100);
        std::string first;
        for (const std::int32_t threads : {1, 2, 4}) {
            Context context({.threads = threads});
            write_h5ad(dataset, folder / "a.h5ad", {.compression = compression, .layers_sharing_index_with_x = {"counts"}}, context);
            const std::string bytes = bytes_of(folder / "a.h5ad");
            if (first.empty()) first = bytes;
            EXPECT_TRUE(first == bytes) << threads << " threads";
        }
    }
}

TEST(WriteH5ad, the_estimate_is_near_the_size) {
    const TemporaryFolder folder;
    const data::Dataset dataset = counts_and_logs(20000, 500);
    const WriteH5adOptions options{.compression = H5adCompression::none, .layers_sharing_index_with_x = {"counts"}};
    write_h5ad(dataset, folder / "a.h5ad", options, two_threads());
    const auto size = static_cast<double>(std::filesystem::file_size(folder / "a.h5ad"));
    const auto estimate = static_cast<double>(estimate_h5ad_bytes(dataset, options));
    EXPECT_GT(estimate, 0.95 * size);
    EXPECT_LT(estimate, 1.3 * size);
}

/// Fails in the middle, as a damaged input or a full disk would.
class FailingSource : public matrix::RowBlockSource {
public:
    explicit FailingSource(matrix::Matrix inner) : inner_(std::move(inner)) {}
    std::int64_t n_rows() const override { return inner_->n_rows(); }
    std::int64_t n_cols() const override { return inner_->n_cols(); }
    std::int64_t nnz() const override { return inner_->nnz(); }
    matrix::CsrView read(matrix::Range rows, matrix::CsrScratch& scratch) const override {
        if (rows.end > 2000) invalid_data("input.h5ad, X: is damaged.", "Copy the file again.");
        return inner_->read(rows, scratch);
    }

private:
    matrix::Matrix inner_;
};

TEST(WriteH5ad, a_write_that_fails_leaves_the_old_file_and_nothing_else) {
    const TemporaryFolder folder;
    data::Dataset dataset = counts_and_logs(3000, 50);
    write_h5ad(dataset, folder / "a.h5ad", {}, two_threads());
    const std::string before = bytes_of(folder / "a.h5ad");
    dataset.layers["X"] = std::make_shared<FailingSource>(dataset.layers["X"]);
    EXPECT_NE(error_text([&] { write_h5ad(dataset, folder / "a.h5ad", {}, two_threads()); }).find("is damaged"), std::string::npos);
    EXPECT_TRUE(before == bytes_of(folder / "a.h5ad"));
    EXPECT_EQ(files_in(folder.path()), 1U);
    EXPECT_EQ(test::error_code([&] { write_h5ad(dataset, folder / "missing" / "a.h5ad", {}, two_threads()); }), ErrorCode::not_found);
}

/// Claims more entries than any disk holds.
class HugeSource : public matrix::RowBlockSource {
public:
    std::int64_t n_rows() const override { return 10; }
    std::int64_t n_cols() const override { return 5; }
    std::int64_t nnz() const override { return std::int64_t{1} << 58; }
    matrix::CsrView read(matrix::Range, matrix::CsrScratch&) const override { return {}; }
};

TEST(WriteH5ad, too_little_disk_is_told_before_anything_is_written) {
    const TemporaryFolder folder;
    data::Dataset dataset = counts_and_logs(10, 5);
    dataset.layers["X"] = std::make_shared<HugeSource>();
    EXPECT_EQ(test::error_code([&] { write_h5ad(dataset, folder / "a.h5ad", {}, two_threads()); }), ErrorCode::resource_limit);
    EXPECT_EQ(files_in(folder.path()), 0U);
}

/// No file of this process may pass a size while this lives: what a full disk does to a write, without filling one.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) : before_(std::signal(SIGXFSZ, SIG_IGN)) {
        getrlimit(RLIMIT_FSIZE, &old_);
        const rlimit limited{bytes, old_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limited);
    }
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &old_);
        std::signal(SIGXFSZ, before_);
    }

private:
    rlimit old_{};
    void (*before_)(int);
};

TEST(WriteH5ad, a_disk_that_fills_up_on_the_way_leaves_nothing) {
    const TemporaryFolder folder;
    const data::Dataset dataset = counts_and_logs(6000, 400);
    for (const H5adCompression compression : {H5adCompression::none, H5adCompression::gzip}) {
        for (const rlim_t bytes : {rlim_t{1000}, rlim_t{900000}}) {
            const FileSizeLimit limit(bytes);
            EXPECT_EQ(test::error_code([&] { write_h5ad(dataset, folder / "a.h5ad", {.compression = compression, .layers_sharing_index_with_x = {}}, two_threads()); }), ErrorCode::resource_limit);
        }
        EXPECT_EQ(files_in(folder.path()), 0U);
    }
    write_h5ad(dataset, folder / "a.h5ad", {}, two_threads());
    test::expect_same(dataset, read_h5ad(folder / "a.h5ad", two_threads()), two_threads());
}

}  // namespace
}  // namespace morula::formats
