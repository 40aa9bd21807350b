// Dense text matrices: both orientations, R's and spreadsheets' habits, and what is refused.
#include "morula/formats/text/text_matrix.hpp"

#include <gtest/gtest.h>

#include "morula/core/file.hpp"
#include "morula/formats/text/gene_names.hpp"
#include "tests/formats/hdf5_sample.hpp"
#include "tests/support/real_data.hpp"

namespace morula::formats {
namespace {

using test::contains;
using test::error_text;
using test::TemporaryFolder;

class TextMatrix : public ::testing::Test {
protected:
    std::filesystem::path write(const std::string& name, std::string_view text) const {
        write_text_file(folder_ / name, text);
        return folder_ / name;
    }
    data::Dataset read(std::string_view text, TextOrientation orientation) const { return read_text_matrix(write("c.csv", text), orientation, context()); }
    std::string refusal(std::string_view text) const {
        return error_text([&] { read(text, TextOrientation::genes_in_rows); });
    }
    static Context& context() {
        static Context one({.threads = 1});
        return one;
    }
    /// Values as cells x genes, row after row.
    static std::vector<float> values(const data::Dataset& dataset) {
        const matrix::Csr csr = matrix::read_all(*dataset.layers.at("X"), context());
        std::vector<float> out(static_cast<std::size_t>(csr.n_rows * csr.n_cols), 0.0F);
        for (std::int64_t row = 0; row < csr.n_rows; ++row) {
            const auto genes = csr.view().row_indices(row);
            for (std::size_t i = 0; i < genes.size(); ++i) out[static_cast<std::size_t>(row * csr.n_cols) + genes[i]] = csr.view().row_values(row)[i];
        }
        return out;
    }
    TemporaryFolder folder_;
};

using Names = std::vector<std::string>;

TEST_F(TextMatrix, genes_or_cells_in_rows_give_the_same_cells) {
    const data::Dataset genes = read("gene,AAACCTGAGA-1,AAACCTGCAT-1\nACTB,3,0\nCD3E,0,1.5\nGAPDH,0,7\n", TextOrientation::automatic);
    const data::Dataset cells = read("cell,ACTB,CD3E,GAPDH\nAAACCTGAGA-1,3,0,0\nAAACCTGCAT-1,0,1.5,7\n", TextOrientation::automatic);
    for (const data::Dataset* each : {&genes, &cells}) {
        EXPECT_EQ(each->obs.index(), (Names{"AAACCTGAGA-1", "AAACCTGCAT-1"}));
        EXPECT_EQ(each->var.index(), (Names{"ACTB", "CD3E", "GAPDH"}));
        EXPECT_EQ(values(*each), (std::vector<float>{3, 0, 0, 0, 1.5F, 7}));
    }
}

TEST_F(TextMatrix, a_given_orientation_is_not_doubted) {
    const std::string text = "x,ACTB,CD3E\na,1,2\nb,0,4\nc,0,0\n";
    EXPECT_EQ(read(text, TextOrientation::genes_in_rows).var.index(), (Names{"a", "b", "c"}));
    EXPECT_EQ(read(text, TextOrientation::cells_in_rows).obs.index(), (Names{"a", "b", "c"}));
    EXPECT_EQ(values(read(text, TextOrientation::genes_in_rows)), (std::vector<float>{1, 0, 0, 2, 4, 0}));
}

TEST_F(TextMatrix, names_that_say_nothing_are_taken_as_genes_in_rows) { EXPECT_EQ(read("x,a,b\np,1,2\nq,3,4\n", TextOrientation::automatic).var.index(), (Names{"p", "q"})); }

TEST_F(TextMatrix, habits_of_r_and_of_spreadsheets_are_known) {
    const std::vector<float> wanted{1, 12, 0, 5};
    for (const char* text : {"\"A\",\"B\"\n\"g 1\",1,0\n\"g2\",12,5\n",                  // write.table without a corner, quotes
                             "\xEF\xBB\xBF\"\",A,B\r\ng 1, 1 ,0.0\r\ng2,1.2e1,\"5\"\r\n",  // byte-order mark, CR LF, blanks, quoted numbers
                             "n;A;B\ng 1;1;0\n\ng2;12;5",                              // semicolons, an empty line, no last ending
                             "n\tA\tB\ng 1\t1\t0\ng2\t12\t5\n"}) {
        const data::Dataset dataset = read(text, TextOrientation::genes_in_rows);
        EXPECT_EQ(dataset.obs.index(), (Names{"A", "B"})) << text;
        EXPECT_EQ(dataset.var.index(), (Names{"g 1", "g2"})) << text;
        EXPECT_EQ(values(dataset), wanted) << text;
    }
}

TEST_F(TextMatrix, zeros_alone_make_cells_without_counts) {
    const data::Dataset dataset = read("n,A,B\ng,0,0\n", TextOrientation::genes_in_rows);
    EXPECT_EQ(dataset.n_cells(), 2);
    EXPECT_EQ(dataset.layers.at("X")->nnz(), 0);
}

TEST_F(TextMatrix, repeated_genes_are_kept_apart_and_repeated_cells_refused) {
    EXPECT_EQ(read("n,A,B\ng,1,0\nh,0,1\ng,2,2\n", TextOrientation::genes_in_rows).var.index(), (Names{"g", "h", "g-1"}));
    EXPECT_TRUE(contains(refusal("n,A,B,A\ng,1,0,1\n"), "the cell name 'A' stands at column 1 and at column 3"));
    EXPECT_TRUE(contains(error_text([&] { read("n,g\nA,1\nA,2\n", TextOrientation::cells_in_rows); }), "stands at line 2 and at line 3"));
}

TEST_F(TextMatrix, refuses_what_is_no_matrix_and_says_where) {
    EXPECT_TRUE(contains(refusal(""), "is empty"));
    EXPECT_TRUE(contains(refusal("n,A,B\n"), "a header and no rows"));
    EXPECT_TRUE(contains(refusal("n,A,B\ng,1,2\nh,1\n"), "line 3: the row has 1 numbers, but there are 2 columns"));
    EXPECT_TRUE(contains(refusal("n,A,B\ng,1,2\nh,1,2,3\n"), "line 3: the row has more than the 2 numbers"));
    EXPECT_TRUE(contains(refusal("n,A,B\ng,1,2,3,4\n"), "line 2: the row has 5 fields, but the header names 3 columns"));
    EXPECT_TRUE(contains(refusal("n,A,B\ng,1,x7\n"), "line 2: column 'B' holds 'x7', which is no number"));
    EXPECT_TRUE(contains(refusal("n,A,B\ng,1,\n"), "column 'B' holds '', which is nothing"));
    EXPECT_TRUE(contains(refusal("n,A,B\ng,nan,2\n"), "which is not a finite number"));
    EXPECT_TRUE(contains(refusal("n,A,B\ng,1e99,2\n"), "which is not a finite number"));
    EXPECT_TRUE(contains(refusal("n,A,B\n\"g,1,2\n"), "a quote is opened and never closed"));
    EXPECT_TRUE(contains(refusal("n,A,B\n\"g\"x,1,2\n"), "text follows a closing quote"));
    EXPECT_TRUE(contains(refusal("n,A,B\n\xFF,1,2\n"), "line 2: a name is not valid UTF-8"));
    EXPECT_TRUE(contains(refusal("just\nsome\ntext\n"), "one column only"));
}

TEST_F(TextMatrix, annotation_beside_the_counts_becomes_obs_when_it_names_every_cell) {
    write("run.count.csv", "n,A,B\ng,1,2\n");
    write("run.metadata.csv", "cell,line,day\nB,H1975,3\nA,HCC827,1\nC,other,2\n");
    const data::Dataset dataset = read_text_matrix(folder_ / "run.count.csv", TextOrientation::genes_in_rows, context());
    EXPECT_EQ(std::get<std::vector<std::string>>(dataset.obs.at("line")), (Names{"HCC827", "H1975"}));
    EXPECT_EQ(std::get<std::vector<std::int64_t>>(dataset.obs.at("day")), (std::vector<std::int64_t>{1, 3}));
    write("run.metadata.csv", "cell,line\nA,HCC827\n");
    EXPECT_TRUE(read_text_matrix(folder_ / "run.count.csv", TextOrientation::genes_in_rows, context()).obs.columns().empty());
}

TEST_F(TextMatrix, names_of_files_are_told_from_others) {
    for (const char* name : {"a.csv", "a.tsv.gz", "counts.txt", "b.tab"}) EXPECT_TRUE(is_text_matrix(name)) << name;
    for (const char* name : {"a.h5ad", "a.gz", "csv", "matrix.mtx.gz"}) EXPECT_FALSE(is_text_matrix(name)) << name;
}

TEST(GeneNames, are_told_from_barcodes_and_numbers) {
    for (const char* name : {"ENSG00000141510", "ENSMUSG00000059552.4", "ENSDARG00000035559", "FBgn0000008", "WBGene00000001", "RPL3", "Rps27a", "RPLP0", "MT-CO1", "mt-Nd1", "Gapdh", "MALAT1"}) {
        EXPECT_TRUE(looks_like_gene(name)) << name;
    }
    for (const char* name : {"AAACCTGAGAAACCAT-1", "cell_12", "RPL", "ENSG", "ENST00000335137", "A1", "", "mt-"}) EXPECT_FALSE(looks_like_gene(name)) << name;
    EXPECT_TRUE(looks_like_barcode("sample1_AAACCTGAGAAACCAT-1"));
    EXPECT_FALSE(looks_like_barcode("GATA3"));
}

TEST(RealTextMatrix, cell_mixtures_read_as_published) {
    MORULA_REAL_DATA(file, "cellbench-mixology/sc_celseq2.count.csv.gz");
    Context context({.threads = 1});
    const data::Dataset dataset = read_text_matrix(file, TextOrientation::automatic, context);
    EXPECT_EQ(dataset.n_cells(), 274);
    EXPECT_EQ(dataset.obs.index().front(), "A1");
    EXPECT_EQ(dataset.var.index().front(), "ENSG00000281131");
    EXPECT_EQ(data::as_categorical(dataset.obs.at("cell_line")).categories, (Names{"H1975", "H2228", "HCC827"}));
}

}  // namespace
}  // namespace morula::formats
