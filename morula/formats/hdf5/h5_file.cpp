// Opening files: what can be told wrong without the library is told first.
#include <array>
#include <cstring>
#include <new>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"
#include "morula/formats/hdf5/h5.hpp"
#include "morula/formats/hdf5/lzf_filter.hpp"

namespace morula::formats::h5 {

namespace {

std::recursive_mutex& library_mutex() {
    static std::recursive_mutex mutex;
    return mutex;
}

constexpr std::array<unsigned char, 8> kSignature{0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

std::uint64_t little_endian(const unsigned char* bytes, int n) {
    std::uint64_t value = 0;
    for (int i = n - 1; i >= 0; --i) {
        value = (value << 8) | bytes[i];
    }
    return value;
}

// Address of the superblock: 0, 512, 1024, 2048, ... (a user block may stand before it); -1 where there is none.
std::int64_t find_superblock(const InputFile& file) {
    for (std::int64_t at = 0; at + 96 <= file.size() || at == 0; at = at == 0 ? 512 : 2 * at) {
        std::array<unsigned char, 8> bytes{};
        if (file.read_some(at, std::as_writable_bytes(std::span(bytes))) == 8 && bytes == kSignature) {
            return at;
        }
    }
    return -1;
}

// End-of-file address that the superblock declares, from the start of the file; -1 when its version is unknown (HDF5 format specification III, section II.A).
std::int64_t declared_end(const InputFile& file, std::int64_t superblock) {
    std::array<unsigned char, 96> bytes{};
    file.read_some(superblock, std::as_writable_bytes(std::span(bytes)));
    const int version = bytes[8];
    const int offset_bytes = version <= 1 ? bytes[13] : bytes[9];
    if (version > 3 || (offset_bytes != 4 && offset_bytes != 8)) {
        return -1;
    }
    const std::size_t base_at = version == 0 ? 24 : version == 1 ? 28 : 12;
    const std::size_t end_at = base_at + 2 * static_cast<std::size_t>(offset_bytes);
    return static_cast<std::int64_t>(little_endian(bytes.data() + end_at, offset_bytes));
}

void check_superblock(const InputFile& file) {
    const std::string name = file.path().string();
    if (file.size() == 0) {
        invalid_data(name + " is empty.", "Copy or download the file again.");
    }
    const std::int64_t superblock = find_superblock(file);
    if (superblock < 0) {
        invalid_data(name + " is not an HDF5 file: it does not begin with the HDF5 signature.", "Check that this is the right file; an .h5ad or .h5 file is expected.");
    }
    constexpr std::int64_t shortest_superblock = 48;
    if (file.size() < superblock + shortest_superblock) {
        invalid_data(name + ": the file ends early: it holds " + std::to_string(file.size()) + " bytes, less than its own head.", "Copy or download the file again.");
    }
    const std::int64_t end = declared_end(file, superblock);
    if (end > file.size() || end < -1) {
        invalid_data(name + ": the file ends early: it holds " + std::to_string(file.size()) + " bytes, its superblock says " + std::to_string(static_cast<std::uint64_t>(end)) + ".",
                     "Copy or download the file again.");
    }
}

herr_t keep_description(unsigned, const H5E_error2_t* error, void* out) {
    if (error->desc != nullptr) {
        *static_cast<std::string*>(out) = error->desc;
    }
    return 0;
}

}  // namespace

void renew_lock_after_fork() { new (&library_mutex()) std::recursive_mutex(); }

Lock::Lock() : lock_(library_mutex()) {
    // Everything is closed by its owner. The library's own tidying at exit would only meet files whose disk was full, and crash on them.
    [[maybe_unused]] static const herr_t once = H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Id& Id::operator=(Id&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
}

void Id::close() noexcept {
    if (id_ < 0) {
        return;
    }
    const Lock lock;
    H5Idec_ref(id_);
    id_ = -1;
}

std::string library_reason() {
    const Lock lock;
    std::string reason;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_description, &reason);
    return reason;
}

void damaged(const std::string& place, const std::string& what) {
    const std::string reason = library_reason();
    invalid_data(place + ": " + what + (reason.empty() ? "." : " (HDF5 says: " + reason + ")."), "The file may be damaged: copy or download it again.");
}

std::string File::place(std::string_view inside) const { return path.string() + (inside.empty() ? "" : ", " + std::string(inside)); }

bool has_signature(const std::filesystem::path& path) { return find_superblock(InputFile(path)) >= 0; }

FilePtr open_file(const std::filesystem::path& path) {
    const InputFile input(path);
    check_superblock(input);
    auto file = std::make_shared<File>();
    file->path = path;
    file->size = input.size();
    const Lock lock;
    register_lzf();
    const Id access(H5Pcreate(H5P_FILE_ACCESS));
    // Reading needs no lock file; network disks often refuse them.
    H5Pset_file_locking(access, false, true);
    file->id = Id(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access));
    if (!file->id.valid()) {
        damaged(path.string(), "HDF5 cannot open the file");
    }
    return file;
}

}  // namespace morula::formats::h5
