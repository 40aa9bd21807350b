// Texts of variable length, taken out of the file's global heap without a call of the library for each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "morula/formats/hdf5/h5.hpp"

namespace morula::formats::h5 {

/// All texts of a data set that lies in one piece, as the library gives them (cut at a zero byte). nullopt where the file is laid out in another way (chunks, a user block, other sizes of
/// addresses) or a text is not where its reference says: the library then reads, or tells what is wrong.
/// Format: HDF5 File Format Specification 3.0, III.E "Global Heap" and IV.B "Variable-length".
std::optional<std::vector<std::string>> read_heap_texts(const Object& dataset, const DatasetInfo& info);

}  // namespace morula::formats::h5
