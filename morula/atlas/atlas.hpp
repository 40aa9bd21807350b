// A store of data sets and of everything derived from them: versions, gene axis, checks. One writer, many readers; docs/atlas.md describes the files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "morula/atlas/gene_axis.hpp"
#include "morula/atlas/manifest.hpp"
#include "morula/core/context.hpp"
#include "morula/data/dataset.hpp"

namespace morula::atlas {

struct IngestOptions {
    std::string layer = "X";     // which layer holds the raw counts; it becomes X of the stored group
    std::string name{};          // how people call the data set; empty: the Dataset's name
    std::string gene_id_column{};  // column of var with gene ids; empty: see axis_gene_ids
    std::filesystem::path source{};  // the file or folder it came from, remembered so that it need not be read again; may be empty
    std::string how{};             // what else decided the content (the reader's options), compared by remembered()
};

struct Damage {
    std::string file;  // relative to the atlas
    std::string what;  // "is missing", "ends early: 4,096 of 8,192 bytes", "differs from what was written"
};
struct VerifyReport {
    bool ok = true;
    std::int64_t version = 0;
    std::int64_t n_files = 0;
    std::int64_t n_bytes = 0;
    std::vector<Damage> damage;
};

struct VacuumOptions {
    std::int64_t keep_versions = 1;  // how many of the newest versions stay readable
};
struct VacuumReport {
    std::int64_t versions_removed = 0;
    std::int64_t folders_removed = 0;
    std::int64_t bytes_freed = 0;
};

struct DatasetInfo {
    std::string id;         // of the whole content
    std::string counts_id;  // of the raw counts alone
    std::string name;
    std::int64_t n_cells = 0;
    std::int64_t n_genes = 0;
    std::int64_t nnz = 0;
    std::vector<std::string> layers;
    std::vector<std::string> obs;
    std::vector<std::string> var;
    std::vector<std::string> obsm;
};
struct AtlasInfo {
    std::string name;
    std::int64_t version = 0;
    std::vector<std::int64_t> versions;  // that can be opened
    std::int64_t n_cells = 0;            // of all data sets
    std::int64_t n_genes = 0;            // of the gene axis
    std::int64_t nnz = 0;
    std::vector<DatasetInfo> datasets;
    std::vector<std::string> derived;    // keys
};

/// An open atlas, at one version. const methods are safe to call from many threads and see that version however it is written to meanwhile.
/// The first writing method takes the writer's lock, cleans up after a writer that was killed, moves to the newest version and holds the lock
/// until the object goes; it throws resource_limit, naming the process, while another writer is at work.
/// Every writing method commits one new version; when it throws, the atlas is as before.
class Atlas {
public:
    /// Creates the folder (path must not exist) with an empty first version.
    static Atlas init(const std::filesystem::path& path, const std::string& name);
    /// The last committed version. Throws not_found when there is no atlas, invalid_data when it is damaged.
    static Atlas open(const std::filesystem::path& path);
    /// An older version, for reading only; throws not_found with the versions there are.
    static Atlas open(const std::filesystem::path& path, std::int64_t version);
    static bool is_atlas(const std::filesystem::path& path);

    ~Atlas();
    Atlas(Atlas&&) noexcept;
    Atlas& operator=(Atlas&&) noexcept;

    const std::filesystem::path& path() const;
    const std::string& name() const;
    std::int64_t version() const;
    const Manifest& manifest() const;
    AtlasInfo info(Context& context) const;

    // Data sets
    /// Takes the writer's lock now, so that a long run fails early.
    void acquire_writer();
    /// Copies the data set in (X = its layer of raw counts, streamed in bounded memory; other layers, raw, obs, var, obsm, varm, obsp, uns as they came) and
    /// returns its id. Content that is here already is not stored twice; equal counts under other annotations share their files.
    /// Throws invalid_data for damaged input, resource_limit when the disk is full; then nothing has changed.
    std::string ingest(const data::Dataset& dataset, const IngestOptions& options, Context& context);
    /// The id under which an unchanged file was ingested before, with the same `how`.
    std::optional<std::string> remembered(const std::filesystem::path& source, std::string_view how) const;
    std::vector<std::string> dataset_ids() const;
    /// Tables in memory, matrices lazy. Throws not_found; invalid_data, with the way to repair it, when damage is met (for a matrix: when it is read).
    data::Dataset dataset(std::string_view id, Context& context) const;

    // Genes
    std::shared_ptr<const GeneAxis> gene_axis() const;
    /// For each gene of the data set its place on the gene axis; use with matrix::remap_cols.
    std::vector<std::int64_t> gene_remap(std::string_view id, Context& context) const;
    GenePresence gene_presence(std::string_view id, Context& context) const;

    // Derived results
    /// Stores results under a step's key with the record of the run that made them. A key that is there already is left alone.
    /// `slots` should carry the names of cells and genes, so that AnnData can open the group by itself.
    /// Kept whatever happens to this process; a loss of power before settle() may lose it, and then it is computed again.
    void put_derived(std::string_view key, const data::Dataset& slots, std::string_view run_json, Context& context);
    std::optional<data::Dataset> get_derived(std::string_view key, Context& context) const;
    /// The run record; nullopt when the key is unknown.
    std::optional<std::string> derived_run(std::string_view key) const;
    /// Takes a result out of the newest version (for instance a damaged one); older versions keep it.
    void drop_derived(std::string_view key);
    /// Forces the results put since the last forced commit to disk, in one go: one by one would cost a run seconds. ingest() and vacuum() do so too.
    void settle();

    // Care
    /// Reads every file of this version and compares its hash with what was written.
    VerifyReport verify(Context& context) const;
    /// The same for one data set (with its place on the gene axis) or one result; empty where all is as it was written. Throws not_found.
    std::vector<Damage> dataset_damage(std::string_view id, Context& context) const;
    std::vector<Damage> derived_damage(std::string_view key, Context& context) const;
    /// Deletes old versions and what only they refer to.
    VacuumReport vacuum(const VacuumOptions& options, Context& context);

    struct State;

private:
    explicit Atlas(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace morula::atlas
