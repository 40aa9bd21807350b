#include "morula/core/event_log.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula {
namespace {

using Json = nlohmann::json;

/// Remembers what it was told.
class Memory final : public EventSink {
public:
    void step_started(std::string_view name) override { lines.push_back("started " + std::string(name)); }
    void progress(const ProgressReport& report) override { lines.push_back("progress " + std::string(report.step)); }
    void step_finished(const StepReport& report) override { lines.push_back("finished " + report.name); }
    void warning(std::string_view text) override { lines.push_back("warning " + std::string(text)); }
    void decision(std::string_view text) override { lines.push_back("decision " + std::string(text)); }
    std::vector<std::string> lines;
};

std::vector<Json> objects_of(const std::filesystem::path& path) {
    std::istringstream in(read_text_file(path, 1 << 20));
    std::vector<Json> objects;
    for (std::string line; std::getline(in, line);) objects.push_back(Json::parse(line));
    return objects;
}

TEST(EventLog, shows_everything_and_keeps_all_but_progress) {
    const test::TemporaryFolder folder;
    const std::string path = (folder / "run.log").string();
    Memory shown;
    {
        EventLog log(path, shown);
        log.step_started("pca");
        log.progress({"pca", 1, 2, "cells", 0.5});
        log.step_finished({"pca", 1.5, 2.0, 1000, false});
        log.warning("a \"quoted\" name");
        log.note("ended", "exit status 0");
    }
    EXPECT_EQ(shown.lines, (std::vector<std::string>{"started pca", "progress pca", "finished pca", "warning a \"quoted\" name"}));
    const std::vector<Json> kept = objects_of(path);
    ASSERT_EQ(kept.size(), 4U);
    EXPECT_EQ(kept[0]["event"], "step_started");
    EXPECT_EQ(kept[0]["time"].get<std::string>().size(), std::string("2026-11-30T09:15:02Z").size());
    EXPECT_EQ(kept[1]["seconds"], 1.5);
    EXPECT_EQ(kept[2]["text"], "a \"quoted\" name");
    EXPECT_EQ(kept[3]["event"], "ended");
}

TEST(EventLog, a_second_run_adds_to_the_file) {
    const test::TemporaryFolder folder;
    Memory shown;
    for (int run = 0; run < 2; ++run) EventLog((folder / "run.log").string(), shown).note("started", "morula");
    EXPECT_EQ(objects_of(folder / "run.log").size(), 2U);
}

TEST(EventLog, refuses_a_place_that_is_not_there_and_outlives_a_full_disk) {
    const test::TemporaryFolder folder;
    Memory shown;
    EXPECT_THROW(EventLog((folder / "no" / "run.log").string(), shown), Error);
    EventLog log("/dev/full", shown);
    log.warning("one");
    log.warning("two");
    ASSERT_EQ(shown.lines.size(), 3U) << "each warning, and once that the log is lost";
    EXPECT_NE(shown.lines[1].find("/dev/full"), std::string::npos);
}

TEST(JsonSink, progress_has_speed_and_time_left_where_they_are_known) {
    const auto said = [](const ProgressReport& report) {
        testing::internal::CaptureStderr();
        make_json_sink()->progress(report);
        return Json::parse(testing::internal::GetCapturedStderr());
    };
    const Json half = said({"simulate", 50, 200, "agent-steps", 2.0});
    EXPECT_EQ(half["per_second"], 25.0);
    EXPECT_EQ(half["seconds_left"], 6.0);
    EXPECT_GT(half["peak_bytes"].get<std::int64_t>(), 0);
    EXPECT_FALSE(said({"ingest", 50, 0, "cells", 2.0}).contains("seconds_left")) << "of nobody knows how many";
    EXPECT_FALSE(said({"simulate", 0, 200, "agent-steps", 0.0}).contains("per_second"));
}

}  // namespace
}  // namespace morula
