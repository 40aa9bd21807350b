// Keeps what a Context was told.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/events.hpp"

namespace morula::test {

/// For a Context of one thread, or of work that speaks from one. It can ask to stop when a step begins.
class Listener final : public EventSink {
public:
    std::string stop_at;  // the step's name
    std::atomic<bool> cancel{false};
    std::vector<StepReport> steps;
    std::vector<std::string> warnings;
    std::vector<std::string> decisions;
    std::vector<std::string> texts;  // both, as they came

    void step_started(std::string_view name) override {
        if (name == stop_at) cancel = true;
    }
    void progress(const ProgressReport&) override {}
    void step_finished(const StepReport& report) override { steps.push_back(report); }
    void warning(std::string_view text) override {
        warnings.emplace_back(text);
        texts.emplace_back(text);
    }
    void decision(std::string_view text) override {
        decisions.emplace_back(text);
        texts.emplace_back(text);
    }
    /// All warnings, a line each.
    std::string all_warnings() const {
        std::string all;
        for (const std::string& text : warnings) all += text + "\n";
        return all;
    }
};

}  // namespace morula::test
