// The files of a finished run: cells.h5ad, markers.csv, report.html, and the last word of run.json.
#pragma once

#include <array>
#include <atomic>
#include <exception>
#include <filesystem>
#include <optional>
#include <thread>

#include "morula/commands/command.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "morula/pipeline/recipes.hpp"
#include "morula/pipeline/run.hpp"
#include "morula/pipeline/run_record.hpp"
#include "morula/pipeline/run_steps.hpp"

namespace morula::pipeline {

/// What a run leaves in its folder.
inline constexpr std::array<const char*, 5> kOutputNames{"report.html", "cells.h5ad", "markers.csv", "data.atlas", "run.json"};

/// OUT/cells.h5ad, begun as soon as the kept cells have their log values: its matrices are written while the rest is computed.
class CellsFile {
public:
    /// Begins with the matrices of `kept`, unless the options or their size speak against it. Throws resource_limit when the disk cannot hold them.
    CellsFile(const std::filesystem::path& path, const RunOptions& options, const data::Dataset& kept, Context& context);
    ~CellsFile();
    CellsFile(const CellsFile&) = delete;
    CellsFile& operator=(const CellsFile&) = delete;

    bool has_matrices() const { return has_matrices_; }
    /// Waits for the matrices, passes their error on, writes the rest and puts the file in its place.
    void finish(const RunState& state, Context& context);

private:
    bool has_matrices_ = true;
    std::atomic<bool> stop_ = false;
    std::optional<formats::H5adFile> file_;
    std::exception_ptr error_;
    std::thread writer_;  // not the pool's: most of its time the kernel takes what it writes
};

commands::CommandResult write_outputs(const std::filesystem::path& folder, const RunOptions& options, const Recipe& recipe, const knowledge::MarkerTable& table, const RunState& state,
                                      CellsFile& cells, RunRecord& record, Context& context);

}  // namespace morula::pipeline
