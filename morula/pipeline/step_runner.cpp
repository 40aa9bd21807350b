#include "morula/pipeline/step_runner.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "morula/commands/slots.hpp"
#include "morula/core/hash.hpp"

namespace morula::pipeline {
namespace {

using Json = nlohmann::ordered_json;

/// A derived input is known by the key of what made it, not by reading its bytes again.
std::string key_of(const StepCall& call, const std::string& numeric_profile) {
    return hash_hex(std::string_view(fmt::format("{}\n{}\n{}\n{}\n{}", call.name, call.version, fmt::join(call.inputs, ","), to_json(call.options), numeric_profile)));
}

/// The record kept beside a result: with what the step had to say, so that a cached step says it again.
std::string record_json(const StepCall& call, const std::vector<std::string>& warnings, const std::vector<std::string>& decisions) {
    const Json json = {{"step", call.name}, {"version", call.version}, {"inputs", call.inputs}, {"options", Json::parse(to_json(call.options))},
                       {"warnings", warnings}, {"decisions", decisions}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

void say_again(const std::string& record, EventSink& events) {
    const Json json = Json::parse(record, nullptr, false);
    if (!json.is_object()) return;
    for (const auto& text : json.value("decisions", std::vector<std::string>{})) events.decision(text);
    for (const auto& text : json.value("warnings", std::vector<std::string>{})) events.warning(text);
}

std::vector<std::string> since(const std::vector<Remark>& remarks, std::size_t first) {
    std::vector<std::string> texts;
    for (std::size_t i = first; i < remarks.size(); ++i) texts.push_back(remarks[i].text);
    return texts;
}

}  // namespace

std::optional<data::Dataset> StepRunner::stored(const StepCall& call, const std::string& key) {
    if (store_.manifest().find_derived(key) == nullptr) return std::nullopt;
    const std::vector<atlas::Damage> damage = store_.derived_damage(key, context_);
    if (damage.empty()) return store_.get_derived(key, context_);
    store_.drop_derived(key);
    record_.warning_about("store", fmt::format("The stored result of step '{}' was damaged ({} {}); it was dropped and is computed again. Check the disk: `morula verify '{}'` looks at all other files.", call.name,
                                (store_.path() / damage.front().file).string(), damage.front().what, store_.path().string()));
    return std::nullopt;
}

void StepRunner::tell_replaced(const data::Dataset& state, const data::Dataset& slots) {
    std::vector<std::string> replaced;
    const auto look = [&](const std::string& slot, bool is_there) {
        if (written_.insert(slot).second && is_there) replaced.push_back(slot);
    };
    for (const auto& [name, column] : slots.obs.columns()) look("obs " + name, state.obs.has(name));
    for (const auto& [name, dense] : slots.obsm) look("obsm " + name, state.obsm.count(name) != 0);
    if (replaced.empty()) return;
    context_.events().decision(fmt::format("{} of the input {} replaced by this run's; the store keeps the input's.", fmt::join(replaced, ", "), replaced.size() == 1 ? "is" : "are"));
}

std::string StepRunner::run(const StepCall& call, data::Dataset& state) {
    const auto start = std::chrono::steady_clock::now();
    const double cpu_before = process_cpu_seconds();
    const std::string key = key_of(call, record_.numeric_profile());
    context_.check_cancelled();
    context_.events().step_started(call.name);
    std::optional<data::Dataset> slots = stored(call, key);
    const bool cached = slots.has_value();
    if (cached) {
        say_again(store_.derived_run(key).value_or(""), record_);
    } else {
        const std::size_t first_warning = record_.warnings().size();
        const std::size_t first_decision = record_.decisions().size();
        slots = call.compute(state, context_);
        store_.put_derived(key, *slots, record_json(call, since(record_.warnings(), first_warning), since(record_.decisions(), first_decision)), context_);
    }
    tell_replaced(state, *slots);
    commands::merge_slots(state, std::move(*slots));
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    const StepReport report{call.name, elapsed.count(), process_cpu_seconds() - cpu_before, peak_memory_bytes(), cached};
    context_.events().step_finished(report);
    record_.add_step({report, key, call.version, call.options});
    return key;
}

}  // namespace morula::pipeline
