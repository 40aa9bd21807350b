// The one error type: what is wrong, where, and what to do next; exit and HTTP status follow from its code.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace morula {

enum class ErrorCode { internal, invalid_data, not_found, permission, resource_limit, unsupported, usage, cancelled };

/// Name as printed in JSON, for instance "invalid_data".
std::string_view error_code_name(ErrorCode code);
/// Process exit status: internal 1, invalid_data 2, not_found 3, permission 4, resource_limit 5, unsupported 6, usage 64, cancelled 130.
int exit_status(ErrorCode code);
/// HTTP status: 500, 422, 404, 403, 507, 501, 400, 409.
int http_status(ErrorCode code);

/// Thrown when an operation cannot give what was asked.
/// message: one sentence with the file and place. next: what the user can do, an imperative sentence; may be empty.
class Error : public std::exception {
public:
    Error(ErrorCode code, std::string message, std::string next);

    ErrorCode code() const noexcept { return code_; }
    const std::string& message() const noexcept { return message_; }
    const std::string& next() const noexcept { return next_; }
    /// "message Next: next"
    const char* what() const noexcept override { return text_.c_str(); }

private:
    ErrorCode code_;
    std::string message_;
    std::string next_;
    std::string text_;
};

[[noreturn]] void fail(ErrorCode code, std::string message, std::string next);
[[noreturn]] void invalid_data(std::string message, std::string next);

/// An Error from errno for a system call on a path: not_found, permission, resource_limit (no space) or internal.
[[noreturn]] void fail_from_errno(int error_number, std::string_view doing, std::string_view path);

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace morula

/// For our own bugs only; user data never reaches it. Throws an internal Error.
#define MORULA_ASSERT(condition) \
    ((condition) ? static_cast<void>(0) : ::morula::assertion_failed(#condition, __FILE__, __LINE__))
