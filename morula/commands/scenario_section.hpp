// Tables of a scenario's TOML: keys that must be known, and rates with unit and source.
#pragma once

// With NDEBUG, toml++ promises clang that its assertions hold, and some fail on what people write ("[=]"). Here they are nothing: the checks that
// follow them give the error.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "morula/commands/scenario.hpp"
#include "morula/core/context.hpp"
#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"

namespace morula::commands::scenario_detail {

enum class Quantity { rate, speed, diffusion, time, volume, ratio, share };

/// What the sections of one scenario share.
struct Reading {
    std::filesystem::path path;
    Context& context;
    KeptParts& kept;
    Hasher hasher{};  // of the scenario's text and of every file that it names
    std::vector<ScenarioRate> rates{};
    std::set<std::string, std::less<>> rate_names{};
    std::set<std::string, std::less<>> section_names{};  // that Section::rename_apart gave
    std::map<std::string, std::int64_t> defined{};       // lines of what Section::define has seen
    std::int64_t n_shares = 0;  // numbers in tables of shares
    std::vector<ScenarioFile> files{};  // that were hashed
    RateValues instead{};  // of guesses
    /// Where agents, from number `first` on, stand in the file that they come from, in its unit.
    struct Origins {
        std::filesystem::path file{};
        std::int64_t first = 0;
        std::vector<std::array<double, 3>> at{};
    };
    std::vector<Origins> origins{};

    /// A file that the scenario names: it lies beside it.
    std::filesystem::path beside(const std::string& name) const { return path.parent_path() / name; }
    /// Its hash becomes part of the scenario's.
    void hash_file(const std::filesystem::path& file);
};

/// One TOML table. Every look at a key makes it known; done() refuses those that nobody looked for. Errors name the file and the line.
class Section {
public:
    Section(const toml::table& table, std::string name, Reading& reading) : table_(table), name_(std::move(name)), reading_(reading) {}

    const std::string& name() const { return name_; }
    void rename(std::string name) { name_ = std::move(name); }
    /// The same for sections that nothing of their own tells apart: the second of a name is "name (2)". Their rates are drawn by name, each by itself.
    void rename_apart(const std::string& name);
    bool has(std::string_view key) {
        known_.emplace(key);
        return table_.contains(key);
    }
    std::string text(std::string_view key);
    std::string text_or(std::string_view key, std::string missing) { return has(key) ? text(key) : missing; }
    /// What stands there where that is a text; else nothing. Complains of nothing: what is read afterwards does.
    std::string glimpse(std::string_view key) const;
    /// One of the names; its position.
    std::size_t choice(std::string_view key, const std::vector<std::string>& names, std::size_t missing);
    double number(std::string_view key);
    double number_or(std::string_view key, double missing) { return has(key) ? number(key) : missing; }
    std::int64_t whole(std::string_view key);
    std::int64_t whole_or(std::string_view key, std::int64_t missing) { return has(key) ? whole(key) : missing; }
    double positive(std::string_view key);
    double positive_or(std::string_view key, double missing) { return has(key) ? positive(key) : missing; }
    /// A text that can be seen: not blank, without control characters (files of results would cut or change them).
    std::string name_text(std::string_view key);
    /// The section's own name from its key `name`: "substance" becomes "substance 'oxygen'". Refused where another section has it.
    std::string own_name();
    /// What the section is called stands once. Refused at the key, with the line of the first, where it was defined before; complaint: "stands in an exchange before this one".
    void define(std::string_view key, const std::string& complaint, std::string next);
    /// Minutes of a clock or a table: shorter ones could not be told from none, and a run of 2^32 steps would not end.
    double minutes(std::string_view key);
    double minutes_or(std::string_view key, double missing) { return has(key) ? minutes(key) : missing; }
    std::vector<double> numbers(std::string_view key);
    /// ["one", "two"]: at least one, none empty.
    std::vector<std::string> texts(std::string_view key);
    /// Three numbers, x, y and z; `example` tells how to write them.
    std::array<double, 3> place(std::string_view key, std::string_view example);
    /// Texts by name: the table { "OD Mature 1" = "oligodendrocyte" }.
    std::vector<std::pair<std::string, std::string>> text_table(std::string_view key);
    /// Shares by name: a text (all of it), or the table { alpha = 0.8, delta = 0.2 } of shares above 0 whose sum is 1.
    std::vector<std::pair<std::string, double>> shares(std::string_view key);
    /// {value, unit, source, citation, fitted_to, prior}, in um and min; a missing key gives `missing`, noted as literature with `citation`.
    double rate(std::string_view key, Quantity quantity);
    double rate_or(std::string_view key, Quantity quantity, double missing, std::string_view citation);
    /// The most that a rate that was read may be, in the unit that is written: the high end of a prior, else the value.
    double highest_of(std::string_view key) const;
    /// The same, but a missing key is a guess within `prior`, of which the run warns.
    double rate_or_guess(std::string_view key, Quantity quantity, double missing, std::array<double, 2> prior);
    /// {source, citation, prior} of a number that stands elsewhere, whose name and value are known: fills in the rest. A guess that is to be replaced gets its value.
    void source_of(std::string_view key, ScenarioRate& rate);
    /// A concentration: its unit must be that of the substance.
    double concentration(std::string_view key, const std::string& unit);
    /// The hash of a file that the scenario names becomes part of the scenario's, and no output may take the file's place.
    void hash_file(const std::filesystem::path& file) const { reading_.hash_file(file); }
    /// What is read without a hash of its bytes, such as an atlas (a folder): no output may take its place. hash: of what was read.
    void keep_from_outputs(const std::filesystem::path& file, const std::string& hash) const { reading_.files.push_back({file, hash}); }
    /// What is the same in every reading of the scenario.
    KeptParts& kept() const { return reading_.kept; }
    /// Of a kept part that belongs to this section alone: the parsed table is one of them, so that its place is the same in every reading.
    std::string kept_name(std::string_view part) const;
    /// File of the scenario, for messages.
    const std::filesystem::path& path() const { return reading_.path; }
    /// Tables of [key] or [[key]], named "key".
    std::vector<Section> sections(std::string_view key);
    /// The same where there may be one: a second is refused, with both lines.
    std::optional<Section> only_section(std::string_view key);
    void done() const;
    [[noreturn]] void refuse(std::string_view key, const std::string& what, std::string next) const;
    /// The same, at a place that is not the key's own. place: "doses.csv, line 3".
    [[noreturn]] void refuse_at(const std::string& place, std::string_view key, const std::string& what, std::string next) const;
    /// Runs body(); what that refuses without naming a file is refused with this one and the line of the key, and the same code.
    template <class Body>
    void at(std::string_view key, const Body& body) const {
        try {
            body();
        } catch (const Error& error) {
            refuse_again(key, error);
        }
    }
    /// Throws resource_limit, with the line of the key and the number of bytes, where they are more than there are. what: "The domain".
    void require_memory(std::string_view key, std::int64_t bytes, const std::string& what) const;
    /// That of the section's head where it has no such key.
    std::int64_t line_of(std::string_view key) const;
    /// "scenario.toml, line 12"; item: of a list, which may stand on a line of its own.
    std::string place_of(std::string_view key) const;
    std::string place_of(std::string_view key, std::size_t item) const;

private:
    [[noreturn]] void refuse_again(std::string_view key, const Error& error) const;
    const toml::node& require(std::string_view key);
    /// Adds it to the scenario's table. Refused where another rate has its name: one of the two would be drawn for both.
    void add_rate(std::string_view key, ScenarioRate rate);
    /// The keys source, citation and prior of this table, which is that of one rate. Throws where the source is missing, unknown, or lacks what belongs to it.
    void read_source(ScenarioRate& rate);
    double rate_of_units(std::string_view key, const std::vector<std::pair<std::string_view, double>>& units, double highest);

    const toml::table& table_;
    std::string name_;
    Reading& reading_;
    std::set<std::string, std::less<>> known_;
};

/// Largest file that a scenario may be.
inline constexpr std::int64_t kLargestScenarioFile = 1 << 30;

/// The substance or cell type that the key names; its number. Refused where the key is missing or there is none of that name.
std::int32_t substance_number(Section& section, std::string_view key, const simulation::Model& model);
std::size_t type_number(Section& section, std::string_view key, const simulation::Model& model);

}  // namespace morula::commands::scenario_detail
