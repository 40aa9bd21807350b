"""Fixture of marker statistics on made-up values with many ties, uneven clusters, one of two cells and one of a single cell.

z is that of scanpy's rank_genes_groups; scanpy refuses a cluster of one cell, whose z comes from scipy's U instead. AUC and t are scipy's (mannwhitneyu,
ttest_ind_from_stats). Fold changes, shares of cells and Cohen's d are plain numpy in float64. log10 p is mpmath's, since p underflows, and so is the FDR.
Whatever scanpy gives too (z, t, the fold change of the mean of logs, shares, FDR where it does not underflow) is compared before it is written.

Run: python oracles/markers.py   (writes tests/analysis/fixtures/markers/small_cells.csv, deep_cells.csv, answers.csv)
"""
import importlib.metadata
import warnings

import anndata
import mpmath as mp
import numpy as np
import pandas as pd
import scanpy as sc
import scipy.sparse as sp
from scipy import stats

import made_up_counts as made

OUT = made.FIXTURES / "markers"
TINY = 1e-9  # scanpy's pseudocount of fold changes
# scanpy 1.11 takes variances from float32 squares: t is off by .15 % for a large mean, and 0 where that variance comes out negative.
EXACT_T = tuple(map(int, importlib.metadata.version("scanpy").split(".")[:2])) >= (1, 12)
mp.mp.dps = 40


def small():
    """300 cells x 120 genes, clusters of 150, 91, 56, 2 and 1 cells. Values are log1p of scaled counts, rounded to two digits, so that ties abound."""
    rng = np.random.default_rng(20261124)
    sizes = (150, 91, 56, 2, 1)
    cluster = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    rate = rng.lognormal(-0.6, 1.2, 120)
    fold = np.where(rng.random((len(sizes), 120)) < 0.15, rng.lognormal(1.0, 0.7, (len(sizes), 120)), 1.0)
    depth = rng.choice([0.5, 1.0, 1.0, 2.0], len(cluster))
    counts = rng.poisson(rate * fold[cluster] * depth[:, None])
    values = np.round(np.log1p(counts / depth[:, None]), 2)
    values[:, 0] = 0.0                                    # never seen
    values[:, 1] = 0.75                                   # the same in every cell
    values[:, 2] = np.where(cluster == 0, 2.5, 0.0)       # constant on both sides: no variance, a difference
    values[:, 3] = np.where(cluster == 1, 3.0, 0.0)       # separates perfectly, nearly constant: p of t underflows
    values[np.flatnonzero(cluster == 1)[0], 3] = 3.01
    values[:, 4] = np.where(np.arange(len(cluster)) == 17, 1.25, 0.0)  # seen in one cell
    values[:, 5] = values[:, 6]                           # copies
    values[:, 7] = np.round(5.0 + 0.01 * counts[:, 7], 2)  # a large mean with a small variance
    return values, cluster


def deep():
    """2,400 cells x 4 genes in two clusters of 1,200: p of z underflows for the first genes."""
    rng = np.random.default_rng(7)
    cluster = np.arange(2400) % 2
    values = np.zeros((2400, 4))
    values[:, 0] = np.where(cluster == 0, rng.integers(2, 5, 2400), rng.integers(0, 2, 2400))
    values[:, 1] = np.where(cluster == 0, rng.integers(1, 5, 2400), rng.integers(0, 2, 2400))
    values[:, 2] = rng.integers(0, 3, 2400) + (cluster == 1) * (rng.random(2400) < 0.2)
    values[:, 3] = rng.integers(0, 2, 2400)
    return values, cluster


def log10_p_normal(z):
    return mp.log10(mp.erfc(abs(mp.mpf(float(z))) / mp.sqrt(2)))


def log10_p_student(t, df):
    if np.isinf(t):
        return mp.ninf
    t, df = mp.mpf(float(t)), mp.mpf(float(df))
    p = mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + t * t), regularized=True)
    in_double = 2 * stats.t.sf(abs(float(t)), float(df))
    if in_double > 1e-280:
        assert abs(p / in_double - 1) < 1e-9, (t, df, p, in_double)
    return mp.log10(p)


def log10_fdr(log10_p):
    """Benjamini & Hochberg 1995."""
    n = len(log10_p)
    order = sorted(range(n), key=lambda i: log10_p[i])
    fdr, least = [None] * n, mp.mpf(0)
    for rank in range(n, 0, -1):
        i = order[rank - 1]
        least = min(least, log10_p[i] + mp.log10(mp.mpf(n) / rank))
        fdr[i] = least
    return fdr


def statistics(values, cluster, group):
    """One cluster against the rest, by numpy and scipy in float64, one row a gene."""
    inside = cluster == group
    n_in, n_out, n = inside.sum(), (~inside).sum(), len(cluster)
    rows = []
    for gene in range(values.shape[1]):
        x, a, b = values[:, gene], values[inside, gene], values[~inside, gene]
        u = stats.mannwhitneyu(a, b, use_continuity=False, method="asymptotic").statistic
        _, ties = np.unique(x, return_counts=True)
        variance = n_in * n_out * (n + 1) / 12
        corrected = variance * (1 - (ties**3 - ties).sum() / (n**3 - n))
        mean = (a.mean(), b.mean())
        row = {"gene": gene, "cluster": group, "auc": u / (n_in * n_out), "z": (u - n_in * n_out / 2) / np.sqrt(corrected) if corrected > 0 else 0.0,
               "z_uncorrected": (u - n_in * n_out / 2) / np.sqrt(variance), "pct_in": (a > 0).mean(), "pct_out": (b > 0).mean(),
               "log2fc": np.log2((np.expm1(a).mean() + TINY) / (np.expm1(b).mean() + TINY)),
               "log2fc_scanpy1": np.log2((np.expm1(mean[0]) + TINY) / (np.expm1(mean[1]) + TINY))}
        row["t"] = row["df"] = row["cohens_d"] = np.nan
        if n_in > 1 and n_out > 1:
            spread = [0.0 if np.ptp(side) == 0 else side.var(ddof=1) for side in (a, b)]
            if max(spread) > 0:
                test = stats.ttest_ind_from_stats(mean[0], np.sqrt(spread[0]), n_in, mean[1], np.sqrt(spread[1]), n_out, equal_var=False)
                shares = np.array(spread) / (n_in, n_out)
                row["t"], row["df"] = test.statistic, shares.sum() ** 2 / (shares**2 / (n_in - 1, n_out - 1)).sum()
                row["cohens_d"] = (mean[0] - mean[1]) / np.sqrt(np.mean(spread))
            else:
                same = a[0] == b[0]
                row["t"] = row["cohens_d"] = 0.0 if same else np.inf if a[0] > b[0] else -np.inf
                row["df"] = 1.0
        rows.append(row)
    table = pd.DataFrame(rows)
    log_p = [log10_p_normal(z) for z in table["z"]]
    table["log10_p"], table["log10_fdr"] = log_p, log10_fdr(log_p)
    if n_in > 1:
        log_p_t = [mp.mpf(0) if t == 0 else log10_p_student(t, df) for t, df in zip(table["t"], table["df"])]
        table["log10_p_t"], table["log10_fdr_t"] = log_p_t, log10_fdr(log_p_t)
    else:
        table["log10_p_t"] = table["log10_fdr_t"] = np.nan
    return table


def scanpys(values, cluster, **options):
    """scanpy's table of every cluster with two cells or more, genes in order."""
    adata = anndata.AnnData(sp.csr_matrix(values.astype(np.float32)), obs=pd.DataFrame({"cluster": pd.Categorical(cluster.astype(str))}, index=[f"c{i}" for i in range(len(cluster))]),
                            var=pd.DataFrame(index=[str(g) for g in range(values.shape[1])]))
    groups = [name for name, n in adata.obs["cluster"].value_counts().items() if n > 1]
    sc.tl.rank_genes_groups(adata, "cluster", groups=sorted(groups), n_genes=values.shape[1], pts=True, **options)
    tables = {}
    for group in groups:
        frame = sc.get.rank_genes_groups_df(adata, group)
        tables[int(group)] = frame.set_index(frame["names"].astype(int)).sort_index()
    return tables


def agree(what, ours, theirs, relative=1e-6, absolute=1e-6):
    np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=relative, atol=absolute, err_msg=what)


def compare_fdr(column, own, theirs, use):
    adjusted = theirs["pvals_adj"].to_numpy()
    use = use & (adjusted > 1e-280)
    agree(column, own[column].astype(float)[use], np.log10(adjusted)[use], 1e-4)


def compared(values, cluster):
    """The answers; scanpy's own numbers where scanpy gives them."""
    values = values.astype(np.float32).astype(np.float64)
    tables = {group: statistics(values, cluster, group) for group in range(cluster.max() + 1)}
    wilcoxon, plain, welch = (scanpys(values, cluster, **options) for options in ({"method": "wilcoxon", "tie_correct": True}, {"method": "wilcoxon"}, {"method": "t-test"}))
    for group, own in tables.items():
        if group not in wilcoxon:
            continue
        finite = np.isfinite(own["t"].to_numpy(float))
        agree("z", own["z"], wilcoxon[group]["scores"])
        agree("z without correction", own["z_uncorrected"], plain[group]["scores"])
        agree("fold change", own["log2fc_scanpy1"], wilcoxon[group]["logfoldchanges"], 1e-4, 1e-4)
        agree("share in", own["pct_in"], wilcoxon[group]["pct_nz_group"])
        agree("share out", own["pct_out"], wilcoxon[group]["pct_nz_reference"])
        compare_fdr("log10_fdr", own, wilcoxon[group], finite)
        if EXACT_T:
            agree("t", own["t"][finite], welch[group]["scores"][finite], 1e-5)
            compare_fdr("log10_fdr_t", own, welch[group], finite)
        for column, theirs in (("z", wilcoxon), ("z_uncorrected", plain)):
            own[column] = theirs[group]["scores"].astype(float)
    return pd.concat(tables.values())


def write_cells(name, values, cluster):
    lines = ["# made-up log values, one cell a line: cluster, then gene:value"]
    for code, row in zip(cluster, values):
        lines.append(",".join([str(code)] + [f"{gene}:{row[gene]:g}" for gene in np.flatnonzero(row)]))
    (OUT / f"{name}_cells.csv").write_text("\n".join(lines) + "\n")


COLUMNS = ("z", "z_uncorrected", "log10_p", "log10_fdr", "auc", "t", "log10_p_t", "log10_fdr_t", "cohens_d", "log2fc", "log2fc_scanpy1", "pct_in", "pct_out")


def text(value):
    return mp.nstr(value, 10) if isinstance(value, mp.mpf) else f"{float(value):.10g}"


def main():
    warnings.simplefilter("ignore")
    OUT.mkdir(parents=True, exist_ok=True)
    names = ("scanpy", "scipy", "numpy", "mpmath")
    lines = ["# " + ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names) + "; made by oracles/markers.py; columns: case, gene, cluster, " + ", ".join(COLUMNS)]
    for name, make in (("small", small), ("deep", deep)):
        values, cluster = make()
        write_cells(name, values, cluster)
        for _, row in compared(values, cluster).iterrows():
            lines.append(",".join([name, str(row["gene"]), str(row["cluster"])] + [text(row[column]) for column in COLUMNS]))
    (OUT / "answers.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
