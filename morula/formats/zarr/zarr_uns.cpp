#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/formats/zarr/zarr_array.hpp"
#include "morula/formats/zarr/zarr_slots.hpp"

namespace morula::formats {
namespace {

constexpr int kDeepest = 64;                                   // levels of uns
constexpr std::string_view kRecordFields = "record-fields";    // marks a dict that was a record array, with its fields in order

const ZarrAttributes kArray = encoding("array", "0.2.0");
const ZarrAttributes kTexts = encoding("string-array", "0.2.0");
const ZarrAttributes kNumber = encoding("numeric-scalar", "0.2.0");

void write_value(ZarrTreeWriter& tree, const std::string& path, const data::UnsValue& value);

/// Zarr's structured types are not read everywhere, so a record array is a dict of its fields; uns[key]["names"]["0"] works alike in Python.
void write_records(ZarrTreeWriter& tree, const std::string& path, const data::RecordArray& records) {
    ZarrAttributes attributes = encoding("dict", "0.1.0");
    attributes[std::string(kRecordFields)] = records.fields;
    tree.group(path, std::move(attributes));
    for (std::size_t i = 0; i < records.fields.size(); ++i) {
        check_key(path, records.fields[i]);
        const std::string field = path + "/" + records.fields[i];
        const auto& column = records.columns[i];
        if (const auto* floats = std::get_if<std::vector<float>>(&column)) tree.numbers(field, ZarrType::float32, std::span<const float>(*floats), kArray);
        else if (const auto* doubles = std::get_if<std::vector<double>>(&column)) tree.numbers(field, ZarrType::float64, std::span<const double>(*doubles), kArray);
        else tree.texts(field, std::get<std::vector<std::string>>(column), kTexts);
    }
}

struct ValueWriter {
    ZarrTreeWriter& tree;
    const std::string& path;

    void operator()(std::monostate) const { tree.scalar(path, false, encoding("null", "0.1.0")); }
    void operator()(bool v) const { tree.scalar(path, v, kNumber); }
    void operator()(std::int64_t v) const { tree.scalar(path, v, kNumber); }
    void operator()(double v) const { tree.scalar(path, v, kNumber); }
    void operator()(const std::string& v) const { tree.scalar(path, v, encoding("string", "0.2.0")); }
    void operator()(const std::vector<std::int64_t>& v) const { tree.numbers(path, ZarrType::int64, std::span<const std::int64_t>(v), kArray); }
    void operator()(const std::vector<double>& v) const { tree.numbers(path, ZarrType::float64, std::span<const double>(v), kArray); }
    void operator()(const std::vector<std::string>& v) const { tree.texts(path, v, kTexts); }
    void operator()(const matrix::Dense<float>& v) const { write_dense(tree, path, v); }
    void operator()(const data::Categorical& v) const { write_column(tree, path, v); }
    void operator()(const data::RecordArray& v) const { write_records(tree, path, v); }
    void operator()(const data::UnsMap& v) const { write_uns(tree, path, v); }
};

void write_value(ZarrTreeWriter& tree, const std::string& path, const data::UnsValue& value) { std::visit(ValueWriter{tree, path}, value); }

[[noreturn]] void not_read(const std::filesystem::path& folder, std::string_view what) {
    fail(ErrorCode::unsupported, fmt::format("{}: {} has no place here.", folder.string(), what), "It can be left out.");
}

data::UnsValue read_scalar(const ZarrArray& array, Context& context) {
    if (text_attribute(array.meta().attributes, "encoding-type") == "null") return std::monostate{};
    switch (array.meta().type) {
        case ZarrType::text: return array.read_texts(context).at(0);
        case ZarrType::boolean: return array.read_all<std::uint8_t>(context).at(0) != 0;
        case ZarrType::float32:
        case ZarrType::float64: return array.read_all<double>(context).at(0);
        default: return array.read_all<std::int64_t>(context).at(0);
    }
}

data::UnsValue read_array_value(const std::filesystem::path& folder, Context& context) {
    const ZarrArray array(folder);
    if (array.meta().shape.empty()) return read_scalar(array, context);
    if (array.meta().shape.size() == 2) return read_dense(folder, context);
    switch (array.meta().type) {
        case ZarrType::text: return array.read_texts(context);
        case ZarrType::float32:
        case ZarrType::float64: return array.read_all<double>(context);
        default: return array.read_all<std::int64_t>(context);
    }
}

data::RecordArray read_records(const std::filesystem::path& folder, const std::vector<std::string>& fields, Context& context) {
    data::RecordArray records;
    const auto names = child_names(folder);
    for (const std::string& field : fields) {
        if (std::find(names.begin(), names.end(), field) == names.end()) not_read(folder, fmt::format("a record array without its field '{}'", field));
        const ZarrArray array(folder / field);
        if (array.meta().type == ZarrType::text) records.columns.emplace_back(array.read_texts(context));
        else if (array.meta().type == ZarrType::float32) records.columns.emplace_back(array.read_all<float>(context));
        else records.columns.emplace_back(array.read_all<double>(context));
        records.fields.push_back(field);
    }
    return records;
}

data::UnsMap read_map(const std::filesystem::path& folder, int depth, Context& context);

data::UnsValue read_value(const std::filesystem::path& folder, int depth, Context& context) {
    const ZarrNode node = read_zarr_node(folder);
    if (std::holds_alternative<ZarrArrayMeta>(node)) return read_array_value(folder, context);
    const ZarrAttributes& attributes = std::get<ZarrGroupMeta>(node).attributes;
    const std::string type = text_attribute(attributes, "encoding-type");
    if (type == "dict") {
        const auto fields = attributes.find(kRecordFields);
        const auto* names = fields == attributes.end() ? nullptr : std::get_if<std::vector<std::string>>(&fields->second);
        if (names != nullptr) return read_records(folder, *names, context);
        return read_map(folder, depth + 1, context);
    }
    if (type != "categorical" && type != "nullable-string-array") not_read(folder, fmt::format("an element of encoding '{}'", type));
    data::Column column = read_column(folder, -1, context);
    if (auto* categorical = std::get_if<data::Categorical>(&column)) return std::move(*categorical);
    return std::get<std::vector<std::string>>(std::move(column));
}

data::UnsMap read_map(const std::filesystem::path& folder, int depth, Context& context) {
    if (depth > kDeepest) not_read(folder, "an element nested so deeply");
    data::UnsMap map;
    for (const std::string& name : child_names(folder)) {
        try {
            map[name].value = read_value(folder / name, depth, context);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::unsupported) throw;
            map.erase(name);
            context.events().warning("Left out: " + error.message());
        }
    }
    return map;
}

}  // namespace

void write_uns(ZarrTreeWriter& tree, const std::string& path, const data::UnsMap& uns) {
    tree.group(path, encoding("dict", "0.1.0"));
    for (const auto& [name, node] : uns) {
        check_key(path, name);
        write_value(tree, path + "/" + name, node.value);
    }
}

data::UnsMap read_uns(const std::filesystem::path& folder, Context& context) {
    read_zarr_node(folder);  // notices damage
    return read_map(folder, 0, context);
}

void check_key(const std::string& slot, const std::string& name) {
    if (name.find('/') == std::string::npos) return;
    invalid_data(fmt::format("The name '{}' in {} holds a '/', which AnnData does not allow there.", name, slot), "Rename it.");
}

void write_dense(ZarrTreeWriter& tree, const std::string& path, const matrix::Dense<float>& dense) {
    tree.matrix(path, ZarrType::float32, std::span<const float>(dense.values), dense.n_rows, dense.n_cols, kArray);
}

matrix::Dense<float> read_dense(const std::filesystem::path& folder, Context& context) {
    const ZarrNode node = read_zarr_node(folder);
    const auto* meta = std::get_if<ZarrArrayMeta>(&node);
    if (meta == nullptr || meta->shape.size() > 2 || meta->shape.empty() || meta->type == ZarrType::text) not_read(folder, "an element that is no dense matrix of numbers");
    const ZarrArray array(folder);
    matrix::Dense<float> dense;
    dense.values = array.read_all<float>(context);
    dense.n_rows = array.n_rows();
    dense.n_cols = array.n_cols();
    return dense;
}

std::vector<std::string> child_names(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (std::filesystem::exists(entry.path() / "zarr.json")) names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace morula::formats
