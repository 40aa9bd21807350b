#include "morula/formats/hdf5/h5_write.hpp"

#include <algorithm>
#include <array>

#include "morula/core/error.hpp"

namespace morula::formats::h5 {
namespace {

Id simple_space(std::span<const hsize_t> shape) { return Id(checked(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), "a shape")); }

/// Creation properties without times of creation.
Id timeless(hid_t kind) {
    Id properties(checked(H5Pcreate(kind), "properties"));
    H5Pset_obj_track_times(properties, 0);
    return properties;
}

Id make_dataset(hid_t parent, const std::string& name, hid_t type, hid_t space) {
    const Id creation = timeless(H5P_DATASET_CREATE);
    return Id(checked(H5Dcreate2(parent, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), name));
}

void write_array(hid_t parent, const std::string& name, hid_t file_type, hid_t memory_type, const void* values, std::span<const hsize_t> shape) {
    const Lock lock;
    const Id space = simple_space(shape);
    const Id dataset = make_dataset(parent, name, file_type, space);
    if (std::find(shape.begin(), shape.end(), hsize_t{0}) == shape.end()) checked(H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), name);
    set_encoding(dataset, "array", "0.2.0");
}

void write_scalar_of(hid_t parent, const std::string& name, hid_t file_type, hid_t memory_type, const void* value, std::string_view encoding) {
    const Lock lock;
    const Id space(checked(H5Screate(H5S_SCALAR), name));
    const Id dataset = make_dataset(parent, name, file_type, space);
    checked(H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value), name);
    set_encoding(dataset, encoding, "0.2.0");
}

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
    std::vector<const char*> out;
    out.reserve(texts.size());
    for (const std::string& text : texts) out.push_back(text.c_str());
    return out;
}

}  // namespace

hid_t checked(hid_t status, std::string_view what) {
    if (status >= 0) return status;
    fail(ErrorCode::resource_limit, "Writing " + std::string(what) + " failed (" + library_reason() + ").", "Check that the disk has space left.");
}

std::string safe_name(const std::string& name) {
    std::string out = name;
    std::replace(out.begin(), out.end(), '/', '|');
    return out == "." ? "_" : out;
}

Writer::Writer(const std::filesystem::path& path) : path_(path.string()) {
    const Lock lock;
    const Id creation = timeless(H5P_FILE_CREATE);
    const Id access(checked(H5Pcreate(H5P_FILE_ACCESS), path_));
    // Small metadata together at the start of 1 MB blocks: fewer, larger writes.
    H5Pset_meta_block_size(access, hsize_t{1} << 20);
    file_ = Id(checked(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, creation, access), path_));
}

void Writer::close() {
    const Lock lock;
    checked(H5Fflush(file_, H5F_SCOPE_GLOBAL), path_);
    file_ = Id();
}

Id make_group(hid_t parent, const std::string& name, std::string_view encoding, std::string_view version) {
    const Lock lock;
    const Id creation = timeless(H5P_GROUP_CREATE);
    Id group(checked(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, creation, H5P_DEFAULT), name));
    if (!encoding.empty()) set_encoding(group, encoding, version);
    return group;
}

Id text_type() {
    Id type(checked(H5Tcopy(H5T_C_S1), "a text type"));
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

Id boolean_type() {
    Id type(checked(H5Tenum_create(H5T_STD_I8LE), "a boolean type"));
    const std::int8_t no = 0;
    const std::int8_t yes = 1;
    H5Tenum_insert(type, "FALSE", &no);
    H5Tenum_insert(type, "TRUE", &yes);
    return type;
}

void set_attribute(hid_t object, const char* name, std::string_view text) {
    const Lock lock;
    const Id type = text_type();
    const Id space(checked(H5Screate(H5S_SCALAR), name));
    const Id attribute(checked(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), name));
    const std::string owned(text);
    const char* pointer = owned.c_str();
    checked(H5Awrite(attribute, type, &pointer), name);
}

void set_attribute(hid_t object, const char* name, const std::vector<std::string>& texts) {
    const Lock lock;
    const Id type = text_type();
    const std::array<hsize_t, 1> shape{texts.size()};
    const Id space = simple_space(shape);
    const Id attribute(checked(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), name));
    const std::vector<const char*> raw = pointers(texts);
    if (!raw.empty()) checked(H5Awrite(attribute, type, raw.data()), name);
}

void set_attribute(hid_t object, const char* name, std::span<const std::int64_t> numbers) {
    const Lock lock;
    const std::array<hsize_t, 1> shape{numbers.size()};
    const Id space = simple_space(shape);
    const Id attribute(checked(H5Acreate2(object, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT), name));
    checked(H5Awrite(attribute, H5T_NATIVE_INT64, numbers.data()), name);
}

void set_flag(hid_t object, const char* name, bool flag) {
    const Lock lock;
    const Id type = boolean_type();
    const Id space(checked(H5Screate(H5S_SCALAR), name));
    const Id attribute(checked(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), name));
    const std::int8_t value = flag ? 1 : 0;
    checked(H5Awrite(attribute, type, &value), name);
}

void set_encoding(hid_t object, std::string_view encoding, std::string_view version) {
    set_attribute(object, "encoding-type", encoding);
    set_attribute(object, "encoding-version", version);
}

void write_numbers(hid_t parent, const std::string& name, std::span<const double> values, std::span<const hsize_t> shape) {
    write_array(parent, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values.data(), shape);
}
void write_numbers(hid_t parent, const std::string& name, std::span<const float> values, std::span<const hsize_t> shape) {
    write_array(parent, name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, values.data(), shape);
}
void write_numbers(hid_t parent, const std::string& name, std::span<const std::int64_t> values, std::span<const hsize_t> shape) {
    write_array(parent, name, H5T_STD_I64LE, H5T_NATIVE_INT64, values.data(), shape);
}
void write_numbers(hid_t parent, const std::string& name, std::span<const std::int32_t> values, std::span<const hsize_t> shape) {
    write_array(parent, name, H5T_STD_I32LE, H5T_NATIVE_INT32, values.data(), shape);
}

void write_booleans(hid_t parent, const std::string& name, std::span<const std::uint8_t> values) {
    const Lock lock;
    const Id type = boolean_type();
    const std::array<hsize_t, 1> shape{values.size()};
    write_array(parent, name, type, type, values.data(), shape);
}

void write_codes(hid_t parent, const std::string& name, std::span<const std::int32_t> codes, std::int64_t n_categories) {
    const std::array<hsize_t, 1> shape{codes.size()};
    const hid_t type = n_categories <= 127 ? H5T_STD_I8LE : n_categories <= 32767 ? H5T_STD_I16LE : H5T_STD_I32LE;
    write_array(parent, name, type, H5T_NATIVE_INT32, codes.data(), shape);
}

void write_texts(hid_t parent, const std::string& name, const std::vector<std::string>& texts) {
    const Lock lock;
    const Id type = text_type();
    const std::array<hsize_t, 1> shape{texts.size()};
    const Id space = simple_space(shape);
    const Id dataset = make_dataset(parent, name, type, space);
    const std::vector<const char*> raw = pointers(texts);
    if (!raw.empty()) checked(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw.data()), name);
    set_encoding(dataset, "string-array", "0.2.0");
}

void write_scalar(hid_t parent, const std::string& name, double value) { write_scalar_of(parent, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value, "numeric-scalar"); }
void write_scalar(hid_t parent, const std::string& name, std::int64_t value) { write_scalar_of(parent, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value, "numeric-scalar"); }

void write_flag_scalar(hid_t parent, const std::string& name, bool value) {
    const Lock lock;
    const Id type = boolean_type();
    const std::int8_t number = value ? 1 : 0;
    write_scalar_of(parent, name, type, type, &number, "numeric-scalar");
}

void write_scalar(hid_t parent, const std::string& name, std::string_view text) {
    const Lock lock;
    const Id type = text_type();
    const std::string owned(text);
    const char* pointer = owned.c_str();
    write_scalar_of(parent, name, type, type, &pointer, "string");
}

}  // namespace morula::formats::h5
