// `morula cnv` on real cells: a tumour whose lesions are known, and blood, in which nothing may be found.
#include "morula/commands/cnv.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "morula/commands/comparison_cells.hpp"
#include "morula/commands/input.hpp"
#include "morula/core/file.hpp"
#include "morula/core/random.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/real_data.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;
using analysis::CnvResult;
using analysis::CnvRole;
using analysis::CopyState;

/// Bands at the centromeres of hg19, from UCSC's table cytoBand.
std::string hg19_arms() { return std::string(MORULA_SOURCE_DIR) + "/tests/knowledge/fixtures/hg19_centromeres.tsv"; }

/// A data set with its values and genes, made ready once.
struct Ready {
    data::Dataset dataset;
    PlacedGenes genes;
    matrix::Matrix values;

    Ready(const fs::path& input, const fs::path& gene_order, Context& context) {
        dataset = std::move(open_datasets(input, formats::TextOrientation::automatic, context).front());
        const matrix::Matrix linear = linear_values(dataset, "", context);
        genes = place_genes(dataset, read_cnv_positions(gene_order.string(), hg19_arms(), context), context);
        values = in_genome_order(linear, genes);
    }
    CnvResult run(const std::vector<CnvRole>& role, const std::vector<std::int32_t>& donor, Context& context) const { return analysis::cnv({*values, genes.genome, role, donor}, {}, context); }
};

/// 184 cells of inferCNV's example (Tirosh et al. 2016): malignant cells of four patients, microglia and oligodendrocytes. Values are TPM / 10.
struct Tumour : Ready {
    data::Categorical label;

    Tumour(const fs::path& folder, const fs::path& copy, Context& context) : Ready(prepared(folder, copy), folder / "gencode_downsampled.EXAMPLE_ONLY_DONT_REUSE.txt", context) { label = groups_with_gaps(dataset, "group"); }
    /// The matrix under a name that is read, with its annotation beside it.
    static fs::path prepared(const fs::path& folder, const fs::path& copy) {
        fs::copy_file(folder / "oligodendroglioma_expression_downsampled.counts.matrix.gz", copy / "tumour.tsv.gz");
        write_text_file(copy / "tumour.metadata.tsv", "cell\tgroup\n" + read_text_file(folder / "oligodendroglioma_annotations_downsampled.txt", 1 << 20));
        return copy / "tumour.tsv.gz";
    }
    const std::string& label_of(std::size_t cell) const { return label.categories[static_cast<std::size_t>(label.codes[cell])]; }
    bool is_malignant(std::size_t cell) const { return label_of(cell).starts_with("malignant"); }
    CnvResult run_against(const std::string& reference, bool each_label_is_a_donor, Context& context) const {
        std::vector<CnvRole> role;
        std::vector<std::int32_t> donor;
        for (std::size_t cell = 0; cell < label.codes.size(); ++cell) {
            role.push_back(label_of(cell) == reference || (reference == "both" && !is_malignant(cell)) ? CnvRole::reference : CnvRole::query);
            donor.push_back(each_label_is_a_donor ? label.codes[cell] : 0);
        }
        return run(role, donor, context);
    }
};

constexpr const char* kMicroglia = "Microglia/Macrophage";
constexpr const char* kOligodendrocytes = "Oligodendrocytes (non-malignant)";

double auroc(const std::vector<double>& positive, const std::vector<double>& negative) {
    double wins = 0.0;
    for (const double p : positive) {
        for (const double n : negative) wins += p > n ? 1.0 : p == n ? 0.5 : 0.0;
    }
    return wins / static_cast<double>(positive.size() * negative.size());
}

struct Interval {
    double estimate, low, high;
};
/// 95 % of 2,000 resamplings of the cells of both sides.
Interval bootstrap(const std::vector<double>& positive, const std::vector<double>& negative) {
    std::vector<double> draws;
    for (std::uint64_t draw = 0; draw < 2000; ++draw) {
        Random random(1, Purpose::bootstrap, draw, 0);
        std::vector<double> p, n;
        for (std::size_t i = 0; i < positive.size(); ++i) p.push_back(positive[random.below(positive.size())]);
        for (std::size_t i = 0; i < negative.size(); ++i) n.push_back(negative[random.below(negative.size())]);
        draws.push_back(auroc(p, n));
    }
    std::sort(draws.begin(), draws.end());
    return {auroc(positive, negative), draws[50], draws[1949]};
}

TEST(cnv_command, unseen_normal_cells_score_below_malignant_ones_with_either_reference) {
    MORULA_REAL_DATA(folder, "tumour-oligodendroglioma");
    const auto context = test::make_context(2);
    const test::TemporaryFolder copy;
    const Tumour tumour(folder, copy.path(), *context);
    for (const auto& [reference, unseen] : {std::pair{kMicroglia, kOligodendrocytes}, std::pair{kOligodendrocytes, kMicroglia}}) {
        const CnvResult result = tumour.run_against(reference, false, *context);
        ASSERT_FALSE(result.clones.empty());
        std::vector<double> malignant, normal;
        int n_called = 0;
        for (std::size_t cell = 0; cell < result.fit.size(); ++cell) {
            if (tumour.is_malignant(cell)) malignant.push_back(static_cast<double>(result.fit[cell].score));
            if (tumour.label_of(cell) != unseen) continue;
            normal.push_back(static_cast<double>(result.fit[cell].score));
            n_called += result.clone[cell] >= 0;
        }
        const Interval found = bootstrap(malignant, normal);
        fmt::print("reference {}: AUROC {:.3f} ({:.3f} to {:.3f}), {} of {} unseen normal cells in a clone, {} clones, null inflation {:.2f}\n", reference, found.estimate, found.low, found.high, n_called, normal.size(), result.clones.size(),
                   result.null_inflation);
        EXPECT_GE(found.low, reference == kMicroglia ? 0.958 : 0.597) << "infercnvpy's on record";
        EXPECT_EQ(n_called, 0);
    }
}

/// Patients have lost more than 1p and 19q (12 in MGH36, 13q in MGH53). An arm below either of them must be such a loss, and lower by no more than can be told: 2 standard errors of the difference.
void expect_others_below_to_be_lost(const analysis::CnvClone& clone, const analysis::CnvGenome& genome, const std::string& patient) {
    const auto name = [&](const analysis::CnvArm& arm) -> const std::string& { return genome.arm_names[static_cast<std::size_t>(arm.arm)]; };
    const auto square_error = [](const analysis::CnvArm& arm) { return std::pow(arm.mean / arm.z, 2.0); };
    for (const analysis::CnvArm& known : clone.calls.arms) {
        if (name(known) != "1p" && name(known) != "19q") continue;
        for (const analysis::CnvArm& other : clone.calls.arms) {
            if (!other.is_tested || other.mean >= known.mean || name(other) == "1p" || name(other) == "19q") continue;
            EXPECT_EQ(other.state, CopyState::loss) << patient << ": " << name(other) << " lies below " << name(known);
            const double error = std::sqrt(square_error(known) + square_error(other));
            EXPECT_LT(known.mean - other.mean, 2.0 * error) << patient << ": " << name(other) << " lies below " << name(known);
            fmt::print("{}: {} lies {:.3f} below {}, 2 standard errors of the difference are {:.3f}\n", patient, name(other), known.mean - other.mean, name(known), 2.0 * error);
        }
    }
}

TEST(cnv_command, chromosome_arms_1p_and_19q_are_lost_in_every_patient) {
    MORULA_REAL_DATA(folder, "tumour-oligodendroglioma");
    const auto context = test::make_context(2);
    const test::TemporaryFolder copy;
    const Tumour tumour(folder, copy.path(), *context);
    for (const char* reference : {kMicroglia, kOligodendrocytes, "both"}) {
        const CnvResult result = tumour.run_against(reference, true, *context);
        std::set<std::string> patients, with_others_below;
        for (const analysis::CnvClone& clone : result.clones) {
            const std::string& patient = tumour.label.categories[static_cast<std::size_t>(clone.donor)];
            EXPECT_TRUE(patient.starts_with("malignant")) << patient << " holds no tumour cell";
            patients.insert(patient);
            std::vector<std::pair<double, std::string>> arms;
            std::string called;
            for (const analysis::CnvArm& arm : clone.calls.arms) {
                const std::string& name = result.genome.arm_names[static_cast<std::size_t>(arm.arm)];
                if (arm.is_tested) arms.emplace_back(arm.mean, name);
                if (arm.state != CopyState::neutral) called += fmt::format(" {}{}({:.2f})", arm.state == CopyState::loss ? '-' : '+', name, arm.mean);
                if (name == "1p" || name == "19q") {
                    EXPECT_EQ(arm.state, CopyState::loss) << patient << ' ' << name;
                }
            }
            std::sort(arms.begin(), arms.end());
            if (std::string_view(reference) == "both") {
                if (std::set<std::string>{arms[0].second, arms[1].second} != std::set<std::string>{"1p", "19q"}) with_others_below.insert(patient);
                expect_others_below_to_be_lost(clone, result.genome, patient);
            }
            fmt::print("{} against {}: {} cells, lowest {} {:.2f}, {} {:.2f}, {} {:.2f}; called{}\n", patient, reference, clone.n_cells, arms[0].second, arms[0].first, arms[1].second, arms[1].first, arms[2].second, arms[2].first, called);
        }
        EXPECT_EQ(patients.size(), 4U) << reference;
        EXPECT_LE(with_others_below.size(), 1U) << "1p and 19q are the two lowest arms in three of the four patients, of whom all four are asked for";
    }
}

/// Blood of a healthy donor, with the positions of the tumour's gene list (hg19, 10,338 genes).
class HealthyBlood : public testing::Test {
protected:
    void SetUp() override {
        blood_ = test::real_data("pbmc3k/pbmc3k_raw.h5ad");
        positions_ = test::real_data("tumour-oligodendroglioma/gencode_downsampled.EXAMPLE_ONLY_DONT_REUSE.txt");
    }
    static std::string called(const CnvResult& result) {
        std::string text;
        for (const analysis::CnvClone& clone : result.clones) {
            text += fmt::format(" [{} cells:", clone.n_cells);
            for (const analysis::CnvSegment& segment : clone.calls.segments) {
                if (segment.state != CopyState::neutral) text += fmt::format(" {}{}:{:.1f}-{:.1f} {:.2f} z {:.1f} n {}", segment.state == CopyState::loss ? '-' : '+', result.genome.chromosome_names[static_cast<std::size_t>(segment.chromosome)],
                                                                             1e-6 * static_cast<double>(result.genome.start[static_cast<std::size_t>(segment.first_gene)]), 1e-6 * static_cast<double>(result.genome.end[static_cast<std::size_t>(segment.last_gene)]), segment.mean, segment.z, segment.n_genes);
            }
            text += "]";
        }
        return text;
    }
    static std::int64_t n_arms_called(const CnvResult& result) {
        std::int64_t n = 0;
        for (const analysis::CnvClone& clone : result.clones) n += std::count_if(clone.calls.arms.begin(), clone.calls.arms.end(), [](const analysis::CnvArm& arm) { return arm.state != CopyState::neutral; });
        return n;
    }
    fs::path blood_, positions_;
};

TEST_F(HealthyBlood, monocytes_against_t_cells_have_no_arm_called) {
    MORULA_REAL_DATA(blood, "pbmc3k/pbmc3k_raw.h5ad");
    const auto context = test::make_context(2);
    const Ready ready(blood, positions_, *context);
    const data::Categorical type = groups_with_gaps(ready.dataset, "classified");
    const auto roles = [&](const std::vector<std::string>& reference, const std::vector<std::string>& query) {
        std::vector<CnvRole> role;
        for (const std::int32_t code : type.codes) {
            const auto in = [&](const std::vector<std::string>& names) { return code >= 0 && std::find(names.begin(), names.end(), type.categories[static_cast<std::size_t>(code)]) != names.end(); };
            role.push_back(in(reference) ? CnvRole::reference : in(query) ? CnvRole::query : CnvRole::none);
        }
        return role;
    };
    const std::vector<std::int32_t> donor(type.codes.size(), 0);
    const std::vector<std::string> t_cells{"Naive CD4 T", "Memory CD4 T", "CD8 T"}, monocytes{"CD14+ Mono", "FCGR3A+ Mono"};
    for (const auto& [reference, query] : {std::pair{t_cells, monocytes}, std::pair{monocytes, t_cells}, std::pair{t_cells, std::vector<std::string>{"B", "NK", "DC", "Platelet"}}}) {
        const CnvResult result = ready.run(roles(reference, query), donor, *context);
        fmt::print("{} against {}: null inflation {:.2f}, called:{}\n", query.front(), reference.front(), result.null_inflation, called(result));
        EXPECT_EQ(n_arms_called(result), 0) << query.front();
    }
}

TEST_F(HealthyBlood, random_halves_of_one_type_have_nothing_called) {
    MORULA_REAL_DATA(blood, "pbmc3k/pbmc3k_raw.h5ad");
    const auto context = test::make_context(2);
    const Ready ready(blood, positions_, *context);
    const data::Categorical type = groups_with_gaps(ready.dataset, "classified");
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        for (const char* name : {"Naive CD4 T", "CD14+ Mono"}) {
            std::vector<CnvRole> role;
            for (std::size_t cell = 0; cell < type.codes.size(); ++cell) {
                const bool is_type = type.codes[cell] >= 0 && type.categories[static_cast<std::size_t>(type.codes[cell])] == name;
                role.push_back(!is_type ? CnvRole::none : Random(seed, Purpose::test, cell, 0).uniform() < 0.5 ? CnvRole::reference : CnvRole::query);
            }
            const CnvResult result = ready.run(role, std::vector<std::int32_t>(role.size(), 0), *context);
            EXPECT_TRUE(result.clones.empty()) << name << called(result);
        }
    }
}

/// Ten genes on two chromosomes are enough to see what is read and what is left out.
TEST(cnv_command, what_does_not_follow_copy_number_is_left_out) {
    data::Dataset dataset;
    dataset.name = "made-up";
    std::vector<std::string> names, chromosome, arm;
    std::vector<std::int64_t> start;
    const auto add = [&](const std::string& name, const std::string& on, std::int64_t at, const std::string& of_arm) {
        names.push_back(name);
        chromosome.push_back(on);
        start.push_back(at);
        arm.push_back(of_arm);
    };
    for (int i = 0; i < 150; ++i) add("A" + std::to_string(i), "chr6", 1'000'000 * (i + 1), i < 60 ? "p21" : "q13");
    for (int i = 0; i < 100; ++i) add("B" + std::to_string(i), "chr2", 2'000'000 * (i + 1), "");
    for (int i = 0; i < 30; ++i) add("C" + std::to_string(i), i < 15 ? "chrX" : "chr9", 1'000'000 * (i + 1), "");
    add("HLA-A", "chr6", 29'900'000, "p21");
    add("HLA-DPB1", "chr6", 33'100'000, "p21");
    add("IGKC", "chr2", 88'000'000, "");
    add("TRAC", "chr2", 90'000'000, "");
    dataset.var = data::Table(names);
    dataset.var.set("chromosome", data::to_categorical(chromosome));
    dataset.var.set("start", start);
    std::vector<std::int64_t> end = start;
    for (std::int64_t& each : end) each += 1000;
    dataset.var.set("end", end);
    dataset.var.set("arm", arm);
    const PlacedGenes genes = place_genes(dataset, {}, *test::make_context(1));
    EXPECT_EQ(genes.genome.chromosome_names, (std::vector<std::string>{"2", "6"})) << "X is left out, 9 has too few genes";
    EXPECT_EQ(genes.genome.arm_names, (std::vector<std::string>{"2", "6p", "6q"})) << "chromosome 2 names no arms";
    EXPECT_TRUE(genes.has_arms);
    EXPECT_EQ(genes.n_masked, 8) << "two HLA genes, four between them, IGKC and TRAC";
    EXPECT_EQ(genes.genome.n_genes(), 246);
    EXPECT_TRUE(std::is_sorted(genes.genome.arm.begin(), genes.genome.arm.end()));
    data::Dataset without = dataset;
    without.var = data::Table(names);
    const Error missing = test::thrown_by([&] { place_genes(without, {}, *test::make_context(1)); });
    EXPECT_EQ(missing.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(test::contains(missing.message(), "no gene positions"));
    EXPECT_TRUE(test::contains(missing.next(), "--gene-order"));
}

TEST(cnv_command, expressions_name_cells_by_value) {
    data::Dataset dataset;
    dataset.name = "made-up";
    dataset.obs = data::Table({"a", "b", "c", "d"});
    dataset.obs.set("type", std::vector<std::string>{"T cell", "B cell", "B, naive", ""});
    EXPECT_EQ(cells_of_expression(dataset, "type=T cell,B cell", "--cells"), (std::vector<std::uint8_t>{1, 1, 0, 0}));
    EXPECT_EQ(cells_of_expression(dataset, "type==B, naive", "--cells"), (std::vector<std::uint8_t>{0, 0, 1, 0})) << "a value may hold a comma";
    EXPECT_EQ(test::error_code([&] { static_cast<void>(cells_of_expression(dataset, "type", "--cells")); }), ErrorCode::usage);
    EXPECT_TRUE(test::contains(test::thrown_by([&] { static_cast<void>(cells_of_expression(dataset, "type=T cel", "--cells")); }).next(), "T cell"));
    EXPECT_EQ(test::error_code([&] { static_cast<void>(cells_of_expression(dataset, "typ=T cell", "--cells")); }), ErrorCode::not_found);
    const Error overlap = test::thrown_by([&] { static_cast<void>(cnv_cells(dataset, {"type=T cell,B cell", "type=T cell", ""}, *test::make_context(1))); });
    EXPECT_TRUE(test::contains(overlap.message(), "every cell of --cells 'type=T cell' is one of --reference-cells")) << overlap.message();
}

}  // namespace
}  // namespace morula::commands
