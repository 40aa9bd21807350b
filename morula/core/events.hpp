// What a run tells while it works: steps, progress, warnings, decisions. Sinks decide how it looks (terminal, JSON Lines, nothing).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace morula {

struct ProgressReport {
    std::string_view step;
    std::int64_t done = 0;
    std::int64_t total = 0;  // 0: unknown
    std::string_view unit;   // "cells"
    double seconds = 0.0;    // since the step began
};

struct StepReport {
    std::string name;
    double seconds = 0.0;
    double cpu_seconds = 0.0;     // of the whole process meanwhile: also what a writer beside the step used
    std::int64_t peak_bytes = 0;  // resident set high-water mark of the process
    bool cached = false;
};

/// Calls come from one thread at a time.
class EventSink {
public:
    virtual ~EventSink() = default;
    virtual void step_started(std::string_view name) = 0;
    virtual void progress(const ProgressReport& report) = 0;
    virtual void step_finished(const StepReport& report) = 0;
    /// Something the user should know but that does not stop the work.
    virtual void warning(std::string_view text) = 0;
    /// A choice made on the user's behalf: "Took layer counts (integers) as raw counts."
    virtual void decision(std::string_view text) = 0;
};

/// Says nothing.
std::unique_ptr<EventSink> make_silent_sink();
/// Lines on stderr; a moving progress line only when stderr is a terminal.
std::unique_ptr<EventSink> make_terminal_sink();
/// One JSON object a line on stderr.
std::unique_ptr<EventSink> make_json_sink();

}  // namespace morula
