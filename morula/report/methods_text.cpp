#include "morula/report/methods_text.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "morula/report/html.hpp"

namespace morula::report {
namespace {

enum class Work { empty_drops, heumos, osorio, scrublet, tirosh, brink, satija, cell_ranger, stuart, harmony, leiden, umap, mann_whitney, lun, scanpy, squair, tmm, quasi_likelihood, patel, neufeld, benjamini };

std::string_view citation(Work work) {
    switch (work) {
        case Work::empty_drops: return "Lun ATL, et al. EmptyDrops: distinguishing cells from empty droplets in droplet-based single-cell RNA sequencing data. Genome Biol 20, 63 (2019). doi:10.1186/s13059-019-1662-y";
        case Work::heumos: return "Heumos L, et al. Best practices for single-cell analysis across modalities. Nat Rev Genet 24, 550-572 (2023). doi:10.1038/s41576-023-00586-w";
        case Work::osorio: return "Osorio D, Cai JJ. Systematic determination of the mitochondrial proportion in human and mice tissues for single-cell RNA-sequencing data quality control. Bioinformatics 37, 963-967 (2021). doi:10.1093/bioinformatics/btaa751";
        case Work::scrublet: return "Wolock SL, Lopez R, Klein AM. Scrublet: computational identification of cell doublets in single-cell transcriptomic data. Cell Syst 8, 281-291 (2019). doi:10.1016/j.cels.2018.11.005";
        case Work::tirosh: return "Tirosh I, et al. Dissecting the multicellular ecosystem of metastatic melanoma by single-cell RNA-seq. Science 352, 189-196 (2016). doi:10.1126/science.aad0501";
        case Work::brink: return "van den Brink SC, et al. Single-cell sequencing reveals dissociation-induced gene expression in tissue subpopulations. Nat Methods 14, 935-936 (2017). doi:10.1038/nmeth.4437";
        case Work::satija: return "Satija R, et al. Spatial reconstruction of single-cell gene expression data. Nat Biotechnol 33, 495-502 (2015). doi:10.1038/nbt.3192";
        case Work::cell_ranger: return "Zheng GXY, et al. Massively parallel digital transcriptional profiling of single cells. Nat Commun 8, 14049 (2017). doi:10.1038/ncomms14049";
        case Work::stuart: return "Stuart T, et al. Comprehensive integration of single-cell data. Cell 177, 1888-1902 (2019). doi:10.1016/j.cell.2019.05.031";
        case Work::harmony: return "Korsunsky I, et al. Fast, sensitive and accurate integration of single-cell data with Harmony. Nat Methods 16, 1289-1296 (2019). doi:10.1038/s41592-019-0619-0";
        case Work::leiden: return "Traag VA, Waltman L, van Eck NJ. From Louvain to Leiden: guaranteeing well-connected communities. Sci Rep 9, 5233 (2019). doi:10.1038/s41598-019-41695-z";
        case Work::umap: return "McInnes L, Healy J, Melville J. UMAP: uniform manifold approximation and projection for dimension reduction. arXiv:1802.03426 (2018)";
        case Work::mann_whitney: return "Mann HB, Whitney DR. On a test of whether one of two random variables is stochastically larger than the other. Ann Math Stat 18, 50-60 (1947). doi:10.1214/aoms/1177730491";
        case Work::lun: return "Lun ATL, McCarthy DJ, Marioni JC. A step-by-step workflow for low-level analysis of single-cell RNA-seq data with Bioconductor. F1000Research 5, 2122 (2016). doi:10.12688/f1000research.9501.2";
        case Work::scanpy: return "Wolf FA, Angerer P, Theis FJ. SCANPY: large-scale single-cell gene expression data analysis. Genome Biol 19, 15 (2018). doi:10.1186/s13059-017-1382-0";
        case Work::squair: return "Squair JW, et al. Confronting false discoveries in single-cell differential expression. Nat Commun 12, 5692 (2021). doi:10.1038/s41467-021-25960-2";
        case Work::tmm: return "Robinson MD, Oshlack A. A scaling normalization method for differential expression analysis of RNA-seq data. Genome Biol 11, R25 (2010). doi:10.1186/gb-2010-11-3-r25";
        case Work::quasi_likelihood: return "Lund SP, Nettleton D, McCarthy DJ, Smyth GK. Detecting differential expression in RNA-sequence data using quasi-likelihood with shrunken dispersion estimates. Stat Appl Genet Mol Biol 11 (2012). doi:10.1515/1544-6115.1826";
        case Work::patel: return "Patel AP, Tirosh I, Trombetta JJ, et al. Single-cell RNA-seq highlights intratumoral heterogeneity in primary glioblastoma. Science 344, 1396-1401 (2014). doi:10.1126/science.1254257";
        case Work::neufeld: return "Neufeld A, Gao LL, Popp J, Battle A, Witten D. Inference after latent variable estimation for single-cell RNA sequencing data. Biostatistics 25, 270-287 (2024). doi:10.1093/biostatistics/kxac047";
        case Work::benjamini: return "Benjamini Y, Hochberg Y. Controlling the false discovery rate: a practical and powerful approach to multiple testing. J R Stat Soc B 57, 289-300 (1995). doi:10.1111/j.2517-6161.1995.tb02031.x";
    }
    return "";
}

/// Numbers references in the order in which they are first cited.
class References {
public:
    std::string cite(Work work) {
        const auto found = std::find(works_.begin(), works_.end(), work);
        const auto number = found - works_.begin() + 1;
        if (found == works_.end()) works_.push_back(work);
        return fmt::format("[{}]", number);
    }
    std::vector<std::string> texts() const {
        std::vector<std::string> out;
        for (const Work work : works_) out.emplace_back(citation(work));
        return out;
    }

private:
    std::vector<Work> works_;
};

bool given(double value) { return !std::isnan(value); }

std::string quality_paragraph(const MethodsFacts& facts, References& references) {
    std::string out = fmt::format("{}ounts were analysed with Morula {} (recipe {}).", facts.simulated ? "Simulated c" : "C", facts.morula_version, facts.recipe);
    if (!facts.cell_calling.empty()) out += fmt::format(" {} {}.", facts.cell_calling, references.cite(Work::empty_drops));
    if (given(facts.mad_counts)) {
        out += fmt::format(" Quality control followed current practice {}: within each sample, cells were removed whose log total counts or log number of genes lay more than {} median absolute deviations below the median{}.", references.cite(Work::heumos),
                           number_text(facts.mad_counts, 3), facts.min_genes > 0 ? fmt::format(" or that held fewer than {} genes", facts.min_genes) : "");
    } else if (facts.min_genes > 0) {
        out += fmt::format(" Cells with fewer than {} genes were removed.", facts.min_genes);
    }
    if (given(facts.min_pct_mt)) {
        const std::string mads = given(facts.mad_mt) ? fmt::format("lay more than {} median absolute deviations above the median and ", number_text(facts.mad_mt, 3)) : "";
        out += fmt::format(" {} were removed when their mitochondrial share {}exceeded {} % {}.", facts.nuclei ? "Nuclei" : "Cells", mads, number_text(facts.min_pct_mt, 3), references.cite(Work::osorio));
    }
    if (facts.min_cells > 0) out += fmt::format(" Genes found in fewer than {} cells were left out.", facts.min_cells);
    out += fmt::format(" This left {} of {} cells", count_text(facts.n_cells_kept), count_text(facts.n_cells_in));
    if (facts.n_samples > 1) out += fmt::format(" from {} samples", facts.n_samples);
    if (facts.n_genes_kept > 0) out += fmt::format(" and {} of {} genes", count_text(facts.n_genes_kept), count_text(facts.n_genes_in));
    out += ".";
    if (facts.doublets) out += fmt::format(" Doublets were scored for each capture by comparison with simulated doublets {} and flagged, not removed.", references.cite(Work::scrublet));
    return out;
}

std::string normalization_sentence(const MethodsFacts& facts) {
    if (!given(facts.target_sum)) return "";
    const std::string target = facts.target_sum > 0 ? fmt::format("{} per cell", number_text(facts.target_sum, 7)) : "the median of the cells' totals";
    return fmt::format("Counts were scaled to {} and transformed by log(1 + x).", target);
}

std::string variable_gene_sentence(const MethodsFacts& facts, References& references) {
    if (facts.n_hvg <= 0) return "";
    const Work work = facts.hvg_flavor == "seurat_v3" ? Work::stuart : facts.hvg_flavor == "cell_ranger" ? Work::cell_ranger : Work::satija;
    const std::string way = facts.hvg_flavor == "seurat_v3" ? "by the variance of standardised counts around a fitted mean-variance curve" : "by dispersion, normalised in bins of mean expression";
    return fmt::format(" The {} most variable genes were chosen {} {}{}.", count_text(facts.n_hvg), way, references.cite(work), facts.hvg_by_batch ? ", ranked within each sample and combined by median rank" : "");
}

std::string embedding_paragraph(const MethodsFacts& facts, References& references) {
    std::string out = normalization_sentence(facts) + variable_gene_sentence(facts, references);
    if (facts.n_components > 0) {
        out += fmt::format(" {} principal components were computed exactly, without scaling genes to unit variance", facts.n_components);
        if (facts.n_components_used > 0 && facts.n_components_used < facts.n_components) out += fmt::format(", and the first {} were used", facts.n_components_used);
        out += ".";
    }
    if (!facts.harmony_batch.empty()) out += fmt::format(" Batches ({}) were integrated on the components with Harmony {}.", facts.harmony_batch, references.cite(Work::harmony));
    if (facts.n_neighbors > 0) {
        out += fmt::format(" For each cell the {} nearest neighbours by {} distance were found{}", facts.n_neighbors, facts.metric, facts.exact_neighbors ? " exactly" : "");
        if (!facts.exact_neighbors && given(facts.neighbor_recall)) out += fmt::format(" (measured recall {})", number_text(facts.neighbor_recall, 3));
        out += facts.graph_weights == "shared" ? " and weighted by shared neighbours." : facts.graph_weights == "fuzzy" ? fmt::format(" and weighted as in UMAP {}.", references.cite(Work::umap)) : ".";
    }
    if (given(facts.resolution)) {
        out += fmt::format(" Cells were clustered with the Leiden algorithm {} (modularity, resolution {}), which gave {}", references.cite(Work::leiden), number_text(facts.resolution, 3), count_of(facts.n_clusters, "cluster"));
        out += given(facts.stability) ? fmt::format("; over random seeds the mean adjusted Rand index was {}.", number_text(facts.stability, 3)) : ".";
    }
    if (given(facts.umap_min_dist)) out += fmt::format(" UMAP {} (minimum distance {}, {} epochs) was used for display only.", references.cite(Work::umap), number_text(facts.umap_min_dist, 3), facts.umap_epochs);
    return out;
}

std::string interpretation_paragraph(const MethodsFacts& facts, References& references) {
    std::string out;
    if (facts.markers) {
        const std::string ranks = facts.pairwise_markers ? fmt::format(" and by their best rank in pairwise comparisons of clusters {}", references.cite(Work::lun)) : "";
        out += fmt::format("Markers of each cluster were ranked by the area under the ROC curve against all other cells{} on log-normalised values; Wilcoxon rank-sum statistics {} are tie-corrected. As clusters and markers come from the same cells, p values are descriptive.",
                           ranks, references.cite(Work::mann_whitney));
    }
    if (!facts.label_source.empty()) out += fmt::format(" Cell-type labels were suggested from marker genes ({}); clusters without clear evidence stayed unassigned.", facts.label_source);
    if (facts.cell_cycle) out += fmt::format(" Cell-cycle phases were scored from the gene sets of Tirosh et al. {}.", references.cite(Work::tirosh));
    if (facts.stress) out += fmt::format(" A dissociation-stress score was computed from genes induced by tissue dissociation {}.", references.cite(Work::brink));
    return out;
}

std::string comparison_paragraph(const MethodsFacts& facts, References& references) {
    if (facts.comparison.empty()) return "";
    // Cited one by one: arguments of a call are evaluated in any order.
    const std::string squair = references.cite(Work::squair);
    const std::string tmm = references.cite(Work::tmm);
    const std::string test = references.cite(Work::quasi_likelihood);
    const std::string fdr = references.cite(Work::benjamini);
    std::string scores;
    if (!facts.programme_table.empty()) scores += fmt::format(" Gene sets ({}) were scored in each cell against control genes of like expression, and donors' means compared by t tests.", facts.programme_table);
    if (!facts.regulon_table.empty()) scores += fmt::format(" Regulons ({}) were scored in each cell by the t value of a linear model of its log values on the signed weights, and donors' means compared by t tests.", facts.regulon_table);
    if (!facts.pair_table.empty()) {
        scores += fmt::format(" Ligand-receptor pairs ({}) were scored in each donor by the mean of the ligand's mean log value in the sender and the receptor's in the receiver, complexes by their least part, and donors compared by t tests.", facts.pair_table);
    }
    return fmt::format("To compare {}, the counts of each donor's cells of a group ('{}') were summed, as donors are the replicates {}; donors with fewer than 10 such cells were left out. Sums were scaled by trimmed means of M values {} and genes compared by negative-binomial "
                       "quasi-likelihood F tests {} with the design {}; false discovery rates {} are given where each condition has three donors. Composition was compared by log-ratios to the median group within each donor, with exact p values by exchanging the conditions of donors.{}",
                       facts.comparison, facts.comparison_types, squair, tmm, test, facts.comparison_design, fdr, scores);
}

std::string copy_number_paragraph(const MethodsFacts& facts, References& references) {
    if (facts.copy_number_reference.empty()) return "";
    const std::string windows = references.cite(Work::patel);
    const std::string thinning = references.cite(Work::neufeld);
    return fmt::format("Gains and losses of chromosomes were called from expression {} against {} as the reference, on autosomes without receptor and MHC loci. Cells were grouped by moving means of half of the genes, and groups kept apart only where the other half differed (in the manner of count splitting {}); "
                       "each group's pooled counts were compared with the reference's, stretches called by a three-state hidden Markov model and arms by t tests (Bonferroni, 1 %), calibrated on groups of reference cells.",
                       windows, facts.copy_number_reference, thinning);
}

std::string record_paragraph(const MethodsFacts& facts, References& references) {
    return fmt::format("All random choices used seed {}; results do not depend on the number of threads{}. All options are in the supplementary file run.json. Results are stored as AnnData with the names of scanpy {}.", facts.seed,
                       facts.numeric_profile.empty() ? "" : " (numeric profile " + facts.numeric_profile + ")", references.cite(Work::scanpy));
}

}  // namespace

Methods compose_methods(const MethodsFacts& facts) {
    References references;
    Methods out;
    for (std::string paragraph : {quality_paragraph(facts, references), embedding_paragraph(facts, references), interpretation_paragraph(facts, references), comparison_paragraph(facts, references), copy_number_paragraph(facts, references), record_paragraph(facts, references)}) {
        const std::size_t start = paragraph.find_first_not_of(' ');
        if (start != std::string::npos) out.paragraphs.push_back(paragraph.substr(start));
    }
    out.references = references.texts();
    return out;
}

std::vector<CodeSnippet> load_snippets(const SnippetFacts& facts) {
    std::vector<CodeSnippet> out;
    if (!facts.add_matrices.empty()) {
        out.push_back({"Add the matrices to the file", "shell", facts.add_matrices + "\n", "The file holds no counts and no log values. This command writes it again with them; the steps come from the cache."});
    }
    out.push_back({"In scanpy (Python)", "python",
                   fmt::format("import scanpy as sc\n\nadata = sc.read_h5ad(\"{}\")\nsc.pl.umap(adata, color=[\"leiden\", \"total_counts\", \"pct_counts_mt\", \"doublet_score\"])\nsc.pl.rank_genes_groups_dotplot(adata, n_genes=3)\n", facts.h5ad),
                   "adata.X holds log-normalised values, adata.layers[\"counts\"] the raw counts."});
    out.push_back({"In Seurat (R)", "r",
                   fmt::format("# install.packages(\"anndata\") once; it reads h5ad through Python\nlibrary(Seurat)\n\nad <- anndata::read_h5ad(\"{}\")\ncounts <- Matrix::t(ad$layers[[\"counts\"]])\ndimnames(counts) <- list(ad$var_names, ad$obs_names)\nobject <- CreateSeuratObject(counts, meta.data = "
                               "as.data.frame(ad$obs))\numap <- ad$obsm[[\"X_umap\"]]\ndimnames(umap) <- list(ad$obs_names, c(\"UMAP_1\", \"UMAP_2\"))\nobject[[\"umap\"]] <- CreateDimReducObject(umap, key = \"UMAP_\")\nobject <- NormalizeData(object)\nIdents(object) <- \"leiden\"\nDimPlot(object, label = TRUE)\n",
                               facts.h5ad),
                   "Seurat normalises again in its own way (to 10,000 counts a cell); clusters and map are those of this report."});
    return out;
}

}  // namespace morula::report
