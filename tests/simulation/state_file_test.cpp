#include "morula/simulation/state_file.hpp"

#include <gtest/gtest.h>

#include "tests/support/contexts.hpp"
#include "tests/support/temporary_folder.hpp"

namespace morula::simulation {
namespace {

TEST(state_file, values_come_back_in_their_order) {
    const test::TemporaryFolder folder;
    StateWriter out;
    out.put(std::int64_t{-4});
    out.put(std::vector<float>{1.5F, -0.0F});
    out.put_text("a scenario");
    out.put(std::vector<std::uint8_t>{});
    out.save(folder / "state");
    StateReader in(folder / "state");
    std::int64_t number = 0;
    std::vector<float> values;
    std::vector<std::uint8_t> none{1, 2};
    in.get(number);
    in.get(values);
    EXPECT_EQ(number, -4);
    EXPECT_TRUE(test::same_bits(values, std::vector<float>{1.5F, -0.0F}));
    EXPECT_EQ(in.get_text(), "a scenario");
    in.get(none);
    EXPECT_TRUE(none.empty());
    EXPECT_TRUE(in.at_end());
    EXPECT_EQ(test::error_code([&] { in.get(number); }), ErrorCode::invalid_data);
}

TEST(state_file, a_length_beyond_the_end_is_damage) {
    const test::TemporaryFolder folder;
    for (const std::int64_t length : {std::int64_t{-1}, std::int64_t{3}, std::int64_t{1} << 62}) {
        StateWriter out;
        out.put(length);
        out.put(std::int64_t{0});
        out.save(folder / "state");
        EXPECT_TRUE(test::contains(test::error_text([&] {
                                       StateReader in(folder / "state");
                                       std::vector<double> values;
                                       in.get(values);
                                   }),
                                   "ends early"));
    }
}

}  // namespace
}  // namespace morula::simulation
