// An input that is looked at while its owner does something else.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "morula/commands/input.hpp"
#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"
#include "morula/formats/hdf5/check_in_child.hpp"
#include "morula/formats/text/text_matrix.hpp"

namespace morula::commands {

/// What open_datasets() opens, in two steps: from the first on another process checks an HDF5 file. Where two inputs are named, one is read meanwhile.
class InputAhead {
public:
    /// Throws what input_kind() throws.
    InputAhead(const std::filesystem::path& path, formats::TextOrientation orientation, Context& context);
    std::vector<data::Dataset> read(Context& context);
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
    formats::TextOrientation orientation_;
    InputKind kind_;
    std::unique_ptr<formats::CheckedFile> checked_;  // of an HDF5 file
};

}  // namespace morula::commands
