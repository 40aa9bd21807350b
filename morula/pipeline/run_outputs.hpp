// The files of a finished run: cells.h5ad, markers.csv, report.html, and the last word of run.json.
#pragma once

#include <array>
#include <filesystem>
#include <optional>

#include "morula/commands/command.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "morula/pipeline/recipes.hpp"
#include "morula/pipeline/run.hpp"
#include "morula/pipeline/run_record.hpp"
#include "morula/pipeline/run_steps.hpp"

namespace morula::pipeline {

/// What a run leaves in its folder.
inline constexpr std::array<const char*, 5> kOutputNames{"report.html", "cells.h5ad", "markers.csv", "data.atlas", "run.json"};

/// OUT/cells.h5ad, begun as soon as the kept cells have their log values: the disk writes the matrices while the rest is computed.
class CellsFile {
public:
    /// Writes the matrices of `kept`, unless the options or their size speak against it.
    CellsFile(const std::filesystem::path& path, const RunOptions& options, const data::Dataset& kept, RunRecord& record, Context& context);
    bool has_matrices() const { return has_matrices_; }
    void finish(const RunState& state, Context& context);

private:
    bool has_matrices_ = true;
    std::optional<formats::H5adFile> file_;
};

commands::CommandResult write_outputs(const std::filesystem::path& folder, const RunOptions& options, const Recipe& recipe, const knowledge::MarkerTable& table, const RunState& state,
                                      CellsFile& cells, RunRecord& record, Context& context);

}  // namespace morula::pipeline
