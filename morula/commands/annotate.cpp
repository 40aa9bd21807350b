// The verb `annotate`: labels for the cells of a query, from a labelled reference or from marker genes.
#include "morula/commands/annotate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <memory>

#include "morula/commands/slots.hpp"
#include "morula/commands/step_command.hpp"
#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/matrix/blas.hpp"

namespace morula::commands {
namespace {

namespace fs = std::filesystem;

void check_io(const AnnotateIo& io) {
    if (io.reference.empty()) {
        for (const auto& [flag, value] : {std::pair<std::string_view, const std::string&>{"--label", io.label}, {"--donor", io.donor}, {"--terms", io.terms}}) {
            if (!value.empty()) fail(ErrorCode::usage, fmt::format("{} is of a reference, and none is given.", flag), "Name the labelled cells with --reference, or leave it out to label clusters by marker genes.");
        }
        return;
    }
    if (io.label.empty()) fail(ErrorCode::usage, "--reference needs --label.", "Name the obs column that holds the labels, for instance --label cell_type.");
    if (!io.markers.empty()) fail(ErrorCode::usage, "--markers labels clusters without a reference.", "Leave out --markers or --reference.");
    if (!io.terms.empty() && io.ontology.empty()) fail(ErrorCode::usage, "--terms names terms of an ontology.", "Give it with --ontology.");
}

std::string joined_set(const std::vector<std::int32_t>& set, const data::Categorical& label) {
    std::string text;
    for (const std::int32_t code : set) text += (text.empty() ? "" : "|") + label.categories[static_cast<std::size_t>(code)];
    return text;
}

void call_cell(const AnnotateSides& sides, const models::AnnotateResult& result, std::size_t cell, double threshold, CalledCell& own) {
    if (!(result.total[cell] > 0.0)) {
        own = {std::string(kNoCounts), 0.0, "", std::numeric_limits<double>::quiet_NaN(), ""};
        return;
    }
    own.novelty_p = result.novelty_p[cell];
    own.confidence = result.confidence[cell];
    own.label_set = joined_set(result.label_set[cell], sides.label);
    own.label = own.novelty_p <= threshold ? std::string(kUnlikeReference) : sides.label.categories[static_cast<std::size_t>(result.label[cell])];
}

/// Terms of the cells that have a label of the reference.
void add_terms(const models::AnnotateResult& result, double threshold, RollUp& roll_up, std::vector<CalledCell>& called) {
    for (std::size_t cell = 0; cell < called.size(); ++cell) {
        CalledCell& own = called[cell];
        if (!(result.total[cell] > 0.0) || own.novelty_p <= threshold) continue;
        if (const auto own_term = roll_up.of({result.label[cell]})) own.ontology_id = roll_up.term(*own_term).id;
        if (result.label_set[cell].size() < 2) continue;
        if (const auto parent = roll_up.of(result.label_set[cell])) {
            own.label = roll_up.term(*parent).name;
            own.ontology_id = roll_up.term(*parent).id;
        }
    }
}

std::vector<CalledCell> call_cells(const AnnotateSides& sides, const models::AnnotateResult& result, double threshold, RollUp* roll_up, Context& context) {
    constexpr std::int64_t kBlockCells = 4096;
    std::vector<CalledCell> called(result.label.size());
    parallel_blocks(context, std::ssize(called), kBlockCells, [&](Block block) {
        for (auto cell = static_cast<std::size_t>(block.begin); cell < static_cast<std::size_t>(block.end); ++cell) call_cell(sides, result, cell, threshold, called[cell]);
    });
    if (roll_up != nullptr) add_terms(result, threshold, *roll_up, called);
    return called;
}

/// The two long tables first, whose way to the disk the others need not wait for.
void write_tables(const fs::path& folder, const AnnotateSides& sides, const models::AnnotateResult& result, const std::vector<CalledCell>& called, const ModelCalls& calls, Context& context) {
    const std::unique_ptr<AtomicFile> labels = labels_table(folder, sides.query.obs.index(), called, context);
    const std::unique_ptr<AtomicFile> opinions = opinions_table(folder, sides, result, calls, context);
    parallel_blocks(context, 4, 1, [&](Block block) {
        switch (block.begin) {
            case 0: return write_reliability(folder, sides, result);
            case 1: return write_agreement(folder, sides, result, calls);
            case 2: return labels->commit();
            default: return opinions->commit();
        }
    });
}

void add_results(const AnnotateSides& sides, const models::AnnotateResult& result, const std::vector<CalledCell>& called, const ModelCalls& calls, VerbRecord& record) {
    std::int64_t n_agree = 0;
    for (std::size_t cell = 0; cell < called.size(); ++cell) n_agree += calls.all_agree(cell) ? 1 : 0;
    record.add_count("n_cells_all_agree", n_agree);
    record.add_number("share_all_agree", static_cast<double>(n_agree) / static_cast<double>(called.size()));
    const auto n_unlike = std::count_if(called.begin(), called.end(), [](const CalledCell& cell) { return cell.label == kUnlikeReference; });
    record.add_count("n_cells", static_cast<std::int64_t>(called.size()));
    record.add_count("n_labels", static_cast<std::int64_t>(sides.label.categories.size()));
    record.add_count("n_variable_genes", static_cast<std::int64_t>(result.genes.size()));
    record.add_count("n_unlike_reference", static_cast<std::int64_t>(n_unlike));
    record.add_count("n_fine_tuned", static_cast<std::int64_t>(std::count(result.correlation.is_fine_tuned.begin(), result.correlation.is_fine_tuned.end(), 1)));
    record.add_text("confidence", result.calibration ? "calibrated on donors not seen" : "uncalibrated score");
    if (!result.calibration) return;
    record.add_count("n_calibration_donors", std::int64_t{result.calibration->thresholds.n_donors});
    record.add_number("expected_calibration_error", result.calibration->reliability.expected_error);
    record.add_number("held_out_coverage", result.calibration->covered);
    record.add_number("mean_label_set_size", result.calibration->mean_set_size);
}

void check_calibration(const AnnotateSides& sides, Context& context) {
    const std::size_t n = sides.donor.categories.size();
    if (n == 0 || n >= static_cast<std::size_t>(models::kLeastCalibrationDonors)) return;
    context.events().warning(fmt::format("The reference has {} donors; {} are needed to calibrate. Confidences are uncalibrated scores.", n, models::kLeastCalibrationDonors));
}

CommandResult annotate_by_reference(const AnnotateIo& io, const models::AnnotateOptions& options, VerbRecord& record, Context& context) {
    matrix::make_blas_ready();  // before a child looks at a file: OpenBLAS would start its threads anew at the first product after that, and they look about for work for a while
    const AnnotateSides sides = open_sides(io, record, context);
    check_calibration(sides, context);
    std::optional<knowledge::Ontology> ontology;
    LabelTerms terms;
    std::optional<RollUp> roll_up;
    if (!io.ontology.empty()) {
        ontology.emplace(knowledge::read_ontology(io.ontology, context));
        terms = label_terms(*ontology, sides.label.categories, sides.reference, io.label, io.terms, context);
        roll_up.emplace(*ontology, terms);
    }
    const auto n_of = [](const data::Categorical& groups) { return static_cast<std::int32_t>(groups.categories.size()); };
    const models::AnnotateInputs inputs{.reference = {sides.reference_counts.get(), sides.reference_batch.codes, n_of(sides.reference_batch)},
                                        .query = {sides.query_counts.get(), sides.query_batch.codes, n_of(sides.query_batch)},
                                        .label = sides.label.codes, .n_labels = n_of(sides.label), .donor = sides.donor.codes, .n_donors = n_of(sides.donor)};
    const models::AnnotateResult result = models::annotate(inputs, options, context);
    const std::vector<CalledCell> called = call_cells(sides, result, options.novelty_threshold, roll_up ? &*roll_up : nullptr, context);
    const ModelCalls calls = model_calls(result, context);
    const fs::path folder = io.out;
    make_output_folder(folder, {"labels.csv", "agreement.csv", "opinions.csv", "reliability.csv", "label_set_thresholds.csv", "reliability.svg"});
    write_tables(folder, sides, result, called, calls, context);
    if (result.calibration) record.add_output("reliability.svg");
    for (const char* name : {"labels.csv", "agreement.csv", "opinions.csv", "reliability.csv", "label_set_thresholds.csv", "run.json"}) record.add_output(name);
    add_results(sides, result, called, calls, record);
    record.write(folder);
    return {annotate_text(sides, result, called, calls) + fmt::format("\n{}: labels.csv and the tables beside it.\n", folder.string()), record.summary_json(folder)};
}

}  // namespace

Command annotate_command() {
    Command command;
    command.name = "annotate";
    command.summary = "Label cells from a labelled reference, with what speaks for each label and what is unlike the reference.";
    command.help = "Labels come from three models in equal parts: the nearest reference cells in a joint space, logistic regression there, and logistic regression on the counts; rank correlation is a "
                   "second opinion. Without a reference, clusters are labelled by marker genes.";
    command.examples = {{"Labels from a labelled data set", "morula annotate query.h5ad --reference blood.h5ad --label cell_type --out labels"},
                        {"Calibrated on the reference's donors, with ids of the Cell Ontology",
                         "morula annotate query.h5ad --reference atlas.h5ad --label cell_type --donor donor_id --ontology cl.obo --out labels"},
                        {"Clusters labelled by marker genes", "morula annotate query.h5ad --out labels"}};
    command.options = joined_schema<AnnotateIo, models::AnnotateOptions>();
    command.run = [](const FieldValues& values, Context& context) {
        const auto io = options_among<AnnotateIo>(values);
        check_io(io);
        VerbRecord record("annotate", values, context);
        if (io.reference.empty()) return annotate_by_markers(io, record, context);
        return annotate_by_reference(io, options_among<models::AnnotateOptions>(values), record, context);
    };
    return command;
}

}  // namespace morula::commands
