#include "morula/matrix/held_in_memory.hpp"

#include <gtest/gtest.h>

#include "tests/support/sources.hpp"

namespace morula::matrix {
namespace {

TEST(held_in_memory, copies_what_fits_and_leaves_what_does_not) {
    const Matrix source = make_source(test::random_counts(200, 50, 0.3, 1));
    const auto context = test::make_context(1);
    const Matrix held = held_in_memory(source, *context);
    EXPECT_NE(held, source);
    EXPECT_TRUE(test::same_csr(read_all(*held, *context), read_all(*source, *context)));
    Context little({.threads = 1, .memory_bytes = 20'000});
    EXPECT_EQ(held_in_memory(source, little), source);
}

}  // namespace
}  // namespace morula::matrix
