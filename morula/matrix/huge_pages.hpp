// Asks the system for 2 MiB pages behind large arrays: fresh memory is ready sooner, and scattered writes miss fewer address translations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <type_traits>
#include <vector>

namespace morula::matrix {

/// A hint for the memory of [begin, begin + bytes) that changes no content; does nothing below 4 MiB or where the system has no such pages.
void prefer_huge_pages(void* begin, std::size_t bytes);

/// reserve() with the hint, before the memory is touched.
template <class T>
void reserve_large(std::vector<T>& values, std::int64_t size) {
    if (values.capacity() >= static_cast<std::size_t>(size)) return;
    values.reserve(static_cast<std::size_t>(size));
    prefer_huge_pages(values.data(), values.capacity() * sizeof(T));
}

/// Memory taken in large pieces, with the hint, and handed out in small ones; all of it is freed, or serves again, together. Any number of tasks may take.
class HugeArena {
public:
    /// Room for n elements of any content.
    template <class T>
    std::span<T> take(std::int64_t n) {
        static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kAlign);
        return {reinterpret_cast<T*>(take_bytes(static_cast<std::size_t>(n) * sizeof(T))), static_cast<std::size_t>(n)};
    }
    /// What was handed out ends; its memory serves again. While no task takes.
    void reuse();
    /// As far as it was ever handed out, with what was left at the ends of pieces: the rest is not touched.
    std::int64_t bytes() const;

private:
    struct Piece {
        std::unique_ptr<std::byte[]> memory;
        std::size_t size;
    };
    static constexpr std::size_t kAlign = 64;
    static constexpr std::size_t kLeast = std::size_t{1} << 20;
    static constexpr std::size_t kMost = std::size_t{32} << 20;
    std::byte* take_bytes(std::size_t n);
    void open_piece(std::size_t n);

    std::mutex mutex_;
    std::vector<Piece> pieces_;
    std::size_t n_open_ = 0;   // pieces in use, the last of them with room
    std::size_t taken_ = 0;    // bytes of all pieces
    std::size_t opened_ = 0;   // bytes of those in use
    std::size_t left_ = 0;     // of the last in use
    std::size_t touched_ = 0;  // the most that was in use before reuse()
    std::byte* next_ = nullptr;
};

}  // namespace morula::matrix
