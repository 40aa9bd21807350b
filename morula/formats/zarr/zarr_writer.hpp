// Writing Zarr v3: a tree of groups and arrays, numbers as a stream of chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morula/core/context.hpp"
#include "morula/formats/zarr/zarr_node.hpp"

namespace morula::formats {

/// Elements of an inner chunk of numbers; smaller arrays are one chunk of their own size.
inline constexpr std::int64_t kZarrChunkElements = 32'768;
/// Elements of a shard: at most 1 GiB uncompressed at 8 bytes an element.
inline constexpr std::int64_t kZarrShardElements = 4'096 * kZarrChunkElements;
/// Texts of one chunk file.
inline constexpr std::int64_t kZarrChunkTexts = 65'536;

/// A file that was written: path relative to the group's root, with its XXH3-128.
struct WrittenFile {
    std::string path;
    std::int64_t size = 0;
    std::string hash;
};

/// Forces all files and folders of a tree to disk.
void sync_tree(const std::filesystem::path& folder);

/// A tree of groups and arrays under one folder that is being written. Nothing is visible under the final name: the caller renames the folder.
/// Remembers every node (for consolidated metadata) and every file (for files.json).
class ZarrTreeWriter {
public:
    /// Creates the folder; throws invalid_data when it exists already.
    ZarrTreeWriter(std::filesystem::path folder, Context& context);

    /// Most elements of a shard; smaller than kZarrShardElements where a test wants several shards.
    void set_shard_elements(std::int64_t n) { shard_elements_ = n; }
    std::int64_t shard_elements() const { return shard_elements_; }

    const std::filesystem::path& folder() const { return folder_; }
    Context& context() { return context_; }

    /// Adds a group at a path such as "obsm" (missing parents are made as plain groups). "" is the root.
    /// Throws invalid_data for names that cannot be stored ("", ".", "..", NUL, above 200 bytes).
    void group(const std::string& path, ZarrAttributes attributes);
    /// Registers an array whose chunks are written already.
    void array(const std::string& path, ZarrArrayMeta meta);
    /// A whole array at once.
    template <class T>
    void numbers(const std::string& path, ZarrType type, std::span<const T> values, ZarrAttributes attributes);
    template <class T>
    void matrix(const std::string& path, ZarrType type, std::span<const T> values, std::int64_t n_rows, std::int64_t n_cols, ZarrAttributes attributes);
    void texts(const std::string& path, const std::vector<std::string>& values, ZarrAttributes attributes);
    /// Arrays without dimensions.
    void scalar(const std::string& path, bool value, ZarrAttributes attributes);
    void scalar(const std::string& path, std::int64_t value, ZarrAttributes attributes);
    void scalar(const std::string& path, double value, ZarrAttributes attributes);
    void scalar(const std::string& path, const std::string& value, ZarrAttributes attributes);

    /// What was written below one path stands below another too, as hard links where the disk has them, else as copies.
    void repeat(const std::string& from, const std::string& to);
    /// Forgets and deletes an array (used when a wider type turns out to be needed).
    void remove_array(const std::string& path);
    /// Any other file beside the arrays, for instance run.json.
    void file(const std::string& path, std::string_view text);
    void add_file(WrittenFile file);

    /// Writes all zarr.json (the root's with consolidated metadata). The caller forces the tree to disk (sync_tree) where it must survive a loss of power.
    void finish();
    /// Sorted by path; complete after finish().
    std::vector<WrittenFile> files() const;

private:
    void scalar_bytes(const std::string& path, ZarrType type, std::span<const std::byte> raw, ZarrAttributes attributes);

    std::filesystem::path folder_;
    Context& context_;
    std::int64_t shard_elements_ = kZarrShardElements;
    std::map<std::string, ZarrNode> nodes_;
    std::map<std::string, WrittenFile> files_;
};

/// What blosc puts side by side before lz4: equal bytes of the elements (ids, floats), or equal bits (counts: most are small, so that most bits are 0;
/// 9 to 29 % smaller than by bytes on nine sets of counts, and encoded in 20 to 50 % less time).
enum class Shuffle { bytes, bits };

/// Appends numbers to one array: encodes inner chunks in parallel, writes them in order, shard after shard. The bytes do not depend on the
/// number of threads or on how the values were handed over. Holds at most a few chunks a thread.
class ZarrArrayWriter {
public:
    /// n_cols 0: one dimension; else rows of n_cols elements.
    ZarrArrayWriter(ZarrTreeWriter& tree, std::string path, ZarrType type, std::int64_t n_cols, Shuffle shuffle, ZarrAttributes attributes);
    ~ZarrArrayWriter();
    ZarrArrayWriter(ZarrArrayWriter&&) noexcept;
    ZarrArrayWriter& operator=(ZarrArrayWriter&&) = delete;

    /// Values must fit the array's type exactly; throws internal otherwise. T as in ZarrArray::read.
    template <class T>
    void append(std::span<const T> values);
    /// The same in steps, for a caller that has elements of the array's type and shares the work out itself: stage() elements, which must stay where
    /// they are; encode_staged() each of the n_staged() chunks, in any order, on many threads; write_staged().
    void stage(std::span<const std::byte> elements);
    std::int64_t n_staged() const;
    void encode_staged(std::int64_t chunk);
    void write_staged();
    std::int64_t size() const;
    /// Complete after finish().
    const ZarrArrayMeta& meta() const;
    /// Writes the last shard and registers the array with the tree. Without it the destructor deletes what was written.
    void finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace morula::formats
