// Writing the pieces of an AnnData file: groups, arrays, texts, scalars, each with its encoding attributes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morula/formats/hdf5/h5.hpp"

namespace morula::formats::h5 {

/// A file being written; nothing in it depends on the clock, so equal content gives equal bytes.
class Writer {
public:
    explicit Writer(const std::filesystem::path& path);
    hid_t root() const { return file_; }
    /// Flushes and closes; throws when the disk is full.
    void close();

private:
    std::string path_;
    Id file_;
};

Id make_group(hid_t parent, const std::string& name, std::string_view encoding, std::string_view version);

void set_attribute(hid_t object, const char* name, std::string_view text);
void set_attribute(hid_t object, const char* name, const std::vector<std::string>& texts);
void set_attribute(hid_t object, const char* name, std::span<const std::int64_t> numbers);
void set_flag(hid_t object, const char* name, bool flag);
void set_encoding(hid_t object, std::string_view encoding, std::string_view version);

/// One- or two-dimensional arrays (shape); encoding "array".
void write_numbers(hid_t parent, const std::string& name, std::span<const double> values, std::span<const hsize_t> shape);
void write_numbers(hid_t parent, const std::string& name, std::span<const float> values, std::span<const hsize_t> shape);
void write_numbers(hid_t parent, const std::string& name, std::span<const std::int64_t> values, std::span<const hsize_t> shape);
void write_numbers(hid_t parent, const std::string& name, std::span<const std::int32_t> values, std::span<const hsize_t> shape);
/// As h5py writes them: an enumeration of FALSE and TRUE.
void write_booleans(hid_t parent, const std::string& name, std::span<const std::uint8_t> values);
/// Codes in the smallest signed type that holds n_categories.
void write_codes(hid_t parent, const std::string& name, std::span<const std::int32_t> codes, std::int64_t n_categories);
/// Variable length, UTF-8; encoding "string-array".
void write_texts(hid_t parent, const std::string& name, const std::vector<std::string>& texts);

void write_scalar(hid_t parent, const std::string& name, double value);
void write_scalar(hid_t parent, const std::string& name, std::int64_t value);
void write_flag_scalar(hid_t parent, const std::string& name, bool value);
void write_scalar(hid_t parent, const std::string& name, std::string_view text);

/// A type of variable-length UTF-8 text.
Id text_type();
/// What h5py makes of numpy booleans.
Id boolean_type();
/// Throws when a call of the library failed; says what was being written.
hid_t checked(hid_t status, std::string_view what);
/// Names may not hold '/', which would make a group: it becomes '|'.
std::string safe_name(const std::string& name);

}  // namespace morula::formats::h5
