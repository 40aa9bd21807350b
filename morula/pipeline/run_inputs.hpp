// The inputs of a run: opened, kept in the run's atlas, and joined to one data set of raw counts.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "morula/analysis/cell_calling.hpp"
#include "morula/analysis/qc.hpp"
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

/// What becomes of a sample that cannot be used.
enum class FailedSamples { refuse, skip };

struct LoadOptions {
    std::string layer;                               // "" to look
    formats::TextOrientation orientation = formats::TextOrientation::automatic;
    CallCells call_cells = CallCells::automatic;
    analysis::CellCallingOptions cell_calling;
    analysis::QcOptions qc;
    std::int64_t n_top_genes_of_one = 0;             // variable genes that a run on one sample asks for
    std::int64_t n_top_genes_of_several = 0;
    FailedSamples failed = FailedSamples::refuse;
};

/// Does the work that is about one of so many samples. Where it fails because of the sample, not of the machine or an option, the sample is added to `skipped` if it may be, and
/// the answer is false; else the error says how to go on without it.
bool attempt_sample(const commands::SampleRow& row, std::size_t n_samples, FailedSamples failed, std::vector<SkippedSample>& skipped, const std::function<void()>& work);

/// Throws, with the first reason, where no sample is left.
void require_a_sample(std::size_t n_left, const std::vector<SkippedSample>& skipped);

/// Opens each sample, finds its raw counts, calls its cells where it is unfiltered, stores it in the atlas (once) and joins all. A sample that lies in an atlas already is
/// read there and not stored again, unless cells are called or another layer than X is asked for.
/// Samples that fail, or of which quality control keeps less than two cells, are left out and put on record where the options say so.
/// Empty barcodes are not stored; what was called and the curve stay in uns cell_calling, under the samples' names.
RunInputs load_inputs(const std::vector<commands::SampleRow>& samples, const LoadOptions& options, atlas::Atlas& store, RunRecord& record, Context& context);

/// The joined cells of the samples with their obs alone, no genes, before anything is decoded or stored; none where a sample is no h5ad file, whose obs is not known without its matrix.
std::optional<data::Dataset> obs_of_inputs(const std::vector<commands::SampleRow>& samples, Context& context);

}  // namespace morula::pipeline
