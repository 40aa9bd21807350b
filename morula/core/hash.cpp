#include "morula/core/hash.hpp"

#include <fmt/format.h>
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>  // the same hashes by the widest vectors that this processor has
#else
#include <xxhash.h>
#endif

#include <vector>

#include "morula/core/file.hpp"

namespace morula {

struct Hasher::State {
    XXH3_state_t* xxh = XXH3_createState();
    State() { XXH3_128bits_reset(xxh); }
    ~State() { XXH3_freeState(xxh); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

Hasher::Hasher() : state_(std::make_unique<State>()) {}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(std::span<const std::byte> bytes) { XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size()); }
void Hasher::update(std::string_view text) { XXH3_128bits_update(state_->xxh, text.data(), text.size()); }

std::string Hasher::hex() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh);
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string hash_hex(std::string_view text) {
    Hasher hasher;
    hasher.update(text);
    return hasher.hex();
}

std::string hash_hex(std::span<const std::byte> bytes) {
    Hasher hasher;
    hasher.update(bytes);
    return hasher.hex();
}

std::string hash_of_file(const std::filesystem::path& path) {
    const InputFile file(path);
    Hasher hasher;
    std::vector<std::byte> piece(std::size_t{1} << 20);
    for (std::int64_t offset = 0;;) {
        const std::int64_t n = file.read_some(offset, piece);
        if (n == 0) return hasher.hex();
        hasher.update(std::span<const std::byte>(piece).first(static_cast<std::size_t>(n)));
        offset += n;
    }
}

}  // namespace morula
