// `morula integrate` and `morula evaluate integration` as a user meets them.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/cli/program_test.hpp"
#include "tests/support/real_data.hpp"

namespace morula {
namespace {

using Json = nlohmann::json;
using test::Outcome;

class IntegrationCliTest : public test::ProgramTest {
protected:
    Outcome step(const std::vector<std::string>& arguments) const {
        const Outcome done = morula(arguments);
        EXPECT_EQ(done.status, 0) << done.err;
        return done;
    }
};

TEST_F(IntegrationCliTest, scores_harmony_above_no_integration_and_refuses_circular_totals) {
    step({"generate", "--cells", "900", "--genes", "1200", "--types", "4", "--rare-types", "0", "--batches", "2", "--batch-sd", "0.35", "--mean-counts", "2000", "--seed", "4", "--out", "cells.h5ad"});
    step({"normalize", "cells.h5ad", "--out", "n.h5ad"});
    step({"hvg", "n.h5ad", "--batch", "batch", "--out", "v.h5ad"});
    step({"pca", "v.h5ad", "--out", "p.h5ad"});
    step({"harmony", "p.h5ad", "--batch", "batch", "--out", "h.h5ad"});
    const auto scores = [&](const std::string& file, const std::string& label, const std::string& embedding, std::vector<std::string> more) {
        std::vector<std::string> arguments{"evaluate", "integration", file, "--batch", "batch", "--label", label, "--embedding", embedding, "--json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return Json::parse(step(arguments).out);
    };
    const Json before = scores("h.h5ad", "true_type", "X_pca", {});
    const Json after = scores("h.h5ad", "true_type", "X_pca_harmony", {});
    EXPECT_LT(before["ilisi"].get<double>(), 0.2) << "the test needs a batch effect";
    EXPECT_GT(after["ilisi"].get<double>(), before["ilisi"].get<double>() + 0.3);
    EXPECT_GT(after["total"].get<double>(), before["total"].get<double>());
    EXPECT_TRUE(after["no_total"].is_null());
    EXPECT_EQ(after["label_origin"], "not known");
    EXPECT_TRUE(after["isolated_f1"].is_null());
    EXPECT_EQ(after["n_batches"], 2);
    EXPECT_EQ(after, scores("h.h5ad", "true_type", "X_pca_harmony", {"--threads", "1"}));

    step({"neighbors", "h.h5ad", "--embedding", "X_pca_harmony", "--out", "g.h5ad"});
    step({"leiden", "g.h5ad", "--out", "c.h5ad"});
    const Json circular = scores("c.h5ad", "leiden", "X_pca_harmony", {});
    EXPECT_TRUE(circular["total"].is_null());
    EXPECT_EQ(circular["label_origin"], "scored embedding");
    EXPECT_NE(circular["no_total"].get<std::string>().find("by construction"), std::string::npos);
    EXPECT_TRUE(scores("c.h5ad", "leiden", "X_pca_harmony", {"--label-origin", "independent"})["total"].is_null()) << "the record decides";
    EXPECT_FALSE(scores("c.h5ad", "leiden", "X_pca", {})["total"].is_null());

    const Json mixing_alone = Json::parse(step({"evaluate", "integration", "h.h5ad", "--batch", "batch", "--embedding", "X_pca", "--json"}).out);
    EXPECT_TRUE(mixing_alone["total"].is_null());
    EXPECT_TRUE(mixing_alone["nmi"].is_null());
    EXPECT_NEAR(mixing_alone["ilisi"].get<double>(), before["ilisi"].get<double>(), 1e-12);
    EXPECT_NE(step({"evaluate", "integration", "h.h5ad", "--batch", "batch", "--embedding", "X_pca"}).out.find("No total"), std::string::npos);

    expect_refused(morula({"evaluate", "integration", "h.h5ad", "--batch", "bach", "--embedding", "X_pca"}), 3, "Did you mean 'batch'?");
    expect_refused(morula({"evaluate", "integration", "h.h5ad", "--batch", "batch", "--embedding", "X_integrated"}), 3, "no embedding 'X_integrated'");
    expect_refused(morula({"evaluate", "integration", "h.h5ad", "--batch", "batch", "--label", "batch", "--embedding", "X_pca"}), 64, "both 'batch'");
}

TEST_F(IntegrationCliTest, one_batch_is_refused_with_the_next_step) {
    make_sample("one.h5ad", "200");
    step({"normalize", "one.h5ad", "--out", "n.h5ad"});
    step({"hvg", "n.h5ad", "--out", "v.h5ad"});
    step({"pca", "v.h5ad", "--out", "p.h5ad"});
    expect_refused(morula({"evaluate", "integration", "p.h5ad", "--batch", "batch", "--embedding", "X_pca"}), 2, "one batch");
}

TEST_F(IntegrationCliTest, two_chemistries_become_one_space) {
    MORULA_REAL_DATA(folder, "pbmc-three-chemistries");
    const std::vector<std::string> arguments{"integrate", (folder / "pbmc1k_v2_raw.h5ad").string(), (folder / "pbmc1k_v3_filt.h5ad").string(), "--batch", "chemistry", "--out", "both.h5ad", "--json"};
    const Json json = Json::parse(step(arguments).out);
    EXPECT_EQ(json["moved"], true);
    EXPECT_EQ(json["n_variable_genes"], 2000);
    EXPECT_EQ(json["cells_of_batch"].size(), 2U);
    EXPECT_GT(json["ilisi_after"].get<double>() - 1.0, 0.63);
    EXPECT_LT(json["ilisi_before"].get<double>() - 1.0, 0.20) << "the test needs a batch effect";
    const Json scores = Json::parse(step({"evaluate", "integration", "both.h5ad", "--batch", "chemistry", "--embedding", "X_integrated", "--json"}).out);
    EXPECT_NEAR(scores["ilisi_median"].get<double>(), json["ilisi_after"].get<double>(), 1e-9) << "the file holds what was measured";
    EXPECT_NEAR(scores["kbet_acceptance"].get<double>(), json["acceptance_after"].get<double>(), 1e-9);
}

TEST_F(IntegrationCliTest, one_file_with_a_batch_column_and_what_is_refused) {
    step({"generate", "--cells", "500", "--genes", "1200", "--types", "3", "--rare-types", "0", "--batches", "2", "--batch-sd", "0.35", "--mean-counts", "2000", "--seed", "4", "--out", "cells.h5ad"});
    const Outcome done = step({"integrate", "cells.h5ad", "--batch", "batch", "--n-top", "500", "--n-components", "20", "--out", "one.h5ad"});
    EXPECT_NE(done.out.find("median iLISI"), std::string::npos) << done.out;
    EXPECT_NE(step({"info", "one.h5ad"}).out.find("X_integrated"), std::string::npos);
    expect_refused(morula({"integrate", "cells.h5ad", "--batch", "batch", "--out", "out.csv"}), 64, "must end in .h5ad");
    expect_refused(morula({"integrate", "cells.h5ad", "cells.h5ad", "--batch", "batch", "--out", "out.h5ad"}), 2, "named twice");
    expect_refused(morula({"integrate", "cells.h5ad", "--batch", "bach", "--out", "out.h5ad"}), 3, "Did you mean 'batch'?");
    expect_refused(morula({"integrate", "cells.h5ad", "--batch", "batch", "--condition", "batch", "--out", "out.h5ad"}), 2, "would remove what is looked for");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out.h5ad"));
    expect_refused(morula({"integrate", "cells.h5ad", "--batch", "batch", "--n-components", "20", "--n-dims", "30", "--out", "out.h5ad"}), 64, "only 20 components are made");
    EXPECT_NE(done.err.find("All 20 components are mixed, fewer than the usual 30"), std::string::npos) << done.err;
    make_sample("one-batch.h5ad", "200");
    expect_refused(morula({"integrate", "one-batch.h5ad", "--batch", "batch", "--out", "out.h5ad"}), 2, "one batch");
}

}  // namespace
}  // namespace morula
