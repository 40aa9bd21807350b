// A made-up cohort, with the truth in obs, var and uns.
#include "morula/analysis/generate_cohort.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "morula/commands/generate_output.hpp"
#include "morula/commands/slots.hpp"
#include "morula/commands/store_commands.hpp"

namespace morula::commands {
namespace {

using analysis::CohortClone;
using analysis::CohortSample;
using analysis::GenerateCohortResult;

data::Categorical by_sample(const GenerateCohortResult& made, std::vector<std::string> names, const std::function<std::int32_t(const CohortSample&)>& code_of) {
    std::vector<std::int32_t> codes;
    codes.reserve(made.cells.sample.size());
    for (const std::int32_t sample : made.cells.sample) codes.push_back(code_of(made.samples[static_cast<std::size_t>(sample)]));
    return {std::move(codes), std::move(names), false};
}

template <class Item>
std::vector<std::string> names_of(const std::vector<Item>& items) {
    std::vector<std::string> names;
    for (const Item& item : items) names.push_back(item.name);
    return names;
}

void set_obs(data::Table& obs, const GenerateCohortResult& made) {
    obs = data::Table(made.cells.names);
    obs.set("sample", data::Categorical{made.cells.sample, names_of(made.samples), false});
    obs.set("donor", data::Categorical{made.cells.donor, names_of(made.donors), false});
    obs.set("condition", by_sample(made, {"healthy", "diseased"}, [](const CohortSample& sample) { return sample.is_diseased ? 1 : 0; }));
    obs.set("batch", data::Categorical{made.cells.batch, made.batch_names, false});
    obs.set("sex", by_sample(made, {"female", "male"}, [&](const CohortSample& sample) { return made.donors[static_cast<std::size_t>(sample.donor)].is_female ? 0 : 1; }));
    std::vector<std::int64_t> age;
    for (const std::int32_t donor : made.cells.donor) age.push_back(made.donors[static_cast<std::size_t>(donor)].age);
    obs.set("age", std::move(age));
    const bool is_followed = std::any_of(made.samples.begin(), made.samples.end(), [](const CohortSample& sample) { return sample.time_point > 1; });
    if (is_followed) obs.set("time_point", by_sample(made, {"first", "later"}, [](const CohortSample& sample) { return sample.time_point - 1; }));
    obs.set("true_type", data::Categorical{made.cells.type, made.type_names, false});
    obs.set("true_second_type", data::Categorical{made.cells.second_type, made.type_names, false});
    if (!made.clones.empty()) {
        std::vector<std::int32_t> clone = made.cells.clone;
        for (std::int32_t& code : clone) ++code;
        std::vector<std::string> names = names_of(made.clones);
        names.insert(names.begin(), "none");
        obs.set("true_clone", data::Categorical{std::move(clone), std::move(names), false});
    }
    obs.set("true_doublet", data::Booleans{made.cells.is_doublet});
    obs.set("true_damaged", data::Booleans{made.cells.is_damaged});
    obs.set("true_ambient_fraction", made.cells.ambient_fraction);
}

void set_var(data::Table& var, const GenerateCohortResult& made) {
    var = data::Table(made.gene_ids);
    var.set("gene_symbols", made.gene_symbols);
    var.set("gene_ids", made.gene_ids);
    var.set("chromosome", data::to_categorical(made.places.chromosome));
    var.set("arm", data::to_categorical(made.places.arm));
    var.set("start", made.places.start);
    var.set("end", made.places.end);
    for (std::size_t type = 0; type < made.types.size(); ++type) {
        if (!made.types[type].log2_fold_change.empty()) var.set("true_log2fc_" + made.type_names[type], made.types[type].log2_fold_change);
    }
}

data::Uns type_table(const GenerateCohortResult& made) {
    std::vector<double> effect, healthy, diseased, shift;
    std::vector<std::int64_t> up, down;
    for (const analysis::TypeTruth& type : made.types) {
        effect.push_back(type.composition_effect);
        healthy.push_back(type.healthy_share);
        diseased.push_back(type.diseased_share);
        shift.push_back(type.state_shift);
        up.push_back(std::count_if(type.log2_fold_change.begin(), type.log2_fold_change.end(), [](float value) { return value > 0.0F; }));
        down.push_back(std::count_if(type.log2_fold_change.begin(), type.log2_fold_change.end(), [](float value) { return value < 0.0F; }));
    }
    return uns_of(data::UnsMap{{"type", uns_of(made.type_names)}, {"composition_ln_ratio", uns_of(effect)}, {"healthy_share", uns_of(healthy)}, {"diseased_share", uns_of(diseased)},
                               {"genes_up", uns_of(up)}, {"genes_down", uns_of(down)}, {"state_shift_log2", uns_of(shift)}});
}

data::Uns sample_table(const GenerateCohortResult& made) {
    std::vector<std::string> donor, condition, batch;
    std::vector<std::int64_t> time_point, n_cells;
    for (const CohortSample& sample : made.samples) {
        donor.push_back(made.donors[static_cast<std::size_t>(sample.donor)].name);
        condition.emplace_back(sample.is_diseased ? "diseased" : "healthy");
        batch.push_back(made.batch_names[static_cast<std::size_t>(sample.batch)]);
        time_point.push_back(sample.time_point);
        n_cells.push_back(sample.n_cells);
    }
    return uns_of(data::UnsMap{{"sample", uns_of(names_of(made.samples))}, {"donor", uns_of(donor)}, {"condition", uns_of(condition)}, {"batch", uns_of(batch)}, {"time_point", uns_of(time_point)}, {"n_cells", uns_of(n_cells)}});
}

/// One row a change of a clone; those of its parent are its own too.
data::Uns change_table(const GenerateCohortResult& made) {
    std::vector<std::string> donor, clone, chromosome, arm, kind;
    std::vector<std::int64_t> start, end, copies, n_genes;
    for (const CohortClone& each : made.clones) {
        for (const analysis::CopyChange& change : each.changes) {
            donor.push_back(made.donors[static_cast<std::size_t>(each.donor)].name);
            clone.push_back(each.name);
            chromosome.push_back(change.chromosome);
            arm.push_back(change.arm);
            kind.emplace_back(change.is_arm ? "arm" : "focal");
            start.push_back(change.begin);
            end.push_back(change.end);
            copies.push_back(change.copies);
            n_genes.push_back(static_cast<std::int64_t>(change.genes.size()));
        }
    }
    return uns_of(data::UnsMap{{"donor", uns_of(donor)}, {"clone", uns_of(clone)}, {"chromosome", uns_of(chromosome)}, {"arm", uns_of(arm)}, {"kind", uns_of(kind)}, {"start", uns_of(start)}, {"end", uns_of(end)},
                               {"copies", uns_of(copies)}, {"n_genes", uns_of(n_genes)}});
}

/// One row a clone and sample of its donor, with what is true of it there: its share of the cells of the first type.
data::Uns clone_table(const GenerateCohortResult& made) {
    std::vector<std::string> clone, parent, sample;
    std::vector<double> share;
    for (std::size_t i = 0; i < made.clones.size(); ++i) {
        for (const CohortSample& each : made.samples) {
            if (each.donor != made.clones[i].donor || !each.is_diseased) continue;
            clone.push_back(made.clones[i].name);
            parent.push_back(made.clones[i].parent < 0 ? "none" : made.clones[static_cast<std::size_t>(made.clones[i].parent)].name);
            sample.push_back(each.name);
            share.push_back(each.clone_share[i]);
        }
    }
    return uns_of(data::UnsMap{{"clone", uns_of(clone)}, {"parent", uns_of(parent)}, {"sample", uns_of(sample)}, {"share", uns_of(share)}});
}

data::Dataset dataset_of(const GenerateCohortResult& made, const FieldValues& options) {
    data::Dataset out;
    out.name = "cohort";
    set_obs(out.obs, made);
    set_var(out.var, made);
    out.layers["X"] = made.counts;
    out.uns["source"] = uns_of(made.source);
    data::UnsMap truth{{"types", type_table(made)}, {"samples", sample_table(made)}, {"options", uns_of(to_json(options))}};
    if (!made.clones.empty()) {
        truth.emplace("clones", clone_table(made));
        truth.emplace("copy_changes", change_table(made));
    }
    out.uns["true_cohort"] = uns_of(std::move(truth));
    return out;
}

CommandResult generate_cohort(const FieldValues& values, Context& context) {
    const GeneratedOutput output = split_generated_output(values);
    const auto options = with_values(analysis::GenerateCohortOptions{}, output.own);
    const GenerateCohortResult made = analysis::generate_cohort(options, context);
    write_generated(dataset_of(made, values_of(options)), output.path, context);
    const auto n_diseased = std::count_if(made.donors.begin(), made.donors.end(), [](const analysis::CohortDonor& donor) { return donor.is_diseased; });
    const nlohmann::ordered_json json = {{"out", output.path}, {"n_cells", made.cells.names.size()}, {"n_genes", made.gene_ids.size()}, {"n_donors", made.donors.size()}, {"n_diseased", n_diseased},
                                         {"n_samples", made.samples.size()}, {"n_clones", made.clones.size()}};
    return {fmt::format("{}: {} made-up cells x {} genes of {} donors, {} of them diseased, in {} samples; the truth is in obs (true_...), var and uns (true_cohort).", output.path, made.cells.names.size(),
                        made.gene_ids.size(), made.donors.size(), n_diseased, made.samples.size()),
            json.dump()};
}

}  // namespace

Command generate_cohort_command() {
    Command command;
    command.name = "generate cohort";
    command.summary = "Make up healthy and diseased donors, with the truth of what differs.";
    command.help =
        "Donors differ in composition, in the state of some types, in batch, sex and age, and, where asked for, in gained and lost parts of chromosomes. Everything planted is kept: per cell in obs (true_...), "
        "per gene in var (true_log2fc_TYPE, chromosome, start, end), per type, sample and clone in uns (true_cohort). Nothing here was ever measured.";
    command.examples = {{"Six healthy and six diseased donors", "morula generate cohort --donors 12 --out cohort.h5ad"},
                        {"Nothing differs: to see what a method makes of it", "morula generate cohort --donors 8 --composition-types 0 --state-types 0 --out null.h5ad"},
                        {"Gains and losses in two donors, one of them followed", "morula generate cohort --donors 6 --clone-donors 2 --followed 1 --out clones.h5ad"},
                        {"Condition and batch are the same", "morula generate cohort --donors 8 --batches 2 --confounding 1 --out confounded.h5ad"}};
    command.options = with_output(schema_of<analysis::GenerateCohortOptions>());
    command.run = generate_cohort;
    return command;
}

}  // namespace morula::commands
