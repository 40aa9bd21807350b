// Simulation: the hash of its state, and how it is saved and put back.
#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "morula/core/error.hpp"
#include "morula/core/hash.hpp"
#include "morula/simulation/simulation.hpp"
#include "morula/simulation/state_file.hpp"

namespace morula::simulation {

std::string Simulation::hash() const {
    std::vector<std::size_t> order(agents_.id.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return agents_.id[a] < agents_.id[b]; });
    Hasher hasher;
    agents_.for_each_column([&]<class T>(const std::vector<T>& values) {
        std::vector<T> sorted;
        sorted.reserve(values.size());
        for (const std::size_t i : order) sorted.push_back(values[i]);
        hasher.update_values(std::span<const T>(sorted));
    });
    if (states_) states_->hash(agents_, order, hasher);
    for (std::int32_t s = 0; s < field_.n_substances(); ++s) hasher.update_values(field_.values(s));
    hasher.update_values(std::span(&step_, 1));
    return hasher.hex();
}

void Simulation::save(const std::filesystem::path& path, const std::string& scenario) const {
    StateWriter out;
    save(out, scenario);
    out.save(path);
}

void Simulation::save(StateWriter& out, const std::string& scenario) const {
    out.put_text(scenario);
    out.put(model_.seed);
    out.put(step_);
    out.put(tally_);
    agents_.for_each_column([&](const auto& values) { out.put(values); });
    for (std::int32_t s = 0; s < field_.n_substances(); ++s) out.put(std::vector<double>(field_.values(s).begin(), field_.values(s).end()));
    if (states_) states_->save(out);
    mechanics_.save(out);
}

Simulation Simulation::load(Model model, const std::filesystem::path& path, const std::string& scenario, Context& context) {
    StateReader in(path);
    return load(std::move(model), in, scenario, context);
}

Simulation Simulation::load(Model model, StateReader& in, const std::string& scenario, Context& context) {
    Simulation loaded(std::move(model), context);
    std::uint64_t seed = 0;
    const std::string saved = in.get_text();
    in.get(seed);
    if (saved != scenario || seed != loaded.model_.seed) {
        invalid_data(fmt::format("{} belongs to scenario '{}' with seed {}, and this is '{}' with seed {}.", in.path().string(), saved, seed, scenario, loaded.model_.seed),
                     "Resume the scenario that was saved, or run this one from its start.");
    }
    in.get(loaded.step_);
    if (loaded.step_ < 0) in.damaged("its clock is before the start");
    loaded.use_factors(static_cast<double>(loaded.step_ / loaded.steps_a_life_ * loaded.steps_a_life_) * loaded.model_.clocks.mechanics_min);
    in.get(loaded.tally_);
    loaded.agents_.for_each_column([&](auto& values) { in.get(values); });
    loaded.agents_.for_each_column([&](const auto& values) {
        if (values.size() != loaded.agents_.id.size()) in.damaged("its agents are of different numbers");
    });
    for (const std::uint16_t type : loaded.agents_.type) {
        if (type >= loaded.model_.types.size()) in.damaged("an agent has a type that is not there");
    }
    for (std::int32_t s = 0; s < loaded.field_.n_substances(); ++s) {
        std::vector<double> values;
        in.get(values);
        if (values.size() != loaded.field_.values(s).size()) in.damaged("its grid is another");
        std::copy(values.begin(), values.end(), loaded.field_.values(s).begin());
    }
    if (loaded.states_) loaded.states_->load(in, loaded.agents_);
    loaded.mechanics_.load(in, loaded.agents_.size(), context);
    if (!in.at_end()) in.damaged("something follows its end");
    return loaded;
}

}  // namespace morula::simulation
