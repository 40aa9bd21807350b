#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/formats/zarr/zarr_array.hpp"
#include "morula/formats/zarr/zarr_slots.hpp"

namespace morula::formats {
namespace {

[[noreturn]] void damaged(const std::filesystem::path& folder, std::string_view what) {
    invalid_data(fmt::format("{}: {}.", folder.string(), what), "The folder is damaged or was not written by AnnData: write or copy it again.");
}

const ZarrAttributes kArray = encoding("array", "0.2.0");
const ZarrAttributes kTexts = encoding("string-array", "0.2.0");

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

/// pandas stores codes in the smallest signed type.
ZarrType code_type(std::size_t n_categories) {
    if (n_categories <= 127) return ZarrType::int8;
    return n_categories <= 32'767 ? ZarrType::int16 : ZarrType::int32;
}

/// "mask" is true where a value is missing.
template <class T>
void write_nullable(ZarrTreeWriter& tree, const std::string& path, std::string_view type, ZarrType value_type, const std::vector<T>& values, const std::vector<std::uint8_t>& present) {
    std::vector<std::uint8_t> mask(present.size());
    std::transform(present.begin(), present.end(), mask.begin(), [](std::uint8_t is_present) { return static_cast<std::uint8_t>(is_present == 0); });
    tree.group(path, encoding(type, "0.1.0"));
    tree.numbers(path + "/values", value_type, std::span<const T>(values), kArray);
    tree.numbers(path + "/mask", ZarrType::boolean, std::span<const std::uint8_t>(mask), kArray);
}

void write_categorical(ZarrTreeWriter& tree, const std::string& path, const data::Categorical& column) {
    ZarrAttributes attributes = encoding("categorical", "0.2.0");
    attributes["ordered"] = column.ordered;
    tree.group(path, std::move(attributes));
    tree.numbers(path + "/codes", code_type(column.categories.size()), std::span<const std::int32_t>(column.codes), kArray);
    tree.texts(path + "/categories", column.categories, kTexts);
}

std::vector<std::uint8_t> present_of(const std::filesystem::path& folder, std::int64_t n, Context& context) {
    std::vector<std::uint8_t> mask = ZarrArray(folder / "mask").read_all<std::uint8_t>(context);
    if (static_cast<std::int64_t>(mask.size()) != n) damaged(folder, fmt::format("values has {} entries, mask {}", n, mask.size()));
    for (std::uint8_t& byte : mask) byte = static_cast<std::uint8_t>(byte == 0);
    return mask;
}

std::vector<std::string> read_nullable_texts(const std::filesystem::path& folder, Context& context) {
    std::vector<std::string> texts = ZarrArray(folder / "values").read_texts(context);
    const auto present = present_of(folder, static_cast<std::int64_t>(texts.size()), context);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (present[i] == 0) texts[i].clear();
    }
    return texts;
}

data::Column read_array_column(const ZarrArray& array, Context& context) {
    if (array.meta().shape.size() != 1) damaged(array.folder(), "has more than one dimension where a column is expected");
    switch (array.meta().type) {
        case ZarrType::text: return array.read_texts(context);
        case ZarrType::boolean: return data::Booleans{array.read_all<std::uint8_t>(context)};
        case ZarrType::float32: return array.read_all<float>(context);
        case ZarrType::float64: return array.read_all<double>(context);
        default: return array.read_all<std::int64_t>(context);
    }
}

/// Texts of an index or of categories, whatever they are stored as.
std::vector<std::string> read_as_texts(const std::filesystem::path& folder, Context& context) { return data::column_texts(read_column(folder, -1, context)); }

data::Categorical read_categorical(const std::filesystem::path& folder, const ZarrAttributes& attributes, Context& context) {
    data::Categorical column;
    column.codes = ZarrArray(folder / "codes").read_all<std::int32_t>(context);
    column.categories = read_as_texts(folder / "categories", context);
    const auto ordered = attributes.find("ordered");
    if (ordered != attributes.end() && std::holds_alternative<bool>(ordered->second)) column.ordered = std::get<bool>(ordered->second);
    const auto n = static_cast<std::int64_t>(column.categories.size());
    for (const std::int32_t code : column.codes) {
        if (code < -1 || code >= n) damaged(folder, fmt::format("the code {} names none of the {} categories", code, n));
    }
    return column;
}

data::Column read_any_column(const std::filesystem::path& folder, Context& context) {
    const ZarrNode node = read_zarr_node(folder);
    if (std::holds_alternative<ZarrArrayMeta>(node)) return read_array_column(ZarrArray(folder), context);
    const ZarrAttributes& attributes = std::get<ZarrGroupMeta>(node).attributes;
    const std::string type = text_attribute(attributes, "encoding-type");
    if (type == "categorical") return read_categorical(folder, attributes, context);
    if (type == "nullable-string-array") return read_nullable_texts(folder, context);
    if (type == "nullable-integer") {
        data::NullableIntegers column;
        column.values = ZarrArray(folder / "values").read_all<std::int64_t>(context);
        column.present = present_of(folder, static_cast<std::int64_t>(column.values.size()), context);
        return column;
    }
    if (type == "nullable-boolean") {
        data::NullableBooleans column;
        column.values = ZarrArray(folder / "values").read_all<std::uint8_t>(context);
        column.present = present_of(folder, static_cast<std::int64_t>(column.values.size()), context);
        return column;
    }
    fail(ErrorCode::unsupported, fmt::format("{}: a column of encoding '{}' is not read.", folder.string(), type), "Remove the column, or convert it to numbers, texts or categories.");
}

/// The name of the index column on disk; it must differ from every column's.
std::string stored_index_name(const data::Table& table) { return table.index_name.empty() || table.has(table.index_name) ? "_index" : table.index_name; }

/// A path inside the group that cannot lead out of it.
std::filesystem::path inside(const std::filesystem::path& folder, const std::string& name) {
    const std::filesystem::path path(name);
    const bool leads_out = name.empty() || path.is_absolute() || name.find('\0') != std::string::npos || std::any_of(path.begin(), path.end(), [](const auto& part) { return part == ".." || part == "."; });
    if (leads_out) damaged(folder, fmt::format("'{}' is no possible name of a column", name));
    return folder / path;
}

}  // namespace

ZarrAttributes encoding(std::string_view type, std::string_view version) { return {{"encoding-type", std::string(type)}, {"encoding-version", std::string(version)}}; }

std::string encoding_type(const std::filesystem::path& folder) {
    const ZarrNode node = read_zarr_node(folder);
    return std::visit([](const auto& n) { return text_attribute(n.attributes, "encoding-type"); }, node);
}

void write_column(ZarrTreeWriter& tree, const std::string& path, const data::Column& column) {
    std::visit(Overloaded{
                   [&](const std::vector<double>& v) { tree.numbers(path, ZarrType::float64, std::span<const double>(v), kArray); },
                   [&](const std::vector<float>& v) { tree.numbers(path, ZarrType::float32, std::span<const float>(v), kArray); },
                   [&](const std::vector<std::int64_t>& v) { tree.numbers(path, ZarrType::int64, std::span<const std::int64_t>(v), kArray); },
                   [&](const data::Booleans& v) { tree.numbers(path, ZarrType::boolean, std::span<const std::uint8_t>(v.values), kArray); },
                   [&](const std::vector<std::string>& v) { tree.texts(path, v, kTexts); },
                   [&](const data::Categorical& v) { write_categorical(tree, path, v); },
                   [&](const data::NullableIntegers& v) { write_nullable(tree, path, "nullable-integer", ZarrType::int64, v.values, v.present); },
                   [&](const data::NullableBooleans& v) { write_nullable(tree, path, "nullable-boolean", ZarrType::boolean, v.values, v.present); },
               },
               column);
}

data::Column read_column(const std::filesystem::path& folder, std::int64_t n_rows, Context& context) {
    data::Column column = read_any_column(folder, context);
    const std::int64_t n = data::column_size(column);
    if (n_rows >= 0 && n != n_rows) damaged(folder, fmt::format("holds {} values, the table has {} rows", n, n_rows));
    return column;
}

void write_table(ZarrTreeWriter& tree, const std::string& path, const data::Table& table) {
    const std::string index_name = stored_index_name(table);
    ZarrAttributes attributes = encoding("dataframe", "0.2.0");
    attributes["_index"] = index_name;
    attributes["column-order"] = table.names();
    tree.group(path, std::move(attributes));
    tree.texts(path + "/" + index_name, table.index(), kTexts);
    for (const auto& [name, column] : table.columns()) write_column(tree, path + "/" + name, column);
}

data::Table read_table(const std::filesystem::path& folder, const std::function<bool(const std::string&)>& wanted, Context& context) {
    const ZarrNode node = read_zarr_node(folder);
    const auto* group = std::get_if<ZarrGroupMeta>(&node);
    const std::string type = group == nullptr ? "" : text_attribute(group->attributes, "encoding-type");
    if (type != "dataframe") damaged(folder, fmt::format("its encoding-type is '{}' where 'dataframe' is expected", type));
    const std::string index_name = text_attribute(group->attributes, "_index");
    data::Table table(read_as_texts(inside(folder, index_name), context));
    table.index_name = index_name;
    const auto order = group->attributes.find("column-order");
    const auto* names = order == group->attributes.end() ? nullptr : std::get_if<std::vector<std::string>>(&order->second);
    if (names == nullptr) damaged(folder, "its attribute 'column-order' is missing");
    for (const std::string& name : *names) {
        if (wanted(name)) table.set(name, read_column(inside(folder, name), table.n_rows(), context));
    }
    return table;
}

}  // namespace morula::formats
