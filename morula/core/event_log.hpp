// A file that keeps what a run told: JSON Lines, for jobs that nobody watches.
#pragma once

#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

#include "morula/core/events.hpp"

namespace morula {

/// Passes everything on to `shown` (which must live as long) and adds it to the file `path`, one object a line with time (UTC) and process, so that several runs may share a file.
/// Progress is only shown. Throws where the file cannot be opened; when it cannot be written later, one warning says so and the work goes on.
class EventLog final : public EventSink {
public:
    EventLog(const std::string& path, EventSink& shown);
    ~EventLog() override;
    EventLog(const EventLog&) = delete;
    EventLog& operator=(const EventLog&) = delete;

    void step_started(std::string_view name) override;
    void progress(const ProgressReport& report) override;
    void step_finished(const StepReport& report) override;
    void warning(std::string_view text) override;
    void decision(std::string_view text) override;
    /// A line for the file alone: {"event": event, "text": text}.
    void note(std::string_view event, std::string_view text);

private:
    void put(const std::string& line);

    std::string path_;
    EventSink& shown_;
    std::FILE* file_;
    bool is_broken_ = false;
    std::mutex mutex_;
};

}  // namespace morula
