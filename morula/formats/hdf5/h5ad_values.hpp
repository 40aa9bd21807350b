// The parts of an AnnData file that are small: obs and var, and the tree of uns.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/data/table.hpp"
#include "morula/data/uns.hpp"
#include "morula/formats/hdf5/h5.hpp"

namespace morula::formats::h5 {

/// What was left out while reading, told in one warning at the end.
class Omissions {
public:
    void add(const std::string& path, std::string_view what);
    void report(const std::string& file, Context& context) const;

private:
    std::vector<std::string> entries_;
};

enum class RepeatedNames { refuse, make_unique };

/// A data frame (encoding "dataframe", also of AnnData 0.7). Columns of unknown encodings are left out.
/// Throws unsupported for the compound data sets of AnnData 0.6 and older; invalid_data for missing columns, wrong lengths, codes out of range and,
/// where repeated names are refused, for those.
data::Table read_table(const Object& object, RepeatedNames repeated, Omissions& omissions, Context& context);

/// Names of the columns and number of rows, without reading values.
struct TableInfo {
    std::int64_t n_rows = 0;
    std::vector<std::string> columns;
};
TableInfo table_info(const Object& object);

/// One column; nullopt when its encoding has no place in a Table.
std::optional<data::Column> read_column(const Object& table, const std::string& name);

/// The tree below a group. Unknown encodings are left out; deeper than 32 groups or more than 100,000 nodes (a loop of links) throws invalid_data.
data::UnsMap read_uns(const Object& group, Omissions& omissions);

}  // namespace morula::formats::h5
