#include "morula/pipeline/registry.hpp"

#include "morula/commands/comparison_commands.hpp"
#include "morula/commands/contribute.hpp"
#include "morula/commands/scenario_verbs.hpp"
#include "morula/commands/simulate.hpp"
#include "morula/commands/step_command.hpp"
#include "morula/commands/store_commands.hpp"
#include "morula/pipeline/about_commands.hpp"
#include "morula/pipeline/run.hpp"

namespace morula::pipeline {

const std::vector<commands::Command>& all_commands() {
    static const std::vector<commands::Command> commands = [] {
        std::vector<commands::Command> list{run_command()};
        for (commands::Command& command : commands::store_commands()) list.push_back(std::move(command));
        for (commands::Command& command : commands::step_commands()) list.push_back(std::move(command));
        for (commands::Command& command : commands::comparison_commands()) list.push_back(std::move(command));
        list.push_back(commands::simulate_command());
        list.push_back(commands::contribute_command());
        for (commands::Command& command : commands::scenario_commands()) list.push_back(std::move(command));
        for (commands::Command command : {doctor_command(), version_command(), completion_command()}) list.push_back(std::move(command));
        return list;
    }();
    return commands;
}

}  // namespace morula::pipeline
