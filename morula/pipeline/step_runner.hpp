// Runs the steps of a pipeline, or takes their results from the atlas when inputs, options, step version and numeric profile are the same.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "morula/atlas/atlas.hpp"
#include "morula/core/context.hpp"
#include "morula/core/schema.hpp"
#include "morula/data/dataset.hpp"
#include "morula/pipeline/run_record.hpp"

namespace morula::pipeline {

struct StepCall {
    std::string name;
    std::int32_t version = 1;            // raised whenever the step's answer changes
    std::vector<std::string> inputs;     // keys of what it reads
    FieldValues options;
    std::function<data::Dataset(const data::Dataset&, Context&)> compute;  // returns the new slots
};

class StepRunner {
public:
    StepRunner(atlas::Atlas& store, RunRecord& record, Context& context) : store_(store), record_(record), context_(context) {}

    /// Adds the step's slots to `state` and returns the step's key. A stored result that is damaged is dropped and computed again, with a warning.
    std::string run(const StepCall& call, data::Dataset& state);

private:
    std::optional<data::Dataset> stored(const StepCall& call, const std::string& key);
    /// Says which columns and embeddings of the input make way for this run's.
    void tell_replaced(const data::Dataset& state, const data::Dataset& slots);

    atlas::Atlas& store_;
    RunRecord& record_;
    Context& context_;
    std::set<std::string> written_;  // by steps of this run
};

}  // namespace morula::pipeline
