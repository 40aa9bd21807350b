// `morula annotate` on measured cells: blood labelled by PBMC3k, with surface markers as the truth.
#include "morula/commands/annotate.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "morula/commands/comparison_cells.hpp"
#include "morula/core/error.hpp"
#include "tests/support/contexts.hpp"
#include "tests/support/real_data.hpp"

namespace morula::commands {
namespace {

enum Type : std::int32_t { cd4, cd8, monocyte, b, nk, other };

/// Of the gates that the cells were sorted by (Zheng et al. 2017).
Type type_of_gate(std::string_view gate) {
    constexpr std::array<std::pair<std::string_view, Type>, 9> kGates{{{"naivet", cd4}, {"memoryt", cd4}, {"thelper", cd4}, {"regulatoryt", cd4}, {"cytotoxict", cd8}, {"naivecytotoxic", cd8}, {"monocytes", monocyte}, {"bcells", b}, {"nk", nk}}};
    const auto found = std::ranges::find(kGates, gate, &std::pair<std::string_view, Type>::first);
    if (found == kGates.end()) ADD_FAILURE() << "unknown gate " << gate;
    return found == kGates.end() ? other : found->second;
}

/// Of PBMC3k's published labels. Dendritic cells and platelets have no gate and count as errors.
Type type_of_label(std::string_view label) {
    const auto has = [&](std::string_view part) { return label.find(part) != std::string_view::npos; };
    return has("CD8") ? cd8 : has("CD4") ? cd4 : has("Mono") ? monocyte : label == "B" ? b : label == "NK" ? nk : other;
}

class SortedBlood : public testing::Test {
protected:
    void open(const std::filesystem::path& query, const std::filesystem::path& reference) {
        AnnotateIo io;
        io.query = query.string();
        io.reference = reference.string();
        io.label = "classified";
        VerbRecord record("annotate", {}, *context_);
        sides_ = open_sides(io, record, *context_);
        const data::Categorical gate = groups_with_gaps(sides_.query, "facs_label");
        for (const std::int32_t code : gate.codes) truth_.push_back(type_of_gate(gate.categories.at(static_cast<std::size_t>(code))));
    }
    /// Labelled by the reference cells that are not of type `left_out`.
    models::AnnotateResult annotate_without(Type left_out, std::uint64_t seed) const {
        std::vector<std::int64_t> kept;
        std::vector<std::int32_t> label;
        for (std::size_t cell = 0; cell < sides_.label.codes.size(); ++cell) {
            const std::int32_t code = sides_.label.codes[cell];
            if (type_of_label(sides_.label.categories[static_cast<std::size_t>(code)]) == left_out) continue;
            kept.push_back(static_cast<std::int64_t>(cell));
            label.push_back(code);
        }
        const matrix::Matrix reference = matrix::select_rows(sides_.reference_counts, kept);
        const models::AnnotateInputs inputs{
            .reference = {reference.get(), {}, 1}, .query = {sides_.query_counts.get(), {}, 1}, .label = label, .n_labels = static_cast<std::int32_t>(sides_.label.categories.size()), .donor = {}, .n_donors = 0};
        return models::annotate(inputs, {.seed = seed}, *context_);
    }

    std::unique_ptr<Context> context_ = test::make_context(2);
    AnnotateSides sides_;
    std::vector<Type> truth_;
};

TEST_F(SortedBlood, gates_are_found_again_by_pbmc3ks_labels) {
    MORULA_REAL_DATA(query, "pbmc-facs-sorted/sorted_2140.h5ad");
    MORULA_REAL_DATA(reference, "pbmc3k/pbmc3k_raw.h5ad");
    open(query, reference);
    ASSERT_EQ(truth_.size(), 2140U);
    const models::AnnotateResult result = annotate_without(static_cast<Type>(-1), 1);
    double right = 0.0;
    for (std::size_t cell = 0; cell < truth_.size(); ++cell) right += type_of_label(sides_.label.categories[static_cast<std::size_t>(result.label[cell])]) == truth_[cell] ? 1.0 : 0.0;
    const double accuracy = right / static_cast<double>(truth_.size());
    fmt::print("sorted blood: accuracy {:.3f}\n", accuracy);
    EXPECT_GE(accuracy, 0.88);
}

TEST_F(SortedBlood, b_cells_are_unlike_a_reference_without_them) {
    MORULA_REAL_DATA(query, "pbmc-facs-sorted/sorted_2140.h5ad");
    MORULA_REAL_DATA(reference, "pbmc3k/pbmc3k_raw.h5ad");
    open(query, reference);
    const models::AnnotateResult result = annotate_without(b, 1);
    double above = 0.0, pairs = 0.0;
    for (std::size_t cell = 0; cell < truth_.size(); ++cell) {
        if (truth_[cell] != b) continue;
        for (std::size_t known = 0; known < truth_.size(); ++known) {
            if (truth_[known] == b) continue;
            above += result.novelty_p[cell] < result.novelty_p[known] ? 1.0 : result.novelty_p[cell] == result.novelty_p[known] ? 0.5 : 0.0;
            pairs += 1.0;
        }
    }
    fmt::print("sorted blood: AUROC of novelty for B cells {:.3f}\n", above / pairs);
    EXPECT_GE(above / pairs, 0.90);
}

}  // namespace
}  // namespace morula::commands
