#!/usr/bin/env python3
"""One peer of bench/conditions.py in a process of its own: bench/condition_peers.py NAME CELLS.h5ad REFERENCE.h5ad. Prints {"seconds": of its call alone}.

Each peer gets what its documents ask for, prepared before the clock starts; what compiles at run time is run once on a few cells before. After the clock has stopped, its answer
is set beside Morula's of the same cells (--ours, what the command wrote): seconds of two programs that answer differently would tell nothing.
"""
import argparse
import json
import time
import warnings

import anndata
import numpy
import pandas


def log_normalized(path):
    import scanpy

    cells = anndata.read_h5ad(path)
    cells.var_names_make_unique()
    scanpy.pp.normalize_total(cells, target_sum=1e4)
    scanpy.pp.log1p(cells)
    return cells


def celltypist(cells_path, reference_path, threads, pairs):
    """Training on the 10,000 reference cells with its selection of genes, and labelling of 100,000. Without the selection it scales all genes of all cells at once and runs out of 24 GB."""
    import celltypist as program

    reference, cells = log_normalized(reference_path), log_normalized(cells_path)

    def call():
        model = program.train(reference, labels="true_type", n_jobs=threads, feature_selection=True, use_SGD=False, max_iter=100, check_expression=False)
        return program.annotate(cells, model=model, majority_voting=False).predicted_labels["predicted_labels"]

    def agreement(labels, ours):
        truth = cells.obs["true_type"].astype(str)
        own = pandas.read_csv(f"{ours}/labels.csv", index_col="cell")["label"].reindex(cells.obs_names)
        unlike = own == "unlike the reference"
        return f"right labels: {(own == truth).mean():.4f} ({unlike.mean():.4f} unlike the reference), peer {(labels.astype(str) == truth).mean():.4f}"

    return call, agreement


def pydeseq2(cells_path, _, threads, pairs):
    """Wald tests of ten types; the sums by donor are made before the clock starts."""
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.default_inference import DefaultInference
    from pydeseq2.ds import DeseqStats

    cells = anndata.read_h5ad(cells_path)
    sums = {}
    for cell_type in cells.obs["true_type"].astype(str).unique():
        own = cells[(cells.obs["true_type"].astype(str) == cell_type).to_numpy()]
        donors = own.obs["donor"].astype(str)
        names = sorted(donors.unique())
        counts = numpy.array([numpy.asarray(own.X[(donors == donor).to_numpy()].sum(axis=0)).ravel() for donor in names]).astype(int)
        condition = [own.obs["condition"].astype(str)[(donors == donor).to_numpy()].iloc[0] for donor in names]
        counts = pandas.DataFrame(counts, index=names, columns=own.var_names)
        sums[cell_type] = (counts.loc[:, counts.sum() >= 10], pandas.DataFrame({"condition": condition}, index=names))
    inference = DefaultInference(n_cpus=threads)

    def call():
        tables = {}
        for cell_type, (counts, columns) in sums.items():
            data = DeseqDataSet(counts=counts, metadata=columns, design="~condition", inference=inference, quiet=True)
            data.deseq2()
            tests = DeseqStats(data, contrast=["condition", "diseased", "healthy"], inference=inference, quiet=True)
            tests.summary()
            tables[cell_type] = tests.results_df
        return tables

    def agreement(tables, ours):
        own = pandas.read_csv(f"{ours}/de.csv").set_index(["cell_type", "gene_id"])
        if not set(own.index.get_level_values("gene_id")) & set(cells.var_names):
            own = own.reset_index().set_index(["cell_type", "gene"])
        own.index.names = ["cell_type", "gene"]
        both = own.join(pandas.concat(tables, names=["cell_type", "gene"])[["log2FoldChange"]].dropna(), how="inner")
        return f"rank correlation of fold changes {both['log2fc'].corr(both['log2FoldChange'], method='spearman'):.3f} ({len(both):,} tests of both)"

    return call, agreement


def scrublet(cells_path, _, threads, pairs):
    """Sample by sample, as its documents ask for."""
    import scrublet as program

    cells = anndata.read_h5ad(cells_path)
    samples = cells.obs["sample"].astype(str)
    parts = [(cells.obs_names[(samples == sample).to_numpy()], cells.X[(samples == sample).to_numpy()]) for sample in samples.unique()]

    def call():
        return pandas.concat([pandas.Series(program.Scrublet(counts).scrub_doublets(verbose=False)[0], index=names) for names, counts in parts])

    def agreement(scores, ours):
        own = pandas.read_csv(ours, index_col="cell")["score"].reindex(scores.index)
        return f"rank correlation of scores {own.corr(scores, method='spearman'):.3f} (no doublets are in these cells; how right: above)"

    return call, agreement


def liana(cells_path, _, threads, pairs):
    """CellPhoneDB's method as liana runs it, 1,000 permutations, on the same pairs; compiled on a few cells first."""
    import liana as program

    cells = log_normalized(cells_path)
    cells.var_names = cells.var["gene_symbols"].astype(str).to_numpy()
    resource = pandas.read_csv(pairs)

    def run(some):
        return program.mt.cellphonedb(some, groupby="true_type", resource=resource, expr_prop=0.1, n_perms=1000, use_raw=False, verbose=False, n_jobs=threads, inplace=False)

    def agreement(table, ours):
        keys = ["ligand", "receptor", "sender", "receiver"]
        own = pandas.read_csv(f"{ours}/interactions.csv").set_index(keys)
        table = table[["ligand_complex", "receptor_complex", "source", "target", "lr_means", "cellphone_pvals"]].set_axis([*keys, "lr_means", "cellphone_pvals"], axis=1).set_index(keys)
        both = own.join(table, how="inner")
        same = ((both["p"] < 0.05) == (both["cellphone_pvals"] < 0.05)).mean()
        return f"rank correlation of means {both['score'].corr(both['lr_means'], method='spearman'):.3f}, same side of p = .05: {100 * same:.1f} % of {len(both):,}"

    run(cells[:2000].copy())
    return lambda: run(cells), agreement


def infercnvpy(cells_path, _, threads, pairs):
    """Its windows of 100 genes against healthy donors' cells, then principal components, neighbours, Leiden and its score."""
    import infercnvpy as program

    cells = log_normalized(cells_path)
    cells.var["chromosome"] = cells.var["chromosome"].astype(str)

    def call():
        program.tl.infercnv(cells, reference_key="condition", reference_cat="healthy", window_size=100, n_jobs=threads)
        program.tl.pca(cells)
        program.pp.neighbors(cells)
        program.tl.leiden(cells)
        program.tl.cnv_score(cells)

    return call, None


def harmonypy(components_path, _, threads, pairs):
    """The same components and batches as ours, run once on a few cells before."""
    import harmonypy as program

    cells = anndata.read_h5ad(components_path)
    vectors = numpy.asarray(cells.obsm["X_pca"], dtype=float)

    def run(some):
        return program.run_harmony(vectors[some], cells.obs.iloc[some], ["sample"], verbose=False)

    run(slice(0, None, 50))
    return lambda: run(slice(None)), None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=("celltypist", "pydeseq2", "scrublet", "liana", "infercnvpy", "harmonypy"))
    parser.add_argument("cells")
    parser.add_argument("reference")
    parser.add_argument("--pairs", help="a table of ligand-receptor pairs")
    parser.add_argument("--ours", help="what Morula wrote for the same question")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    call, agreement = globals()[options.name](options.cells, options.reference, options.threads, options.pairs)
    started = time.perf_counter()
    answer = call()
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "agreement": agreement(answer, options.ours) if agreement and options.ours else ""}))


if __name__ == "__main__":
    main()
