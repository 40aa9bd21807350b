"""Writes tests/formats/fixtures/h5ad/*: small AnnData and 10x files, good and bad, for tests/formats/hdf5_*_test.cpp.

Good files come from AnnData itself (old encodings by hand, after its specification); bad ones are good ones with one thing wrong.
The matrix of every file is counts(i, j) below, which the tests compute again. Last run with anndata 0.13.4, h5py 3.16.0.
"""
import shutil
import warnings
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

target = Path(__file__).parent.parent / "tests/formats/fixtures/h5ad"
N_CELLS, N_GENES = 30, 20


def counts():
    i, j = np.meshgrid(np.arange(N_CELLS), np.arange(N_GENES), indexing="ij")
    values = (7 * i + 3 * j + i * j) % 11
    return np.where(values < 4, values, 0).astype("f4")


def names(letter, n):
    return [f"{letter}{k}" for k in range(n)]


def plain(x):
    obs = pd.DataFrame(index=names("c", N_CELLS))
    return anndata.AnnData(x, obs=obs, var=pd.DataFrame(index=names("g", N_GENES)))


def write(adata, name, **options):
    adata.write_h5ad(target / f"{name}.h5ad", **options)


def everything():
    adata = plain(sp.csr_matrix(counts()))
    cell = np.arange(N_CELLS)
    obs = adata.obs
    obs["type"] = pd.Categorical.from_codes(np.where(cell % 5 == 0, -1, cell % 3), ["B", "T", "NK"])
    obs["stage"] = pd.Categorical(np.where(cell < 10, "early", "late"), categories=["late", "early"], ordered=True)
    obs["plate"] = pd.Categorical(cell % 2 + 10)
    obs["score"] = np.where(cell == 3, np.nan, cell / 4)
    obs["small"] = (cell / 8).astype("f4")
    obs["n"] = cell.astype("u2")
    obs["kept"] = cell % 2 == 0
    obs["note"] = [f"\u00e4 {k}" if k else "" for k in cell]
    obs["age"] = pd.array([None if k == 1 else -k for k in cell], dtype="Int32")
    obs["smoker"] = pd.array([None if k == 2 else k % 2 == 0 for k in cell], dtype="boolean")
    obs["donor"] = pd.array([None if k == 4 else f"d{k % 2}" for k in cell], dtype="string")
    adata.var["chosen"] = np.arange(N_GENES) % 2 == 0
    adata.var.index.name = "gene"
    adata.layers["csc"] = sp.csc_matrix(counts())
    adata.layers["dense"] = counts()
    adata.obsm["X_pca"] = (cell[:, None] * 3 + np.arange(3)).astype("f8")
    adata.obsm["frame"] = pd.DataFrame({"a": cell}, index=adata.obs_names)
    adata.varm["PCs"] = np.arange(2 * N_GENES, dtype="f4").reshape(N_GENES, 2)
    adata.obsp["graph"] = sp.csr_matrix(np.eye(N_CELLS, k=1, dtype="f4"))
    records = np.array([("g1", 1.5), ("g2", -2.0)], dtype=[("B", "O"), ("T", "f4")])
    adata.uns = {
        "n": 3, "rate": 2.5, "text": "hey", "flag": True, "list": np.arange(3), "numbers": np.array([0.5, 1.5]), "names": np.array(["p", "q"]),
        "matrix": np.arange(4, dtype="f8").reshape(2, 2), "inner": {"deep": {"x": 1}}, "category": pd.Categorical(["u", "v", "u"]),
        "cube": np.zeros((2, 2, 2)), "sparse": sp.csr_matrix(np.eye(2)),
    }
    full = anndata.AnnData(sp.csr_matrix(np.hstack([counts(), counts()])), obs=obs, var=pd.DataFrame(index=names("r", 2 * N_GENES)))
    adata.raw = full
    write(adata, "everything")
    with h5py.File(target / "everything.h5ad", "a") as file:
        file["uns"].create_dataset("records", data=records, dtype=[("B", h5py.string_dtype()), ("T", "f4")])


def forms():
    write(plain(sp.csr_matrix(counts())), "lzf", compression="lzf")
    write(plain(sp.csr_matrix(counts())), "gzip", compression="gzip")
    write(plain(sp.csc_matrix(counts())), "csc", compression="gzip")
    write(plain(counts()), "dense", compression="gzip")
    write(plain(counts().astype("f8")), "dense_float64")
    write(plain(sp.csr_matrix(counts().astype("i8"))), "int64")
    write(plain(sp.csr_matrix(counts().astype("u1"))), "uint8")
    empty = plain(sp.csr_matrix(counts()))
    write(empty[:0].copy(), "no_cells")
    write(empty[:, :0].copy(), "no_genes")
    write(anndata.AnnData(obs=empty.obs, var=empty.var), "no_x")
    repeated = plain(sp.csr_matrix(counts()))
    repeated.var_names = ["g1", "g1"] + names("g", N_GENES)[2:]
    write(repeated, "repeated_genes")


def base_group(file, x):
    """An AnnData file by hand: X as CSR of the given parts."""
    file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
    for name, letter, n in (("obs", "c", N_CELLS), ("var", "g", N_GENES)):
        group = file.create_group(name)
        group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
        group.attrs["column-order"] = np.array([], dtype=h5py.string_dtype())
        group.create_dataset("_index", data=names(letter, n), dtype=h5py.string_dtype())
    group = file.create_group("X")
    group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": np.array([N_CELLS, N_GENES])})
    for part, values in x.items():
        if values is not None:
            group.create_dataset(part, data=values)


def by_hand(name, change=None, **parts):
    csr = sp.csr_matrix(counts())
    x = {"data": csr.data, "indices": csr.indices, "indptr": csr.indptr} | parts
    with h5py.File(target / f"{name}.h5ad", "w") as file:
        base_group(file, x)
        if change is not None:
            change(file)


def replace(file, path, values, **options):
    attributes = dict(file[path].attrs)
    del file[path]
    file.create_dataset(path, data=values, **options).attrs.update(attributes)


def changed(array, at, value, dtype=None):
    array = array.astype(dtype or array.dtype)
    array[at] = value
    return array


def odd_but_good():
    csr = sp.csr_matrix(counts())
    backwards = csr.copy()
    for row in range(N_CELLS):
        span = slice(csr.indptr[row], csr.indptr[row + 1])
        backwards.indices[span] = csr.indices[span][::-1]
        backwards.data[span] = csr.data[span][::-1]
    by_hand("unsorted", indices=backwards.indices, data=backwards.data)
    dense = counts()
    full = sp.csr_matrix(np.ones_like(dense))
    by_hand("explicit_zeros", data=dense.ravel(), indices=full.indices, indptr=full.indptr)
    by_hand("big_endian", data=csr.data.astype(">f4"), indices=csr.indices.astype(">i4"))
    by_hand("float16", data=csr.data.astype("f2"))
    by_hand("checksum", lambda f: (replace(f, "X/data", csr.data, chunks=(16,), fletcher32=True, shuffle=True, compression="gzip"),
                                   replace(f, "X/indices", csr.indices, chunks=(7,), shuffle=True, compression="lzf")))

    def fixed_texts(file):
        replace(file, "obs/_index", np.array(names("c", N_CELLS), dtype="S8"))
    by_hand("fixed_texts", fixed_texts)

    def old(file):
        """AnnData 0.7: categories beside the columns, named by a reference; no encoding of single columns."""
        obs = file["obs"]
        obs.attrs["encoding-version"] = "0.1.0"
        obs.attrs["column-order"] = ["type", "stage"]
        categories = obs.create_group("__categories")
        categories.create_dataset("type", data=["B", "T"], dtype=h5py.string_dtype()).attrs["ordered"] = False
        categories.create_dataset("stage", data=["late", "early"], dtype=h5py.string_dtype()).attrs["ordered"] = True
        for name in ("type", "stage"):
            column = obs.create_dataset(name, data=(np.arange(N_CELLS) % 3 - 1).astype("i1"))
            column.attrs["categories"] = categories[name].ref
    by_hand("anndata_0.7", old)
    with h5py.File(target / "user_block.h5ad", "w", userblock_size=512) as file:
        base_group(file, {"data": csr.data, "indices": csr.indices, "indptr": csr.indptr})


def bad():
    csr = sp.csr_matrix(counts())
    by_hand("bad_column_out_of_range", indices=changed(csr.indices, 5, N_GENES))
    by_hand("bad_column_negative", indices=changed(csr.indices, 5, -1))
    by_hand("bad_column_twice", indices=changed(csr.indices, 1, csr.indices[0]))
    by_hand("bad_offsets_fall", indptr=changed(csr.indptr, 3, 0))
    by_hand("bad_offsets_beyond", indptr=changed(csr.indptr, N_CELLS, 10**6))
    by_hand("bad_offsets_short", indptr=csr.indptr[:-1])
    by_hand("bad_lengths_differ", data=csr.data[:-1])
    by_hand("bad_value_negative", data=changed(csr.data, 4, -3))
    by_hand("bad_value_nan", data=changed(csr.data, 4, np.nan))
    by_hand("bad_value_infinite", data=changed(csr.data, 4, np.inf))
    by_hand("bad_value_fraction", data=changed(csr.data, 4, 1.5))
    by_hand("bad_value_huge", data=changed(csr.data, 4, 2**40, "i8"))
    by_hand("bad_no_indptr", indptr=None)
    by_hand("bad_data_is_text", data=np.array(["a"] * csr.nnz, dtype="S1"))
    by_hand("bad_shape", lambda f: f["X"].attrs.update({"shape": np.array([N_CELLS, N_GENES + 1])}))
    by_hand("bad_encoding", lambda f: f["X"].attrs.update({"encoding-type": "awkward-array"}))
    by_hand("bad_repeated_cells", lambda f: replace(f, "obs/_index", ["c0", "c1", "c0"] + names("c", N_CELLS)[3:], dtype=h5py.string_dtype()))
    by_hand("bad_name_not_utf8", lambda f: replace(f, "obs/_index", np.array([b"c0", b"c\xff1"] + [n.encode() for n in names("c", N_CELLS)[2:]], dtype="S8")))

    def missing_column(file):
        file["obs"].attrs["column-order"] = ["gone"]
    by_hand("bad_missing_column", missing_column)

    def short_column(file):
        file["obs"].attrs["column-order"] = ["short"]
        file["obs"].create_dataset("short", data=np.arange(3))
    by_hand("bad_short_column", short_column)

    def wrong_code(file):
        file["obs"].attrs["column-order"] = ["type"]
        group = file["obs"].create_group("type")
        group.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
        group.create_dataset("codes", data=np.full(N_CELLS, 7, "i1"))
        group.create_dataset("categories", data=["B"], dtype=h5py.string_dtype())
    by_hand("bad_code", wrong_code)

    def absurd(file):
        del file["X/data"]
        file["X"].create_dataset("data", shape=(10**15,), maxshape=(None,), chunks=(1024,), dtype="f4")
    by_hand("bad_absurd_size", absurd)

    def loop(file):
        uns = file.create_group("uns")
        uns["a"] = h5py.SoftLink("/uns")
        uns["b"] = h5py.SoftLink("/uns")
    by_hand("bad_loop", loop)

    def elsewhere(file):
        del file["X"]
        file["X"] = h5py.ExternalLink("other.h5ad", "X")
    by_hand("bad_link_to_other_file", elsewhere)

    def values_elsewhere(file):
        del file["X/data"]
        file["X"].create_dataset("data", shape=(csr.nnz,), dtype="f4", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)])
    by_hand("bad_values_in_other_file", values_elsewhere)

    def older(file):
        del file["obs"]
        file.create_dataset("obs", data=np.array([(b"c0", 1)], dtype=[("index", "S4"), ("n", "i4")]))
    by_hand("bad_anndata_0.6", older)
    with h5py.File(target / "bad_not_anndata.h5ad", "w") as file:
        file.create_dataset("temperature", data=np.arange(3))
    with h5py.File(target / "loom.loom", "w") as file:
        file.create_dataset("matrix", data=counts().T)
        for group in ("row_attrs", "col_attrs", "layers"):
            file.create_group(group)


def tenx_matrix(group, x):
    csc = sp.csc_matrix(x.T)  # genes x cells
    for part in ("data", "indices", "indptr"):
        group.create_dataset(part, data=getattr(csc, part).astype("i4" if part == "data" else "i8"), chunks=True, compression="gzip", shuffle=True)
    group.create_dataset("shape", data=np.array(csc.shape, "i4"))
    group.create_dataset("barcodes", data=np.array([f"AAAC{k}-1" for k in range(N_CELLS)], dtype="S18"))


def tenx():
    ids = np.array([f"ENSG{k:011d}" for k in range(N_GENES)], dtype="S15")
    with h5py.File(target / "tenx_v3.h5", "w") as file:
        group = file.create_group("matrix")
        tenx_matrix(group, counts())
        features = group.create_group("features")
        features.create_dataset("id", data=ids)
        features.create_dataset("name", data=np.array(["MT-ND1", "MT-ND1"] + names("G", N_GENES)[2:], dtype="S8"))
        features.create_dataset("feature_type", data=np.array(["Gene Expression"] * 18 + ["Antibody Capture"] * 2, dtype="S20"))
        features.create_dataset("genome", data=np.array(["GRCh38"] * 18 + [""] * 2, dtype="S8"))
    with h5py.File(target / "tenx_v2.h5", "w") as file:
        for genome, half in (("hg19", counts()[:, :12]), ("mm10", counts()[:, 12:])):
            group = file.create_group(genome)
            tenx_matrix(group, half)
            group.create_dataset("genes", data=np.array([f"{genome}_ENS{k}" for k in range(half.shape[1])], dtype="S20"))
            group.create_dataset("gene_names", data=np.array([f"{genome}_{k}" for k in range(half.shape[1])], dtype="S20"))
    with h5py.File(target / "bad_tenx_barcodes.h5", "w") as file:
        group = file.create_group("matrix")
        tenx_matrix(group, counts())
        del group["barcodes"]
        group.create_dataset("barcodes", data=np.array(["AAAC-1", "AAAG-1"], dtype="S18"))
        group.create_group("features").create_dataset("id", data=ids)


shutil.rmtree(target, ignore_errors=True)
target.mkdir(parents=True)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    everything()
    forms()
    odd_but_good()
    bad()
    tenx()
