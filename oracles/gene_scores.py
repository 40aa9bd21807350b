"""Fixture of gene-set scores and cell-cycle scores: scanpy's score_genes and score_genes_cell_cycle on made-up values.

scanpy draws control genes with numpy's generator, which we do not copy. Where a bin holds no more genes than are asked for, nothing is drawn and both programs must give
the same score for every cell; that is the first part. Where genes are drawn, the mean and the spread of a cell's score over many seeds must agree; that is the second.

Run: python oracles/gene_scores.py   (writes tests/analysis/fixtures/gene_scores/; its cells are those of oracles/markers.py)
"""
import importlib.metadata
import re
import warnings

import anndata
import numpy as np
import pandas as pd
import scanpy as sc
import scipy.sparse as sp

import made_up_counts as made
import markers

OUT = made.FIXTURES / "gene_scores"
SETS = {"mixed": [3, 10, 40, 77], "one": [25], "edges": [0, 1, 4, 119], "copies": [5, 60]}
BINS = (25, 8)         # 5 and 17 genes a bin: fewer than the 50 controls
DRAWN = (4, 10, 200)   # bins, controls a bin, seeds: 40 genes a bin, 10 of which are drawn
GENE_SETS = made.FIXTURES.parent.parent.parent / "morula/knowledge/gene_sets.cpp"


def table_of(values):
    return anndata.AnnData(sp.csr_matrix(values.astype(np.float32)), var=pd.DataFrame(index=[f"G{g}" for g in range(values.shape[1])]))


def check_means(values):
    """Bins follow the rank of the mean: means that differ must differ by more than rounding, or the order would be luck."""
    gaps = np.diff(np.sort(values.astype(np.float32).mean(axis=0, dtype=np.float64)))
    assert ((gaps == 0) | (gaps > 1e-9)).all(), gaps[gaps > 0].min()


def score(adata, genes, n_bins, n_controls, seed=0):
    sc.tl.score_genes(adata, [f"G{g}" for g in genes], ctrl_size=n_controls, n_bins=n_bins, random_state=seed)
    return adata.obs["score"].to_numpy()


def symbols(name):
    """A list of symbols as the program has it."""
    body = re.search(rf"{name} = \{{(.*?)\}};", GENE_SETS.read_text(), re.DOTALL).group(1)
    return re.findall(r'"(\w+)"', body)


def cycling():
    """80 cells: 20 high in S genes, 20 in G2/M genes, 10 in both, 30 in neither; some genes of the lists are not measured."""
    rng = np.random.default_rng(97)
    s, g2m = symbols("kSPhase"), symbols("kG2mPhase")
    names = np.array(s[:-3] + g2m[2:] + [f"OTHER{i}" for i in range(200)])
    names = names[rng.permutation(len(names))]
    state = rng.permutation(np.repeat([0, 1, 2, 3], [30, 20, 20, 10]))
    raised = np.zeros((4, len(names)))
    raised[1], raised[2] = np.isin(names, s), np.isin(names, g2m)
    raised[3] = raised[1] + raised[2]
    counts = rng.poisson(rng.lognormal(-0.5, 0.8, len(names)) * (1 + 0.8 * raised[state]))
    return np.round(np.log1p(counts), 2), names, s, g2m


def main():
    warnings.simplefilter("ignore")
    sc.settings.verbosity = 0
    OUT.mkdir(parents=True, exist_ok=True)
    made_by = f"# scanpy {importlib.metadata.version('scanpy')}; made by oracles/gene_scores.py"
    values, _ = markers.small()
    check_means(values)
    adata = table_of(values)

    lines = [f"{made_by}; nothing drawn: set, bins, genes of the set separated by blanks, then one score a cell"]
    for name, genes in SETS.items():
        for n_bins in BINS:
            scores = score(adata, genes, n_bins, 50)
            lines.append(",".join([name, str(n_bins), " ".join(map(str, genes))] + [f"{v:.9g}" for v in scores]))
    (OUT / "exact.csv").write_text("\n".join(lines) + "\n")

    n_bins, n_controls, n_seeds = DRAWN
    lines = [f"{made_by}; drawn: set, bins, controls, seeds, genes; then mean and standard deviation over the seeds, cell by cell"]
    for name, genes in SETS.items():
        scores = np.array([score(adata, genes, n_bins, n_controls, seed) for seed in range(n_seeds)])
        summary = np.column_stack([scores.mean(axis=0), scores.std(axis=0, ddof=1)])[::6]
        lines.append(",".join([name, str(n_bins), str(n_controls), str(n_seeds), " ".join(map(str, genes))] + [f"{v:.6g}" for v in summary.ravel()]))
    (OUT / "drawn.csv").write_text("\n".join(lines) + "\n")

    values, names, s, g2m = cycling()
    check_means(values)
    adata = table_of(values)
    adata.var_names = names
    sc.tl.score_genes_cell_cycle(adata, s_genes=s, g2m_genes=g2m, random_state=0)
    assert set(adata.obs["phase"]) == {"S", "G2M", "G1"}
    lines = [f"{made_by}; first line: gene symbols; then one cell a line: S score, G2M score, phase, gene:value", ",".join(names)]
    for row, (_, cell) in zip(values, adata.obs.iterrows()):
        lines.append(",".join([f"{cell['S_score']:.9g}", f"{cell['G2M_score']:.9g}", cell["phase"]] + [f"{g}:{row[g]:g}" for g in np.flatnonzero(row)]))
    (OUT / "cell_cycle.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
