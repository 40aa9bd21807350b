// Groups, links and attributes.
#include <algorithm>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/formats/hdf5/h5.hpp"

namespace morula::formats::h5 {

namespace {

constexpr std::size_t kMostChildren = std::size_t{1} << 20;
constexpr std::int64_t kMostAttributeValues = std::int64_t{1} << 22;

std::string joined(const std::string& parent, const std::string& name) { return parent.empty() ? name : parent + "/" + name; }

herr_t keep_name(hid_t, const char* name, const H5L_info_t*, void* out) {
    auto& names = *static_cast<std::vector<std::string>*>(out);
    names.emplace_back(name);
    return names.size() > kMostChildren ? -1 : 0;
}

struct Attribute {
    Id id;
    Id type;
    std::int64_t n_values = 0;
};

Attribute open_attribute(const Object& object, const char* name) {
    Attribute attribute;
    attribute.id = Id(H5Aopen(object.id, name, H5P_DEFAULT));
    if (!attribute.id.valid()) {
        damaged(object.place(), std::string("the attribute ") + name + " cannot be opened");
    }
    attribute.type = Id(H5Aget_type(attribute.id));
    const Id space(H5Aget_space(attribute.id));
    attribute.n_values = H5Sget_simple_extent_npoints(space);
    if (attribute.n_values < 0 || attribute.n_values > kMostAttributeValues) {
        invalid_data(object.place() + ": the attribute " + name + " declares " + std::to_string(attribute.n_values) + " values.", "The file may be damaged: copy or download it again.");
    }
    return attribute;
}

std::vector<std::string> attribute_texts(const Object& object, const char* name, const Attribute& attribute) {
    std::vector<std::string> texts;
    if (attribute.n_values == 0) {
        return texts;
    }
    if (H5Tget_class(attribute.type) != H5T_STRING) {
        invalid_data(object.place() + ": the attribute " + name + " is not text.", "Save the file again with AnnData 0.8 or newer.");
    }
    const auto n = static_cast<std::size_t>(attribute.n_values);
    const Id type(H5Tcopy(H5T_C_S1));
    H5Tset_cset(type, H5Tget_cset(attribute.type));
    if (H5Tis_variable_str(attribute.type) > 0) {
        H5Tset_size(type, H5T_VARIABLE);
        std::vector<char*> pointers(n, nullptr);
        if (H5Aread(attribute.id, type, pointers.data()) < 0) {
            damaged(object.place(), std::string("the attribute ") + name + " cannot be read");
        }
        for (char* pointer : pointers) {
            texts.emplace_back(pointer == nullptr ? "" : pointer);
            H5free_memory(pointer);
        }
        return texts;
    }
    const std::size_t width = H5Tget_size(attribute.type) + 1;
    H5Tset_size(type, width);
    std::vector<char> bytes(n * width);
    if (H5Aread(attribute.id, type, bytes.data()) < 0) {
        damaged(object.place(), std::string("the attribute ") + name + " cannot be read");
    }
    for (std::size_t i = 0; i < n; ++i) {
        texts.emplace_back(bytes.data() + i * width);
    }
    return texts;
}

}  // namespace

Object root(const FilePtr& file) {
    const Lock lock;
    Object object{file, "", Id(H5Gopen2(file->id, "/", H5P_DEFAULT))};
    if (!object.id.valid()) {
        damaged(file->place(""), "the root group cannot be opened");
    }
    return object;
}

Kind kind_of(const Object& parent, const std::string& name) {
    const Lock lock;
    H5L_info_t link;
    if (H5Lexists(parent.id, name.c_str(), H5P_DEFAULT) <= 0 || H5Lget_info(parent.id, name.c_str(), &link, H5P_DEFAULT) < 0) {
        return Kind::none;
    }
    if (link.type != H5L_TYPE_HARD && link.type != H5L_TYPE_SOFT) {
        return Kind::other;
    }
    H5O_info_t object;
    if (H5Oget_info_by_name2(parent.id, name.c_str(), &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0) {
        return Kind::other;
    }
    return object.type == H5O_TYPE_GROUP ? Kind::group : object.type == H5O_TYPE_DATASET ? Kind::dataset : Kind::other;
}

Object open(const Object& parent, const std::string& name) {
    const Lock lock;
    const Kind kind = kind_of(parent, name);
    if (kind == Kind::none) {
        invalid_data(parent.place() + " has no '" + name + "'.", "The file is incomplete: write it again, or copy it again.");
    }
    if (kind == Kind::other) {
        fail(ErrorCode::unsupported, parent.file->place(joined(parent.path, name)) + " is neither a group nor a data set of this file.", "Save the file again with AnnData.");
    }
    Object object{parent.file, joined(parent.path, name), Id(H5Oopen(parent.id, name.c_str(), H5P_DEFAULT))};
    if (!object.id.valid()) {
        damaged(object.place(), "cannot be opened");
    }
    return object;
}

std::vector<std::string> children(const Object& group) {
    const Lock lock;
    std::vector<std::string> names;
    if (H5Literate(group.id, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, keep_name, &names) < 0) {
        damaged(group.place(), "the names inside cannot be listed");
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool has_attribute(const Object& object, const char* name) {
    const Lock lock;
    return H5Aexists(object.id, name) > 0;
}

std::string text_attribute(const Object& object, const char* name) {
    const std::vector<std::string> texts = texts_attribute(object, name);
    return texts.empty() ? "" : texts.front();
}

std::vector<std::string> texts_attribute(const Object& object, const char* name) {
    const Lock lock;
    if (!has_attribute(object, name)) {
        return {};
    }
    return attribute_texts(object, name, open_attribute(object, name));
}

std::vector<std::int64_t> integers_attribute(const Object& object, const char* name) {
    const Lock lock;
    if (!has_attribute(object, name)) {
        return {};
    }
    const Attribute attribute = open_attribute(object, name);
    std::vector<std::int64_t> values(static_cast<std::size_t>(attribute.n_values));
    const H5T_class_t type_class = H5Tget_class(attribute.type);
    if (type_class != H5T_INTEGER && type_class != H5T_FLOAT && type_class != H5T_ENUM) {
        invalid_data(object.place() + ": the attribute " + name + " is not a number.", "Save the file again with AnnData 0.8 or newer.");
    }
    // Booleans of h5py are enums over int8, which the library does not convert.
    std::vector<std::int8_t> small(values.size());
    const bool is_enum = type_class == H5T_ENUM;
    if (is_enum && H5Tget_size(attribute.type) != 1) {
        invalid_data(object.place() + ": the attribute " + name + " is not a number.", "Save the file again with AnnData 0.8 or newer.");
    }
    const herr_t status = is_enum ? H5Aread(attribute.id, attribute.type, small.data()) : H5Aread(attribute.id, H5T_NATIVE_INT64, values.data());
    if (status < 0) {
        damaged(object.place(), std::string("the attribute ") + name + " cannot be read");
    }
    if (is_enum) {
        std::copy(small.begin(), small.end(), values.begin());
    }
    return values;
}

}  // namespace morula::formats::h5
