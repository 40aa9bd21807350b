// Whole small data sets: columns, names, dense embeddings.
#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/formats/hdf5/h5.hpp"
#include "morula/formats/text/text_stream.hpp"

namespace morula::formats::h5 {

namespace {

// What the filters of a chunk can gain at most (deflate: 1,032), and what may be declared without any stored byte (fill values).
constexpr std::int64_t kLargestGain = 2048;
constexpr std::int64_t kFreeBytes = std::int64_t{16} << 20;

TypeClass class_of(hid_t type) {
    switch (H5Tget_class(type)) {
        case H5T_INTEGER:
            return TypeClass::integer;
        case H5T_FLOAT:
            return TypeClass::real;
        case H5T_STRING:
            return TypeClass::text;
        case H5T_COMPOUND:
            return TypeClass::record;
        case H5T_ENUM: {
            // h5py's bool: {FALSE = 0, TRUE = 1} over one byte.
            return H5Tget_nmembers(type) == 2 && H5Tget_size(type) == 1 ? TypeClass::boolean : TypeClass::other;
        }
        default:
            return TypeClass::other;
    }
}

void check_storage(const Object& dataset, const DatasetInfo& info, hid_t creation) {
    const H5D_layout_t layout = H5Pget_layout(creation);
    if (H5Pget_external_count(creation) > 0 || layout == H5D_VIRTUAL) {
        fail(ErrorCode::unsupported, dataset.place() + " keeps its values in other files.", "Save it as one file with AnnData.");
    }
    const auto stored = static_cast<std::int64_t>(H5Dget_storage_size(dataset.id));
    std::int64_t needed = 0;
    const bool overflow = __builtin_mul_overflow(info.n_elements, info.type_bytes, &needed);
    const bool too_much_stored = stored < 0 || stored > dataset.file->size;
    if (overflow || too_much_stored || needed > kFreeBytes + std::min(stored, dataset.file->size) * kLargestGain) {
        invalid_data(dataset.place() + " declares " + std::to_string(info.n_elements) + " values, more than the " + std::to_string(stored) + " bytes stored for it can hold.",
                     "The file may be damaged: copy or download it again.");
    }
}

template <class T>
std::vector<T> read_as(const Object& dataset, hid_t memory_type) {
    const Lock lock;
    const DatasetInfo info = dataset_info(dataset);
    std::vector<T> values(static_cast<std::size_t>(info.n_elements));
    if (!values.empty() && H5Dread(dataset.id, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
        damaged(dataset.place(), "the values cannot be read");
    }
    return values;
}

// Booleans and other small enums as their numbers.
std::vector<std::uint8_t> read_enum(const Object& dataset, const DatasetInfo& info) {
    std::vector<std::uint8_t> values(static_cast<std::size_t>(info.n_elements));
    const Id type(H5Dget_type(dataset.id));
    if (!values.empty() && H5Dread(dataset.id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
        damaged(dataset.place(), "the values cannot be read");
    }
    for (std::uint8_t& value : values) {
        value = value != 0 ? 1 : 0;
    }
    return values;
}

[[noreturn]] void wrong_type(const Object& dataset, const char* wanted) {
    invalid_data(dataset.place() + " does not hold " + wanted + ".", "Save the file again with AnnData 0.8 or newer.");
}

void check_utf8(const Object& dataset, const std::vector<std::string>& texts) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const std::size_t bad = find_invalid_utf8(texts[i]);
        if (bad != std::string::npos) {
            invalid_data(dataset.place() + ", row " + std::to_string(i + 1) + ": byte " + std::to_string(bad + 1) + " of the text is not valid UTF-8.",
                         "Write the names as UTF-8 and save the file again.");
        }
    }
}

std::vector<std::string> read_variable_texts(const Object& dataset, const DatasetInfo& info, hid_t file_type) {
    const auto n = static_cast<std::size_t>(info.n_elements);
    std::vector<char*> pointers(n, nullptr);
    const Id type(H5Tcopy(H5T_C_S1));
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5Tget_cset(file_type));
    const herr_t status = n == 0 ? 0 : H5Dread(dataset.id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data());
    std::vector<std::string> texts;
    if (status >= 0) {
        texts.reserve(n);
        for (const char* pointer : pointers) {
            texts.emplace_back(pointer == nullptr ? "" : pointer);
        }
    } else {
        damaged(dataset.place(), "the texts cannot be read");
    }
    const Id space(H5Dget_space(dataset.id));
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, pointers.data());
    return texts;
}

std::vector<std::string> read_fixed_texts(const Object& dataset, const DatasetInfo& info, hid_t file_type) {
    const auto n = static_cast<std::size_t>(info.n_elements);
    const auto width = static_cast<std::size_t>(info.type_bytes);
    std::vector<char> bytes(n * width);
    if (n > 0 && H5Dread(dataset.id, file_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0) {
        damaged(dataset.place(), "the texts cannot be read");
    }
    const bool space_padded = H5Tget_strpad(file_type) == H5T_STR_SPACEPAD;
    std::vector<std::string> texts;
    texts.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
        std::string_view text(bytes.data() + i * width, width);
        text = text.substr(0, text.find('\0'));
        while (space_padded && !text.empty() && text.back() == ' ') {
            text.remove_suffix(1);
        }
        texts.emplace_back(text);
    }
    return texts;
}

}  // namespace

DatasetInfo dataset_info(const Object& dataset) {
    const Lock lock;
    if (H5Iget_type(dataset.id) != H5I_DATASET) {
        invalid_data(dataset.place() + " is a group, where a data set is expected.", "Save the file again with AnnData 0.8 or newer.");
    }
    const Id type(H5Dget_type(dataset.id));
    const Id space(H5Dget_space(dataset.id));
    const Id creation(H5Dget_create_plist(dataset.id));
    if (!type.valid() || !space.valid() || !creation.valid()) {
        damaged(dataset.place(), "type and shape cannot be read");
    }
    DatasetInfo info;
    info.type = class_of(type);
    info.type_bytes = static_cast<std::int64_t>(H5Tget_size(type));
    info.is_signed = info.type == TypeClass::integer && H5Tget_sign(type) == H5T_SGN_2;
    if (H5Sget_simple_extent_type(space) == H5S_NULL) {
        info.shape = {0};
        info.n_elements = 0;
        return info;
    }
    const int rank = H5Sget_simple_extent_ndims(space);
    std::vector<hsize_t> shape(static_cast<std::size_t>(std::max(rank, 0)));
    H5Sget_simple_extent_dims(space, shape.data(), nullptr);
    for (const hsize_t extent : shape) {
        info.shape.push_back(static_cast<std::int64_t>(extent));
        if (extent > static_cast<hsize_t>(std::numeric_limits<std::int64_t>::max()) ||
            __builtin_mul_overflow(info.n_elements, static_cast<std::int64_t>(extent), &info.n_elements)) {
            invalid_data(dataset.place() + " declares an impossible shape.", "The file may be damaged: copy or download it again.");
        }
    }
    check_storage(dataset, info, creation);
    return info;
}

std::vector<double> read_doubles(const Object& dataset) {
    const Lock lock;
    const DatasetInfo info = dataset_info(dataset);
    if (info.type == TypeClass::boolean) {
        const std::vector<std::uint8_t> values = read_enum(dataset, info);
        return {values.begin(), values.end()};
    }
    if (info.type != TypeClass::integer && info.type != TypeClass::real) {
        wrong_type(dataset, "numbers");
    }
    return read_as<double>(dataset, H5T_NATIVE_DOUBLE);
}

std::vector<float> read_floats(const Object& dataset) {
    const Lock lock;
    const DatasetInfo info = dataset_info(dataset);
    if (info.type != TypeClass::integer && info.type != TypeClass::real) {
        wrong_type(dataset, "numbers");
    }
    return read_as<float>(dataset, H5T_NATIVE_FLOAT);
}

std::vector<std::int64_t> read_integers(const Object& dataset) {
    const Lock lock;
    const DatasetInfo info = dataset_info(dataset);
    if (info.type == TypeClass::boolean) {
        const std::vector<std::uint8_t> values = read_enum(dataset, info);
        return {values.begin(), values.end()};
    }
    if (info.type != TypeClass::integer) {
        wrong_type(dataset, "integers");
    }
    if (info.type_bytes < 8 || info.is_signed) {
        return read_as<std::int64_t>(dataset, H5T_NATIVE_INT64);
    }
    const std::vector<std::uint64_t> values = read_as<std::uint64_t>(dataset, H5T_NATIVE_UINT64);
    const auto too_large = std::find_if(values.begin(), values.end(), [](std::uint64_t v) { return v > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()); });
    if (too_large != values.end()) {
        invalid_data(dataset.place() + ", row " + std::to_string(too_large - values.begin() + 1) + " holds " + std::to_string(*too_large) + ", which is above 2^63.",
                     "Store the column as text or float64.");
    }
    return {values.begin(), values.end()};
}

std::vector<std::uint8_t> read_booleans(const Object& dataset) {
    const Lock lock;
    const DatasetInfo info = dataset_info(dataset);
    if (info.type == TypeClass::boolean) {
        return read_enum(dataset, info);
    }
    if (info.type != TypeClass::integer) {
        wrong_type(dataset, "true or false");
    }
    std::vector<std::uint8_t> values = read_as<std::uint8_t>(dataset, H5T_NATIVE_UINT8);
    for (std::uint8_t& value : values) {
        value = value != 0 ? 1 : 0;
    }
    return values;
}

std::vector<std::string> read_texts(const Object& dataset) {
    const Lock lock;
    const DatasetInfo info = dataset_info(dataset);
    if (info.type != TypeClass::text) {
        wrong_type(dataset, "text");
    }
    const Id type(H5Dget_type(dataset.id));
    std::vector<std::string> texts = H5Tis_variable_str(type) > 0 ? read_variable_texts(dataset, info, type) : read_fixed_texts(dataset, info, type);
    check_utf8(dataset, texts);
    return texts;
}

}  // namespace morula::formats::h5
