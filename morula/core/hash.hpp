// Content hashes: XXH3-128 for identity and damage, as 32 hex digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace morula {

class Hasher {
public:
    Hasher();
    ~Hasher();
    Hasher(Hasher&&) noexcept;
    Hasher& operator=(Hasher&&) noexcept;

    void update(std::span<const std::byte> bytes);
    void update(std::string_view text);
    template <class T>
    void update_values(std::span<const T> values) { update(std::as_bytes(values)); }
    /// 32 lower-case hex digits.
    std::string hex() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

std::string hash_hex(std::string_view text);
std::string hash_hex(std::span<const std::byte> bytes);
/// Of all bytes of a file, read piece by piece. Throws as InputFile does.
std::string hash_of_file(const std::filesystem::path& path);

}  // namespace morula
