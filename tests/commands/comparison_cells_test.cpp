#include "morula/commands/comparison_cells.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "morula/commands/communicate.hpp"
#include "morula/commands/programmes.hpp"
#include "tests/support/contexts.hpp"

namespace morula::commands {
namespace {

using test::contains;

constexpr std::int64_t kCellsOfDonor = 12;
constexpr std::int64_t kGenes = 40;
const ComparisonColumns kColumns{"group", "sick", "well", "donor", "", ""};
const ContrastIo kContrast{"group", "sick", "well", "donor", "", analysis::AbundanceDesign::automatic, {}};

struct Heard final : EventSink {
    void step_started(std::string_view) override {}
    void progress(const ProgressReport&) override {}
    void step_finished(const StepReport&) override {}
    void warning(std::string_view text) override { warnings += std::string(text) + "\n"; }
    void decision(std::string_view text) override { decisions += std::string(text) + "\n"; }
    std::string warnings;
    std::string decisions;
};

/// Six donors d1 to d6 of 12 cells in two types, the first three well; 1 to 3 counts a gene, none in the cells of `silent`.
data::Dataset study(const std::string& silent) {
    data::Dataset out;
    out.name = "study";
    matrix::Csr counts;
    counts.start(6 * kCellsOfDonor, kGenes);
    std::vector<std::string> cells, donor, group, type, batch;
    for (int d = 1; d <= 6; ++d) {
        const std::string name = "d" + std::to_string(d);
        for (std::int64_t cell = 0; cell < kCellsOfDonor; ++cell) {
            for (std::uint32_t gene = 0; name != silent && gene < kGenes; ++gene) {
                counts.indices.push_back(gene);
                counts.values.push_back(static_cast<float>(1 + (static_cast<std::int64_t>(gene) + cell + d) % 3));
            }
            counts.end_row();
            cells.push_back(name + "-" + std::to_string(cell));
            donor.push_back(name);
            group.emplace_back(d <= 3 ? "well" : "sick");
            type.emplace_back(cell % 2 == 0 ? "T" : "B");
            batch.emplace_back(d <= 3 ? "plate 1" : "plate 2");
        }
    }
    out.obs = data::Table(cells);
    out.obs.set("donor", data::to_categorical(donor));
    out.obs.set("group", data::to_categorical(group));
    out.obs.set("type", data::to_categorical(type));
    out.obs.set("plate", data::to_categorical(batch));
    std::vector<std::string> genes;
    for (std::int64_t gene = 0; gene < kGenes; ++gene) genes.push_back("G" + std::to_string(gene));
    out.var = data::Table(genes);
    out.layers["counts"] = matrix::make_source(std::move(counts));
    return out;
}

class ComparisonCellsTest : public testing::Test {
protected:
    Heard heard_;
    Context context_{{.threads = 2, .memory_bytes = test::kTestMemory, .events = &heard_}};
};

TEST_F(ComparisonCellsTest, a_donor_whose_cells_have_no_counts_is_no_replicate_of_a_programme) {
    const LogCells cells = log_cells_of(study("d1"), context_);
    ProgrammeTable table;
    table.file = "sets.gmt";
    table.programmes.push_back({"SET", {{"G0", 1.0}, {"G1", 1.0}, {"G2", 1.0}}});
    for (const ProgrammeMethod method : {ProgrammeMethod::score, ProgrammeMethod::ulm}) {
        table.method = method;
        heard_.warnings.clear();
        const ProgrammeActivity activity = programme_activity(table, cells, kContrast, {.by = "type", .min_cells = 3, .options = {.min_genes = 2}, .scores = {}}, context_);
        ASSERT_EQ(activity.compared.size(), 2U);
        for (const ProgrammeContrast& each : activity.compared) {
            EXPECT_EQ(each.n_control, 2);
            EXPECT_EQ(each.n_case, 3);
            EXPECT_TRUE(contains(each.status, "exploratory")) << "two donors are no three";
        }
        EXPECT_TRUE(contains(heard_.warnings, "12 cells have no counts")) << heard_.warnings;
        EXPECT_TRUE(contains(heard_.warnings, "d1 in well")) << heard_.warnings;
    }
}

TEST_F(ComparisonCellsTest, a_donor_whose_cells_have_no_counts_is_no_replicate_of_a_pair) {
    const LogCells cells = log_cells_of(study("d6"), context_);
    PairTable pairs;
    pairs.file = "lr.csv";
    knowledge::LigandReceptor pair;
    pair.ligand = "G0";
    pair.receptor = "G1";
    pair.ligand_genes = {"G0"};
    pair.receptor_genes = {"G1"};
    pairs.pairs.interactions.push_back(pair);
    analysis::CommunicationOptions options;
    options.min_cells = 3;
    const Communication found = communication_in(cells, pairs, "type", kContrast, options, context_);
    ASSERT_FALSE(found.compared.empty());
    for (const analysis::CommunicationContrast& each : found.compared) {
        EXPECT_EQ(each.n_case, 2);
        EXPECT_EQ(each.n_control, 3);
    }
    EXPECT_TRUE(contains(heard_.warnings, "d6 in sick")) << heard_.warnings;
}

TEST_F(ComparisonCellsTest, blanks_at_the_ends_of_names_do_not_count) {
    data::Dataset dataset = study("");
    std::vector<std::string> donors = data::column_texts(dataset.obs.at("donor")), groups = data::column_texts(dataset.obs.at("group"));
    for (std::size_t cell = 0; cell < donors.size(); cell += 2) donors[cell] += cell % 4 == 0 ? " " : "\t";
    for (std::size_t cell = 0; cell < groups.size(); cell += 3) groups[cell] = " " + groups[cell];
    dataset.obs.set("donor", data::to_categorical(donors));
    dataset.obs.set("group", data::to_categorical(groups));
    const ComparisonUnits units = comparison_units(dataset, kColumns, DonorsInBoth::settle, context_);
    EXPECT_EQ(units.donor, (std::vector<std::string>{"d1", "d2", "d3", "d4", "d5", "d6"}));
    EXPECT_EQ(std::count(units.of_cell.begin(), units.of_cell.end(), -1), 0);
    EXPECT_TRUE(contains(heard_.warnings, "blanks at the ends of names in 'donor' do not count")) << heard_.warnings;
    EXPECT_TRUE(contains(heard_.warnings, "'d1\\t', 'd1 '")) << heard_.warnings;
    // The value as it stands in the file is understood too.
    EXPECT_EQ(comparison_units(dataset, {"group", " sick", "well", "donor", "", ""}, DonorsInBoth::settle, context_).n_units(), 6);
    // Nothing to say of names without blanks.
    heard_.warnings.clear();
    comparison_units(study(""), kColumns, DonorsInBoth::settle, context_);
    EXPECT_EQ(heard_.warnings, "");
}

TEST_F(ComparisonCellsTest, columns_that_cannot_name_types_are_refused) {
    data::Dataset dataset = study("");
    std::vector<double> numbers;
    for (std::int64_t cell = 0; cell < dataset.n_cells(); ++cell) numbers.push_back(static_cast<double>(cell % 3) + 0.5);
    dataset.obs.set("fraction", numbers);
    EXPECT_TRUE(contains(test::thrown_by([&] { type_groups(dataset, "fraction", "--by", context_); }).message(), "numbers such as 0.5, which name no cell types"));
    for (double& number : numbers) number -= 0.5;
    dataset.obs.set("cluster", numbers);
    EXPECT_EQ(type_groups(dataset, "cluster", "--by", context_).categories, (std::vector<std::string>{"0", "1", "2"})) << "numbers of clusters name types";
    std::vector<std::int64_t> age, cluster, some;
    for (std::int64_t cell = 0; cell < dataset.n_cells(); ++cell) {
        age.push_back(31 + 7 * (cell % 4));
        cluster.push_back(1 + cell % 5);
        some.push_back(std::vector<std::int64_t>{0, 1, 2, 4, 6}[static_cast<std::size_t>(cell % 5)]);  // a subset of cells lacks some clusters
    }
    dataset.obs.set("age", age);
    dataset.obs.set("numbered", cluster);
    dataset.obs.set("some", some);
    EXPECT_TRUE(contains(test::thrown_by([&] { type_groups(dataset, "age", "--by", context_); }).message(), "'age' holds numbers such as 52, which name no cell types"));
    EXPECT_EQ(type_groups(dataset, "numbered", "--by", context_).categories.size(), 5U);
    EXPECT_EQ(type_groups(dataset, "some", "--by", context_).categories.size(), 5U);
    dataset.obs.set("age", data::as_categorical(dataset.obs.at("age")));
    EXPECT_EQ(type_groups(dataset, "age", "--by", context_).categories.size(), 4U) << "names, as the file says";
    const LogCells cells = log_cells_of(dataset, context_);
    EXPECT_EQ(test::error_code([&] { communication_in(cells, {}, "fraction", kContrast, {}, context_); }), ErrorCode::invalid_data);
    ComparisonColumns columns = kColumns;
    for (const char* twice : {"donor", "group"}) {
        columns.cell_type = twice;
        EXPECT_EQ(test::error_code([&] { comparison_cells(dataset, columns, DonorsInBoth::settle, context_); }), ErrorCode::usage) << twice;
    }
}

TEST_F(ComparisonCellsTest, cells_without_a_type_are_counted) {
    data::Dataset dataset = study("");
    data::Categorical types = data::as_categorical(dataset.obs.at("type"));
    for (std::size_t cell = 0; cell < 5; ++cell) types.codes[cell] = -1;
    dataset.obs.set("type", types);
    type_groups(dataset, "type", "--by", context_);
    EXPECT_TRUE(contains(heard_.warnings, "5 cells without a value in 'type' take no part")) << heard_.warnings;
}

TEST_F(ComparisonCellsTest, a_condition_that_goes_together_with_the_files_own_batches_is_refused_with_the_table) {
    data::Dataset dataset = study("");
    dataset.obs.set("batch", data::as_categorical(dataset.obs.at("plate")));
    const Error refused = test::thrown_by([&] { comparison_cells(dataset, kColumns, DonorsInBoth::settle, context_); });
    EXPECT_EQ(refused.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(contains(refused.message(), "'group' and 'batch' cannot be told apart")) << refused.message();
    EXPECT_TRUE(contains(refused.message(), "plate 2                            0               3")) << refused.message();
    EXPECT_TRUE(contains(refused.next(), "--batch none")) << refused.next();
    EXPECT_EQ(test::error_code([&] { communication_in(log_cells_of(dataset, context_), {}, "type", kContrast, {}, context_); }), ErrorCode::invalid_data) << "so do all that compare conditions";
    // The user knows better.
    ComparisonColumns all_the_same = kColumns;
    all_the_same.batch = "none";
    EXPECT_EQ(comparison_units(dataset, all_the_same, DonorsInBoth::settle, context_).n_units(), 6);
    EXPECT_TRUE(comparison_cells(dataset, all_the_same, DonorsInBoth::settle, context_).batch.codes.empty());
    EXPECT_EQ(heard_.warnings, "");
    // A column that the user names is asked in place of the file's own.
    ComparisonColumns named = kColumns;
    named.batch = "plate";
    EXPECT_TRUE(contains(test::thrown_by([&] { comparison_units(dataset, named, DonorsInBoth::settle, context_); }).message(), "'group' and 'plate' cannot be told apart"));
}

TEST_F(ComparisonCellsTest, batches_that_hold_one_condition_alone_are_told_where_others_link_them) {
    data::Dataset dataset = study("");
    const auto batches_by = [&](const std::function<std::string(const std::string&)>& batch_of) {
        std::vector<std::string> batches = data::column_texts(dataset.obs.at("donor"));
        for (std::string& batch : batches) batch = batch_of(batch);
        dataset.obs.set("batch", data::to_categorical(batches));
        heard_.warnings.clear();
        comparison_cells(dataset, kColumns, DonorsInBoth::settle, context_);
        return heard_.warnings;
    };
    EXPECT_TRUE(contains(batches_by([](const std::string& donor) { return donor == "d1" || donor == "d2" ? "x" : "y"; }), "hold one condition alone (x: 2 donors, all well)")) << heard_.warnings;
    // Batches that hold both, and batches of one donor each, which are told apart as donors are.
    EXPECT_EQ(batches_by([](const std::string& donor) { return donor == "d1" || donor == "d4" ? "x" : "y"; }), "");
    EXPECT_EQ(batches_by([](const std::string& donor) { return donor; }), "");
}

TEST_F(ComparisonCellsTest, what_is_missing_is_named) {
    data::Dataset dataset = study("");
    dataset.obs.set("nobody", data::Categorical{std::vector<std::int32_t>(static_cast<std::size_t>(dataset.n_cells()), -1), {}, false});
    ComparisonColumns columns = kColumns;
    columns.donor = "nobody";
    const Error none = test::thrown_by([&] { comparison_cells(dataset, columns, DonorsInBoth::settle, context_); });
    EXPECT_TRUE(contains(none.message(), "no cell of the two conditions has a value in column 'nobody', named with --donor")) << none.message();
    std::vector<std::string> some = data::column_texts(dataset.obs.at("donor"));
    for (std::string& donor : some) donor = donor < "d4" ? donor : "";
    dataset.obs.set("some", data::to_categorical(some));
    columns.donor = "some";
    const Error half = test::thrown_by([&] { comparison_cells(dataset, columns, DonorsInBoth::settle, context_); });
    EXPECT_TRUE(contains(half.message(), "no cell of 'sick'")) << half.message();
    data::Dataset empty;
    empty.name = "empty";
    empty.obs = data::Table(std::vector<std::string>{});
    empty.obs.set("group", std::vector<std::string>{});
    const Error nothing = test::thrown_by([&] { comparison_cells(empty, kColumns, DonorsInBoth::settle, context_); });
    EXPECT_EQ(nothing.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(contains(nothing.message(), "holds no cells"));
}

}  // namespace
}  // namespace morula::commands
