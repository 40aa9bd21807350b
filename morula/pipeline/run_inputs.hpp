// The inputs of a run: opened, kept in the run's atlas, and joined to one data set of raw counts.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "morula/analysis/cell_calling.hpp"
#include "morula/atlas/atlas.hpp"
#include "morula/commands/input.hpp"
#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"
#include "morula/pipeline/run.hpp"
#include "morula/pipeline/run_record.hpp"

namespace morula::pipeline {

struct RunInputs {
    data::Dataset dataset;              // layers["counts"], gene expression only, samples joined
    std::vector<std::string> ids;       // content hash of each sample's data set
    std::string key;                    // hash of ids, sample names and annotation: what every first step depends on
};

struct LoadOptions {
    std::string layer;                               // "" to look
    formats::TextOrientation orientation = formats::TextOrientation::automatic;
    CallCells call_cells = CallCells::automatic;
    analysis::CellCallingOptions cell_calling;
    std::int64_t n_top_genes = 0;                    // variable genes that the run will ask for
};

/// Opens each sample, finds its raw counts, calls its cells where it is unfiltered, stores it in the atlas (once) and joins all. A sample that lies in an atlas already is
/// read there and not stored again, unless cells are called or another layer than X is asked for.
/// Empty barcodes are not stored; what was called and the curve stay in uns cell_calling, under the samples' names.
RunInputs load_inputs(const std::vector<commands::SampleRow>& samples, const LoadOptions& options, atlas::Atlas& store, RunRecord& record, Context& context);

/// The joined cells of the samples with their obs alone, no genes, before anything is decoded or stored; none where a sample is no h5ad file, whose obs is not known without its matrix.
std::optional<data::Dataset> obs_of_inputs(const std::vector<commands::SampleRow>& samples, Context& context);

}  // namespace morula::pipeline
