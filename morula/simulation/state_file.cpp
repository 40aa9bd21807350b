#include "morula/simulation/state_file.hpp"

#include <fmt/format.h>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/core/hash.hpp"

namespace morula::simulation {
namespace {

// A reader of another version must not guess: whoever changes what is written, or the bits of a step from there on, raises the number.
constexpr std::string_view kHeader = "morula simulation state 5\n";
constexpr std::size_t kHashDigits = 32;

}  // namespace

void StateWriter::put_text(std::string_view text) {
    put(static_cast<std::int64_t>(text.size()));
    bytes_.append(text);
}

void StateWriter::save(const std::filesystem::path& path) const {
    AtomicFile file(path);
    file.write(kHeader);
    file.write(hash_hex(bytes_));
    file.write(bytes_);
    file.commit();
}

StateReader::StateReader(const std::filesystem::path& path) : path_(path) {
    bytes_ = read_text_file(path, InputFile(path).size());
    const std::string_view start = kHeader.substr(0, kHeader.rfind(' '));
    if (!bytes_.starts_with(start)) {
        invalid_data(fmt::format("{} is no saved simulation.", path.string()), "Give a file that a simulation has saved.");
    }
    if (!bytes_.starts_with(kHeader)) {
        invalid_data(fmt::format("{} was saved by another version of Morula.", path.string()), "Run the scenario from its start, or resume it with the version that saved it.");
    }
    if (bytes_.size() < kHeader.size() + kHashDigits) damaged("it ends early");
    at_ = kHeader.size() + kHashDigits;
    if (hash_hex(std::string_view(bytes_).substr(at_)) != std::string_view(bytes_).substr(kHeader.size(), kHashDigits)) damaged("its hash is not that of its content");
}

std::string StateReader::get_text() {
    std::int64_t size = 0;
    get(size);
    require_room(size, 1);
    return {take(static_cast<std::size_t>(size)), static_cast<std::size_t>(size)};
}

void StateReader::damaged(std::string_view what) const {
    invalid_data(fmt::format("{} is damaged: {}.", path_.string(), what), "Resume from an earlier state, or run the scenario from its start.");
}

const char* StateReader::take(std::size_t size) {
    if (bytes_.size() - at_ < size) damaged("it ends early");
    const char* begin = bytes_.data() + at_;
    at_ += size;
    return begin;
}

void StateReader::require_room(std::int64_t count, std::size_t size) const {
    if (count < 0 || static_cast<std::size_t>(count) > (bytes_.size() - at_) / size) damaged("it ends early");
}

}  // namespace morula::simulation
