// Makes a verb of a step: open the input, run the step on its slots, write the whole as h5ad (or as CSV where the step has a table).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <tuple>
#include <utility>

#include "morula/commands/command.hpp"
#include "morula/commands/input_errors.hpp"
#include "morula/data/dataset.hpp"
#include "morula/formats/text/text_matrix.hpp"

namespace morula::commands {

/// What every step verb takes beside the step's own options.
struct StepIo {
    std::string input;
    std::string out;
    std::string layer;
    formats::TextOrientation orientation = formats::TextOrientation::automatic;
};
constexpr auto describe(const StepIo*) {
    return std::tuple{
        field("input", &StepIo::input, "An h5ad file, a 10x folder or h5 file, a text matrix, or an atlas with one data set.", {.positional = true, .required = true}),
        field("out", &StepIo::out, "The h5ad file to write.", {.required = true}),
        field("layer", &StepIo::layer, "Matrix to read (X, raw.X or a layer); found by looking when not given."),
        field("orientation", &StepIo::orientation, "Of a text matrix: whether its rows are genes or cells; auto: by looking at the names.", {.choices = "auto|genes-in-rows|cells-in-rows"}),
    };
}

/// For steps without options of the verb itself.
struct NoExtra {};
constexpr auto describe(const NoExtra*) { return std::tuple{}; }

/// Which matrix the step reads: it is put in place before the step runs.
enum class StepReads { counts, log_values, neither };

data::Dataset open_step_input(const StepIo& io, StepReads reads, Context& context);
/// Writes `dataset` to io.out, and says what it holds now.
CommandResult write_step_output(const data::Dataset& dataset, const StepIo& io, const std::vector<std::string>& wrote, Context& context);

/// The values of `all` that belong to the fields of Options.
template <class Options>
Options options_among(const FieldValues& all) {
    Options options;
    for (const FieldSchema& field : schema_of<Options>()) {
        for (const auto& [name, value] : all) {
            if (name == field.name) set_field(options, name, value);
        }
    }
    return options;
}

template <class Options, class Extra>
Command make_step_command(Command base, StepReads reads, std::function<void(data::Dataset&, const Options&, const Extra&, Context&)> body) {
    base.options = joined_schema<StepIo, Options, Extra>();
    base.run = [body = std::move(body), reads, writes = base.writes](const FieldValues& values, Context& context) {
        const auto io = options_among<StepIo>(values);
        data::Dataset dataset = open_step_input(io, reads, context);
        const std::string name = dataset.name;
        with_named_errors(io.input, name, [&] { body(dataset, options_among<Options>(values), options_among<Extra>(values), context); });
        return write_step_output(dataset, io, writes, context);
    };
    return base;
}

/// call-cells, qc, filter, doublets, normalize, hvg, pca, harmony, neighbors, leiden, umap, markers, score-genes, cell-cycle.
std::vector<Command> step_commands();

}  // namespace morula::commands
