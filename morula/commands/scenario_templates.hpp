// Scenarios to start from, as text: what `scenario new` writes.
#pragma once

#include <string>
#include <string_view>

namespace morula::commands {

enum class ScenarioTemplate { spheroid, crypt_ring, liver_lobule, islet, vessel, alveolus, skin };
/// In the order of ScenarioTemplate.
inline constexpr std::string_view kScenarioTemplates = "spheroid|crypt-ring|liver-lobule|islet|vessel|alveolus|skin";

struct ScenarioFiles {
    std::string text;   // TOML
    std::string rules;  // CSV; empty: it needs none
};

/// rules_name: of the rule file, as the scenario names it.
ScenarioFiles scenario_template(ScenarioTemplate name, std::string_view rules_name);

}  // namespace morula::commands
