"""Opens the h5ad files that Morula writes with AnnData and scanpy; any warning about our files is an error.

    python tests/formats/open_with_anndata.py build            runs build/test_formats, which writes them, and build/morula generate where it is built
    python tests/formats/open_with_anndata.py FILE.h5ad ...    opens given files; one with X_umap and leiden (cells.h5ad) is also drawn with scanpy

Needs anndata >= 0.8; last run with anndata 0.13.4, scanpy 1.12.4 (and anndata 0.8.0, 0.10.9, 0.11.4 for reading).
"""
import os
import subprocess
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import anndata
import h5py
import numpy as np

# Warnings that AnnData and its libraries give for their own files too.
OWN = ("future.infer_string", "Transforming to str index", "is deprecated", "zarr")


def read(path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        adata = anndata.read_h5ad(path)
    about_us = [str(w.message) for w in caught if not any(own in str(w.message) for own in OWN)]
    assert not about_us, about_us
    return adata


def check_sparse(adata):
    for name, x in [("X", adata.X), *adata.layers.items(), *adata.obsp.items()]:
        if x is None or not hasattr(x, "indptr"):
            continue
        assert x.has_sorted_indices and x.has_canonical_format, name
        assert x.indices.dtype == x.indptr.dtype, name


def check_shared(path):
    with h5py.File(path) as file:
        assert file["X/indices"] == file["layers/counts/indices"] and file["X/indptr"] == file["layers/counts/indptr"]
    adata = read(path)
    np.testing.assert_allclose(adata.X.data, np.log1p(adata.layers["counts"].data * 0.5), rtol=1e-6)


def check_every_slot(path):
    adata = read(path)
    assert adata.shape == (1337, 23)
    assert adata.obs["type"].cat.ordered and list(adata.obs["type"].cat.categories) == ["T cell", "B-Zelle \u00e4", "empty"]
    assert adata.obs["age"].isna().sum() == 268 and adata.obs["smoker"].isna().sum() == 334
    assert str(adata.obs["kept"].dtype) == "bool" and str(adata.obs["depth"].dtype) == "float32"
    assert adata.obs.index.name == "barcode"
    assert adata.raw.shape == (1337, 25) and adata.obsm["X_pca"].shape == (1337, 3)
    records = adata.uns["rank_genes_groups"]
    assert records.dtype.names == ("names", "scores", "logp") and records["names"][0] in ("MS4A1", b"MS4A1")
    assert adata.uns["params"]["method"] == "wilcoxon" and bool(adata.uns["params"]["rare"]) is True and adata.uns["n"] == -7
    with tempfile.TemporaryDirectory() as folder:  # AnnData can write what it read
        adata.write_h5ad(Path(folder) / "again.h5ad")


def check_cells(adata):
    """cells.h5ad of `morula run`: scanpy's own functions work on it."""
    import matplotlib
    matplotlib.use("Agg")
    import scanpy as sc
    sc.settings.figdir = tempfile.mkdtemp()
    genes = list(adata.var_names[:3])
    sc.pl.umap(adata, color=["leiden", genes[0]], show=False)
    sc.pl.dotplot(adata, genes, groupby="leiden", show=False)
    sc.pl.rank_genes_groups(adata, show=False)
    sc.get.rank_genes_groups_df(adata, group=adata.obs["leiden"].cat.categories[0])
    sc.pl.rank_genes_groups_dotplot(adata, n_genes=2, show=False, dendrogram=False)
    sc.tl.leiden(adata, key_added="again", flavor="igraph", n_iterations=2, directed=False)
    sc.tl.rank_genes_groups(adata, "leiden", method="t-test", key_added="by_scanpy")


def check_snapshot(adata):
    """Cells of `morula simulate`: whoever has a state has its place in the embedding and its genes."""
    assert adata.n_obs > 0 and adata.obsm["spatial"].shape == (adata.n_obs, 3) and np.isfinite(adata.obsm["spatial"]).all()
    assert {"cell_type", "state", "parent", "minutes_in_state", "radius_um", "volume_um3", "pressure"} <= set(adata.obs.columns)
    assert adata.obs["cell_type"].dtype.name == "category" and (adata.obs["radius_um"] > 0).all() and adata.obs_names.is_unique
    assert len(adata.obs["cell_type"].value_counts()) > 1
    latent = [name for name in adata.obsm if name != "spatial"]
    assert bool(latent) == (adata.n_vars > 0), (latent, adata.n_vars)
    if latent:
        assert adata.obsm[latent[0]].shape[0] == adata.n_obs and np.isfinite(np.asarray(adata.X.todense() if hasattr(adata.X, "todense") else adata.X)).all()
    with tempfile.TemporaryDirectory() as folder:
        adata.write_h5ad(Path(folder) / "again.h5ad")


def check(path):
    adata = read(path)
    check_sparse(adata)
    name = Path(path).name
    if name.startswith("every_slot"):
        check_every_slot(path)
    if name.startswith("shared"):
        check_shared(path)
    if "spatial" in adata.obsm and "minutes_in_state" in adata.obs:
        check_snapshot(adata)
    if "X_umap" in adata.obsm and "leiden" in adata.obs and "rank_genes_groups" in adata.uns:
        check_cells(adata)
    print(f"{name}: {adata.n_obs} x {adata.n_vars}, layers {list(adata.layers)}: ok with anndata {version('anndata')}")


def written_by(build, folder):
    subprocess.run([build / "test_formats", "--gtest_brief=1", "--gtest_filter=WriteH5ad*"], check=True, env=os.environ | {"MORULA_WRITTEN_FILES": str(folder)}, stdout=subprocess.DEVNULL)
    if (build / "morula").is_file():
        subprocess.run([build / "morula", "generate", "--cells", "500", "--genes", "300", "--seed", "1", "--out", folder / "made_up.h5ad"], check=True)
    return sorted(folder.glob("*.h5ad"))


if len(sys.argv) == 2 and Path(sys.argv[1]).is_dir():
    with tempfile.TemporaryDirectory() as made:
        paths = written_by(Path(sys.argv[1]).resolve(), Path(made))
        assert paths, "nothing was written"
        for made_path in paths:
            check(made_path)
else:
    for given in sys.argv[1:]:
        check(given)
