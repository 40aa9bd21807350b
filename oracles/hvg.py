"""Fixture of variable genes: scanpy's four flavors, with and without batches, on oracles/made_up_counts.py.

scanpy 1.12 takes the moments of batches by Welford's updates, whose rounding breaks ties of the mean and so moves the LOESS fits: its seurat_v3 results
with batches depend on the order of the cells. scanpy 1.11 sums counts exactly, and so does the stand-in for its aggregate() below: both versions then agree.

Run: python oracles/hvg.py   (writes tests/analysis/fixtures/hvg.csv)
"""
import importlib.metadata
import warnings

import anndata
import numpy as np
import pandas as pd
import scanpy as sc
import scanpy.preprocessing._highly_variable_genes as variable_genes

import made_up_counts as made

# The copies (genes 20, 21) tie; seurat and cell_ranger are cut where they stand, so that ties add a gene.
N_TOP = {"seurat": 60, "cell_ranger": 60, "seurat_v3": 60, "seurat_v3_paper": 60}


def exact_aggregate(adata, by, func):
    """Mean and variance (n - 1) of each batch from exact sums of counts."""
    names = adata.obs[by].cat.categories
    means, variances = [], []
    for name in names:
        part = adata.X[(adata.obs[by] == name).to_numpy()].astype(np.float64)
        n = part.shape[0]
        mean = np.asarray(part.sum(axis=0)).ravel() / n
        means.append(mean)
        variances.append((np.asarray(part.multiply(part).sum(axis=0)).ravel() / n - mean**2) * n / (n - 1))
    return anndata.AnnData(obs=pd.DataFrame({by: np.array(names)}, index=[str(n) for n in names]), var=adata.var, layers={"mean": np.array(means), "var": np.array(variances)})


def table(counts, batch, flavor, batched, n_top):
    adata = anndata.AnnData(counts.copy(), obs=pd.DataFrame({"batch": pd.Categorical(batch)}, index=[f"c{i}" for i in range(counts.shape[0])]),
                            var=pd.DataFrame(index=[f"G{g:03d}" for g in range(counts.shape[1])]))
    if not flavor.startswith("seurat_v3"):
        totals = np.asarray(counts.sum(axis=1)).ravel()
        sc.pp.normalize_total(adata, target_sum=float(np.median(totals[totals > 0])))  # 1.11 counts empty cells in its own median
        sc.pp.log1p(adata)
    frame = sc.pp.highly_variable_genes(adata, flavor=flavor, n_top_genes=n_top, batch_key="batch" if batched else None, inplace=False)
    if flavor.startswith("seurat_v3"):
        frame = frame.rename(columns={"variances": "dispersions", "variances_norm": "dispersions_norm", "highly_variable_rank": "rank", "highly_variable_nbatches": "n_batches"})
    else:
        frame = frame.rename(columns={"highly_variable_nbatches": "n_batches"}).assign(rank=np.nan)
    if "n_batches" not in frame:
        frame["n_batches"] = frame["highly_variable"].astype(int)
    return frame


def number(value):
    return "nan" if np.isnan(value) else f"{value:.8g}"


def main():
    warnings.simplefilter("ignore")
    if hasattr(variable_genes, "aggregate"):
        variable_genes.aggregate = exact_aggregate
    counts, batch = made.read()
    tie = {}
    for flavor in ("seurat", "cell_ranger"):
        score = table(counts, batch, flavor, False, 60)["dispersions_norm"].to_numpy()
        tie[flavor] = int(np.sum(score > score[20])) + 1  # the n-th place falls on the tie
    lines = [f"# scanpy {importlib.metadata.version('scanpy')}, scikit-misc {importlib.metadata.version('scikit-misc')}; "
             "columns: flavor, batched, n_top, gene, highly_variable, mean, dispersion, dispersion_norm, rank, n_batches"]
    runs = [(f, b, 60) for f in N_TOP for b in (0, 1) if not (f == "seurat_v3_paper" and b == 0)] + [(f, 0, n) for f, n in tie.items()]
    for flavor, batched, n_top in runs:
        frame = table(counts, batch, flavor, bool(batched), n_top)
        for g, (_, row) in enumerate(frame.iterrows()):
            if n_top != 60:  # only the choice is of interest
                if row["highly_variable"]:
                    lines.append(f"{flavor},{batched},{n_top},{g},1")
                continue
            values = [number(float(row[c])) for c in ("means", "dispersions", "dispersions_norm", "rank")]
            lines.append(f"{flavor},{batched},{n_top},{g},{int(row['highly_variable'])}," + ",".join(values) + f",{int(row['n_batches'])}")
    (made.FIXTURES / "hvg.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
