// The program: reads the command line, calls a command of the registry, prints. stdout is the result, stderr the talk.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "command_line.hpp"
#include "help.hpp"
#include "morula/core/address_space.hpp"
#include "morula/core/context.hpp"
#include "morula/core/error.hpp"
#include "morula/core/event_log.hpp"
#include "morula/core/printable.hpp"
#include "morula/core/version.hpp"
#include "morula/pipeline/registry.hpp"

namespace {

using namespace morula;

std::atomic<bool> cancel_wanted{false};

/// The first signal asks to stop at the next block; the second ends the process.
void on_signal(int signal) {
    if (cancel_wanted.exchange(true)) {
        std::signal(signal, SIG_DFL);
        std::raise(signal);
    }
}

/// OpenBLAS starts a thread for each further processor when it is loaded, though Morula uses none of them. Each takes 128 MB of address space, and where that is
/// limited waits for it for ever: the program then starts itself anew without them.
void leave_out_blas_threads_where_space_is_limited(char** argv) {
    const char* set = std::getenv("OPENBLAS_NUM_THREADS");
    if (!address_space_left() || (set != nullptr && std::string_view(set) == "1")) return;
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    execv("/proc/self/exe", argv);  // comes back only where it could not: then with them
}

std::unique_ptr<EventSink> make_sink(cli::ProgressStyle style) {
    switch (style) {
        case cli::ProgressStyle::json: return make_json_sink();
        case cli::ProgressStyle::none: return make_silent_sink();
        case cli::ProgressStyle::terminal: return make_terminal_sink();
    }
    return make_terminal_sink();
}

int report(const Error& error, bool json) {
    if (json) {
        const nlohmann::ordered_json object = {{"error", {{"code", error_code_name(error.code())}, {"message", error.message()}, {"next", error.next()}}}};
        put_text(stdout, printable_json(object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) + "\n");
    }
    put_text(stderr, fmt::format("morula: {}\n", printable_message(error.message())));
    if (!error.next().empty()) put_text(stderr, fmt::format("Next: {}\n", printable_message(error.next())));
    return exit_status(error.code());
}

int print_answer(const std::string& text) {
    if (!put_text(stdout, text)) fail(ErrorCode::resource_limit, "The answer could not be printed.", "Check where standard output goes.");
    return 0;
}

commands::CommandResult result_of(const cli::CommandLine& line, EventSink& events) {
    Context context({.threads = line.threads, .memory_bytes = line.memory_bytes, .events = &events, .cancel = &cancel_wanted});
    commands::require_fields(line.command->options, line.values, line.command->name);
    return line.command->run(line.values, context);
}

int print_result(const cli::CommandLine& line, const commands::CommandResult& result) {
    const std::string text = line.json ? printable_json(result.json) : printable(result.text);
    print_answer(!text.empty() && text.back() != '\n' ? text + "\n" : text);
    return result.finding ? exit_status(*result.finding) : 0;
}

/// With --log: what was typed, all that happens, and how it ended, in a file too.
int run_logged(const cli::CommandLine& line, const std::string& typed) {
    std::unique_ptr<EventSink> shown = make_sink(line.progress);
    if (line.log.empty()) {
        const commands::CommandResult result = result_of(line, *shown);
        shown.reset();  // takes its moving line away before the answer
        return print_result(line, result);
    }
    EventLog log(line.log, *shown);
    log.note("started", fmt::format("morula {} (version {})", typed, kVersion));
    try {
        const commands::CommandResult result = result_of(line, log);
        shown.reset();
        const int status = print_result(line, result);
        log.note("ended", fmt::format("exit status {}", status));
        return status;
    } catch (const Error& error) {
        log.note("ended", fmt::format("exit status {}: {}", exit_status(error.code()), error.message()));
        throw;
    } catch (const std::exception& error) {
        log.note("ended", error.what());
        throw;
    }
}

int answer(const cli::CommandLine& line, const std::string& typed, const std::vector<commands::Command>& commands) {
    switch (line.ask) {
        case cli::Ask::program_help: return print_answer(cli::program_help(commands));
        case cli::Ask::group_help: return print_answer(cli::group_help(line.group, commands));
        case cli::Ask::command_help: return print_answer(cli::command_help(*line.command));
        case cli::Ask::version: return print_answer(fmt::format("morula {}\n", kVersion));
        case cli::Ask::run: return run_logged(line, typed);
    }
    return 0;
}

/// What the library says of a path that could not be looked at, in our words and with our exit status.
Error file_error(const std::filesystem::filesystem_error& error) {
    try {
        fail_from_errno(error.code().value(), "look at it", error.path1().empty() ? "A file or folder" : error.path1().string());
    } catch (const Error& named) {
        return named;
    }
}

}  // namespace

int main(int argc, char** argv) {
    leave_out_blas_threads_where_space_is_limited(argv);
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    std::signal(SIGHUP, on_signal);  // a closed terminal, a lost connection
    std::signal(SIGPIPE, SIG_IGN);
    keep_freed_memory();
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    bool json = false;
    std::string typed;
    for (const std::string& argument : arguments) {
        json = json || argument == "--json";
        typed += (typed.empty() ? "" : " ") + shell_word(argument);
    }
    try {
        const auto& commands = pipeline::all_commands();
        return answer(cli::parse_command_line(arguments, commands), typed, commands);
    } catch (const Error& error) {
        return report(error, json);
    } catch (const std::bad_alloc&) {
        return report(Error(ErrorCode::resource_limit, "The memory of this machine is used up.", "Give a limit with --memory, or use a machine with more memory."), json);
    } catch (const std::filesystem::filesystem_error& error) {
        return report(file_error(error), json);
    } catch (const std::exception& error) {
        return report(Error(ErrorCode::internal, fmt::format("Something went wrong inside Morula: {}.", error.what()), "Please report this with the command you ran."), json);
    }
}
