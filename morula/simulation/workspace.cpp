#include "morula/simulation/workspace.hpp"

#include "morula/matrix/huge_pages.hpp"

namespace morula::simulation {

void Workspace::reserve(std::size_t bytes) {
    if (bytes <= capacity_) return;
    block_.reset();
    capacity_ = 0;
    const std::size_t roomy = bytes + bytes / 64;
    block_.reset(static_cast<std::byte*>(::operator new(roomy, std::align_val_t(kLine))));
    capacity_ = roomy;
    // Neighbours' records are read here and there: fewer address translations are missed.
    matrix::prefer_huge_pages(block_.get(), capacity_);
}

}  // namespace morula::simulation
