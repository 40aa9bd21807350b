// Bad input, from the file to the exit code: `morula run` must name the file and the place, say what to do next, end with the right code, and leave nothing
// half-written. That each reader finds each kind of damage is tested beside the readers; here it is the whole way.
#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/cli/program_test.hpp"

namespace morula {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::Outcome;

constexpr int kInvalidData = 2;
constexpr int kNotFound = 3;
constexpr int kUsage = 64;
constexpr int kPermission = 4;
constexpr int kResourceLimit = 5;
constexpr int kUnsupported = 6;

struct Case {
    const char* name;
    const char* input;  // below the fixtures, or below the test's folder when it was made there
    int status;
    const char* says;
};

/// A gzip file (one stored block) without its last bytes.
std::string cut_gzip(const std::string& text) {
    std::string bytes("\x1F\x8B\x08\0\0\0\0\0\0\x03\x01", 11);
    const auto size = static_cast<unsigned>(text.size());
    for (const unsigned number : {size, ~size}) {
        bytes.push_back(static_cast<char>(number & 0xFFU));
        bytes.push_back(static_cast<char>(number >> 8U & 0xFFU));
    }
    return bytes + text.substr(0, text.size() - 5);
}

class BadInput : public test::ProgramTest {
protected:
    /// The error object of a run that failed, whose message names `file` and which says what to do.
    std::string refusal(const Outcome& outcome, int status, const std::string& file) const {
        EXPECT_EQ(outcome.status, status) << outcome.out << outcome.err;
        const Json json = Json::parse(outcome.out, nullptr, false);
        if (!json.is_object() || !json.contains("error")) {
            ADD_FAILURE() << "no error object: " << outcome.out << outcome.err;
            return "";
        }
        const std::string message = json["error"]["message"];
        EXPECT_NE(message.find(file), std::string::npos) << message;
        EXPECT_FALSE(json["error"]["next"].get<std::string>().empty()) << message;
        return message;
    }
    std::string refusal_of_run(const std::string& input, int status) const {
        return refusal(morula({"run", input, "--out", "out", "--json"}), status, fs::path(input).filename().string());
    }
    /// No result, nothing under a temporary name, and a store that is whole or not there at all.
    void expect_nothing_half_written(const fs::path& out) const {
        if (!fs::exists(out)) return;
        std::set<std::string> names;
        for (const auto& entry : fs::directory_iterator(out)) names.insert(entry.path().filename().string());
        for (const std::string& name : names) EXPECT_TRUE(name == "run.json" || name == "data.atlas") << name << " was left behind";
        if (names.count("run.json") != 0) {
            EXPECT_TRUE(Json::parse(read_text_file(out / "run.json", 1 << 24), nullptr, false).is_object());
        }
        if (fs::exists(out / "data.atlas" / "CURRENT")) {
            EXPECT_EQ(morula({"verify", (out / "data.atlas").string()}).status, 0);
        }
    }
    std::string fixture(const std::string& name) const { return std::string(MORULA_SOURCE_DIR) + "/tests/formats/fixtures/h5ad/" + name; }
    void write_folder(const std::string& name, const std::string& barcodes, const std::string& features, const std::string& matrix) const {
        fs::create_directories(folder_ / name);
        write_text_file(folder_ / name / "barcodes.tsv", barcodes);
        write_text_file(folder_ / name / "features.tsv", features);
        write_text_file(folder_ / name / "matrix.mtx", "%%MatrixMarket matrix coordinate integer general\n" + matrix);
    }
};

TEST_F(BadInput, h5ad_files_are_refused_with_the_place_and_leave_nothing) {
    for (const Case& c : std::vector<Case>{
             {"wrong shape", "bad_shape.h5ad", kInvalidData, "X is 30 x 21"},
             {"index out of range", "bad_column_out_of_range.h5ad", kInvalidData, "X: row 1 names column 21"},
             {"index twice", "bad_column_twice.h5ad", kInvalidData, "X: row 1 names column"},
             {"negative count", "bad_value_negative.h5ad", kInvalidData, "holds -3"},
             {"NaN", "bad_value_nan.h5ad", kInvalidData, "cell 'c0', gene 'g15' holds"},
             {"infinite", "bad_value_infinite.h5ad", kInvalidData, "cell 'c0', gene 'g15' holds"},
             {"no integer", "bad_value_fraction.h5ad", kInvalidData, "holds 1.5"},
             {"above 2^32", "bad_value_huge.h5ad", kInvalidData, "X/data: entry 5 holds 1099511627776"},
             {"no cells", "no_cells.h5ad", kInvalidData, ""},
             {"no genes", "no_genes.h5ad", kInvalidData, ""},
             {"no matrix", "no_x.h5ad", kInvalidData, "holds no matrix"},
             {"cell name twice", "bad_repeated_cells.h5ad", kInvalidData, "the name 'c0' stands in rows 1 and 3"},
             {"not UTF-8", "bad_name_not_utf8.h5ad", kInvalidData, "obs/_index, row 2"},
             {"absurd size", "bad_absurd_size.h5ad", kInvalidData, "declares 1000000000000000 values"},
             {"names and matrix disagree", "bad_tenx_barcodes.h5", kInvalidData, "but names 20 genes and 2 cells"},
             {"another HDF5 file", "bad_not_anndata.h5ad", kInvalidData, ""},
             {"loom", "loom.loom", kUnsupported, "loom"},
         }) {
        SCOPED_TRACE(c.name);
        const std::string message = refusal_of_run(fixture(c.input), c.status);
        EXPECT_NE(message.find(c.says), std::string::npos) << message;
        expect_nothing_half_written(folder_ / "out");
        fs::remove_all(folder_ / "out");
    }
}

TEST_F(BadInput, files_that_are_missing_empty_cut_or_something_else) {
    const std::string whole = read_text_file(fixture("gzip.h5ad"), 1 << 20);
    write_text_file(folder_ / "empty.h5ad", "");
    write_text_file(folder_ / "letter.h5ad", "Dear all,\n");
    write_text_file(folder_ / "cut.h5ad", std::string_view(whole).substr(0, whole.size() / 2));
    std::string corrupt = whole;  // the signature and the root group's address stand, what they lead to does not
    for (std::size_t i = 96; i < 2048; ++i) corrupt[i] = static_cast<char>(0xA5 ^ i);
    write_text_file(folder_ / "corrupt.h5ad", corrupt);
    fs::create_directories(folder_ / "empty_folder");
    for (const Case& c : std::vector<Case>{{"missing", "nothing.h5ad", kNotFound, "does not exist"},
                                           {"empty", "empty.h5ad", kInvalidData, ""},
                                           {"something else", "letter.h5ad", kInvalidData, "not an HDF5 file"},
                                           {"cut", "cut.h5ad", kInvalidData, "ends early"},
                                           {"corrupt", "corrupt.h5ad", kInvalidData, ""},
                                           {"empty folder", "empty_folder", kInvalidData, "holds no matrix.mtx"}}) {
        SCOPED_TRACE(c.name);
        const std::string message = refusal_of_run((folder_ / c.input).string(), c.status);
        EXPECT_NE(message.find(c.says), std::string::npos) << message;
        expect_nothing_half_written(folder_ / "out");
        fs::remove_all(folder_ / "out");
    }
}

TEST_F(BadInput, tenx_folders_whose_parts_do_not_fit) {
    const std::string features = "ENSG1\tA\tGene Expression\nENSG2\tB\tGene Expression\n";
    write_folder("fewer_barcodes", "AA-1\n", features, "2 2 1\n1 1 5\n");
    write_folder("fewer_features", "AA-1\nCC-1\n", "ENSG1\tA\tGene Expression\n", "2 2 1\n1 1 5\n");
    write_folder("same_barcode", "AA-1\nAA-1\n", features, "2 2 1\n1 1 5\n");
    write_folder("not_utf8", "AA-1\nC\xFF-1\n", features, "2 2 1\n1 1 5\n");
    write_folder("gene_out_of_range", "AA-1\nCC-1\n", features, "2 2 1\n3 1 5\n");
    write_folder("entry_twice", "AA-1\nCC-1\n", features, "2 2 2\n1 1 5\n1 1 5\n");
    write_folder("negative", "AA-1\nCC-1\n", features, "2 2 1\n1 1 -5\n");
    write_folder("too_large", "AA-1\nCC-1\n", features, "2 2 1\n1 1 4294967297\n");
    write_folder("absurd", "AA-1\nCC-1\n", features, "2 2 900000000000000\n1 1 5\n");
    write_folder("no_cells", "", features, "2 0 0\n");
    write_folder("cut_gzip", "AA-1\nCC-1\n", features, "");
    fs::remove(folder_ / "cut_gzip" / "matrix.mtx");
    write_text_file(folder_ / "cut_gzip" / "matrix.mtx.gz", cut_gzip("%%MatrixMarket matrix coordinate integer general\n2 2 3\n1 1 5\n2 1 5\n2 2 5\n"));
    for (const Case& c : std::vector<Case>{{"barcodes.tsv", "fewer_barcodes", kInvalidData, "names 1 cells, but"},
                                           {"features.tsv", "fewer_features", kInvalidData, "names 1 genes, but"},
                                           {"barcodes.tsv", "same_barcode", kInvalidData, "lines 1 and 2"},
                                           {"barcodes.tsv", "not_utf8", kInvalidData, "line 2"},
                                           {"matrix.mtx", "gene_out_of_range", kInvalidData, "line 3: gene 3 is out of range"},
                                           {"matrix.mtx", "entry_twice", kInvalidData, "stands there twice"},
                                           {"matrix.mtx", "negative", kInvalidData, "line 3: the value -5"},
                                           {"matrix.mtx", "too_large", kInvalidData, "line 3: the value 4294967297"},
                                           {"matrix.mtx", "absurd", kInvalidData, "line 2: the file declares 900000000000000 entries"},
                                           {"no_cells", "no_cells", kInvalidData, ""},
                                           {"matrix.mtx.gz", "cut_gzip", kInvalidData, "ends early"}}) {
        SCOPED_TRACE(c.input);
        const std::string message = refusal(morula({"run", (folder_ / c.input).string(), "--out", "out", "--json"}), c.status, c.name);
        EXPECT_NE(message.find(c.says), std::string::npos) << message;
        expect_nothing_half_written(folder_ / "out");
        fs::remove_all(folder_ / "out");
    }
}

TEST_F(BadInput, sheets_of_samples_are_refused_by_line) {
    write_text_file(folder_ / "twice.csv", "path,sample\na.h5ad,a\nb.h5ad,a\n");
    write_text_file(folder_ / "no_path.csv", "pth,sample\na.h5ad,a\n");
    write_text_file(folder_ / "empty.csv", "");
    write_text_file(folder_ / "ragged.csv", "path,sample\na.h5ad,a,b\nb.h5ad,b\n");
    write_text_file(folder_ / "gone.csv", "path,sample\ngone.h5ad,a\n");
    for (const Case& c : std::vector<Case>{{"twice.csv", "twice.csv", kInvalidData, "line 3"},
                                           {"no_path.csv", "no_path.csv", kNotFound, "no column 'path'"},
                                           {"empty.csv", "empty.csv", kInvalidData, "is empty"},
                                           {"ragged.csv", "ragged.csv", kInvalidData, "line 2"},
                                           {"gone.h5ad", "gone.csv", kNotFound, "does not exist"},
                                           {"none.csv", "none.csv", kNotFound, ""}}) {
        SCOPED_TRACE(c.name);
        const std::string message = refusal(morula({"run", "--samples", c.input, "--out", "out", "--json"}), c.status, c.name);
        EXPECT_NE(message.find(c.says), std::string::npos) << message;
        expect_nothing_half_written(folder_ / "out");
        fs::remove_all(folder_ / "out");
    }
}

/// The old h5ad stays as it was when the new one cannot be written.
TEST_F(BadInput, refusals_of_steps_name_the_file) {
    make_sample("a.h5ad", "100");
    const Outcome no_counts = morula({"hvg", "a.h5ad", "--out", "b.h5ad", "--json"});
    refusal(no_counts, kNotFound, "a.h5ad: ");
    EXPECT_NE(no_counts.err.find("`morula filter`"), std::string::npos) << no_counts.err;
    refusal(morula({"filter", "a.h5ad", "--min-cells", "101", "--out", "b.h5ad", "--json"}), kInvalidData, "a.h5ad: ");
    refusal(morula({"run", "a.h5ad", "--n-components", "400", "--out", "out", "--json"}), kInvalidData, "a.h5ad: ");
}

TEST_F(BadInput, a_failed_step_leaves_the_file_that_was_there) {
    write_text_file(folder_ / "qc.h5ad", "the old file");
    refusal(morula({"qc", fixture("bad_value_nan.h5ad"), "--out", "qc.h5ad", "--json"}), kInvalidData, "bad_value_nan");
    EXPECT_EQ(read_text_file(folder_ / "qc.h5ad", 100), "the old file");
}

/// By another name of the same file too.
TEST_F(BadInput, a_step_never_overwrites_its_input) {
    make_sample("a.h5ad", "100");
    fs::create_hard_link(folder_ / "a.h5ad", folder_ / "same.h5ad");
    fs::create_symlink("a.h5ad", folder_ / "link.h5ad");
    const std::string before = read_text_file(folder_ / "a.h5ad", 1 << 26);
    for (const char* out : {"a.h5ad", "./a.h5ad", "same.h5ad", "link.h5ad"}) {
        SCOPED_TRACE(out);
        refusal(morula({"normalize", "a.h5ad", "--out", out, "--json"}), kUsage, "is the input a.h5ad itself");
    }
    refusal(morula({"integrate", "a.h5ad", "--batch", "batch", "--out", "link.h5ad", "--json"}), kUsage, "is the input a.h5ad itself");
    EXPECT_EQ(read_text_file(folder_ / "a.h5ad", 1 << 26), before);
    EXPECT_EQ(morula({"normalize", "a.h5ad", "--out", "b.h5ad"}).status, 0);
}

TEST_F(BadInput, a_folder_where_a_result_has_to_go_is_told_before_anything_is_written) {
    make_sample("a.h5ad", "200");
    for (const char* name : {"run.json", "agreement.csv"}) {
        SCOPED_TRACE(name);
        fs::create_directories(folder_ / "out" / name);
        refusal(morula({"annotate", "a.h5ad", "--reference", "a.h5ad", "--label", "true_type", "--out", "out", "--json"}), kInvalidData, name);
        EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "out"), fs::directory_iterator()), 1) << "nothing else was written";
        fs::remove_all(folder_ / "out");
    }
}

/// A name that would clear the screen and turn what follows around is shown, not obeyed; files keep it.
TEST_F(BadInput, names_with_control_characters_are_written_out) {
    make_sample("a.h5ad", "200");
    const std::string name = "T\x1b[2J\xc2\x9b\xe2\x80\xae";
    write_text_file(folder_ / "sets.gmt", "OK\t\tGENE00001\tGENE00002\tGENE00003\tGENE00004\tGENE00005\n" + name + "\t\tGENE00001\tGENE00002\n");
    const std::string text = "T\\x1b[2J\\x9b\\u202e";
    const Outcome small = morula({"programmes", "a.h5ad", "--sets", "sets.gmt", "--out", "out"});
    EXPECT_EQ(small.status, 0) << small.err;
    EXPECT_NE(small.err.find(text), std::string::npos) << small.err;
    const Outcome progress = morula({"programmes", "a.h5ad", "--sets", "sets.gmt", "--out", "out", "--progress", "json"});
    const Outcome kept = morula({"programmes", "a.h5ad", "--sets", "sets.gmt", "--out", "out", "--min-genes", "2", "--json"});
    EXPECT_EQ(kept.status, 0) << kept.err;
    EXPECT_NE(read_text_file(folder_ / "out" / "groups.csv", 1 << 24).find(name), std::string::npos) << "files keep names as they are";
    const Outcome refused = morula({"programmes", name, "--sets", "sets.gmt", "--out", "out2"});
    EXPECT_EQ(refused.status, kNotFound);
    EXPECT_NE(refused.err.find(text), std::string::npos) << refused.err;
    for (const Outcome& outcome : {small, progress, kept, refused}) {
        for (const char* bytes : {"\x1b", "\xc2\x9b", "\xe2\x80\xae"}) EXPECT_EQ((outcome.out + outcome.err).find(bytes), std::string::npos) << outcome.err;
    }
}

TEST_F(BadInput, an_ingest_that_fails_leaves_no_atlas_that_was_not_there) {
    make_sample("a.h5ad", "100");
    refusal(morula({"ingest", "missing.h5ad", "--atlas", "new.atlas", "--json"}), kNotFound, "missing.h5ad");
    refusal(morula({"ingest", fixture("bad_value_nan.h5ad"), "--atlas", "new.atlas", "--json"}), kInvalidData, "bad_value_nan");
    EXPECT_FALSE(fs::exists(folder_ / "new.atlas"));
    EXPECT_EQ(morula({"ingest", "a.h5ad", "--atlas", "new.atlas"}).status, 0);
    refusal(morula({"ingest", fixture("bad_value_nan.h5ad"), "--atlas", "new.atlas", "--json"}), kInvalidData, "bad_value_nan");
    EXPECT_EQ(morula({"verify", "new.atlas"}).status, 0) << "what was there stays";
}

/// The number that would be needed stands in the message, and nothing is computed before.
TEST_F(BadInput, a_memory_limit_holds_for_verbs_of_conditions) {
    const Outcome made = morula({"generate", "cohort", "--donors", "6", "--cells", "150", "--genes", "2000", "--types", "6", "--seed", "2", "--out", "cells.h5ad"});
    ASSERT_EQ(made.status, 0) << made.err;
    write_text_file(folder_ / "sets.gmt", "OK\t\tGENE00001\tGENE00002\tGENE00003\tGENE00004\tGENE00005\n");
    write_text_file(folder_ / "pairs.csv", "ligand,receptor\nGENE00001,GENE00002\n");
    const std::vector<std::string> contrast{"--condition", "condition", "--case", "diseased", "--control", "healthy", "--donor", "donor", "--out", "out", "--json"};
    for (std::vector<std::string> words : {std::vector<std::string>{"de", "cells.h5ad", "--cell-type", "true_type"}, {"programmes", "cells.h5ad", "--sets", "sets.gmt", "--by", "true_type"},
                                           {"communicate", "cells.h5ad", "--by", "true_type", "--interactions", "pairs.csv"}}) {
        SCOPED_TRACE(words[0]);
        words.insert(words.end(), contrast.begin(), contrast.end());
        EXPECT_EQ(morula(words).status, 0) << "the test needs data that can be compared";
        fs::remove_all(folder_ / "out");
        words.insert(words.end(), {"--memory", "500KB"});
        const std::string message = refusal(morula(words), kResourceLimit, "the limit is 500 kB");
        EXPECT_NE(message.find(" needs about "), std::string::npos) << message;
        EXPECT_FALSE(fs::exists(folder_ / "out"));
    }
}

TEST_F(BadInput, a_seed_below_zero) {
    make_sample("a.h5ad", "100");
    refusal(morula({"run", "a.h5ad", "--out", "out", "--seed", "-1", "--json"}), kUsage, "below 0");
    EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(BadInput, a_folder_without_the_right_to_write) {
    make_sample("a.h5ad", "100");
    fs::create_directories(folder_ / "locked");
    fs::permissions(folder_.path(), fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec | fs::perms::others_read | fs::perms::others_exec);
    fs::permissions(folder_ / "a.h5ad", fs::perms::all & ~fs::perms::group_write & ~fs::perms::others_write);
    fs::permissions(folder_ / "locked", fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec);
    const auto as_nobody = [] {
        if (::geteuid() != 0) return;
        if (::setgroups(0, nullptr) != 0 || ::setgid(65'534) != 0 || ::setuid(65'534) != 0) ::_exit(126);
    };
    for (const std::vector<std::string>& words : {std::vector<std::string>{"run", "a.h5ad", "--out", "locked/out", "--json"}, {"qc", "a.h5ad", "--out", "locked/qc.h5ad", "--json"},
                                                  {"ingest", "a.h5ad", "--atlas", "locked/a.atlas", "--json"}, {"generate", "--cells", "10", "--genes", "1000", "--out", "locked/g.h5ad", "--json"}}) {
        SCOPED_TRACE(words[0]);
        const Outcome outcome = finish(start_after(as_nobody, words));
        if (outcome.status == 126) GTEST_SKIP() << "cannot become another user here";
        refusal(outcome, kPermission, "locked");
        EXPECT_TRUE(fs::is_empty(folder_ / "locked"));
    }
}

TEST_F(BadInput, an_input_that_may_not_be_read) {
    make_sample("a.h5ad", "100");
    fs::permissions(folder_.path(), fs::perms::all);
    fs::permissions(folder_ / "a.h5ad", fs::perms::owner_write);
    const auto as_nobody = [] {
        if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(65'534) != 0 || ::setuid(65'534) != 0)) ::_exit(126);
    };
    const Outcome outcome = finish(start_after(as_nobody, {"run", "a.h5ad", "--out", "out", "--json"}));
    if (outcome.status == 126) GTEST_SKIP() << "cannot become another user here";
    refusal(outcome, kPermission, "a.h5ad");
    expect_nothing_half_written(folder_ / "out");
}

TEST_F(BadInput, folders_that_may_not_be_searched) {
    make_sample("a.h5ad", "100");
    fs::create_directories(folder_ / "shut");
    fs::copy_file(folder_ / "a.h5ad", folder_ / "shut" / "b.h5ad");
    fs::permissions(folder_.path(), fs::perms::all);
    fs::permissions(folder_ / "a.h5ad", fs::perms::all);
    const auto as_nobody = [] {
        if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(65'534) != 0 || ::setuid(65'534) != 0)) ::_exit(126);
    };
    for (const fs::perms rights : {fs::perms::none, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read}) {
        fs::permissions(folder_ / "shut", rights);
        for (const std::vector<std::string>& words : {std::vector<std::string>{"info", "shut/b.h5ad", "--json"}, {"info", "shut", "--json"}, {"verify", "shut", "--json"},
                                                      {"run", "shut/b.h5ad", "--out", "out", "--json"}, {"run", "a.h5ad", "--out", "shut", "--json"}, {"run", "a.h5ad", "--out", "shut/out", "--json"},
                                                      {"run", "--resume", "--out", "shut", "--json"}, {"qc", "a.h5ad", "--out", "shut/qc.h5ad", "--json"}, {"ingest", "a.h5ad", "--atlas", "shut/a.atlas", "--json"},
                                                      {"init", "shut/a.atlas", "--json"}}) {
            SCOPED_TRACE(words[0] + " " + words[1]);
            const Outcome outcome = finish(start_after(as_nobody, words));
            if (outcome.status == 126) GTEST_SKIP() << "cannot become another user here";
            refusal(outcome, kPermission, "shut");
        }
    }
    fs::permissions(folder_ / "shut", fs::perms::owner_all);
}

TEST_F(BadInput, too_few_open_files_are_a_limit_not_a_fault) {
    make_sample("a.h5ad", "100");
    const Outcome outcome = finish(start_after([] {
        const rlimit few{10, 10};
        ::setrlimit(RLIMIT_NOFILE, &few);
    }, {"run", "a.h5ad", "--out", "out"}));
    EXPECT_EQ(outcome.status, kResourceLimit) << outcome.err;
    EXPECT_NE(outcome.err.find("ulimit -n"), std::string::npos) << outcome.err;
}

/// What `ulimit -v` in the shell sets. OpenBLAS spun for ever below it: an alarm ends such a process.
std::function<void()> with_address_space(rlim_t bytes) {
    return [bytes] {
        const rlimit limit{bytes, bytes};
        ::setrlimit(RLIMIT_AS, &limit);
        ::alarm(60);
    };
}

TEST_F(BadInput, too_little_address_space_is_told_and_a_little_more_is_enough) {
    make_sample("a.h5ad", "300");
    const Outcome poor = finish(start_after(with_address_space(300'000'000), {"run", "a.h5ad", "--out", "out", "--threads", "2", "--json"}));
    if (poor.err.find("Sanitizer") != std::string::npos) GTEST_SKIP() << "a sanitizer maps more than any limit";
    refusal(poor, kResourceLimit, "ulimit -v");
    EXPECT_NE(poor.err.find("--threads 1"), std::string::npos) << poor.err;
    expect_nothing_half_written(folder_ / "out");
    const Outcome enough = finish(start_after(with_address_space(1'500'000'000), {"run", "a.h5ad", "--out", "out", "--threads", "2", "--json"}));
    EXPECT_EQ(enough.status, 0) << enough.err;
}

TEST_F(BadInput, packed_files_and_matrices_without_genes_get_their_own_next_step) {
    write_text_file(folder_ / "a.h5ad.gz", cut_gzip("not looked into"));
    const Outcome packed = morula({"info", "a.h5ad.gz"});
    EXPECT_EQ(packed.status, kInvalidData);
    EXPECT_NE(packed.err.find("gunzip"), std::string::npos) << packed.err;
    write_folder("antibodies", "AA-1\nCC-1\n", "CD3\tCD3\tAntibody Capture\nCD4\tCD4\tAntibody Capture\n", "2 2 2\n1 1 5\n2 2 4\n");
    const std::string message = refusal(morula({"run", "antibodies", "--out", "out", "--json"}), kInvalidData, "antibodies");
    EXPECT_NE(message.find("no feature of type Gene Expression (2 of type Antibody Capture)"), std::string::npos) << message;
}

TEST_F(BadInput, names_of_files_may_be_any_bytes) {
    make_sample("a.h5ad", "300");
    fs::rename(folder_ / "a.h5ad", folder_ / "b\xFF.h5ad");
    const Outcome outcome = morula({"run", "b\xFF.h5ad", "--out", "out\xFF", "--json"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_TRUE(Json::parse(outcome.out, nullptr, false).is_object()) << outcome.out;
}

TEST_F(BadInput, made_up_data_leave_no_empty_atlas_and_say_what_they_are_added_to) {
    const std::vector<std::string> words{"generate", "--cells", "200", "--genes", "1000", "--out", "made.atlas"};
    const Outcome full = finish(start_after([] {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit small{6'000, 6'000};
        ::setrlimit(RLIMIT_FSIZE, &small);
    }, words));
    EXPECT_EQ(full.status, kResourceLimit) << full.err;
    EXPECT_FALSE(fs::exists(folder_ / "made.atlas"));
    EXPECT_EQ(morula(words).status, 0);
    std::vector<std::string> again = words;
    again.insert(again.end(), {"--seed", "5"});
    const Outcome added = morula(again);
    EXPECT_EQ(added.status, 0) << added.err;
    EXPECT_NE(added.err.find("holds 1 data set already"), std::string::npos) << added.err;
}

/// No file may grow beyond a limit: the write that passes it fails, wherever in the run that is.
TEST_F(BadInput, a_disk_that_fills_up_at_any_time_leaves_nothing_half_written) {
    make_sample("a.h5ad", "300");
    for (const rlim_t limit : {rlim_t{6'000}, rlim_t{30'000}, rlim_t{150'000}, rlim_t{400'000}}) {
        SCOPED_TRACE(limit);
        const auto fill = [&] {
            ::signal(SIGXFSZ, SIG_IGN);
            const rlimit small{limit, limit};
            ::setrlimit(RLIMIT_FSIZE, &small);
        };
        const Outcome outcome = finish(start_after(fill, {"run", "a.h5ad", "--out", "out", "--json"}));
        refusal(outcome, kResourceLimit, "out");
        for (const char* name : {"report.html", "cells.h5ad", "markers.csv"}) {
            if (!fs::exists(folder_ / "out" / name)) continue;
            EXPECT_GT(fs::file_size(folder_ / "out" / name), 0U);
            EXPECT_LE(fs::file_size(folder_ / "out" / name), limit) << "whole files may stay, cut ones not";
        }
        for (const auto& entry : fs::directory_iterator(folder_ / "out")) EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
        EXPECT_FALSE(fs::exists(folder_ / "out" / "report.html"));
        if (fs::exists(folder_ / "out" / "data.atlas" / "CURRENT")) {
            EXPECT_EQ(morula({"verify", "out/data.atlas"}).status, 0);
        }
    }
    EXPECT_EQ(morula({"run", "--resume", "--out", "out"}).status, 0) << "with room again, it goes on";
    EXPECT_TRUE(fs::exists(folder_ / "out" / "report.html"));
}

/// A real disk of 300 kB.
TEST_F(BadInput, a_full_disk_is_told) {
    make_sample("a.h5ad", "300");
    fs::create_directories(folder_ / "small");
    if (::mount("tmpfs", (folder_ / "small").c_str(), "tmpfs", 0, "size=300k") != 0) GTEST_SKIP() << "cannot mount a small disk here; the test before this one sets limits instead";
    const Outcome run = morula({"run", "a.h5ad", "--out", "small/out", "--json"});
    const Outcome generated = morula({"generate", "--cells", "2000", "--genes", "1500", "--out", "small/g.h5ad", "--json"});
    std::vector<std::string> left;
    for (const auto& entry : fs::directory_iterator(folder_ / "small")) left.push_back(entry.path().filename().string());
    const bool report = fs::exists(folder_ / "small/out/report.html");
    ::umount((folder_ / "small").c_str());
    refusal(run, kResourceLimit, "small");
    refusal(generated, kResourceLimit, "small");
    EXPECT_FALSE(report);
    for (const std::string& name : left) EXPECT_EQ(name, "out");
}

}  // namespace
}  // namespace morula
