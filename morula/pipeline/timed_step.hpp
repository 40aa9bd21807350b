// Work of a run whose result is not kept as a step's (reading, calling cells, writing): shown and recorded like a step.
#pragma once

#include <chrono>
#include <string>
#include <type_traits>

#include "morula/core/context.hpp"
#include "morula/pipeline/run_record.hpp"

namespace morula::pipeline {

/// work() returns whether it took what an earlier run had kept; work that returns nothing never does.
template <class Work>
void timed_step(const std::string& name, const FieldValues& options, RunRecord& record, Context& context, Work work) {
    const auto start = std::chrono::steady_clock::now();
    const double cpu_before = process_cpu_seconds();
    context.check_cancelled();
    context.events().step_started(name);
    bool cached = false;
    if constexpr (std::is_void_v<decltype(work())>) work();
    else cached = work();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    const StepReport report{name, elapsed.count(), process_cpu_seconds() - cpu_before, peak_memory_bytes(), cached};
    context.events().step_finished(report);
    record.add_step({report, "", 1, options});
}

}  // namespace morula::pipeline
