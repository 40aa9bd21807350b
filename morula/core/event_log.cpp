#include "morula/core/event_log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "morula/core/clock.hpp"
#include "morula/core/error.hpp"
#include "morula/core/printable.hpp"

namespace morula {
namespace {

using Json = nlohmann::ordered_json;

std::string line_of(const Json& event) {
    Json line = {{"time", utc_now()}, {"process", getpid()}};
    line.update(event);
    return printable_json(line.dump(-1, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace

EventLog::EventLog(const std::string& path, EventSink& shown) : path_(path), shown_(shown), file_(std::fopen(path.c_str(), "ae")) {
    if (file_ == nullptr) fail_from_errno(errno, "write a log", path);
}

EventLog::~EventLog() { std::fclose(file_); }

void EventLog::put(const std::string& line) {
    const std::lock_guard lock(mutex_);
    if (is_broken_) return;
    is_broken_ = !put_text(file_, line);
    if (is_broken_) shown_.warning(fmt::format("{}: the log cannot be written any more; the work goes on without it.", path_));
}

void EventLog::step_started(std::string_view name) {
    shown_.step_started(name);
    put(line_of({{"event", "step_started"}, {"step", name}}));
}

void EventLog::progress(const ProgressReport& report) { shown_.progress(report); }

void EventLog::step_finished(const StepReport& report) {
    shown_.step_finished(report);
    put(line_of({{"event", "step_finished"}, {"step", report.name}, {"seconds", report.seconds}, {"peak_bytes", report.peak_bytes}, {"cached", report.cached}}));
}

void EventLog::warning(std::string_view text) {
    shown_.warning(text);
    note("warning", text);
}

void EventLog::decision(std::string_view text) {
    shown_.decision(text);
    note("decision", text);
}

void EventLog::note(std::string_view event, std::string_view text) { put(line_of({{"event", event}, {"text", text}})); }

}  // namespace morula
