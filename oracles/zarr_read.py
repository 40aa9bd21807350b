"""Reads a group that Morula wrote with zarr-python 3 and AnnData, as they come, and compares the two and the checks with it.

    python oracles/zarr_read.py GROUP [GROUP ...]     (GROUP: NAME.atlas, one of its datasets/ID or derived/KEY, or any write_zarr folder)

Needs zarr >= 3 and anndata >= 0.12; last run with zarr 3.4.2 and anndata 0.13.4. Any warning about our files is an error here.
"""
import json
import sys
import warnings
from pathlib import Path

import anndata
import numpy as np
import zarr

# Warnings that AnnData and pandas give for their own files too.
OWN_WARNINGS = ("future.infer_string", "Observation names are not unique", "Variable names are not unique")


def groups_of(path: Path):
    if not (path / "atlas.json").exists():
        return [path]
    current = int((path / "CURRENT").read_text())
    manifest = json.loads((path / "versions" / f"{current:06d}.json").read_text())["manifest"]
    return [path / entry["folder"] for entry in manifest["datasets"] + manifest["derived"]]


def assert_same_csr(group, matrix):
    """What AnnData read is what zarr-python reads, and a sound CSR matrix."""
    indptr, indices, data = group["indptr"][:], group["indices"][:], group["data"][:]
    assert list(matrix.shape) == list(group.attrs["shape"])
    np.testing.assert_array_equal(matrix.indptr, indptr)
    np.testing.assert_array_equal(matrix.indices, indices)
    np.testing.assert_array_equal(matrix.data, data)
    assert indptr[0] == 0 and indptr[-1] == len(indices) == len(data)
    inside_a_row = np.ones(max(len(indices) - 1, 0), bool)
    starts = indptr[1:-1]
    inside_a_row[starts[(starts > 0) & (starts < len(indices))] - 1] = False
    assert (np.diff(indices.astype("i8"))[inside_a_row] > 0).all()


def check(path: Path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        adata = anndata.read_zarr(path)
        root = zarr.open_group(path, mode="r")
    complaints = [str(w.message) for w in caught if not any(own in str(w.message) for own in OWN_WARNINGS)]
    assert not complaints, complaints
    assert root.metadata.consolidated_metadata is not None
    on_disk = {str(p.parent.relative_to(path)) for p in path.rglob("zarr.json")} - {"."}
    assert on_disk == set(root.metadata.consolidated_metadata.flattened_metadata), "consolidated metadata differ from the nodes"

    n_arrays = 0
    for name, array in root.members(max_depth=None):
        if isinstance(array, zarr.Array):
            array[...]  # decodes every chunk and checks every CRC
            n_arrays += 1
    if "X" in root:
        assert_same_csr(root["X"], adata.X)
        adata[: min(7, adata.n_obs)].copy()
    for name in root["layers"]:
        assert_same_csr(root["layers"][name], adata.layers[name])
    for name in root["obsm"]:
        np.testing.assert_array_equal(root["obsm"][name][:], np.asarray(adata.obsm[name]))
    print(f"{path}: {adata.n_obs} x {adata.n_vars}, {n_arrays} arrays, obs {list(adata.obs)}, obsm {list(adata.obsm)}")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        for each in groups_of(Path(argument)):
            check(each)
