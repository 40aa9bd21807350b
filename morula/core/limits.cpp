// What this process may use: processors and memory, the least of system, cgroup and Slurm limits.
#include <fmt/format.h>
#include <sched.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "morula/core/address_space.hpp"
#include "morula/core/context.hpp"
#include "morula/core/error.hpp"

namespace morula {
namespace {

std::string first_line(const std::string& path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

/// The number at the start of `text`, or `otherwise`.
std::int64_t number_or(const std::string& text, std::int64_t otherwise) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() ? value : otherwise;
}

std::int64_t environment_number(const char* name, std::int64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : number_or(text, otherwise);
}

/// This process's cgroup (v2) folder, or "".
std::string cgroup_folder() {
    std::ifstream in("/proc/self/cgroup");
    for (std::string line; std::getline(in, line);) {
        if (line.rfind("0::", 0) == 0) return "/sys/fs/cgroup" + line.substr(3);
    }
    return "";
}

std::int64_t cgroup_quota_threads() {
    std::istringstream in(first_line(cgroup_folder() + "/cpu.max"));
    double quota = 0.0;
    double period = 0.0;
    if (!(in >> quota >> period) || period <= 0.0) return std::numeric_limits<std::int64_t>::max();
    return std::max<std::int64_t>(1, std::llround(std::floor(quota / period)));
}

std::int64_t cgroup_free_memory() {
    constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
    const std::string folder = cgroup_folder();
    const std::int64_t limit = number_or(first_line(folder + "/memory.max"), none);
    const std::int64_t v1 = number_or(first_line("/sys/fs/cgroup/memory/memory.limit_in_bytes"), none);
    if (limit == none) return v1;
    return std::max<std::int64_t>(0, limit - number_or(first_line(folder + "/memory.current"), 0));
}

std::int64_t system_free_memory() {
    std::ifstream in("/proc/meminfo");
    for (std::string line; std::getline(in, line);) {
        if (line.rfind("MemAvailable:", 0) == 0) {
            const std::size_t digits = line.find_first_of("0123456789");
            return number_or(line.substr(digits), 0) * 1024;
        }
    }
    return static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}

constexpr std::int64_t kMegabyte = 1 << 20;

}  // namespace

std::int32_t available_threads() {
    cpu_set_t set;
    CPU_ZERO(&set);
    std::int64_t n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);
    n = std::min(n, cgroup_quota_threads());
    n = std::min(n, environment_number("SLURM_CPUS_PER_TASK", n));
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(n, 1, 1024));
}

std::optional<std::int64_t> address_space_left() {
    rlimit limit{};
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
    // The first number of statm: pages that are mapped.
    const std::int64_t mapped = number_or(first_line("/proc/self/statm"), 0) * sysconf(_SC_PAGESIZE);
    return std::max<std::int64_t>(0, static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, std::numeric_limits<std::int64_t>::max())) - mapped);
}

std::int64_t available_memory_bytes() {
    std::int64_t bytes = std::min({system_free_memory(), cgroup_free_memory(), address_space_left().value_or(std::numeric_limits<std::int64_t>::max())});
    const std::int64_t slurm_mb = environment_number("SLURM_MEM_PER_NODE", 0);
    if (slurm_mb > 0) bytes = std::min(bytes, slurm_mb * kMegabyte);
    return bytes;
}

std::int64_t peak_memory_bytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

double process_cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec); };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void keep_freed_memory() {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 256 << 20);
    mallopt(M_TRIM_THRESHOLD, 512 << 20);
#endif
}

void return_freed_memory() {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
#endif
}

std::string format_bytes(std::int64_t bytes) {
    constexpr const char* units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < std::size(units)) {
        value /= 1000.0;
        ++unit;
    }
    return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.{}f} {}", value, value < 9.95 ? 1 : 0, units[unit]);
}

std::int64_t parse_bytes(std::string_view text) {
    struct Unit {
        std::string_view name;
        double bytes;
    };
    constexpr Unit units[] = {{"", 1}, {"B", 1}, {"K", 1e3}, {"KB", 1e3}, {"KIB", 1024}, {"M", 1e6}, {"MB", 1e6}, {"MIB", 1048576.0}, {"G", 1e9}, {"GB", 1e9}, {"GIB", 1073741824.0}, {"T", 1e12}, {"TB", 1e12}, {"TIB", 1099511627776.0}};
    std::string upper(text);
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    std::erase(upper, ' ');
    double number = 0.0;
    const auto [end, error] = std::from_chars(upper.data(), upper.data() + upper.size(), number);
    const std::string_view unit(end, static_cast<std::size_t>(upper.data() + upper.size() - end));
    for (const Unit& known : units) {
        if (error == std::errc() && unit == known.name && number > 0.0 && number * known.bytes < 9e18) return static_cast<std::int64_t>(number * known.bytes);
    }
    fail(ErrorCode::usage, fmt::format("'{}' is not an amount of memory.", text), "Write a number and a unit, for instance 8G or 500MB.");
}

}  // namespace morula
