// The only door to the HDF5 library: handles that close themselves, one thread in the library at a time, its errors as morula::Error.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace morula::formats::h5 {

/// Held around every call of the library (recursive). Silences the library's own messages for this thread.
class Lock {
public:
    Lock();

private:
    std::unique_lock<std::recursive_mutex> lock_;
};

/// In a forked child: the lock that the parent held over the fork is made anew, since its owner does not exist here.
void renew_lock_after_fork();

/// Owns one HDF5 identifier of any kind.
class Id {
public:
    Id() = default;
    explicit Id(hid_t id) : id_(id) {}
    ~Id() { close(); }
    Id(Id&& other) noexcept : id_(other.id_) { other.id_ = -1; }
    Id& operator=(Id&& other) noexcept;
    operator hid_t() const { return id_; }
    bool valid() const { return id_ >= 0; }

private:
    void close() noexcept;
    hid_t id_ = -1;
};

/// A file open for reading.
struct File {
    std::filesystem::path path;
    std::int64_t size = 0;  // bytes
    Id id;

    /// "pbmc.h5ad, obs/leiden"
    std::string place(std::string_view inside) const;
};
using FilePtr = std::shared_ptr<const File>;

/// True when the file begins like HDF5 (a user block may stand before). Throws not_found, permission.
bool has_signature(const std::filesystem::path& path);

/// Checks signature and end-of-file address before the library sees the file. Throws not_found, permission, invalid_data (empty, not HDF5, ends early,
/// damaged).
FilePtr open_file(const std::filesystem::path& path);

/// An object of a file and where it is, for messages.
struct Object {
    FilePtr file;
    std::string path;  // "obs/leiden"; "" is the root
    Id id;

    std::string place() const { return file->place(path); }
};

enum class Kind { none, group, dataset, other };  // other: named types, links to other files

Object root(const FilePtr& file);
/// Kind of a child; links to other files are never followed.
Kind kind_of(const Object& parent, const std::string& name);
/// Throws invalid_data when the child is missing or cannot be opened.
Object open(const Object& parent, const std::string& name);
/// Names of the children, sorted.
std::vector<std::string> children(const Object& group);

bool has_attribute(const Object& object, const char* name);
/// "" when there is none.
std::string text_attribute(const Object& object, const char* name);
std::vector<std::string> texts_attribute(const Object& object, const char* name);
std::vector<std::int64_t> integers_attribute(const Object& object, const char* name);

enum class TypeClass { integer, real, text, boolean, record, other };
struct DatasetInfo {
    TypeClass type = TypeClass::other;
    std::int64_t type_bytes = 0;
    bool is_signed = false;
    std::vector<std::int64_t> shape;  // empty: a scalar
    std::int64_t n_elements = 1;
};
/// Throws invalid_data when the object is no dataset, keeps its values in other files, or declares more than its stored bytes could ever give.
DatasetInfo dataset_info(const Object& dataset);

/// Whole datasets, any shape, row after row. Numbers are converted by the library.
std::vector<double> read_doubles(const Object& dataset);
std::vector<float> read_floats(const Object& dataset);
/// Throws invalid_data for unsigned values above the range.
std::vector<std::int64_t> read_integers(const Object& dataset);
std::vector<std::uint8_t> read_booleans(const Object& dataset);
/// Variable and fixed length. Throws invalid_data with the row when a text is not UTF-8.
std::vector<std::string> read_texts(const Object& dataset);

/// Throws invalid_data: "PLACE: WHAT." with the library's own reason and the usual next step for a damaged file.
[[noreturn]] void damaged(const std::string& place, const std::string& what);
/// The innermost message on the library's error stack.
std::string library_reason();

}  // namespace morula::formats::h5
