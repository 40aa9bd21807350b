#include "morula/core/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace morula {
namespace {

struct CodeRow {
    ErrorCode code;
    std::string_view name;
    int exit;
    int http;
};

constexpr CodeRow kCodes[] = {
    {ErrorCode::internal, "internal", 1, 500},     {ErrorCode::invalid_data, "invalid_data", 2, 422},
    {ErrorCode::not_found, "not_found", 3, 404},   {ErrorCode::permission, "permission", 4, 403},
    {ErrorCode::resource_limit, "resource_limit", 5, 507}, {ErrorCode::unsupported, "unsupported", 6, 501},
    {ErrorCode::usage, "usage", 64, 400},          {ErrorCode::cancelled, "cancelled", 130, 409},
};

const CodeRow& row_of(ErrorCode code) {
    for (const CodeRow& row : kCodes) {
        if (row.code == code) return row;
    }
    return kCodes[0];
}

}  // namespace

std::string_view error_code_name(ErrorCode code) { return row_of(code).name; }
int exit_status(ErrorCode code) { return row_of(code).exit; }
int http_status(ErrorCode code) { return row_of(code).http; }

Error::Error(ErrorCode code, std::string message, std::string next) : code_(code), message_(std::move(message)), next_(std::move(next)) {
    text_ = next_.empty() ? message_ : message_ + " Next: " + next_;
}

void fail(ErrorCode code, std::string message, std::string next) { throw Error(code, std::move(message), std::move(next)); }

void invalid_data(std::string message, std::string next) { fail(ErrorCode::invalid_data, std::move(message), std::move(next)); }

void fail_from_errno(int error_number, std::string_view doing, std::string_view path) {
    const std::string reason = std::strerror(error_number);
    switch (error_number) {
        case ENOENT:
        case ENOTDIR: fail(ErrorCode::not_found, fmt::format("{}: cannot {}, it does not exist.", path, doing), "Check the path.");
        case EACCES:
        case EPERM:
        case EROFS: fail(ErrorCode::permission, fmt::format("{}: cannot {} ({}).", path, doing, reason), "Check the rights on the file and its folder.");
        case ENOSPC:
        case EDQUOT:
            fail(ErrorCode::resource_limit, fmt::format("{}: cannot {}, no space is left.", path, doing), "Free some space, or write to another disk.");
        case EFBIG:
            fail(ErrorCode::resource_limit, fmt::format("{}: cannot {}, the file would be larger than this disk or a limit allows.", path, doing),
                 "Write to another disk (a memory stick with FAT32 holds files of at most 4 GB), or raise `ulimit -f`.");
        case EMFILE:
        case ENFILE: fail(ErrorCode::resource_limit, fmt::format("{}: cannot {}, too many files are open.", path, doing), "Raise the limit with `ulimit -n`.");
        case EISDIR: invalid_data(fmt::format("{}: cannot {}, it is a folder.", path, doing), "Name a file.");
        default: fail(ErrorCode::internal, fmt::format("{}: cannot {} ({}).", path, doing, reason), "Check the disk.");
    }
}

void assertion_failed(const char* condition, const char* file, int line) {
    const char* base = std::strrchr(file, '/');
    fail(ErrorCode::internal, fmt::format("A check of Morula itself failed: {} ({}:{}).", condition, base != nullptr ? base + 1 : file, line),
         "Please report this with the command you ran.");
}

}  // namespace morula
