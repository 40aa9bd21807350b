#include "morula/simulation/expression_states.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/parallel.hpp"
#include "morula/core/random.hpp"

namespace morula::simulation {
namespace {

constexpr std::int64_t kBlockAgents = 4'096;
constexpr std::size_t kGroup = 8;
constexpr std::size_t kMostDims = static_cast<std::size_t>(kMostLatentDims);
/// Half the number of steps that a dimension's range has: 16 bits, a little room left.
constexpr float kHalfSteps = 32'500.0F;
constexpr std::size_t kQuantiles = 4'096;
/// Attempts on average, or relaxation times, within a tick of the clock: with more, little is left of the states between.
constexpr double kMostAttempts = 100.0;
/// A pull that brings a state less than a hundredth nearer to its metacell keeps it where it is. Squared.
constexpr float kNoNearer = 0.98F;
constexpr std::uint16_t kMostPulls = std::numeric_limits<std::uint16_t>::max();

/// Values a state: whole groups.
std::size_t stride_of(const ExpressionKernel& kernel) { return (static_cast<std::size_t>(kernel.n_dims()) + kGroup - 1) / kGroup * kGroup; }
/// Latent, metacell, pulls, programmes.
std::int64_t bytes_a_state(std::size_t stride, std::size_t n_programmes) { return static_cast<std::int64_t>(2 * stride + 4 + 4 * n_programmes); }

/// The standard normal at the middles of 4,096 equal shares, scaled to a variance of 1 (a factor of 1.0003): a draw costs 12 random bits and no logarithm.
const std::array<float, kQuantiles>& normal_quantiles() {
    static const std::array<float, kQuantiles> table = [] {
        std::array<double, kQuantiles> z{};
        double squares = 0.0;
        for (std::size_t i = 0; i < kQuantiles / 2; ++i) {
            const double p = (static_cast<double>(i) + 0.5) / static_cast<double>(kQuantiles);
            double low = -6.0, high = 0.0;
            for (int halving = 0; halving < 60; ++halving) {
                const double middle = 0.5 * (low + high);
                (0.5 * std::erfc(-middle / std::numbers::sqrt2) < p ? low : high) = middle;
            }
            z[i] = low;
            z[kQuantiles - 1 - i] = -low;
            squares += 2.0 * low * low;
        }
        std::array<float, kQuantiles> scaled{};
        for (std::size_t i = 0; i < kQuantiles; ++i) scaled[i] = static_cast<float>(z[i] / std::sqrt(squares / static_cast<double>(kQuantiles)));
        return scaled;
    }();
    return table;
}

/// Fills whole groups of eight.
void draw_noise(Random& random, std::span<float> noise) {
    const std::array<float, kQuantiles>& quantiles = normal_quantiles();
    for (std::size_t d = 0; d < noise.size(); d += 2) {
        const std::uint32_t bits = random.next_u32();
        noise[d] = quantiles[bits & (kQuantiles - 1)];
        noise[d + 1] = quantiles[bits >> 20];
    }
}

float squared_length(std::span<const float> values) {
    std::array<float, kGroup> sum{};
    for (std::size_t d = 0; d < values.size(); d += kGroup) {
        for (std::size_t lane = 0; lane < kGroup; ++lane) sum[lane] += values[d + lane] * values[d + lane];
    }
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

std::vector<float> filled_up(std::int64_t rows, std::int64_t cols, std::size_t stride, const auto& row) {
    std::vector<float> values(static_cast<std::size_t>(rows) * stride, 0.0F);
    for (std::int64_t r = 0; r < rows; ++r) std::copy_n(row(r).begin(), cols, values.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(r) * stride));
    return values;
}

}  // namespace

ExpressionStates::ExpressionStates(std::shared_ptr<const ExpressionModel> model) : model_(std::move(model)) {
    const ExpressionKernel& kernel = model_->kernel;
    MORULA_ASSERT(static_cast<std::int32_t>(model_->rates.size()) == kernel.n_types());
    MORULA_ASSERT(model_->start.empty() || model_->start.size() == model_->rates.size());
    for (const StateRates& rates : model_->rates) {
        for (const double rate : {rates.attempts_per_min, rates.relaxation_per_min}) {
            if (rate * model_->clock_min > kMostAttempts) {
                invalid_data(fmt::format("A rate of expression states is {:g} / min, and their clock strikes every {:g} min.", rate, model_->clock_min), fmt::format("Give a clock of at most {:g} min.", kMostAttempts / rate));
            }
            if (!(rate >= 0.0) || !std::isfinite(rate)) invalid_data(fmt::format("A rate of expression states is {}.", rate), "Give a number that is not negative.");
        }
    }
    const auto dims = static_cast<std::size_t>(kernel.n_dims());
    stride_ = stride_of(kernel);
    center_ = filled_up(kernel.n_metacells(), kernel.n_dims(), stride_, [&](std::int64_t m) { return kernel.center(m); });
    spread_ = filled_up(kernel.n_metacells(), kernel.n_dims(), stride_, [&](std::int64_t m) { return kernel.spread(m); });
    // Wherever the guard lets a state be, and every measured cell.
    std::vector<float> low(dims, std::numeric_limits<float>::infinity()), high(dims, -std::numeric_limits<float>::infinity());
    const auto widen = [&](std::span<const float> values, float by) {
        for (std::size_t d = 0; d < dims; ++d) {
            low[d] = std::min(low[d], values[d] - by);
            high[d] = std::max(high[d], values[d] + by);
        }
    };
    for (std::int64_t m = 0; m < kernel.n_metacells(); ++m) widen(kernel.center(m), kernel.known_distance(kernel.type_of(m)));
    for (std::int32_t type = 0; type < kernel.n_types(); ++type) {
        for (std::int64_t cell = 0; cell < kernel.n_measured(type); ++cell) widen(kernel.measured(type, cell).latent, 0.0F);
    }
    offset_.assign(stride_, 0.0F);
    unit_.assign(stride_, 1.0F);
    for (std::size_t d = 0; d < dims; ++d) {
        offset_[d] = 0.5F * (low[d] + high[d]);
        if (high[d] > low[d]) unit_[d] = 0.5F * (high[d] - low[d]) / kHalfSteps;
    }
    n_programmes_ = model_->signalling ? model_->signalling->n_programmes() : 0;
    programmes_.assign(n_programmes_, 0.0F);
    latent_.assign(stride_, 0);
    metacell_.assign(1, 0);
    pulls_.assign(1, 0);
}

void ExpressionStates::place(std::size_t state, std::span<const float> values) {
    std::int16_t* out = latent_.data() + state * stride_;
    for (std::size_t d = 0; d < values.size(); ++d) {
        // floor(x + 1/2) by the cast of a number above 0.
        const float steps = std::clamp((values[d] - offset_[d]) / unit_[d], -32'767.0F, 32'767.0F);
        out[d] = static_cast<std::int16_t>(static_cast<std::int32_t>(steps + 32'768.5F) - 32'768);
    }
}

void ExpressionStates::make_room(std::size_t n_states) {
    resize_with_room(latent_, n_states * stride_);
    resize_with_room(metacell_, n_states);
    resize_with_room(pulls_, n_states);
    resize_with_room(programmes_, n_states * n_programmes_);
}

/// There must be a free one.
std::size_t ExpressionStates::take_free(std::vector<std::uint8_t>& used, std::size_t& from) {
    while (used[from] != 0) ++from;
    used[from] = 1;
    return from;
}

void ExpressionStates::copy(std::size_t from, std::size_t to) {
    std::copy_n(latent_.begin() + static_cast<std::ptrdiff_t>(from * stride_), stride_, latent_.begin() + static_cast<std::ptrdiff_t>(to * stride_));
    metacell_[to] = metacell_[from];
    pulls_[to] = pulls_[from];
    std::copy_n(programmes_.begin() + static_cast<std::ptrdiff_t>(from * n_programmes_), n_programmes_, programmes_.begin() + static_cast<std::ptrdiff_t>(to * n_programmes_));
}

void ExpressionStates::put(std::size_t state, const ExpressionKernel::Draw& measured) {
    place(state, measured.latent);
    metacell_[state] = static_cast<std::uint16_t>(measured.metacell);
    pulls_[state] = 0;
    std::fill_n(programmes_.begin() + static_cast<std::ptrdiff_t>(state * n_programmes_), n_programmes_, 0.0F);
}

void ExpressionStates::start_as(const Agents& agents, std::size_t agent, std::int64_t cell) {
    MORULA_ASSERT(agents.expression[agent] != 0);
    put(agents.expression[agent], model_->kernel.measured(agents.type[agent], cell));
}

/// The first state of an agent.
void ExpressionStates::put_first(std::size_t state, std::uint64_t id, std::uint16_t type, std::uint64_t seed) {
    const ExpressionKernel& kernel = model_->kernel;
    const std::vector<StartAs>& named = model_->start_as;
    const auto found = std::lower_bound(named.begin(), named.end(), id, [](const StartAs& each, std::uint64_t wanted) { return each.id < wanted; });
    if (found != named.end() && found->id == id && found->type == type) return put(state, kernel.measured(type, found->cell));
    Random random(seed, Purpose::simulation_state_start, id, 0);
    if (model_->start.empty() || model_->start[type].empty()) return put(state, kernel.measured(type, static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(kernel.n_measured(type))))));
    const std::vector<std::int64_t>& cells = model_->start[type];
    put(state, kernel.measured(type, cells[static_cast<std::size_t>(random.below(cells.size()))]));
}

void ExpressionStates::settle(Agents& agents, std::uint64_t seed, Context& context) {
    const ExpressionKernel& kernel = model_->kernel;
    std::vector<std::uint8_t> used(metacell_.size(), 0);
    used[0] = 1;
    std::vector<std::size_t> inherit, draw;
    for (std::size_t i = 0; i < agents.id.size(); ++i) {
        std::uint32_t& state = agents.expression[i];
        MORULA_ASSERT(state < used.size());
        if (state != 0 && kernel.type_of(metacell_[state]) == agents.type[i]) {
            if (std::exchange(used[state], std::uint8_t{1}) != 0) inherit.push_back(i);
        } else {
            state = 0;
            if (kernel.has_states(agents.type[i])) draw.push_back(i);
        }
    }
    if (inherit.empty() && draw.empty()) return;
    // All at once: one by one, arrays would double.
    const auto n_free = static_cast<std::size_t>(std::count(used.begin(), used.end(), std::uint8_t{0}));
    const std::size_t n_new = inherit.size() + draw.size(), n_more = n_new > n_free ? n_new - n_free : 0;
    context.require_memory(static_cast<std::int64_t>(n_more * (2 * stride_ + 4 + 4 * n_programmes_)), "the expression states of new cells");
    used.resize(used.size() + n_more, 0);
    make_room(used.size());
    std::size_t from = 1;
    for (const std::size_t i : inherit) {
        const std::size_t own = take_free(used, from);
        copy(agents.expression[i], own);
        agents.expression[i] = static_cast<std::uint32_t>(own);
    }
    for (const std::size_t i : draw) {
        const std::size_t own = take_free(used, from);
        put_first(own, agents.id[i], agents.type[i], seed);
        agents.expression[i] = static_cast<std::uint32_t>(own);
    }
}

/// Pulls a latent that is further than `known` from every metacell that it may be at, back to that distance from the nearest. On its way to a metacell beyond a gap that nobody was measured in it would so be pulled back to
/// where it came from for ever: where that brings it no nearer to its own metacell than it was (`before`), it is put to that side of the gap. Returns whether it was pulled.
bool ExpressionStates::guard_latent(std::int64_t metacell, float known, const std::int16_t* before, std::span<float> z) const {
    const ExpressionKernel& kernel = model_->kernel;
    const auto dims = static_cast<std::size_t>(kernel.n_dims());
    const ExpressionKernel::Nearest nearest = kernel.nearest(z.first(dims), metacell);
    if (!(nearest.distance > known)) return false;
    const auto pulled_to = [&](std::int64_t to, float distance, std::size_t d) { return kernel.center(to)[d] + (z[d] - kernel.center(to)[d]) * (known / distance); };
    std::int64_t to = nearest.metacell;
    float distance = nearest.distance;
    if (to != metacell) {
        const std::span<const float> own = kernel.center(metacell);
        float was = 0.0F, would_be = 0.0F, from_own = 0.0F;
        for (std::size_t d = 0; d < dims; ++d) {
            const float earlier = offset_[d] + unit_[d] * static_cast<float>(before[d]) - own[d], later = pulled_to(to, distance, d) - own[d];
            was += earlier * earlier;
            would_be += later * later;
            from_own += (z[d] - own[d]) * (z[d] - own[d]);
        }
        if (would_be >= kNoNearer * was) {
            to = metacell;
            distance = std::sqrt(from_own);
        }
    }
    for (std::size_t d = 0; d < dims; ++d) z[d] = pulled_to(to, distance, d);
    return true;
}

/// Returns whether the guard pulled it back.
bool ExpressionStates::step(std::size_t state, const Steps& steps, Random& random) {
    const ExpressionKernel& kernel = model_->kernel;
    std::int64_t metacell = metacell_[state];
    const std::span<const float> levels = std::span<const float>(programmes_).subspan(state * n_programmes_, n_programmes_);
    if (steps.attempts > 0.0) {
        // Poisson by inversion: most agents make no attempt.
        double chance = steps.no_attempt;
        double below = chance;
        const double u = random.uniform();
        for (double n = 1.0; u >= below && chance > 0.0; ++n) {
            const double propose = random.uniform();
            const double accept = random.uniform();
            metacell = kernel.attempt(metacell, propose, accept, [&](std::int64_t to) {
                const double by_programmes = n_programmes_ == 0 ? 0.0 : model_->signalling->tilt(metacell, to, levels);
                return shift_.empty() ? by_programmes : by_programmes + static_cast<double>(shift_[static_cast<std::size_t>(to)] - shift_[static_cast<std::size_t>(metacell)]);
            });
            chance *= steps.attempts / n;
            below += chance;
        }
    }
    metacell_[state] = static_cast<std::uint16_t>(metacell);
    std::array<float, kMostDims> z, away, noise;
    draw_noise(random, std::span(noise).first(stride_));
    const float* center = center_.data() + static_cast<std::size_t>(metacell) * stride_;
    const float* spread = spread_.data() + static_cast<std::size_t>(metacell) * stride_;
    const std::int16_t* from = latent_.data() + state * stride_;
    for (std::size_t d = 0; d < stride_; ++d) {
        const float before = offset_[d] + unit_[d] * static_cast<float>(from[d]);
        z[d] = center[d] + (before - center[d]) * steps.approach + steps.noise * spread[d] * noise[d];
        away[d] = z[d] - center[d];
    }
    const float known = kernel.known_distance(kernel.type_of(metacell));
    bool is_pulled = false;
    if (squared_length(std::span(away).first(stride_)) > known * known) {
        is_pulled = guard_latent(metacell, known, from, z);
        if (is_pulled) pulls_[state] = static_cast<std::uint16_t>(std::min<int>(pulls_[state] + 1, kMostPulls));
    }
    place(state, std::span(z).first(stride_));
    return is_pulled;
}

void ExpressionStates::advance(const Agents& agents, std::span<const Life> lives, std::uint64_t seed, std::uint32_t strike, Context& context) {
    const double dt = model_->clock_min;
    std::vector<Steps> steps;
    for (const StateRates& rates : model_->rates) {
        const double approach = std::exp(-rates.relaxation_per_min * dt);
        steps.push_back({std::exp(-rates.attempts_per_min * dt), rates.attempts_per_min * dt, static_cast<float>(approach), static_cast<float>(std::sqrt(-std::expm1(-2.0 * rates.relaxation_per_min * dt)))});
    }
    std::vector<std::array<std::int64_t, 2>> counts(static_cast<std::size_t>((agents.size() + kBlockAgents - 1) / kBlockAgents));
    parallel_blocks(context, agents.size(), kBlockAgents, [&](Block block) {
        std::array<std::int64_t, 2>& count = counts[static_cast<std::size_t>(block.index)];
        for (auto i = static_cast<std::size_t>(block.begin); i < static_cast<std::size_t>(block.end); ++i) {
            const std::size_t type = agents.type[i];
            if (agents.expression[i] == 0 || lives[type].phases[agents.phase[i]].is_dead) continue;
            Random random(seed, Purpose::simulation_state, agents.id[i], strike);
            ++count[0];
            count[1] += step(agents.expression[i], steps[type], random) ? 1 : 0;
        }
    });
    guard_.last_steps = guard_.last_pulls = 0;
    for (const auto& [n, pulls] : counts) {
        guard_.last_steps += n;
        guard_.last_pulls += pulls;
    }
    guard_.steps += guard_.last_steps;
    guard_.pulls += guard_.last_pulls;
}

std::int64_t ExpressionStates::metacell(const Agents& agents, std::size_t agent) const {
    return agents.expression[agent] == 0 ? -1 : static_cast<std::int64_t>(metacell_[agents.expression[agent]]);
}

bool ExpressionStates::latent(const Agents& agents, std::size_t agent, std::span<float> values) const {
    MORULA_ASSERT(static_cast<std::int64_t>(values.size()) == model_->kernel.n_dims());
    const std::size_t state = agents.expression[agent];
    for (std::size_t d = 0; d < values.size(); ++d) {
        values[d] = state == 0 ? std::numeric_limits<float>::quiet_NaN() : offset_[d] + unit_[d] * static_cast<float>(latent_[state * stride_ + d]);
    }
    return state != 0;
}

std::int64_t ExpressionStates::pulls(const Agents& agents, std::size_t agent) const { return pulls_[agents.expression[agent]]; }

std::int64_t expected_state_bytes(const ExpressionModel& model, std::int64_t n_agents) {
    const std::size_t stride = stride_of(model.kernel), n_programmes = model.signalling ? model.signalling->n_programmes() : 0;
    const std::int64_t shown = model.signalling ? static_cast<std::int64_t>(sizeof(float)) * std::ssize(model.signalling->contact_links()) : 0;
    return n_agents * (bytes_a_state(stride, n_programmes) + shown) + model.kernel.bytes() + static_cast<std::int64_t>(2 * sizeof(float) * stride) * model.kernel.n_metacells();
}

std::int64_t ExpressionStates::bytes() const {
    const std::size_t states = 2 * (latent_.capacity() + metacell_.capacity() + pulls_.capacity()) + 4 * programmes_.capacity();
    return static_cast<std::int64_t>(states + sizeof(float) * (center_.size() + spread_.size())) + model_->kernel.bytes();
}

void ExpressionStates::hash(const Agents& agents, std::span<const std::size_t> order, Hasher& hasher) const {
    for (const std::size_t agent : order) {
        const std::size_t state = agents.expression[agent];
        hasher.update_values(std::span<const std::int16_t>(latent_).subspan(state * stride_, stride_));
        hasher.update_values(std::span<const std::uint16_t>(metacell_).subspan(state, 1));
        hasher.update_values(std::span<const std::uint16_t>(pulls_).subspan(state, 1));
        hasher.update_values(std::span<const float>(programmes_).subspan(state * n_programmes_, n_programmes_));
    }
}

void ExpressionStates::save(StateWriter& out) const {
    out.put_text(model_->kernel.hash());
    out.put(guard_);
    out.put(latent_);
    out.put(metacell_);
    out.put(pulls_);
    out.put(programmes_);
}

void ExpressionStates::load(StateReader& in, const Agents& agents) {
    const std::string saved = in.get_text();
    if (saved != model_->kernel.hash()) {
        invalid_data(fmt::format("{} holds expression states of another embedding: its measured cells have the hash {}, and those of this scenario {}.", in.path().string(), saved, model_->kernel.hash()),
                     "Resume with the data that it was saved with, or run the scenario from its start.");
    }
    in.get(guard_);
    in.get(latent_);
    in.get(metacell_);
    in.get(pulls_);
    in.get(programmes_);
    const std::size_t n = metacell_.size();
    if (n == 0 || latent_.size() != n * stride_ || pulls_.size() != n || programmes_.size() != n * n_programmes_) in.damaged("its expression states are of different numbers");
    if (std::any_of(metacell_.begin(), metacell_.end(), [&](std::uint16_t m) { return m >= model_->kernel.n_metacells(); })) in.damaged("a metacell is not there");
    if (std::any_of(agents.expression.begin(), agents.expression.end(), [&](std::uint32_t state) { return state >= n; })) in.damaged("an agent has an expression state that is not there");
}

}  // namespace morula::simulation
