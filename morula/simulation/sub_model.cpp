#include "morula/simulation/sub_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "morula/core/error.hpp"
#include "morula/simulation/behaviors.hpp"
#include "morula/simulation/model.hpp"
#include "morula/simulation/rules.hpp"

namespace morula::simulation {

bool has_sub_models(const Model& model) {
    return std::any_of(model.types.begin(), model.types.end(), [](const CellType& type) { return type.sub_model != nullptr; });
}

std::vector<AttachedSubModel> attached_sub_models(const Model& model, const RuleVocabulary& words) {
    const std::vector<Behavior> behaviors = behaviors_of(model);
    std::vector<AttachedSubModel> all(model.types.size());
    for (std::size_t type = 0; type < all.size(); ++type) {
        AttachedSubModel& own = all[type];
        own.model = model.types[type].sub_model;
        if (own.model == nullptr) continue;
        own.place = fmt::format("The sub-model of '{}'", model.types[type].name);
        own.n_state = own.model->n_state();
        for (const std::string& name : own.model->reads()) own.reads.push_back(static_cast<std::int32_t>(find_signal(words, name, own.place)));
        for (const std::string& name : own.model->gives()) {
            const std::size_t number = find_behavior(words, name, own.place);
            if (behaviors[number].kind == BehaviorKind::repulsion) {
                fail(ErrorCode::unsupported, fmt::format("{} gives '{}', and the mechanics step is checked against the most that this may be.", own.place, name), "Change it by a rule.");
            }
            if (std::isnan(words.base_of(type, number))) invalid_data(fmt::format("{} gives '{}', and cells of the type have no such behaviour.", own.place, name), "Give the type that phase, or that death.");
            if (std::find(own.gives.begin(), own.gives.end(), static_cast<std::int32_t>(number)) != own.gives.end()) invalid_data(fmt::format("{} gives '{}' twice.", own.place, name), "Give it once.");
            own.gives.push_back(static_cast<std::int32_t>(number));
        }
    }
    return all;
}

std::int64_t sub_model_bytes_per_agent(const Model& model) {
    std::size_t n_state = 0, n_given = 0;
    for (const CellType& type : model.types) {
        if (type.sub_model == nullptr) continue;
        n_state = std::max(n_state, type.sub_model->n_state());
        n_given += type.sub_model->gives().size();
    }
    return static_cast<std::int64_t>((n_state + n_given) * sizeof(float));
}

}  // namespace morula::simulation
