// The bytes of a saved simulation: values one behind the other, under a name, a version and a hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace morula::simulation {

class StateWriter {
public:
    template <class T>
    void put(const T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
    }
    template <class T>
    void put(const std::vector<T>& values) {
        static_assert(std::is_trivially_copyable_v<T>);
        put(static_cast<std::int64_t>(values.size()));
        bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    }
    void put_text(std::string_view text);
    /// Writes the file, whole or not at all.
    void save(const std::filesystem::path& path) const;

private:
    std::string bytes_;
};

/// Reads what StateWriter wrote, in the same order. Every call throws invalid_data where the file ends early.
class StateReader {
public:
    /// Throws not_found, or invalid_data for a file that is no state, of another version, or damaged.
    explicit StateReader(const std::filesystem::path& path);

    template <class T>
    void get(T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        std::memcpy(&value, take(sizeof(T)), sizeof(T));
    }
    template <class T>
    void get(std::vector<T>& values) {
        std::int64_t size = 0;
        get(size);
        require_room(size, sizeof(T));
        values.resize(static_cast<std::size_t>(size));
        if (size > 0) std::memcpy(values.data(), take(values.size() * sizeof(T)), values.size() * sizeof(T));
    }
    std::string get_text();
    bool at_end() const { return at_ == bytes_.size(); }
    [[noreturn]] void damaged(std::string_view what) const;
    const std::filesystem::path& path() const { return path_; }

private:
    const char* take(std::size_t size);
    void require_room(std::int64_t count, std::size_t size) const;

    std::filesystem::path path_;
    std::string bytes_;
    std::size_t at_ = 0;
};

}  // namespace morula::simulation
