#include "morula/commands/atlas_target.hpp"

#include <optional>
#include <system_error>

namespace morula::commands {

void write_into_atlas(const std::filesystem::path& path, const std::function<void(atlas::Atlas&)>& write) {
    const bool is_new = !std::filesystem::exists(path);
    std::optional<atlas::Atlas> store(is_new ? atlas::Atlas::init(path, path.stem().string()) : atlas::Atlas::open(path));
    try {
        store->acquire_writer();
        write(*store);
    } catch (...) {
        const bool is_empty = store->dataset_ids().empty();
        store.reset();
        std::error_code ignored;
        if (is_new && is_empty) std::filesystem::remove_all(path, ignored);
        throw;
    }
}

}  // namespace morula::commands
