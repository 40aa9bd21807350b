// The page of several seeds: what they have in common and how far they lie apart, from the tables of each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "morula/commands/scenario.hpp"
#include "morula/commands/simulate_run.hpp"
#include "morula/core/context.hpp"
#include "morula/formats/text/delimited.hpp"
#include "morula/report/seeds_story.hpp"

namespace morula::commands {

/// Takes the tables of one seed after the other. All have the same minutes; of these at most 400 are kept, fewer where seeds are many, so that no more than 8 million numbers (64 MB) are held.
class SeedsCollector {
public:
    /// Throws resource_limit where that memory is short.
    SeedsCollector(const Scenario& scenario, std::int64_t n_seeds, Context& context);

    void add_composition(const formats::RawTable& table);
    void add_readouts(const formats::RawTable& table);
    /// runs: of the seeds, in the order in which their tables came.
    report::SeedsStory finish(const std::vector<RunSummary>& runs);

private:
    /// body(first row) for each minute that is kept.
    template <class Body>
    void for_kept_minutes(const formats::RawTable& table, std::size_t rows_a_minute, const Body& body);

    const Scenario& scenario_;
    std::int64_t most_minutes_;
    report::SeedsStory story_;
};

/// What the page says about the call itself.
struct SeedsFacts {
    std::string command;  // that makes it again
    std::string out;      // folder as given
    std::string scenario_hash;
    std::vector<std::string> warnings;
};
void describe_seeds(report::SeedsStory& story, const std::vector<RunSummary>& runs, const SeedsFacts& facts);

}  // namespace morula::commands
