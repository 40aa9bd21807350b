// A value or the reason why there is none, for failures that are ordinary (look up a gene, parse one line).
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace morula {

struct Unexpected {
    std::string reason;
};

template <class T>
class Expected {
public:
    Expected(T value) : state_(std::move(value)) {}
    Expected(Unexpected reason) : state_(std::move(reason)) {}

    bool has_value() const { return std::holds_alternative<T>(state_); }
    explicit operator bool() const { return has_value(); }
    const T& operator*() const { return std::get<T>(state_); }
    T& operator*() { return std::get<T>(state_); }
    const T* operator->() const { return &std::get<T>(state_); }
    const std::string& reason() const { return std::get<Unexpected>(state_).reason; }

private:
    std::variant<T, Unexpected> state_;
};

}  // namespace morula
