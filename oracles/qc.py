"""Fixture of QC metrics (scanpy) and MAD cut-offs (scipy), and of normalized values (scanpy), on oracles/made_up_counts.py.

Run: python oracles/qc.py   (writes tests/analysis/fixtures/qc_cells.csv, qc_genes.csv, qc_cutoffs.csv, normalized.csv)
"""
import importlib.metadata

import anndata
import numpy as np
import pandas as pd
import scanpy as sc
from scipy.stats import median_abs_deviation

import made_up_counts as made


def main():
    counts, batch = made.read()
    names = made.symbols()
    adata = anndata.AnnData(counts, var=pd.DataFrame(index=names))
    adata.var["mt"] = adata.var_names.str.startswith("MT-")
    adata.var["ribo"] = adata.var_names.str.startswith(("RPS", "RPL"))
    adata.var["hb"] = adata.var_names == "HBB"
    obs, var = sc.pp.calculate_qc_metrics(adata, qc_vars=["mt", "ribo", "hb"], percent_top=[50], log1p=False)
    version = f"# scanpy {importlib.metadata.version('scanpy')}; columns: "
    cells = ["total_counts", "n_genes_by_counts", "total_counts_mt", "pct_counts_mt", "pct_counts_ribo", "pct_counts_hb", "pct_counts_in_top_50_genes"]
    genes = ["n_cells_by_counts", "total_counts", "mean_counts"]
    for name, frame, columns in (("qc_cells.csv", obs, cells), ("qc_genes.csv", var, genes)):
        lines = [version + ", ".join(columns)] + [",".join(f"{float(v):.9g}" for v in row) for row in frame[columns].to_numpy()]
        (made.FIXTURES / name).write_text("\n".join(lines) + "\n")

    lines = [f"# numpy {np.__version__}, scipy median_abs_deviation; columns: batch, min_counts, min_genes, max_pct_mt (floor 0), high_counts, high_genes"]
    seen = obs["total_counts"].to_numpy() > 0
    for b in range(made.N_BATCHES):
        part = obs[(batch == b) & seen]
        row = [b]
        for column, side in (("total_counts", -5), ("n_genes_by_counts", -5), ("pct_counts_mt", 3), ("total_counts", 5), ("n_genes_by_counts", 5)):
            x = part[column].to_numpy(dtype=np.float64)
            y = x if column == "pct_counts_mt" else np.log1p(x)
            limit = np.median(y) + side * 1.4826 * median_abs_deviation(y)
            row.append(limit if column == "pct_counts_mt" else np.expm1(limit))
        lines.append(",".join(f"{v:.12g}" for v in row))
    (made.FIXTURES / "qc_cutoffs.csv").write_text("\n".join(lines) + "\n")

    sc.pp.normalize_total(adata)
    sc.pp.log1p(adata)
    lines = [f"# scanpy {importlib.metadata.version('scanpy')} normalize_total, log1p; first 40 cells, stored values in order"]
    for c in range(40):
        lines.append(",".join([str(c)] + [f"{v:.9g}" for v in adata.X[c].data]))
    (made.FIXTURES / "normalized.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
