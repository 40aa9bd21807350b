#include "morula/core/events.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>

#include "morula/core/context.hpp"
#include "morula/core/printable.hpp"

namespace morula {
namespace {

class SilentSink final : public EventSink {
public:
    void step_started(std::string_view) override {}
    void progress(const ProgressReport&) override {}
    void step_finished(const StepReport&) override {}
    void warning(std::string_view) override {}
    void decision(std::string_view) override {}
};

std::string rough_time(double seconds) {
    if (seconds < 90.0) return fmt::format("{:.0f} s", seconds);
    if (seconds < 5400.0) return fmt::format("{:.0f} min", seconds / 60.0);
    return fmt::format("{:.1f} h", seconds / 3600.0);
}

/// "12345", "5.25 M"
std::string rough_number(double value) {
    if (value < 1e6) return fmt::format("{:.0f}", value);
    return value < 1e9 ? fmt::format("{:.3g} M", value / 1e6) : fmt::format("{:.3g} G", value / 1e9);
}

/// 0: not known yet.
double rate_of(const ProgressReport& report) { return report.seconds > 0.0 ? static_cast<double>(report.done) / report.seconds : 0.0; }

/// "markers: 12345 of 100000 cells, 51000/s, 2 s left"
std::string progress_line(const ProgressReport& report) {
    const double rate = rate_of(report);
    const auto amount = [](std::int64_t n) { return rough_number(static_cast<double>(n)); };
    std::string line = fmt::format("{}: {} {}", report.step, amount(report.done), report.unit);
    if (report.total > 0) line = fmt::format("{}: {} of {} {}", report.step, amount(report.done), amount(report.total), report.unit);
    if (rate > 0.0) line += fmt::format(", {}/s", rough_number(rate));
    if (rate > 0.0 && report.total > report.done) line += fmt::format(", {} left", rough_time(static_cast<double>(report.total - report.done) / rate));
    return line;
}

/// Of the terminal behind stderr; as wide as most where it does not say.
std::size_t terminal_columns() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// The first characters of a text.
std::string_view first_characters(std::string_view text, std::size_t n) {
    for (std::size_t at = 0, seen = 0; at < text.size(); ++at) {
        const bool begins_one = (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
        if (begins_one && seen++ == n) return text.substr(0, at);
    }
    return text;
}

class TerminalSink final : public EventSink {
public:
    ~TerminalSink() override {
        if (shown_) put_text(stderr, "\r\033[K");  // what comes next begins on an empty line
    }
    void step_started(std::string_view name) override { show(fmt::format("{} ...", name)); }
    void progress(const ProgressReport& report) override {
        // Short steps need no moving line.
        if (report.seconds >= 1.0) show(progress_line(report) + fmt::format(", {} of memory", format_bytes(peak_memory_bytes())));
    }
    void step_finished(const StepReport& report) override {
        say(fmt::format("  {:<22} {:>8} {}", report.name, report.cached ? "" : fmt::format("{:.2f} s", report.seconds), report.cached ? "from the cache" : ""));
    }
    void warning(std::string_view text) override { say(fmt::format("  Warning: {}", text)); }
    void decision(std::string_view text) override { say(fmt::format("  {}", text)); }

private:
    /// The line that is written over by the next one; only on a terminal, and no wider than it: what runs over into a second line would stay.
    void show(const std::string& text) {
        if (!is_terminal_) return;
        const std::lock_guard lock(mutex_);
        put_text(stderr, fmt::format("\r\033[K{}", first_characters(printable("  " + text), terminal_columns() - 1)));
        shown_ = true;
    }
    void say(const std::string& text) {
        const std::lock_guard lock(mutex_);
        put_text(stderr, fmt::format("{}{}\n", shown_ ? "\r\033[K" : "", printable_message(text)));
        shown_ = false;
    }

    std::mutex mutex_;
    bool is_terminal_ = isatty(STDERR_FILENO) == 1;
    bool shown_ = false;
};

class JsonSink final : public EventSink {
public:
    void step_started(std::string_view name) override { put({{"event", "step_started"}, {"step", name}}); }
    void progress(const ProgressReport& report) override {
        nlohmann::ordered_json event{{"event", "progress"}, {"step", report.step}, {"done", report.done}, {"total", report.total}, {"unit", report.unit}, {"seconds", report.seconds},
                                     {"peak_bytes", peak_memory_bytes()}};
        if (const double rate = rate_of(report); rate > 0.0) {
            event["per_second"] = rate;
            if (report.total >= report.done) event["seconds_left"] = static_cast<double>(report.total - report.done) / rate;
        }
        put(event);
    }
    void step_finished(const StepReport& report) override {
        put({{"event", "step_finished"}, {"step", report.name}, {"seconds", report.seconds}, {"peak_bytes", report.peak_bytes}, {"cached", report.cached}});
    }
    void warning(std::string_view text) override { put({{"event", "warning"}, {"text", text}}); }
    void decision(std::string_view text) override { put({{"event", "decision"}, {"text", text}}); }

private:
    void put(const nlohmann::ordered_json& event) {
        const std::lock_guard lock(mutex_);
        put_text(stderr, printable_json(event.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) + "\n");
    }
    std::mutex mutex_;
};

}  // namespace

std::unique_ptr<EventSink> make_silent_sink() { return std::make_unique<SilentSink>(); }
std::unique_ptr<EventSink> make_terminal_sink() { return std::make_unique<TerminalSink>(); }
std::unique_ptr<EventSink> make_json_sink() { return std::make_unique<JsonSink>(); }

}  // namespace morula
