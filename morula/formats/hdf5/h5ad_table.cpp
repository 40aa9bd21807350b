// obs and var.
#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/formats/hdf5/h5ad_values.hpp"
#include "morula/formats/text/csv_writer.hpp"

namespace morula::formats::h5 {

namespace {

std::string index_of(const Object& table) {
    const std::string name = text_attribute(table, "_index");
    if (!name.empty()) {
        return name;
    }
    for (const char* usual : {"_index", "index"}) {
        if (kind_of(table, usual) != Kind::none) {
            return usual;
        }
    }
    invalid_data(table.place() + " does not say which column holds the names.", "Save the file again with AnnData 0.8 or newer.");
}

void check_is_table(const Object& object) {
    const Lock lock;
    if (H5Iget_type(object.id) == H5I_DATASET) {
        fail(ErrorCode::unsupported, object.place() + " is written as AnnData 0.6 and older did.", "Open the file in Python with anndata.read_h5ad and save it with write_h5ad.");
    }
}

// Values of any simple data set as texts: categories may be numbers or booleans.
std::vector<std::string> read_as_texts(const Object& dataset) {
    const DatasetInfo info = dataset_info(dataset);
    std::vector<std::string> texts;
    switch (info.type) {
        case TypeClass::text:
            return read_texts(dataset);
        case TypeClass::integer:
            for (const std::int64_t value : read_integers(dataset)) {
                texts.push_back(std::to_string(value));
            }
            return texts;
        case TypeClass::real:
            for (const double value : read_doubles(dataset)) {
                texts.push_back(number_text(value));
            }
            return texts;
        case TypeClass::boolean:
            for (const std::uint8_t value : read_booleans(dataset)) {
                texts.emplace_back(value != 0 ? "True" : "False");
            }
            return texts;
        case TypeClass::record:
        case TypeClass::other:
            break;
    }
    invalid_data(dataset.place() + " holds neither texts nor numbers.", "Save the file again with AnnData 0.8 or newer.");
}

data::Categorical make_categorical(const Object& codes, const Object& categories, bool ordered) {
    data::Categorical column;
    column.categories = read_as_texts(categories);
    column.ordered = ordered;
    const auto n = static_cast<std::int64_t>(column.categories.size());
    const std::vector<std::int64_t> values = read_integers(codes);
    column.codes.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] < -1 || values[i] >= n) {
            invalid_data(codes.place() + ": row " + std::to_string(i + 1) + " has code " + std::to_string(values[i]) + ", but there are " + std::to_string(n) + " categories.",
                         "The file is inconsistent: write it again.");
        }
        column.codes.push_back(static_cast<std::int32_t>(values[i]));
    }
    return column;
}

bool is_ordered(const Object& object) {
    const std::vector<std::int64_t> ordered = integers_attribute(object, "ordered");
    return !ordered.empty() && ordered.front() != 0;
}

std::vector<std::uint8_t> read_present(const Object& group, std::size_t n) {
    const Object mask = open(group, "mask");
    std::vector<std::uint8_t> present = read_booleans(mask);
    if (present.size() != n) {
        invalid_data(mask.place() + " has " + std::to_string(present.size()) + " rows, its values " + std::to_string(n) + ".", "The file is inconsistent: write it again.");
    }
    for (std::uint8_t& value : present) {
        value = value == 0 ? 1 : 0;  // the mask tells what is missing
    }
    return present;
}

// Texts some of which are missing: a Table keeps "missing" apart from "" in categories.
data::Column nullable_texts(std::vector<std::string> texts, const std::vector<std::uint8_t>& present) {
    if (std::find(present.begin(), present.end(), 0) == present.end()) {
        return texts;
    }
    std::vector<std::string> known;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (present[i] != 0) {
            known.push_back(texts[i]);
        }
    }
    const data::Categorical of_known = data::to_categorical(known);
    data::Categorical column;
    column.categories = of_known.categories;
    std::size_t next = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        column.codes.push_back(present[i] != 0 ? of_known.codes[next++] : -1);
    }
    return column;
}

std::optional<data::Column> read_group_column(const Object& group) {
    const std::string encoding = text_attribute(group, "encoding-type");
    if (encoding == "categorical") {
        return make_categorical(open(group, "codes"), open(group, "categories"), is_ordered(group));
    }
    if (encoding == "nullable-integer") {
        data::NullableIntegers column;
        column.values = read_integers(open(group, "values"));
        column.present = read_present(group, column.values.size());
        return column;
    }
    if (encoding == "nullable-boolean") {
        data::NullableBooleans column;
        column.values = read_booleans(open(group, "values"));
        column.present = read_present(group, column.values.size());
        return column;
    }
    if (encoding == "nullable-string-array") {
        std::vector<std::string> texts = read_texts(open(group, "values"));
        const std::vector<std::uint8_t> present = read_present(group, texts.size());
        return nullable_texts(std::move(texts), present);
    }
    return std::nullopt;
}

std::optional<data::Column> read_dataset_column(const Object& dataset) {
    const DatasetInfo info = dataset_info(dataset);
    if (info.shape.size() != 1) {
        return std::nullopt;
    }
    switch (info.type) {
        case TypeClass::text:
            return read_texts(dataset);
        case TypeClass::integer:
            return read_integers(dataset);
        case TypeClass::boolean:
            return data::Booleans{read_booleans(dataset)};
        case TypeClass::real:
            return info.type_bytes <= 4 ? data::Column(read_floats(dataset)) : data::Column(read_doubles(dataset));
        case TypeClass::record:
        case TypeClass::other:
            break;
    }
    return std::nullopt;
}

std::vector<std::string> read_index(const Object& table, const std::string& name) {
    const std::optional<data::Column> column = read_column(table, name);
    if (!column) {
        invalid_data(open(table, name).place() + " holds no names.", "Save the file again with AnnData 0.8 or newer.");
    }
    return data::column_texts(*column);
}

// The first name that stands twice and where it stood before. A table of places at most half full: a node for each name would take most of the time of opening a large file.
std::optional<std::pair<std::size_t, std::size_t>> first_repeated(const std::vector<std::string>& names) {
    constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
    std::vector<std::size_t> place(std::bit_ceil(2 * names.size() + 1), none);
    for (std::size_t i = 0; i < names.size(); ++i) {
        std::size_t slot = std::hash<std::string_view>{}(names[i]) & (place.size() - 1);
        for (; place[slot] != none; slot = (slot + 1) & (place.size() - 1)) {
            if (names[place[slot]] == names[i]) {
                return std::pair{place[slot], i};
            }
        }
        place[slot] = i;
    }
    return std::nullopt;
}

// Repeated names, refused or made unique.
void check_unique(std::vector<std::string>& names, const Object& table, RepeatedNames repeated, Context& context) {
    const auto found = first_repeated(names);
    if (!found) {
        return;
    }
    const auto [first, second] = *found;
    if (repeated == RepeatedNames::refuse) {
        invalid_data(table.place() + ": the name '" + names[second] + "' stands in rows " + std::to_string(first + 1) + " and " + std::to_string(second + 1) + ".",
                     "Make the names unique (in Python: adata.obs_names_make_unique()) and save the file again.");
    }
    const std::string example = names[second];
    const std::int64_t n = data::make_unique(names);
    context.events().warning(table.place() + ": " + std::to_string(n) + " names repeat an earlier one (the first: '" + example + "') and got -1, -2, ... appended.");
}

}  // namespace

void Omissions::add(const std::string& path, std::string_view what) { entries_.push_back(path + " (" + std::string(what) + ")"); }

void Omissions::report(const std::string& file, Context& context) const {
    if (entries_.empty()) {
        return;
    }
    constexpr std::size_t shown = 8;
    std::string text = file + ": left out what has no place here: ";
    for (std::size_t i = 0; i < std::min(shown, entries_.size()); ++i) {
        text += (i == 0 ? "" : ", ") + entries_[i];
    }
    if (entries_.size() > shown) {
        text += " and " + std::to_string(entries_.size() - shown) + " more";
    }
    context.events().warning(text + ".");
}

std::optional<data::Column> read_column(const Object& table, const std::string& name) {
    const Kind kind = kind_of(table, name);
    if (kind == Kind::other) {
        return std::nullopt;
    }
    const Object column = open(table, name);
    if (kind == Kind::group) {
        return read_group_column(column);
    }
    if (has_attribute(column, "categories")) {  // AnnData 0.7
        const Object categories = open(open(table, "__categories"), name);
        return make_categorical(column, categories, is_ordered(categories));
    }
    return read_dataset_column(column);
}

TableInfo table_info(const Object& object) {
    check_is_table(object);
    TableInfo info;
    const std::string name = index_of(object);
    const Object index = open(object, name);
    if (kind_of(object, name) == Kind::group) {
        info.n_rows = dataset_info(open(index, kind_of(index, "codes") == Kind::none ? "values" : "codes")).n_elements;
    } else {
        info.n_rows = dataset_info(index).n_elements;
    }
    info.columns = texts_attribute(object, "column-order");
    return info;
}

data::Table read_table(const Object& object, RepeatedNames repeated, Omissions& omissions, Context& context) {
    check_is_table(object);
    const std::string index_name = index_of(object);
    std::vector<std::string> names = read_index(object, index_name);
    check_unique(names, object, repeated, context);
    data::Table table(std::move(names));
    table.index_name = index_name;
    for (const std::string& name : texts_attribute(object, "column-order")) {
        std::optional<data::Column> column = read_column(object, name);
        if (!column) {
            const std::string encoding = text_attribute(open(object, name), "encoding-type");
            omissions.add(object.path + "/" + name, encoding.empty() ? "no simple column" : encoding);
            continue;
        }
        if (data::column_size(*column) != table.n_rows()) {
            invalid_data(object.place() + "/" + name + " has " + std::to_string(data::column_size(*column)) + " rows, the table " + std::to_string(table.n_rows()) + ".",
                         "The file is inconsistent: write it again.");
        }
        table.set(name, std::move(*column));
    }
    return table;
}

}  // namespace morula::formats::h5
