#include "morula/commands/step_command.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "morula/commands/input.hpp"
#include "morula/commands/slots.hpp"
#include "morula/core/error.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"

namespace morula::commands {

data::Dataset open_step_input(const StepIo& io, StepReads reads, Context& context) {
    refuse_to_overwrite(io.out, {io.input});
    std::vector<data::Dataset> datasets = open_datasets(io.input, io.orientation, context);
    if (datasets.size() != 1) {
        fail(ErrorCode::unsupported, fmt::format("{}: holds {} data sets, a step takes one.", io.input, datasets.size()), "Use `morula run`, or `morula export` them to one h5ad file.");
    }
    data::Dataset dataset = std::move(datasets.front());
    if (reads == StepReads::counts && (!io.layer.empty() || dataset.layers.count("counts") == 0)) dataset = with_counts(std::move(dataset), io.layer, context);
    if (reads == StepReads::log_values && !io.layer.empty()) dataset.layers["X"] = data::find_matrix(dataset, io.layer);
    return dataset;
}

CommandResult write_step_output(const data::Dataset& dataset, const StepIo& io, const std::vector<std::string>& wrote, Context& context) {
    if (std::filesystem::path(io.out).extension() != ".h5ad") fail(ErrorCode::usage, fmt::format("--out {}: the name must end in .h5ad.", io.out), "Write for instance --out cells.h5ad.");
    formats::write_h5ad(dataset, io.out, {}, context);
    const nlohmann::ordered_json json = {{"out", io.out}, {"n_cells", dataset.n_cells()}, {"n_genes", dataset.n_genes()}, {"wrote", wrote}};
    return {fmt::format("{}: {} cells x {} genes, with {}.", io.out, dataset.n_cells(), dataset.n_genes(), fmt::join(wrote, ", ")), json.dump()};
}

}  // namespace morula::commands
