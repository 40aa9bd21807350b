#include "morula/formats/hdf5/check_in_child.hpp"

#include <csignal>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <cstring>
#include <exception>
#include <string>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/formats/hdf5/h5.hpp"
#include "morula/formats/hdf5/h5_array.hpp"
#include "morula/formats/hdf5/read_h5ad.hpp"
#include "morula/formats/hdf5/tenx_h5.hpp"

namespace morula::formats {

namespace {

constexpr int kPartUnreadable = 3;  // exit status of the child

// The child: signals kill it as they come, no core file is left, and it never returns.
[[noreturn]] void be_child(int seconds, const std::function<void(Context&)>& look) {
    for (const int signal_number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM, SIGINT, SIGTERM}) {
        std::signal(signal_number, SIG_DFL);
    }
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    alarm(static_cast<unsigned>(seconds));
    try {
        Context context({.threads = 1});
        look(context);
    } catch (const std::exception&) {
        // The caller reads the file itself and will meet the same error with its own Context.
    }
    _exit(0);
}

std::string end_of_child(int status, int seconds) {
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        return "reading it did not end within " + std::to_string(seconds) + " seconds";
    }
    if (WIFSIGNALED(status)) {
        return std::string("reading it ended in a crash (") + strsignal(WTERMSIG(status)) + ")";
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == kPartUnreadable) {
        return "a part of it cannot be opened";
    }
    return "reading it ended in a crash";
}

// Meets every part of the library that later reads of values go through: all chunks of all arrays are looked up.
void visit_chunks(const h5::Object& group, int depth, int& budget) {
    if (depth > 32) {
        return;
    }
    for (const std::string& name : h5::children(group)) {
        const h5::Kind kind = h5::kind_of(group, name);
        if (--budget < 0 || (kind != h5::Kind::group && kind != h5::Kind::dataset)) {
            continue;
        }
        const h5::Object object = h5::open(group, name);
        if (kind == h5::Kind::group) {
            visit_chunks(object, depth + 1, budget);
            continue;
        }
        const h5::Lock lock;
        const h5::Id space(H5Dget_space(object.id));
        hsize_t n_chunks = 0;
        H5Dget_num_chunks(object.id, space, &n_chunks);
    }
}

// A healthy file of this size needs far less, also from a slow disk.
int patience_seconds(const std::filesystem::path& path) {
    std::error_code unknown;
    const std::uintmax_t size = std::filesystem::file_size(path, unknown);
    return unknown ? 10 : 10 + static_cast<int>(std::min<std::uintmax_t>(size / 20'000'000, 3600));
}

/// read() first: the caller will go exactly the same way, so what it throws here it throws there. What only the visit finds would meet the caller unprotected.
void look_at_file(const std::filesystem::path& path, const std::function<void()>& read) {
    read();
    int budget = 100000;
    try {
        visit_chunks(h5::root(h5::open_file(path)), 0, budget);
    } catch (const std::exception&) {
        _exit(kPartUnreadable);
    }
}

}  // namespace

FileCheck::FileCheck(std::filesystem::path path, int seconds, const std::function<void(Context&)>& look) : path_(std::move(path)), seconds_(seconds) {
    {
        const h5::Lock lock;  // no other thread is inside the library while the process is copied
        child_ = fork();
    }
    if (child_ < 0) {
        fail(ErrorCode::resource_limit, std::string("A process to look at ") + path_.string() + " cannot be started: " + std::strerror(errno) + ".", "Free some memory or processes and try again.");
    }
    if (child_ == 0) {
        h5::renew_lock_after_fork();
        be_child(seconds, look);
    }
}

FileCheck::~FileCheck() {
    if (child_ < 0) {
        return;
    }
    int status = 0;
    kill(child_, SIGKILL);
    waitpid(child_, &status, 0);
}

void FileCheck::wait(Context& context) {
    long pause_ns = 100'000;
    while (child_ >= 0) {
        int status = 0;
        const pid_t done = waitpid(child_, &status, WNOHANG);
        if (done == child_) {
            child_ = -1;
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                invalid_data(path_.string() + " is damaged: " + end_of_child(status, seconds_) + ".", "Copy or download the file again.");
            }
            return;
        }
        if (done < 0 && errno != EINTR) {
            child_ = -1;
            return;  // somebody else collected it (SIGCHLD ignored): nothing is known, the caller goes on
        }
        context.check_cancelled();
        const timespec pause{0, pause_ns};
        nanosleep(&pause, nullptr);
        pause_ns = std::min(2 * pause_ns, 1'000'000L);
    }
}

void check_in_child(const std::filesystem::path& path, int seconds, const std::function<void(Context&)>& look, Context& context) { FileCheck(path, seconds, look).wait(context); }

CheckedFile::CheckedFile(const std::filesystem::path& path, Reader reader)
    : path_(path), reader_(reader), check_(path, patience_seconds(path), [&](Context& inner) { look_at_file(path, [&] { reader(path, inner); }); }) {}

data::Dataset CheckedFile::read(Context& context) {
    check_.wait(context);
    return reader_(path_, context);
}

data::Dataset read_h5ad_checked(const std::filesystem::path& path, Context& context) { return CheckedFile(path, read_h5ad).read(context); }

data::Dataset read_tenx_h5_checked(const std::filesystem::path& path, Context& context) { return CheckedFile(path, read_tenx_h5).read(context); }

}  // namespace morula::formats
