#include "morula/commands/comparison_commands.hpp"

namespace morula::commands {

// One line a command, in the order of `morula --help`.
std::vector<Command> comparison_commands() {
    std::vector<Command> list;
    return list;
}

}  // namespace morula::commands
