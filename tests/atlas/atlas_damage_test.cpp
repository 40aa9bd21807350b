// What a store does when things go wrong: damage, kills, a second writer, no permission, a full disk.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <thread>

#include "morula/atlas/atlas.hpp"
#include "morula/core/file.hpp"
#include "tests/formats/zarr_sample.hpp"

namespace morula::atlas {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::TemporaryFolder;
using test::thrown_by;

data::Dataset small_dataset(std::uint64_t seed) {
    data::Dataset d;
    d.name = "small";
    d.obs = data::Table(test::numbered("cell-", 40));
    d.obs.set("batch", std::vector<std::int64_t>(40, static_cast<std::int64_t>(seed)));
    d.var = data::Table(test::numbered("gene-" + std::to_string(seed % 3) + "-", 30));
    d.layers["X"] = matrix::make_source(test::sample_counts(40, 30, 300.0F, seed));
    return d;
}

data::Dataset small_result() {
    data::Dataset d;
    d.obs = data::Table(test::numbered("cell-", 40));
    d.obsm["X_umap"] = matrix::Dense<float>(40, 2);
    return d;
}

Context& one_thread() {
    static Context context({.threads = 1});
    return context;
}

/// Runs the body in a child process; its exit status.
template <class Body>
int in_child(Body body) {
    const pid_t child = ::fork();
    if (child == 0) {
        int status = 99;
        try {
            status = body();
        } catch (...) {
        }
        ::_exit(status);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(AtlasDamage, every_damaged_file_is_found_and_named) {
    const TemporaryFolder folder;
    const fs::path path = folder / "a.atlas";
    {
        Atlas atlas = Atlas::init(path, "a");
        atlas.ingest(small_dataset(1), {}, one_thread());
        atlas.put_derived("umap", small_result(), "{}", one_thread());
        atlas.settle();
    }
    const Atlas atlas = Atlas::open(path);
    const VerifyReport clean = atlas.verify(one_thread());
    EXPECT_TRUE(clean.ok);
    EXPECT_GT(clean.n_files, 20);
    for (const auto& [name, bytes] : test::folder_bytes(path)) {
        if (name == "LOCK" || name == "CURRENT" || name == "atlas.json" || name == "versions/000003.json") continue;  // read on opening, tested below
        std::string broken = bytes;
        broken[broken.size() / 2] = static_cast<char>(broken[broken.size() / 2] ^ 1);
        for (const std::string& what : {std::string("differs"), std::string("ends early"), std::string("is missing")}) {
            if (what == "differs") test::replace_file(path / name, broken);
            else if (what == "ends early") test::replace_file(path / name, bytes.substr(0, bytes.size() - 1));
            else fs::remove(path / name);
            const VerifyReport report = atlas.verify(one_thread());
            const bool is_history = name.compare(0, 9, "versions/") == 0;
            if (is_history && what == "is missing") {
                EXPECT_TRUE(report.ok);  // as after vacuum
            } else {
                EXPECT_FALSE(report.ok) << name << " " << what;
                ASSERT_FALSE(report.damage.empty());
                EXPECT_EQ(report.damage[0].file, name);
                const bool is_list = contains(name, "files.json");
                EXPECT_TRUE(is_list || is_history || contains(report.damage[0].what, what)) << report.damage[0].what;
            }
        }
        test::replace_file(path / name, bytes);
    }
    EXPECT_TRUE(atlas.verify(one_thread()).ok);
}

TEST(AtlasDamage, ingesting_again_replaces_a_damaged_data_set) {
    const TemporaryFolder folder;
    const fs::path path = folder / "a.atlas";
    Atlas atlas = Atlas::init(path, "a");
    const std::string id = atlas.ingest(small_dataset(1), {}, one_thread());
    const fs::path chunk = path / "datasets" / id / "X/data/c/0";
    std::string bytes = test::file_bytes(chunk);
    bytes[5] = static_cast<char>(bytes[5] ^ 4);
    test::replace_file(chunk, bytes);
    const data::Dataset damaged = atlas.dataset(id, one_thread());
    const Error error = thrown_by([&] { matrix::read_all(*damaged.layers.at("X"), one_thread()); });
    EXPECT_EQ(error.code(), ErrorCode::invalid_data);
    EXPECT_TRUE(contains(error.message(), chunk.string())) << error.message();
    EXPECT_TRUE(contains(error.next(), "morula ingest")) << error.next();
    EXPECT_FALSE(atlas.verify(one_thread()).ok);
    ASSERT_EQ(atlas.dataset_damage(id, one_thread()).size(), 1U);
    EXPECT_EQ(atlas.dataset_damage(id, one_thread())[0].file, "datasets/" + id + "/X/data/c/0");
    EXPECT_EQ(atlas.ingest(small_dataset(1), {}, one_thread()), id);
    EXPECT_TRUE(atlas.verify(one_thread()).ok);
    EXPECT_EQ(atlas.dataset_ids().size(), 1U);
    test::expect_same(small_dataset(1), atlas.dataset(id, one_thread()), one_thread());
    atlas.vacuum({}, one_thread());
    EXPECT_TRUE(atlas.verify(one_thread()).ok);
}

TEST(AtlasDamage, a_damaged_result_is_told_apart_from_a_whole_one) {
    const TemporaryFolder folder;
    const fs::path path = folder / "a.atlas";
    Atlas atlas = Atlas::init(path, "a");
    atlas.put_derived("umap", small_result(), "{}", one_thread());
    atlas.put_derived("pca", small_result(), "{}", one_thread());
    EXPECT_TRUE(atlas.derived_damage("umap", one_thread()).empty());
    const fs::path file = path / "derived/umap/run.json";
    test::replace_file(file, "[]");
    const std::vector<Damage> damage = atlas.derived_damage("umap", one_thread());
    ASSERT_EQ(damage.size(), 1U);
    EXPECT_EQ(damage[0].file, "derived/umap/run.json");
    EXPECT_TRUE(atlas.derived_damage("pca", one_thread()).empty());
    EXPECT_EQ(thrown_by([&] { atlas.derived_damage("tsne", one_thread()); }).code(), ErrorCode::not_found);
}

TEST(AtlasDamage, broken_files_at_the_top_give_a_sentence_with_their_name) {
    const TemporaryFolder folder;
    const fs::path path = folder / "a.atlas";
    Atlas::init(path, "a").ingest(small_dataset(1), {}, one_thread());
    for (const auto& [name, broken] : std::vector<std::pair<std::string, std::string>>{{"CURRENT", ""}, {"CURRENT", "x\n"}, {"CURRENT", "99\n"}, {"atlas.json", "{"}, {"versions/000002.json", "{}"},
                                                                                       {"versions/000002.json", "[1,2"}}) {
        const std::string good = test::file_bytes(path / name);
        test::replace_file(path / name, broken);
        const Error error = thrown_by([&] { Atlas::open(path); });
        EXPECT_TRUE(error.code() == ErrorCode::invalid_data || error.code() == ErrorCode::not_found) << name;
        EXPECT_TRUE(contains(error.message(), name == "CURRENT" && broken == "99\n" ? "000099.json" : name)) << error.message();
        test::replace_file(path / name, good);
    }
    std::string manifest = test::file_bytes(path / "versions/000002.json");
    const auto at = manifest.find("\"n_cells\": 40");
    ASSERT_NE(at, std::string::npos);
    manifest.replace(at, 13, "\"n_cells\": 41");
    test::replace_file(path / "versions/000002.json", manifest);
    EXPECT_TRUE(contains(thrown_by([&] { Atlas::open(path); }).message(), "checksum"));
}

TEST(AtlasWriters, a_second_writer_is_told_who_is_at_work) {
    const TemporaryFolder folder;
    const fs::path path = folder / "a.atlas";
    Atlas first = Atlas::init(path, "a");
    first.acquire_writer();
    Atlas second = Atlas::open(path);
    const Error error = thrown_by([&] { second.ingest(small_dataset(1), {}, one_thread()); });
    EXPECT_EQ(error.code(), ErrorCode::resource_limit);
    EXPECT_TRUE(contains(error.message(), "process " + std::to_string(::getpid()))) << error.message();
    EXPECT_EQ(in_child([&] {
                  Atlas other = Atlas::open(path);
                  try {
                      other.acquire_writer();
                  } catch (const Error& e) {
                      return e.code() == ErrorCode::resource_limit ? 0 : 1;
                  }
                  return 2;
              }),
              0);
    EXPECT_TRUE(second.verify(one_thread()).ok);  // readers go on
}

TEST(AtlasWriters, the_next_writer_goes_on_from_the_newest_version) {
    const TemporaryFolder folder;
    const fs::path path = folder / "a.atlas";
    Atlas::init(path, "a");
    Atlas late = Atlas::open(path);
    {
        Atlas early = Atlas::open(path);
        early.ingest(small_dataset(1), {}, one_thread());
    }
    late.ingest(small_dataset(2), {}, one_thread());
    EXPECT_EQ(late.dataset_ids().size(), 2U);
    EXPECT_EQ(late.version(), 3);
}

TEST(AtlasWriters, without_permission_reading_works_and_writing_says_so) {
    const TemporaryFolder folder;
    const fs::path path = folder / "a.atlas";
    Atlas::init(path, "a").ingest(small_dataset(1), {}, one_thread());
    fs::permissions(folder.path(), fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec | fs::perms::others_read | fs::perms::others_exec);
    const int status = in_child([&] {
        if (::geteuid() == 0 && ::seteuid(65'534) != 0) return 77;
        std::error_code ignored;
        fs::permissions(path, fs::perms::owner_read | fs::perms::owner_exec, fs::perm_options::replace, ignored);
        fs::permissions(path / "LOCK", fs::perms::owner_read, fs::perm_options::replace, ignored);
        Atlas atlas = Atlas::open(path);
        if (!atlas.verify(one_thread()).ok) return 1;
        try {
            atlas.ingest(small_dataset(2), {}, one_thread());
        } catch (const Error& error) {
            return error.code() == ErrorCode::permission && contains(error.message(), "a.atlas") ? 0 : 2;
        }
        return 3;
    });
    fs::permissions(path, fs::perms::owner_all, fs::perm_options::add);
    if (status == 77) GTEST_SKIP() << "cannot become another user here";
    EXPECT_EQ(status, 0);
    EXPECT_EQ(Atlas::open(path).version(), 2);
}

/// A disk that fills up, at any byte: files may not grow beyond a limit, so that a write fails with an error as on a full disk.
TEST(AtlasWriters, a_write_that_fails_leaves_the_atlas_as_it_was) {
    const TemporaryFolder folder;
    const fs::path path = folder / "a.atlas";
    {
        Atlas atlas = Atlas::init(path, "a");
        atlas.ingest(small_dataset(1), {}, one_thread());
        atlas.put_derived("umap", small_result(), "{}", one_thread());
    }
    const auto before = test::folder_bytes(path);
    int failures = 0;
    for (rlim_t limit = 1; limit < 4'096; limit = limit * 3 / 2 + 1) {
        const bool only_commit = failures % 3 == 0 && limit < 1'000;  // dropping a result writes nothing but the new version
        const int status = in_child([&] {
            ::signal(SIGXFSZ, SIG_IGN);
            Atlas atlas = Atlas::open(path);
            atlas.acquire_writer();
            const struct rlimit small = {limit, limit};
            ::setrlimit(RLIMIT_FSIZE, &small);
            try {
                if (only_commit) atlas.drop_derived("umap");
                else atlas.ingest(small_dataset(2), {}, one_thread());
            } catch (const Error&) {
                return atlas.version() == 3 ? 1 : 3;
            }
            return 0;
        });
        ASSERT_EQ(status, 1) << limit;
        ++failures;
        auto after = test::folder_bytes(path);
        EXPECT_EQ(after, before) << limit;
    }
    EXPECT_GT(failures, 10);
}

std::string text_of(const fs::path& path) { return fs::exists(path) ? read_text_file(path, 1'000) : ""; }

/// What a loss of power can do to results that were not forced to disk yet: files of them are missing or empty. Data sets stand on CURRENT.
TEST(AtlasWriters, results_lost_with_the_power_leave_the_version_that_was_forced) {
    for (const char* lost : {"versions/000003.json", "versions/000004.json", "UNFORCED"}) {
        const TemporaryFolder folder;
        const fs::path path = folder / "a.atlas";
        std::string id;
        {
            Atlas atlas = Atlas::init(path, "a");
            id = atlas.ingest(small_dataset(1), {}, one_thread());
            atlas.put_derived("pca", small_result(), "{}", one_thread());
            atlas.put_derived("umap", small_result(), "{}", one_thread());
        }
        EXPECT_EQ(text_of(path / "CURRENT"), "2\n");
        EXPECT_EQ(text_of(path / "UNFORCED"), "4 2\n");
        EXPECT_EQ(Atlas::open(path).version(), 4) << "for every process it is there";
        std::ofstream(path / lost, std::ios::trunc).close();
        Atlas atlas = Atlas::open(path);
        EXPECT_EQ(atlas.version(), 2) << lost;
        EXPECT_EQ(atlas.dataset_ids(), std::vector<std::string>{id});
        atlas.put_derived("pca", small_result(), "{}", one_thread());
        EXPECT_EQ(Atlas::open(path).version(), 3);
        EXPECT_TRUE(Atlas::open(path).verify(one_thread()).ok);
    }
}

TEST(AtlasWriters, settle_ingest_and_vacuum_force_what_was_left_for_later) {
    const std::vector<std::function<void(Atlas&)>> ways = {
        [](Atlas& atlas) { atlas.settle(); },
        [](Atlas& atlas) { atlas.ingest(small_dataset(2), {}, one_thread()); },
        [](Atlas& atlas) { atlas.vacuum({.keep_versions = 1}, one_thread()); },
    };
    for (const auto& way : ways) {
        const TemporaryFolder folder;
        const fs::path path = folder / "a.atlas";
        Atlas atlas = Atlas::init(path, "a");
        atlas.ingest(small_dataset(1), {}, one_thread());
        atlas.put_derived("pca", small_result(), "{}", one_thread());
        way(atlas);
        EXPECT_FALSE(fs::exists(path / "UNFORCED"));
        EXPECT_EQ(text_of(path / "CURRENT"), std::to_string(atlas.version()) + "\n");
        EXPECT_TRUE(Atlas::open(path).get_derived("pca", one_thread()).has_value());
        EXPECT_TRUE(Atlas::open(path).verify(one_thread()).ok);
    }
}

TEST(AtlasWriters, an_unforced_version_of_another_time_is_ignored) {
    const TemporaryFolder folder;
    const fs::path path = folder / "a.atlas";
    Atlas::init(path, "a").ingest(small_dataset(1), {}, one_thread());
    for (const char* text : {"", "9\n", "9 1\n", "1 2\n", "2 2\n", "x 2\n", "3 2", "999999999999999999999 2\n", "3 2\n"}) {
        std::ofstream(path / "UNFORCED") << text;
        EXPECT_EQ(Atlas::open(path).version(), 2) << text;
    }
}

/// The promise of the store: killed at any moment, it opens at the last committed version, whole; the next writer cleans up and goes on.
TEST(AtlasWriters, one_hundred_kills_leave_one_hundred_good_stores) {
    const TemporaryFolder folder;
    const fs::path path = folder / "a.atlas";
    Atlas::init(path, "a");
    std::int64_t last_version = 1;
    int kills_with_leftovers = 0;
    for (std::uint64_t kill_number = 0; kill_number < 100; ++kill_number) {
        Random random(11, Purpose::test, kill_number, 0);
        const pid_t child = ::fork();
        if (child == 0) {
            try {
                Context context({.threads = 1});
                Atlas atlas = Atlas::open(path);
                for (std::uint64_t i = 0;; ++i) {
                    atlas.ingest(small_dataset(kill_number * 1'000 + i), {}, context);
                    const std::string key = "step-" + std::to_string(i % 3);
                    atlas.drop_derived(key);
                    atlas.put_derived(key, small_result(), "{}", context);
                    atlas.vacuum({.keep_versions = 2}, context);
                }
            } catch (...) {
            }
            ::_exit(1);
        }
        std::this_thread::sleep_for(std::chrono::microseconds(2'000 + random.below(60'000)));
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed by itself";
        kills_with_leftovers += fs::exists(path / "tmp") && !fs::is_empty(path / "tmp") ? 1 : 0;
        const Atlas atlas = Atlas::open(path);
        EXPECT_GE(atlas.version(), last_version);
        last_version = atlas.version();
        const auto ids = atlas.dataset_ids();
        if (!ids.empty()) matrix::read_all(*atlas.dataset(ids.back(), one_thread()).layers.at("X"), one_thread());
        if (kill_number % 5 == 0 || kill_number == 99) {
            const VerifyReport report = atlas.verify(one_thread());
            EXPECT_TRUE(report.ok) << report.damage.at(0).file << " " << report.damage.at(0).what;
        }
        if (ids.size() > 20) {  // keep it quick: start afresh
            fs::remove_all(path);
            Atlas::init(path, "a");
            last_version = 1;
        }
    }
    EXPECT_GT(kills_with_leftovers, 10);  // else the kills came at harmless moments
    Atlas atlas = Atlas::open(path);
    atlas.acquire_writer();
    EXPECT_FALSE(fs::exists(path / "tmp") && !fs::is_empty(path / "tmp"));
    EXPECT_TRUE(atlas.verify(one_thread()).ok);
}

}  // namespace
}  // namespace morula::atlas
