#include "morula/core/events.hpp"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <functional>
#include <string>

namespace morula {
namespace {

/// What `body` writes to stderr where that is a terminal of so many columns.
std::string shown_on_a_terminal(unsigned short columns, const std::function<void()>& body) {
    int master = -1, slave = -1;
    winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    if (openpty(&master, &slave, nullptr, nullptr, &size) != 0) return "no terminal could be opened";
    const int kept = dup(STDERR_FILENO);
    dup2(slave, STDERR_FILENO);
    close(slave);
    body();
    dup2(kept, STDERR_FILENO);  // The last end to write at is closed: reading now ends by itself,
    close(kept);                // and waits for what the system has not yet handed over.
    std::string text;
    char part[4096];
    for (ssize_t n = 0; (n = read(master, part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(n));
    close(master);
    return text;
}

TEST(Events, the_moving_line_is_no_wider_than_the_terminal_and_leaves_nothing_behind) {
    for (const unsigned short columns : {20, 80}) {
        const std::string text = shown_on_a_terminal(columns, [] {
            const auto sink = make_terminal_sink();
            sink->step_started("a step with a name that is longer than any line of a terminal should be, so that it has to be cut somewhere");
            sink->progress({.step = "run", .done = 7'740'000, .total = 16'800'000, .unit = "agent-steps", .seconds = 1.5});
            sink->warning("One.");
            sink->progress({.step = "µµµµ", .done = 12'600'000, .total = 16'800'000, .unit = "µµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµµ", .seconds = 2.5});
        });
        std::size_t widest = 0, n_lines = 0;
        for (std::size_t at = text.find("\r\033[K"); at != std::string::npos; ++n_lines) {
            const std::size_t next = text.find('\r', at + 4);
            std::size_t n = 0;
            for (std::size_t k = at + 4; k < std::min(next, text.size()); ++k) n += (static_cast<unsigned char>(text[k]) & 0xC0) != 0x80 ? 1 : 0;
            widest = std::max(widest, n);
            at = next == std::string::npos ? next : text.find("\r\033[K", at + 4);
        }
        EXPECT_EQ(n_lines, 5U) << text;
        EXPECT_EQ(widest, columns - 1U) << text;
        EXPECT_TRUE(text.ends_with("\r\033[K")) << text;
        if (columns < 80) continue;
        EXPECT_NE(text.find("  run: 7.74 M of 16.8 M agent-steps, 5.16 M/s, 2 s left, "), std::string::npos) << text;
        EXPECT_NE(text.find(" of memory\r\033[K  Warning: One."), std::string::npos) << text;
    }
}

}  // namespace
}  // namespace morula
