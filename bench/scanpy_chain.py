#!/usr/bin/env python3
"""The scanpy chain from an h5ad of counts to markers, each step timed: bench/scanpy_chain.py COUNTS.h5ad --out FOLDER --threads N [--warm].

Its fastest options at equal quality: PCA by covariance_eigh, pynndescent, Leiden by igraph in 2 iterations, UMAP by umap-learn in parallel, Wilcoxon by
illico. --warm first runs everything on 20,000 cells (pynndescent compiles again where there are more than 6,000), so that no compilation is timed; without it the process is as cold as a user's.
Writes FOLDER/times.json, and with --keep FOLDER/scanpy.h5ad (results without matrices) for bench/agreement.py.
"""
import argparse
import json
import os
import resource
import sys
import time
import warnings
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("counts")
parser.add_argument("--out", required=True)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--warm", action="store_true")
parser.add_argument("--keep", action="store_true")
arguments = parser.parse_args()

# Libraries read these when they are loaded.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
for variable in THREAD_VARIABLES:
    os.environ[variable] = str(arguments.threads)
warnings.filterwarnings("ignore")

started = time.perf_counter()
import anndata  # noqa: E402
import illico  # noqa: E402
import numpy  # noqa: E402
import scanpy  # noqa: E402
from umap.umap_ import find_ab_params, simplicial_set_embedding  # noqa: E402

import_seconds = time.perf_counter() - started
UMAP_EPOCHS_BELOW_10000, UMAP_EPOCHS = 500, 200  # scanpy's own choice
WARM_CELLS = 20_000


def quality(cells):
    symbols = cells.var["gene_symbols"].astype(str) if "gene_symbols" in cells.var else cells.var_names
    cells.var["mt"] = numpy.asarray(symbols.str.startswith("MT-"))
    scanpy.pp.calculate_qc_metrics(cells, qc_vars=["mt"], percent_top=(50,), log1p=False, inplace=True)


def keep(cells):
    scanpy.pp.filter_cells(cells, min_genes=100)
    scanpy.pp.filter_genes(cells, min_cells=3)


def normalize(cells):
    scanpy.pp.normalize_total(cells)  # to the median, as scanpy's tutorial and both recipes
    scanpy.pp.log1p(cells)


def umap(cells):
    a, b = find_ab_params(1.0, 0.5)
    embedding, _ = simplicial_set_embedding(
        data=cells.obsm["X_pca"], graph=cells.obsp["connectivities"].tocoo(), n_components=2, initial_alpha=1.0, a=a, b=b, gamma=1.0, negative_sample_rate=5,
        n_epochs=UMAP_EPOCHS_BELOW_10000 if cells.n_obs <= 10000 else UMAP_EPOCHS, init="spectral", random_state=numpy.random.RandomState(0),
        metric="euclidean", metric_kwds={}, densmap=False, densmap_kwds={}, output_dens=False, parallel=True)
    cells.obsm["X_umap"] = embedding


def markers(cells):
    cells.uns["rank_genes_groups"] = illico.asymptotic_wilcoxon(
        cells, is_log1p=True, group_keys="leiden", n_threads=arguments.threads, use_continuity=False, tie_correct=False, return_as_scanpy=True)  # scanpy's default


STEPS = [
    ("qc", quality),
    ("filter", keep),
    ("normalize", normalize),
    ("hvg", lambda cells: scanpy.pp.highly_variable_genes(cells, n_top_genes=2000)),
    ("pca", lambda cells: scanpy.pp.pca(cells, n_comps=50, svd_solver="covariance_eigh")),
    ("neighbors", lambda cells: scanpy.pp.neighbors(cells, n_neighbors=15, n_pcs=50)),
    ("leiden", lambda cells: scanpy.tl.leiden(cells, flavor="igraph", n_iterations=2, directed=False, resolution=1.0)),
    ("umap", umap),
    ("markers", markers),
]


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run_steps(cells, times):
    for name, step in STEPS:
        wall, cpu = time.perf_counter(), time.process_time()
        step(cells)
        times.append({"name": name, "seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu, "peak_bytes": peak_bytes()})
        print(f"{name:10} {times[-1]['seconds']:8.2f} s", file=sys.stderr, flush=True)


def versions():
    from importlib.metadata import version
    names = ("scanpy", "anndata", "numpy", "scipy", "numba", "umap-learn", "pynndescent", "igraph", "illico", "scikit-learn")
    return {"python": sys.version.split()[0], **{name: version(name) for name in names}}


def main():
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    if arguments.warm:
        # The first cells of the file by way of a backed read, so that warming up is not timed as reading.
        small = anndata.read_h5ad(arguments.counts, backed="r")[:WARM_CELLS].to_memory()
        run_steps(small, [])

    times = []
    wall, cpu = time.perf_counter(), time.process_time()
    cells = anndata.read_h5ad(arguments.counts)
    times.append({"name": "read", "seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu, "peak_bytes": peak_bytes()})
    n_cells, n_genes, nnz = cells.n_obs, cells.n_vars, int(cells.X.nnz)
    run_steps(cells, times)
    record = {
        "n_cells": n_cells, "n_genes": n_genes, "nnz": nnz, "clusters": int(cells.obs["leiden"].nunique()), "warm": arguments.warm,
        "import_seconds": import_seconds, "chain_seconds": sum(step["seconds"] for step in times), "peak_bytes": peak_bytes(), "steps": times,
        "threads": {variable: os.environ[variable] for variable in THREAD_VARIABLES}, "versions": versions(),
    }
    (out / "times.json").write_text(json.dumps(record, indent=1) + "\n")
    if arguments.keep:
        del cells.X
        cells.layers.clear()
        cells.uns.clear()
        cells.write_h5ad(out / "scanpy.h5ad")
    print(json.dumps({name: record[name] for name in ("chain_seconds", "import_seconds", "peak_bytes", "clusters")}))


if __name__ == "__main__":
    main()
