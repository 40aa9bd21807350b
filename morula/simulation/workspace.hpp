// Memory that the parts of a step use one after the other, so that none of them keeps its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <tuple>
#include <type_traits>

namespace morula::simulation {

/// Lends one block of memory, which grows with what is asked for and is given back at the end. Sorting agents, sums over voxels and the records of mechanics need tens of bytes an agent each,
/// and never at the same time.
class Workspace {
public:
    /// Arrays of n values each, one behind the other, each from a cache line on; they hold whatever was left there. They end with the next call of lend().
    template <class... T, class... N>
    std::tuple<std::span<T>...> lend(N... n) {
        static_assert(sizeof...(T) == sizeof...(N) && (std::is_trivially_copyable_v<T> && ...));
        reserve((bytes_for<T>(static_cast<std::size_t>(n)) + ...));
        std::byte* at = block_.get();
        return {take<T>(at, static_cast<std::size_t>(n))...};
    }
    std::int64_t bytes() const { return static_cast<std::int64_t>(capacity_); }

private:
    static constexpr std::size_t kLine = 64;
    struct Release {
        void operator()(std::byte* block) const { ::operator delete(block, std::align_val_t(kLine)); }
    };

    template <class T>
    static constexpr std::size_t bytes_for(std::size_t n) {
        return (n * sizeof(T) + kLine - 1) / kLine * kLine;
    }
    template <class T>
    static std::span<T> take(std::byte*& at, std::size_t n) {
        static_assert(alignof(T) <= kLine);
        T* const begin = reinterpret_cast<T*>(at);
        at += bytes_for<T>(n);
        return {begin, n};
    }
    /// Room for a sixty-fourth more, as arrays over agents have.
    void reserve(std::size_t bytes);

    std::unique_ptr<std::byte, Release> block_;
    std::size_t capacity_ = 0;
};

}  // namespace morula::simulation
