#include "morula/simulation/rules.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/errors.hpp"

namespace morula::simulation {
namespace {

using knowledge::BehaviorRule;
using knowledge::Response;

RuleVocabulary words() {
    return {.types = {"tumor", "T cell"}, .signals = {"oxygen", "pressure", "drug"}, .behaviors = {"cycle entry", "necrosis", "migration speed"}, .base = {0.001, 0.003, 0.5, 0.0, 0.0, 2.0}};
}

BehaviorRule rule(std::string type, std::string signal, Response response, std::string behavior, double saturation, double half_max, double power) {
    return {.cell_type = std::move(type), .signal = std::move(signal), .response = response, .behavior = std::move(behavior), .saturation = saturation, .half_max = half_max, .hill_power = power,
            .applies_to_dead = false, .line = 3};
}

TEST(rules, a_rule_goes_half_of_the_way_at_half_max) {
    const Rules rules({rule("tumor", "oxygen", Response::increases, "cycle entry", 0.005, 21.5, 4.0), rule("tumor", "oxygen", Response::decreases, "necrosis", 0.0, 3.75, 8.0)}, "rules.csv", words());
    const auto at = [&](std::int32_t behavior, double oxygen) { return rules.respond(0, behavior, std::vector{oxygen, 0.0, 0.0}, Vitality::alive); };
    EXPECT_DOUBLE_EQ(at(0, 0.0), 0.001);
    EXPECT_DOUBLE_EQ(at(0, 21.5), 0.003);
    EXPECT_DOUBLE_EQ(at(0, 43.0), 0.001 + 0.004 * 16.0 / 17.0);
    EXPECT_NEAR(at(0, 1e300), 0.005, 1e-15);
    EXPECT_DOUBLE_EQ(at(0, -5.0), 0.001);
    EXPECT_DOUBLE_EQ(at(1, 3.75), 0.0015);
    EXPECT_DOUBLE_EQ(at(2, 3.75), 0.5);
    EXPECT_EQ(std::vector<std::int32_t>(rules.changed(0).begin(), rules.changed(0).end()), (std::vector<std::int32_t>{0, 1}));
    EXPECT_TRUE(rules.changed(1).empty());
    EXPECT_DOUBLE_EQ(rules.respond(1, 2, std::vector{9.0, 9.0, 9.0}, Vitality::alive), 2.0);
}

TEST(rules, of_one_direction_add_up_and_decrease_comes_last) {
    const Rules rules({rule("T cell", "oxygen", Response::increases, "migration speed", 4.0, 10.0, 1.0), rule("T cell", "drug", Response::increases, "migration speed", 6.0, 2.0, 2.0),
                       rule("T cell", "pressure", Response::decreases, "migration speed", 0.5, 1.0, 3.0)},
                      "rules.csv", words());
    const double u = 5.0 / 10.0 + 4.0 / 4.0;
    const double d = 8.0;
    const double up = u / (1.0 + u), down = d / (1.0 + d);
    EXPECT_DOUBLE_EQ(rules.respond(1, 2, std::vector{5.0, 2.0, 2.0}, Vitality::alive), (1.0 - down) * ((1.0 - up) * 2.0 + up * 6.0) + down * 0.5);
}

TEST(rules, of_one_signal_may_go_both_ways) {
    const Rules rules({rule("T cell", "oxygen", Response::increases, "migration speed", 6.0, 1.0, 2.0), rule("T cell", "oxygen", Response::decreases, "migration speed", 0.0, 10.0, 4.0)}, "rules.csv", words());
    const auto at = [&](double oxygen) { return rules.respond(1, 2, std::vector{oxygen, 0.0, 0.0}, Vitality::alive); };
    EXPECT_DOUBLE_EQ(at(0.0), 2.0);
    EXPECT_DOUBLE_EQ(at(1.0), (1.0 - 1e-4 / 1.0001) * 4.0);
    EXPECT_DOUBLE_EQ(at(10.0), 0.5 * (2.0 / 101.0 + 6.0 * 100.0 / 101.0));
    EXPECT_GT(at(3.0), at(1.0));
    EXPECT_LT(at(100.0), 0.01);
    // Twice in one direction is another thing, as two names of one signal are.
    RuleVocabulary synonyms = words();
    synonyms.other_names = {{"O2", "oxygen"}};
    const Error error = test::thrown_by([&] { Rules({rule("tumor", "oxygen", Response::increases, "necrosis", 1.0, 1.0, 1.0), rule("tumor", "O2", Response::increases, "necrosis", 1.0, 2.0, 1.0)}, "rules.csv", synonyms); });
    EXPECT_TRUE(test::contains(error.message(), "'O2' is another name of a signal that increases 'necrosis' of 'tumor' already")) << error.message();
}

TEST(rules, of_the_living_do_not_move_the_dead) {
    std::vector<BehaviorRule> given{rule("tumor", "pressure", Response::increases, "necrosis", 1.0, 1.0, 1.0)};
    const std::vector<double> signals{0.0, 1.0, 0.0};
    EXPECT_DOUBLE_EQ(Rules(given, "r", words()).respond(0, 1, signals, Vitality::dead), 0.003);
    given[0].applies_to_dead = true;
    EXPECT_DOUBLE_EQ(Rules(given, "r", words()).respond(0, 1, signals, Vitality::dead), 0.5015);
}

TEST(rules, that_name_what_is_not_there_are_refused_with_the_nearest_name) {
    const auto refused = [](const BehaviorRule& one) { return std::string(test::thrown_by([&] { Rules({one}, "rules.csv", words()); }).what()); };
    const std::string signal = refused(rule("tumor", "oxigen", Response::increases, "cycle entry", 1.0, 1.0, 1.0));
    EXPECT_TRUE(test::contains(signal, "rules.csv, line 3: there is no signal 'oxigen'")) << signal;
    EXPECT_TRUE(test::contains(signal, "Did you mean 'oxygen'?")) << signal;
    EXPECT_TRUE(test::contains(refused(rule("B cell lymphoma", "oxygen", Response::increases, "cycle entry", 1.0, 1.0, 1.0)), "Name one of: tumor, T cell."));
    EXPECT_TRUE(test::contains(refused(rule("tumor", "oxygen", Response::increases, "cycle exit", 1.0, 1.0, 1.0)), "behaviour"));
    EXPECT_TRUE(test::contains(refused(rule("tumor", "oxygen", Response::increases, "necrosis", 0.001, 1.0, 1.0)), "at least 0.003"));
    EXPECT_TRUE(test::contains(refused(rule("tumor", "oxygen", Response::decreases, "necrosis", 0.1, 1.0, 1.0)), "at most 0.003"));
}

}  // namespace
}  // namespace morula::simulation
