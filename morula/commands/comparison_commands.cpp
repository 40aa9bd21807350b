#include "morula/commands/comparison_commands.hpp"

#include "morula/commands/annotate.hpp"

namespace morula::commands {

// One line a command, in the order of `morula --help`.
std::vector<Command> comparison_commands() {
    std::vector<Command> list;
    list.push_back(annotate_command());
    list.push_back(knowledge_add_command());
    list.push_back(de_command());
    list.push_back(abundance_command());
    list.push_back(integrate_command());
    list.push_back(cnv_command());
    list.push_back(evaluate_integration_command());
    list.push_back(programmes_command());
    list.push_back(communicate_command());
    list.push_back(ambient_command());
    return list;
}

}  // namespace morula::commands
