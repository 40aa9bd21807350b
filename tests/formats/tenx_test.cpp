// Cell Ranger's folders: the layouts, the matrix file line by line, and what happens when parts disagree.
#include <gtest/gtest.h>

#include "morula/core/file.hpp"
#include "morula/formats/tenx/tenx_folder.hpp"
#include "morula/formats/text/mtx.hpp"
#include "tests/formats/hdf5_sample.hpp"
#include "tests/support/sources.hpp"

namespace morula::formats {
namespace {

namespace fs = std::filesystem;
using test::error_text;
using test::TemporaryFolder;

Context& two_threads() {
    static Context context({.threads = 2});
    return context;
}

const char* const kHead = "%%MatrixMarket matrix coordinate integer general\n%metadata\n";

class Mtx : public ::testing::Test {
protected:
    matrix::Csr read(const std::string& text) const {
        write_text_file(folder_ / "matrix.mtx", text);
        return read_mtx_transposed(folder_ / "matrix.mtx", two_threads());
    }
    std::string refusal(const std::string& text) const {
        return error_text([&] { read(text); });
    }
    TemporaryFolder folder_;
};

TEST_F(Mtx, entries_in_any_order_give_the_same_rows) {
    const matrix::Csr wanted = test::random_counts(40, 30, 0.3, 1);
    std::vector<std::string> entries;
    for (std::int64_t cell = 0; cell < wanted.n_rows; ++cell) {
        for (std::size_t i = 0; i < wanted.view().row_indices(cell).size(); ++i) {
            entries.push_back(std::to_string(wanted.view().row_indices(cell)[i] + 1) + " " + std::to_string(cell + 1) + " " +
                              std::to_string(static_cast<std::int64_t>(wanted.view().row_values(cell)[i])));
        }
    }
    const std::string size = "30 40 " + std::to_string(entries.size()) + "\n";
    const auto text_of = [&](const char* ending) {
        std::string text = kHead + size;
        for (const std::string& entry : entries) text += entry + ending;
        return text;
    };
    test::expect_same(wanted, read(text_of("\n")), "in order");
    test::expect_same(wanted, read(text_of("\r\n")), "dos");
    test::expect_same(wanted, read(text_of(".0\n")), "as decimals");
    test::expect_same(wanted, read(text_of("  \n\n")), "blanks");
    const std::string unfinished = text_of("\n");
    test::expect_same(wanted, read(unfinished.substr(0, unfinished.size() - 1)), "last line without ending");
    std::reverse(entries.begin(), entries.end());
    test::expect_same(wanted, read(text_of("\n")), "backwards");
    std::rotate(entries.begin(), entries.begin() + 5, entries.end());
    test::expect_same(wanted, read(text_of("\n")), "rotated");
}

TEST_F(Mtx, a_file_longer_than_the_buffer_is_read_whole) {
    const matrix::Csr wanted = test::random_counts(900, 2000, 0.5, 2);
    std::string text = kHead + std::string("2000 900 ") + std::to_string(wanted.values.size()) + "\n";
    for (std::int64_t cell = 0; cell < wanted.n_rows; ++cell) {
        for (std::size_t i = 0; i < wanted.view().row_indices(cell).size(); ++i) {
            text += std::to_string(wanted.view().row_indices(cell)[i] + 1) + " " + std::to_string(cell + 1) + " " +
                    std::to_string(static_cast<std::int64_t>(wanted.view().row_values(cell)[i])) + "\n";
        }
    }
    ASSERT_GT(text.size(), std::size_t{8} << 20);
    test::expect_same(wanted, read(text), "long");
}

TEST_F(Mtx, decimals_patterns_and_zeros_are_understood) {
    const matrix::Csr real = read("%%MatrixMarket matrix coordinate real general\n3 2 3\n1 1 0.5\n2 1 1e2\n3 2 0\n");
    EXPECT_EQ(real.values, (std::vector<float>{0.5F, 100.0F}));
    EXPECT_EQ(real.indptr, (std::vector<std::int64_t>{0, 2, 2}));
    const matrix::Csr pattern = read("%%MatrixMarket matrix coordinate pattern general\n3 2 2\n1 1\n3 2\n");
    EXPECT_EQ(pattern.values, (std::vector<float>{1.0F, 1.0F}));
    EXPECT_EQ(read(std::string(kHead) + "3 2 0\n").n_rows, 2);
    EXPECT_EQ(read(std::string(kHead) + "0 0 0\n").n_rows, 0);
}

TEST_F(Mtx, what_is_wrong_is_told_with_its_line) {
    const std::string head = kHead;
    struct Case {
        std::string text;
        const char* says;
    };
    for (const Case& c : std::vector<Case>{
             {"", "matrix.mtx is empty"},
             {"gene,cell\n", "line 1: a Matrix Market file begins with"},
             {"%%MatrixMarket matrix array integer general\n", "line 1"},
             {head, "ends before its size line"},
             {head + "3 x 1\n", "line 3: the size line '3 x 1'"},
             {head + "3 2 1\n4 1 5\n", "line 4: gene 4 is out of range; the matrix has 3 genes"},
             {head + "3 2 1\n0 1 5\n", "line 4: gene 0 is out of range"},
             {head + "3 2 1\n1 3 5\n", "line 4: cell 3 is out of range; the matrix has 2 cells"},
             {head + "3 2 1\n1 -1 5\n", "line 4: cell -1 is out of range"},
             {head + "3 2 2\n1 1 5\n1 1 6\n", "the entry of gene 1, cell 1 stands there twice"},
             {head + "3 2 2\n1 1 5\n", "declares 2 entries, but ends after 1, on line 4"},
             {head + "3 2 1\n1 1 5\n2 1 6\n", "line 5: the file declares 1 entries, but goes on with '2 1 6'"},
             {head + "3 2 1\n1 1 nan\n", "line 4"},
             {head + "3 2 1\n1 1 inf\n", "line 4"},
             {head + "3 2 1\n1 1 5000000000\n", "line 4: the value 5000000000"},
             {head + "3 2 1\n1 1 five\n", "line 4: 'five' is no number"},
             {head + "3 2 1\n1 1\n", "line 4: expected gene, cell and value"},
             {head + "3 2 1\n1 1 5 5\n", "line 4: expected gene, cell and value"},
             {head + "3 2 99999999999\n1 1 5\n", "line 3: the file declares 99999999999 entries"},
             {head + "99999999999 2 1\n1 1 5\n", "line 3: a matrix of 99999999999 genes"},
         }) {
        const std::string message = refusal(c.text);
        EXPECT_NE(message.find(c.says), std::string::npos) << c.text << "\n" << message;
        EXPECT_NE(message.find("matrix.mtx"), std::string::npos) << message;
    }
}

class TenxFolder : public ::testing::Test {
protected:
    void write(const fs::path& below, const std::string& features_name, const std::string& features, const std::string& barcodes, const std::string& entries) const {
        fs::create_directories(folder_.path() / below);
        write_text_file(folder_.path() / below / "matrix.mtx", kHead + entries);
        write_text_file(folder_.path() / below / features_name, features);
        write_text_file(folder_.path() / below / "barcodes.tsv", barcodes);
    }
    void write_v3(const fs::path& below) const {
        write(below, "features.tsv", "ENSG01\tCD3E\tGene Expression\nENSG02\tCD3E\tGene Expression\nCD4_TotalSeqB\tCD4\tAntibody Capture\n", "AAAC-1\nAAAG-1\n", "3 2 3\n1 1 2\n3 1 40\n2 2 1\n");
    }
    data::Dataset read(const fs::path& below) const { return read_tenx_folder(folder_.path() / below, two_threads()); }
    std::string refusal() const {
        return error_text([&] { read(""); });
    }
    TemporaryFolder folder_;
};

TEST_F(TenxFolder, version_3_keeps_ids_symbols_and_types) {
    write_v3("");
    const data::Dataset dataset = read("");
    EXPECT_EQ(dataset.obs.index(), (std::vector<std::string>{"AAAC-1", "AAAG-1"}));
    EXPECT_EQ(dataset.var.index(), (std::vector<std::string>{"ENSG01", "ENSG02", "CD4_TotalSeqB"}));
    EXPECT_EQ(data::column_texts(dataset.var.at("gene_symbols")), (std::vector<std::string>{"CD3E", "CD3E", "CD4"}));
    EXPECT_EQ(data::column_texts(dataset.var.at("feature_types"))[2], "Antibody Capture");
    const matrix::Csr counts = matrix::read_all(*dataset.layers.at("X"), two_threads());
    EXPECT_EQ(counts.indices, (std::vector<std::uint32_t>{0, 2, 1}));
    EXPECT_EQ(counts.values, (std::vector<float>{2, 40, 1}));
}

TEST_F(TenxFolder, version_2_tells_two_genomes_apart) {
    write("filtered_gene_bc_matrices/both", "genes.tsv", "hg19_ENSG01\thg19_CD3E\nmm10___ENSMUSG01\tmm10_Cd3e\n", "A-1\n", "2 1 1\n1 1 2\n");
    const data::Dataset dataset = read("");
    EXPECT_EQ(data::column_texts(dataset.var.at("genome")), (std::vector<std::string>{"hg19", "mm10"}));
    EXPECT_FALSE(dataset.var.has("feature_types"));
}

TEST_F(TenxFolder, symbols_as_ids_are_kept_apart_where_they_repeat) {
    write("", "genes.tsv", "CD3E\tCD3E\nCD3E\tCD3E\n", "A-1\n", "2 1 1\n1 1 2\n");
    const data::Dataset dataset = read("");
    EXPECT_EQ(dataset.var.index(), (std::vector<std::string>{"CD3E", "CD3E-1"}));
    EXPECT_FALSE(dataset.var.has("gene_ids"));
}

TEST_F(TenxFolder, the_filtered_matrix_is_found_below) {
    for (const char* below : {"outs/filtered_feature_bc_matrix", "outs/raw_feature_bc_matrix"}) write_v3(below);
    write_text_file(folder_.path() / "outs/raw_feature_bc_matrix/barcodes.tsv", "wrong\n");
    EXPECT_EQ(read("").n_cells(), 2);
    EXPECT_EQ(read("outs").n_cells(), 2);
    EXPECT_EQ(read("outs/filtered_feature_bc_matrix").n_cells(), 2);
}

TEST_F(TenxFolder, without_a_filtered_matrix_the_raw_one_of_the_run_is_read) {
    write_v3("outs/raw_feature_bc_matrix");
    EXPECT_EQ(read("").n_cells(), 2);
    EXPECT_EQ(read("outs").n_cells(), 2);
}

TEST_F(TenxFolder, multi_gives_one_data_set_a_sample) {
    for (const char* sample : {"day2", "day1"}) write_v3(fs::path("outs/per_sample_outs") / sample / "count/sample_filtered_feature_bc_matrix");
    const std::vector<data::Dataset> samples = read_tenx_folders(folder_.path(), two_threads());
    ASSERT_EQ(samples.size(), 2U);
    EXPECT_EQ(samples[0].name, "day1");
    EXPECT_EQ(samples[1].name, "day2");
    EXPECT_NE(refusal().find("holds 2 samples"), std::string::npos);
}

TEST_F(TenxFolder, parts_that_are_missing_or_disagree_are_named) {
    EXPECT_NE(refusal().find("no matrix.mtx"), std::string::npos);
    write_v3("");
    fs::remove(folder_ / "barcodes.tsv");
    EXPECT_NE(refusal().find("no barcodes.tsv"), std::string::npos) << refusal();
    write_text_file(folder_ / "barcodes.tsv", "AAAC-1\n");
    EXPECT_NE(refusal().find("barcodes.tsv: names 1 cells, but"), std::string::npos) << refusal();
    write_text_file(folder_ / "barcodes.tsv", "AAAC-1\nAAAC-1\n");
    EXPECT_NE(refusal().find("the barcode 'AAAC-1' stands on lines 1 and 2"), std::string::npos) << refusal();
    write_text_file(folder_ / "barcodes.tsv", "AAAC-1\nAA\xFF-1\n");
    EXPECT_NE(refusal().find("barcodes.tsv, line 2"), std::string::npos) << refusal();
    write_text_file(folder_ / "barcodes.tsv", "AAAC-1\nAAAG-1\n");
    write_text_file(folder_ / "features.tsv", "ENSG01\tCD3E\tGene Expression\n");
    EXPECT_NE(refusal().find("features.tsv: names 1 genes, but"), std::string::npos) << refusal();
    write_text_file(folder_ / "features.tsv", "ENSG01\tCD3E\tGene Expression\nENSG02\tCD3E\n");
    EXPECT_NE(refusal().find("features.tsv, line 2: the row has 2 fields"), std::string::npos) << refusal();
    write_v3("");
    write_text_file(folder_ / "matrix.mtx", std::string(kHead) + "3 2 1\n1 1 -5\n");
    EXPECT_NE(refusal().find("line 4: the value -5"), std::string::npos) << refusal();
}

// A wrong size line must end in a sentence about the sizes, not in a huge allocation.
TEST_F(TenxFolder, the_size_line_is_held_against_barcodes_before_counts_are_read) {
    write_v3("");
    write_text_file(folder_ / "matrix.mtx", std::string(kHead) + "3 4000000000 1\n1 1 5\n");
    EXPECT_NE(refusal().find("barcodes.tsv: names 2 cells, but"), std::string::npos) << refusal();
}

}  // namespace
}  // namespace morula::formats
