// The tree of uns.
#include <cstring>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/formats/hdf5/h5ad_values.hpp"

namespace morula::formats::h5 {

namespace {

constexpr int kDeepest = 32;
constexpr std::int64_t kMostNodes = 100000;

struct Walk {
    Omissions& omissions;
    std::int64_t nodes = 0;
};

// One field of a record array, read alone: the library picks it out by its name.
std::vector<std::string> read_text_field(const Object& dataset, const std::string& name, hid_t field_type, std::size_t n) {
    const bool variable = H5Tis_variable_str(field_type) > 0;
    const std::size_t width = variable ? sizeof(char*) : H5Tget_size(field_type);
    const Id memory(H5Tcreate(H5T_COMPOUND, width));
    H5Tinsert(memory, name.c_str(), 0, field_type);
    std::vector<char> bytes(n * width);
    if (n > 0 && H5Dread(dataset.id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0) {
        damaged(dataset.place(), "the field " + name + " cannot be read");
    }
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < n; ++i) {
        if (variable) {
            const char* text = nullptr;
            std::memcpy(&text, bytes.data() + i * width, sizeof(text));
            texts.emplace_back(text == nullptr ? "" : text);
        } else {
            const std::string_view text(bytes.data() + i * width, width);
            texts.emplace_back(text.substr(0, text.find('\0')));
        }
    }
    if (variable) {
        const Id space(H5Dget_space(dataset.id));
        H5Dvlen_reclaim(memory, space, H5P_DEFAULT, bytes.data());
    }
    return texts;
}

template <class T>
std::vector<T> read_number_field(const Object& dataset, const std::string& name, hid_t memory_type, std::size_t n) {
    const Id memory(H5Tcreate(H5T_COMPOUND, sizeof(T)));
    H5Tinsert(memory, name.c_str(), 0, memory_type);
    std::vector<T> values(n);
    if (n > 0 && H5Dread(dataset.id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
        damaged(dataset.place(), "the field " + name + " cannot be read");
    }
    return values;
}

// False when a field is neither number nor text.
bool read_records(const Object& dataset, std::size_t n, data::RecordArray& records) {
    const Lock lock;
    const Id type(H5Dget_type(dataset.id));
    const int n_fields = H5Tget_nmembers(type);
    for (int i = 0; i < n_fields; ++i) {
        char* raw_name = H5Tget_member_name(type, static_cast<unsigned>(i));
        const std::string name = raw_name == nullptr ? "" : raw_name;
        H5free_memory(raw_name);
        const Id field(H5Tget_member_type(type, static_cast<unsigned>(i)));
        const H5T_class_t field_class = H5Tget_class(field);
        records.fields.push_back(name);
        if (field_class == H5T_STRING) {
            records.columns.emplace_back(read_text_field(dataset, name, field, n));
        } else if (field_class == H5T_FLOAT && H5Tget_size(field) == 4) {
            records.columns.emplace_back(read_number_field<float>(dataset, name, H5T_NATIVE_FLOAT, n));
        } else if (field_class == H5T_FLOAT || field_class == H5T_INTEGER) {
            records.columns.emplace_back(read_number_field<double>(dataset, name, H5T_NATIVE_DOUBLE, n));
        } else {
            return false;
        }
    }
    return true;
}

data::Uns read_scalar(const Object& dataset, const DatasetInfo& info) {
    switch (info.type) {
        case TypeClass::text:
            return {read_texts(dataset).front()};
        case TypeClass::boolean:
            return {read_booleans(dataset).front() != 0};
        case TypeClass::integer:
            return {read_integers(dataset).front()};
        default:
            return {read_doubles(dataset).front()};
    }
}

data::Uns read_list(const Object& dataset, const DatasetInfo& info) {
    switch (info.type) {
        case TypeClass::text:
            return {read_texts(dataset)};
        case TypeClass::boolean:
        case TypeClass::integer:
            return {read_integers(dataset)};
        default:
            return {read_doubles(dataset)};
    }
}

std::optional<data::Uns> read_dataset(const Object& dataset, Walk& walk) {
    const std::string encoding = text_attribute(dataset, "encoding-type");
    if (encoding == "null") {
        return data::Uns{};
    }
    const DatasetInfo info = dataset_info(dataset);
    const bool simple = info.type == TypeClass::text || info.type == TypeClass::integer || info.type == TypeClass::real || info.type == TypeClass::boolean;
    if (simple && info.shape.empty()) {
        return read_scalar(dataset, info);
    }
    if (simple && info.shape.size() == 1) {
        return read_list(dataset, info);
    }
    if (info.shape.size() == 2 && (info.type == TypeClass::real || info.type == TypeClass::integer)) {
        matrix::Dense<float> dense;
        dense.n_rows = info.shape[0];
        dense.n_cols = info.shape[1];
        dense.values = read_floats(dataset);
        return data::Uns{std::move(dense)};
    }
    data::RecordArray records;
    if (info.type == TypeClass::record && info.shape.size() == 1 && read_records(dataset, static_cast<std::size_t>(info.n_elements), records)) {
        return data::Uns{std::move(records)};
    }
    walk.omissions.add(dataset.path, info.shape.size() > 2 ? std::to_string(info.shape.size()) + "-dimensional array" : encoding.empty() ? "unknown type" : encoding);
    return std::nullopt;
}

std::optional<data::Uns> read_node(const Object& parent, const std::string& name, int depth, Walk& walk);

data::UnsMap read_map(const Object& group, int depth, Walk& walk) {
    if (depth > kDeepest) {
        invalid_data(group.place() + " lies more than " + std::to_string(kDeepest) + " groups deep; its links may run in a circle.", "Save the file again without this part of uns.");
    }
    data::UnsMap map;
    for (const std::string& name : children(group)) {
        if (std::optional<data::Uns> node = read_node(group, name, depth, walk)) {
            map.emplace(name, std::move(*node));
        }
    }
    return map;
}

std::optional<data::Uns> read_node(const Object& parent, const std::string& name, int depth, Walk& walk) {
    if (++walk.nodes > kMostNodes) {
        invalid_data(parent.place() + ": uns holds more than " + std::to_string(kMostNodes) + " parts; its links may run in a circle.", "Save the file again with a smaller uns.");
    }
    const Kind kind = kind_of(parent, name);
    if (kind != Kind::group && kind != Kind::dataset) {
        walk.omissions.add(parent.path + "/" + name, "link");
        return std::nullopt;
    }
    const Object object = open(parent, name);
    if (kind == Kind::dataset) {
        return read_dataset(object, walk);
    }
    const std::string encoding = text_attribute(object, "encoding-type");
    if (encoding == "categorical") {
        std::optional<data::Column> column = read_column(parent, name);
        return data::Uns{std::get<data::Categorical>(std::move(*column))};
    }
    const bool plain = (encoding.empty() && !has_attribute(object, "h5sparse_format")) || encoding == "dict";
    if (!plain) {
        walk.omissions.add(object.path, encoding.empty() ? "sparse matrix" : encoding);
        return std::nullopt;
    }
    return data::Uns{read_map(object, depth + 1, walk)};
}

}  // namespace

data::UnsMap read_uns(const Object& group, Omissions& omissions) {
    Walk walk{omissions, 0};
    return read_map(group, 0, walk);
}

}  // namespace morula::formats::h5
