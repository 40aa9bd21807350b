// A run on made-up cells in a temporary folder, and what it said.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "morula/analysis/generate.hpp"
#include "morula/core/file.hpp"
#include "morula/formats/hdf5/write_h5ad.hpp"
#include "morula/pipeline/run.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/listener.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::pipeline {

namespace fs = std::filesystem;
using test::error_code;
using test::Listener;

class RunFolder : public testing::Test {
protected:
    /// A small made-up sample as h5ad.
    std::string made_up(const std::string& name, analysis::GenerateOptions options) const {
        Context context({.threads = 2});
        return written(name, analysis::generate(options, context));
    }
    std::string written(const std::string& name, const analysis::GenerateResult& made) const {
        Context context({.threads = 2});
        data::Dataset dataset;
        dataset.name = name;
        dataset.obs = data::Table(made.cells.names);
        dataset.obs.set("true_type", data::Categorical{made.cells.type, made.type_names, false});
        dataset.var = data::Table(made.gene_ids);
        dataset.var.set("gene_symbols", made.gene_symbols);
        if (std::find(made.cells.is_empty.begin(), made.cells.is_empty.end(), 1) != made.cells.is_empty.end()) dataset.obs.set("true_empty", data::Booleans{made.cells.is_empty});
        if (made.sample_names.size() > 1) dataset.obs.set("sample", data::Categorical{made.cells.sample, made.sample_names, false});
        dataset.layers["X"] = made.counts;
        const fs::path path = folder_ / (name + ".h5ad");
        formats::write_h5ad(dataset, path, {}, context);
        return path.string();
    }
    std::string small_sample() const {
        return made_up("small", {.cells = 500, .genes = 1500, .types = 4, .rare_types = 0, .continuum_fraction = 0.0, .mean_counts = 2000.0});
    }

    RunOptions options_for(const std::string& input, const std::string& out) const {
        RunOptions options;
        options.input = {input};
        options.out = (folder_ / out).string();
        return options;
    }
    /// The summary as JSON.
    std::string run_json(const RunOptions& options, std::int32_t threads) {
        Context context({.threads = threads, .events = &listener_, .cancel = &listener_.cancel});
        return run(options, context).json;
    }

    test::TemporaryFolder folder_;
    Listener listener_;
};

}  // namespace morula::pipeline
