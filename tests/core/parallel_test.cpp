#include "morula/core/parallel.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "morula/core/error.hpp"

namespace morula {
namespace {

TEST(parallel, every_block_is_visited_once) {
    for (const std::int32_t threads : {1, 2, 4}) {
        Context context({.threads = threads});
        std::vector<int> seen(1001, 0);
        parallel_blocks(context, 1001, 7, [&](Block block) {
            EXPECT_EQ(block.begin, block.index * 7);
            for (std::int64_t i = block.begin; i < block.end; ++i) ++seen[static_cast<std::size_t>(i)];
        });
        for (const int n : seen) EXPECT_EQ(n, 1);
    }
}

TEST(parallel, sums_are_the_same_bits_for_any_thread_count) {
    const auto sum_with = [](std::int32_t threads) {
        Context context({.threads = threads});
        return sum_blocks(context, 100'000, 1024, [](Block block) {
            double sum = 0.0;
            for (std::int64_t i = block.begin; i < block.end; ++i) sum += std::sqrt(static_cast<double>(i)) * 1e-7;
            return sum;
        });
    };
    EXPECT_EQ(sum_with(1), sum_with(2));
    EXPECT_EQ(sum_with(1), sum_with(4));
}

TEST(parallel, the_exception_of_the_lowest_block_wins) {
    for (const std::int32_t threads : {1, 2, 4}) {
        Context context({.threads = threads});
        std::string message;
        try {
            parallel_blocks(context, 100, 1, [](Block block) {
                if (block.index % 10 == 3) invalid_data("block " + std::to_string(block.index), "");
            });
        } catch (const Error& error) {
            message = error.message();
        }
        EXPECT_EQ(message, "block 3");
    }
}

TEST(parallel, nested_calls_run_inline) {
    Context context({.threads = 4});
    std::vector<std::int64_t> sums(16);
    parallel_blocks(context, 16, 1, [&](Block outer) {
        parallel_blocks(context, 10, 2, [&](Block inner) { sums[static_cast<std::size_t>(outer.index)] += inner.size(); });
    });
    for (const std::int64_t sum : sums) EXPECT_EQ(sum, 10);
}

TEST(parallel, cancelling_throws) {
    std::atomic<bool> cancel{false};
    Context context({.threads = 2, .cancel = &cancel});
    try {
        parallel_blocks(context, 1000, 1, [&](Block) { cancel = true; });
        FAIL() << "should have been cancelled";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::cancelled);
    }
}

TEST(context, refuses_what_does_not_fit_and_says_how_much_it_needs) {
    const Context context({.threads = 1, .memory_bytes = 1'000'000});
    context.require_memory(1'000'000, "pca");
    try {
        context.require_memory(25'000'000, "pca");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::resource_limit);
        EXPECT_NE(error.message().find("pca needs about 25 MB"), std::string::npos) << error.message();
        EXPECT_NE(error.message().find("1.0 MB"), std::string::npos) << error.message();
    }
}

TEST(context, amounts_of_memory_are_read) {
    EXPECT_EQ(parse_bytes("8G"), 8'000'000'000);
    EXPECT_EQ(parse_bytes("1.5GiB"), 1'610'612'736);
    EXPECT_EQ(parse_bytes("500 mb"), 500'000'000);
    EXPECT_THROW(parse_bytes("lots"), Error);
    EXPECT_THROW(parse_bytes("-3G"), Error);
    EXPECT_THROW(parse_bytes("1e30T"), Error);
}

}  // namespace
}  // namespace morula
