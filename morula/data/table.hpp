// obs or var: an index of unique names and ordered, typed columns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "morula/data/column.hpp"

namespace morula::data {

class Table {
public:
    Table() = default;
    explicit Table(std::vector<std::string> index) : index_(std::move(index)) {}

    std::int64_t n_rows() const { return static_cast<std::int64_t>(index_.size()); }
    const std::vector<std::string>& index() const { return index_; }
    void set_index(std::vector<std::string> index);
    std::string index_name = "_index";

    const std::vector<std::pair<std::string, Column>>& columns() const { return columns_; }
    std::vector<std::string> names() const;
    bool has(std::string_view name) const;
    /// Throws not_found with the nearest name.
    const Column& at(std::string_view name) const;
    const Column* find(std::string_view name) const;
    /// Adds or replaces; throws internal when the length is wrong.
    void set(std::string name, Column column);
    void erase(std::string_view name);

    Table select(const std::vector<std::int64_t>& rows) const;

private:
    std::vector<std::string> index_;
    std::vector<std::pair<std::string, Column>> columns_;
};

/// Rows below one another: all columns of any table, missing where a table lacks one.
Table stack_tables(const std::vector<Table>& tables);
/// Names that occur more than once get "-1", "-2" ... appended (AnnData's make_unique); returns how many changed.
std::int64_t make_unique(std::vector<std::string>& names);

}  // namespace morula::data
