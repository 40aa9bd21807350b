// Do batches mix in an embedding, and are the kinds of cell still told apart?
#include "morula/analysis/evaluate_integration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "morula/commands/batch_groups.hpp"
#include "morula/commands/comparison_cells.hpp"
#include "morula/commands/comparison_commands.hpp"
#include "morula/commands/input.hpp"
#include "morula/commands/label_origin.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/step_command.hpp"
#include "morula/core/error.hpp"

namespace morula::commands {
namespace {

using analysis::IntegrationScores;

enum class LabelsAre { automatic, independent };

struct EvaluateIntegrationIo {
    std::string input;
    std::string batch;
    std::string label;
    std::string embedding;
    LabelsAre label_origin = LabelsAre::automatic;
};
constexpr auto describe(const EvaluateIntegrationIo*) {
    using O = EvaluateIntegrationIo;
    return std::tuple{
        field("input", &O::input, "An h5ad file or an atlas with one data set.", {.positional = true, .required = true}),
        field("batch", &O::batch, "obs column with the batches.", {.required = true}),
        field("label", &O::label, "obs column with the kinds of cell; not given: mixing alone, and no total."),
        field("embedding", &O::embedding, "obsm slot that is scored, for instance X_integrated.", {.required = true}),
        field("label_origin", &O::label_origin, "auto: what the file says of the labels, and clusters of unknown origin give no total; independent: you know that they were not made from this embedding (sorting, another measurement).",
              {.choices = "auto|independent"}),
    };
}

/// What is scored, and why there is no total where there is none.
struct Scored {
    std::int64_t n_cells = 0;
    std::int64_t n_without_label = 0;
    std::vector<std::string> label_names;
    LabelOriginFound origin;
    std::string no_total;
    IntegrationScores scores;
};

data::Dataset open_one(const std::string& path, Context& context) {
    std::vector<data::Dataset> found = open_datasets(path, formats::TextOrientation::automatic, context);
    if (found.size() != 1) fail(ErrorCode::unsupported, fmt::format("{}: holds {} data sets; an embedding is that of one.", path, found.size()), "Name one h5ad file, or join them with `morula integrate`.");
    return std::move(found.front());
}

std::string reason_for_no_total(const EvaluateIntegrationIo& io, const LabelOriginFound& origin) {
    if (io.label.empty()) return "No labels were given: mixing alone says nothing about what was lost.";
    if (origin.origin == LabelOrigin::scored_embedding) return origin.sentence;
    if (origin.origin == LabelOrigin::looks_like_clusters && io.label_origin == LabelsAre::automatic) return origin.sentence + " Where they are known to be made without this embedding, pass --label-origin independent.";
    return "";
}

Scored score(const data::Dataset& dataset, const EvaluateIntegrationIo& io, const analysis::EvaluateIntegrationOptions& options, Context& context) {
    const data::Categorical batches = require_groups(dataset, io.batch);
    refuse_values_of_single_cells(dataset, io.batch, batches, "batches");
    const matrix::Dense<float>& embedding = require_obsm(dataset, io.embedding, "integrate");
    if (io.label == io.batch) fail(ErrorCode::usage, fmt::format("--label and --batch are both '{}'.", io.batch), "Name the column with the kinds of cell as --label, or leave it out.");
    Scored out;
    if (io.label.empty()) {
        out.n_cells = dataset.n_cells();
        out.no_total = reason_for_no_total(io, out.origin);
        out.scores = analysis::evaluate_integration(embedding.view(), {batches.codes, static_cast<std::int32_t>(batches.categories.size())}, {}, options, context);
        return out;
    }
    const data::Categorical labels = groups_with_gaps(dataset, io.label);
    refuse_values_of_single_cells(dataset, io.label, labels, "kinds of cell");
    std::vector<std::int64_t> cells;
    std::vector<std::int32_t> batch, label;
    for (std::size_t cell = 0; cell < labels.codes.size(); ++cell) {
        if (labels.codes[cell] < 0) continue;
        cells.push_back(static_cast<std::int64_t>(cell));
        batch.push_back(batches.codes[cell]);
        label.push_back(labels.codes[cell]);
    }
    if (cells.empty()) invalid_data(fmt::format("{}: no cell has a value in column '{}'.", dataset.name, io.label), "Name the column that holds the kinds of cell, or leave --label out.");
    out.n_cells = std::ssize(cells);
    out.n_without_label = dataset.n_cells() - out.n_cells;
    if (out.n_without_label > 0) context.events().warning(fmt::format("{}: {} of {} cells have no value in '{}' and take no part, in mixing either.", dataset.name, out.n_without_label, dataset.n_cells(), io.label));
    context.require_memory(2 * out.n_cells * embedding.n_cols * static_cast<std::int64_t>(sizeof(float)), "evaluate integration");  // all rows, and those of the largest label
    matrix::Dense<float> rows(out.n_cells, embedding.n_cols);
    for (std::int64_t row = 0; row < out.n_cells; ++row) std::ranges::copy(embedding.row(cells[static_cast<std::size_t>(row)]), rows.row(row).begin());
    out.label_names = labels.categories;
    out.origin = label_origin(dataset, io.label, io.embedding);
    out.no_total = reason_for_no_total(io, out.origin);
    out.scores = analysis::evaluate_integration(rows.view(), {batch, static_cast<std::int32_t>(batches.categories.size())}, {label, static_cast<std::int32_t>(labels.categories.size())}, options, context);
    return out;
}

std::vector<std::string> isolated_names(const Scored& scored) {
    std::vector<std::string> names;
    for (const std::int32_t label : scored.scores.label.isolated) names.push_back(scored.label_names[static_cast<std::size_t>(label)]);
    return names;
}

std::string shown(double value) { return std::isnan(value) ? "-" : fmt::format("{:.3f}", value); }

std::string text_of(const Scored& scored, const EvaluateIntegrationIo& io) {
    const IntegrationScores& s = scored.scores;
    std::string text = fmt::format("{} of {} cells, {} batches in '{}'", io.embedding, scored.n_cells, s.n_batches, io.batch);
    text += io.label.empty() ? ".\n\n" : fmt::format(", {} labels in '{}'. 0 is worst, 1 best.\n\n", s.n_labels, io.label);
    const auto line = [&](std::string_view name, double value, const std::string& note) { text += fmt::format("  {:<22}{:>7}  {}\n", name, shown(value), note); };
    text += "Mixing of batches\n";
    line("iLISI", s.batch.ilisi, fmt::format("{:.2f} batches around a cell; {:.2f} with no structure at all", s.batch.ilisi_median, s.batch.ilisi_expected));
    line("silhouette", s.batch.silhouette, io.label.empty() ? "1 - |width|" : "1 - |width| within labels");
    line("acceptance (kBET-like)", s.batch.acceptance, io.label.empty() ? "" : "within labels");
    if (!io.label.empty()) {
        line("graph connectivity", s.batch.graph_connectivity, "");
        line("mean", s.batch.mean, "");
        text += "Kinds of cell\n";
        line("cLISI", s.label.clisi, fmt::format("{:.2f} labels around a cell", s.label.clisi_median));
        line("silhouette", s.label.silhouette, "");
        line("NMI", s.label.nmi, fmt::format("{} clusters at resolution {}", s.label.n_clusters, s.label.resolution));
        line("ARI", s.label.ari, "");
        const std::string isolated = s.label.isolated.empty() ? "no label is in fewer batches than others" : fmt::format("{}", fmt::join(isolated_names(scored), ", "));
        line("isolated labels, F1", s.label.isolated_f1, isolated);
        line("isolated, silhouette", s.label.isolated_silhouette, "");
        line("mean", s.label.mean, "");
    }
    text += scored.no_total.empty() ? fmt::format("Total {:.3f} (.4 mixing, .6 kinds of cell). {}\n", s.total, scored.origin.sentence) : fmt::format("No total. {}\n", scored.no_total);
    return text;
}

/// NaN becomes null in JSON.
std::string json_of(const Scored& scored, const EvaluateIntegrationIo& io) {
    using Json = nlohmann::ordered_json;
    const IntegrationScores& s = scored.scores;
    const auto text_or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
    const Json json = {{"embedding", io.embedding}, {"batch", io.batch}, {"label", text_or_null(io.label)}, {"n_cells", scored.n_cells}, {"n_without_label", scored.n_without_label}, {"n_batches", s.n_batches},
                       {"n_labels", s.n_labels}, {"n_measured", s.n_measured},
                       {"ilisi_median", s.batch.ilisi_median}, {"ilisi_expected", s.batch.ilisi_expected}, {"ilisi", s.batch.ilisi}, {"asw_batch", s.batch.silhouette}, {"kbet_acceptance", s.batch.acceptance},
                       {"graph_connectivity", s.batch.graph_connectivity}, {"batch_mean", s.batch.mean},
                       {"clisi_median", s.label.clisi_median}, {"clisi", s.label.clisi}, {"asw_label", s.label.silhouette}, {"nmi", s.label.nmi}, {"ari", s.label.ari}, {"resolution", s.label.resolution},
                       {"n_clusters", s.label.n_clusters}, {"isolated_labels", isolated_names(scored)}, {"isolated_f1", s.label.isolated_f1}, {"isolated_asw", s.label.isolated_silhouette}, {"bio_mean", s.label.mean},
                       {"total", scored.no_total.empty() ? Json(s.total) : Json(nullptr)}, {"no_total", text_or_null(scored.no_total)},
                       {"label_origin", io.label.empty() ? Json(nullptr) : Json(label_origin_name(scored.origin.origin))}, {"label_origin_note", text_or_null(scored.origin.sentence)}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Command evaluate_integration_command() {
    Command command;
    command.name = "evaluate integration";
    command.summary = "Score an integration: do batches mix, and are kinds of cell still told apart.";
    command.help =
        "The measures of scIB that need an embedding and labels: iLISI, silhouettes and a kBET-like test of the batches, graph connectivity; cLISI, silhouette, NMI and ARI of clusters over resolutions, labels of few batches. The total weighs mixing "
        "by .4 and kinds of cell by .6. It is refused where the labels came from the embedding that is scored. Compare totals of the same cells, labels and options only.";
    command.examples = {{"Before and after", "morula evaluate integration integrated.h5ad --batch batch --label cell_type --embedding X_integrated"}};
    command.reads = {"obsm EMBEDDING", "obs BATCH", "obs LABEL"};
    command.options = joined_schema<EvaluateIntegrationIo, analysis::EvaluateIntegrationOptions>();
    command.run = [](const FieldValues& values, Context& context) -> CommandResult {
        const auto io = options_among<EvaluateIntegrationIo>(values);
        const data::Dataset dataset = open_one(io.input, context);
        const Scored scored = score(dataset, io, options_among<analysis::EvaluateIntegrationOptions>(values), context);
        return {text_of(scored, io), json_of(scored, io)};
    };
    return command;
}

}  // namespace morula::commands
