// Made-up counts, with the truth in obs.
#include "morula/analysis/generate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "morula/commands/generate_output.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/store_commands.hpp"

namespace morula::commands {
namespace {

data::Categorical names_of(const std::vector<std::int32_t>& codes, const std::vector<std::string>& names) { return {codes, names, false}; }

data::Dataset dataset_of(analysis::GenerateResult made) {
    data::Dataset out;
    out.name = "generated";
    out.obs = data::Table(made.cells.names);
    out.obs.set("true_type", names_of(made.cells.type, made.type_names));
    out.obs.set("true_second_type", names_of(made.cells.second_type, made.type_names));
    out.obs.set("sample", names_of(made.cells.sample, made.sample_names));
    out.obs.set("donor", names_of(made.cells.donor, made.donor_names));
    out.obs.set("batch", names_of(made.cells.batch, made.batch_names));
    out.obs.set("true_doublet", data::Booleans{made.cells.is_doublet});
    out.obs.set("true_damaged", data::Booleans{made.cells.is_damaged});
    const bool has_empty = std::find(made.cells.is_empty.begin(), made.cells.is_empty.end(), 1) != made.cells.is_empty.end();
    if (has_empty) out.obs.set("true_empty", data::Booleans{made.cells.is_empty});
    out.obs.set("true_ambient_fraction", made.cells.ambient_fraction);
    out.obs.set("true_pseudotime", made.cells.pseudotime);
    out.var = data::Table(made.gene_ids);
    out.var.set("gene_symbols", made.gene_symbols);
    out.var.set("gene_ids", made.gene_ids);
    if (!made.own_of_type.empty()) out.var.set("true_own_type", names_of(made.own_of_type, made.type_names));
    out.layers["X"] = std::move(made.counts);
    out.uns["source"] = uns_of(made.source);
    return out;
}

CommandResult generate(const FieldValues& values, Context& context) {
    const GeneratedOutput output = split_generated_output(values);
    const data::Dataset dataset = dataset_of(analysis::generate(with_values(analysis::GenerateOptions{}, output.own), context));
    write_generated(dataset, output.path, context);
    const nlohmann::ordered_json json = {{"out", output.path}, {"n_cells", dataset.n_cells()}, {"n_genes", dataset.n_genes()}};
    return {fmt::format("{}: {} made-up {} x {} genes; the truth is in obs.", output.path, dataset.n_cells(), dataset.obs.has("true_empty") ? "barcodes" : "cells", dataset.n_genes()), json.dump()};
}

}  // namespace

Command generate_command() {
    Command command;
    command.name = "generate";
    command.summary = "Make up counts of any size, with the truth in obs.";
    command.examples = {{"20,000 cells of 12 types", "morula generate --cells 20000 --genes 20000 --out made-up.h5ad"},
                        {"A simulated blood sample", "morula generate --preset blood --cells 2700 --out blood.h5ad"},
                        {"The same before cells are called", "morula generate --preset blood --cells 2700 --empty-droplets 60000 --out unfiltered.h5ad"}};
    command.options = with_output(schema_of<analysis::GenerateOptions>());
    command.run = generate;
    return command;
}

}  // namespace morula::commands
