#include "morula/data/table.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"

namespace morula::data {
namespace {

/// A column of n rows without a value, of the type that widens to `like` and to nothing more.
Column missing_like(const Column& like, std::size_t n) {
    if (std::holds_alternative<std::vector<double>>(like)) return std::vector<double>(n, std::numeric_limits<double>::quiet_NaN());
    if (std::holds_alternative<std::vector<float>>(like)) return std::vector<float>(n, std::numeric_limits<float>::quiet_NaN());
    if (std::holds_alternative<std::vector<std::string>>(like)) return std::vector<std::string>(n);
    if (std::holds_alternative<Categorical>(like)) return Categorical{std::vector<std::int32_t>(n, -1), {}, std::get<Categorical>(like).ordered};
    if (std::holds_alternative<Booleans>(like) || std::holds_alternative<NullableBooleans>(like)) {
        return NullableBooleans{std::vector<std::uint8_t>(n, 0), std::vector<std::uint8_t>(n, 0)};
    }
    return NullableIntegers{std::vector<std::int64_t>(n, 0), std::vector<std::uint8_t>(n, 0)};
}

Column stack_named(const std::vector<Table>& tables, const std::string& name) {
    const Column* like = nullptr;
    for (const Table& table : tables) {
        if (like == nullptr) like = table.find(name);
    }
    std::vector<Column> parts;
    for (const Table& table : tables) {
        const Column* column = table.find(name);
        parts.push_back(column != nullptr ? *column : missing_like(*like, static_cast<std::size_t>(table.n_rows())));
    }
    return stack_columns(parts);
}

}  // namespace

void Table::set_index(std::vector<std::string> index) {
    MORULA_ASSERT(columns_.empty() || index.size() == index_.size());
    index_ = std::move(index);
}

std::vector<std::string> Table::names() const {
    std::vector<std::string> names;
    for (const auto& entry : columns_) names.push_back(entry.first);
    return names;
}

bool Table::has(std::string_view name) const { return find(name) != nullptr; }

const Column* Table::find(std::string_view name) const {
    for (const auto& entry : columns_) {
        if (entry.first == name) return &entry.second;
    }
    return nullptr;
}

const Column& Table::at(std::string_view name) const {
    if (const Column* column = find(name)) return *column;
    const std::vector<std::string> all = names();
    const std::string nearest = nearest_name(name, all);
    std::string next = "There are no columns at all.";
    if (!nearest.empty()) {
        next = "Did you mean '" + nearest + "'?";
    } else if (!all.empty()) {
        next = "Use one of:";
        for (std::size_t i = 0; i < all.size() && i < 20; ++i) next += (i == 0 ? " " : ", ") + all[i];
        next += all.size() > 20 ? ", ... (" + std::to_string(all.size()) + " columns)." : ".";
    }
    fail(ErrorCode::not_found, "There is no column '" + std::string(name) + "'.", next);
}

void Table::set(std::string name, Column column) {
    MORULA_ASSERT(column_size(column) == n_rows());
    for (auto& entry : columns_) {
        if (entry.first == name) {
            entry.second = std::move(column);
            return;
        }
    }
    columns_.emplace_back(std::move(name), std::move(column));
}

void Table::erase(std::string_view name) {
    columns_.erase(std::remove_if(columns_.begin(), columns_.end(), [&](const auto& entry) { return entry.first == name; }), columns_.end());
}

Table Table::select(const std::vector<std::int64_t>& rows) const {
    Table out(std::get<std::vector<std::string>>(select_column(index_, rows)));
    out.index_name = index_name;
    for (const auto& entry : columns_) out.columns_.emplace_back(entry.first, select_column(entry.second, rows));
    return out;
}

Table stack_tables(const std::vector<Table>& tables) {
    std::vector<std::string> index;
    std::vector<std::string> names;
    std::unordered_set<std::string> seen;
    for (const Table& table : tables) {
        index.insert(index.end(), table.index().begin(), table.index().end());
        for (const auto& entry : table.columns()) {
            if (seen.insert(entry.first).second) names.push_back(entry.first);
        }
    }
    Table out(std::move(index));
    if (!tables.empty()) out.index_name = tables.front().index_name;
    for (const std::string& name : names) out.set(name, stack_named(tables, name));
    return out;
}

std::int64_t make_unique(std::vector<std::string>& names) {
    std::unordered_set<std::string> taken(names.begin(), names.end());
    if (taken.size() == names.size()) return 0;
    std::unordered_set<std::string> seen;
    std::unordered_map<std::string, std::int64_t> last_suffix;
    std::int64_t n_changed = 0;
    for (std::string& name : names) {
        if (seen.insert(name).second) continue;
        std::int64_t& suffix = last_suffix[name];
        std::string fresh;
        do fresh = name + "-" + std::to_string(++suffix);
        while (!taken.insert(fresh).second);
        name = std::move(fresh);
        ++n_changed;
    }
    return n_changed;
}

}  // namespace morula::data
