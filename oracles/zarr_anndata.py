"""Writes tests/formats/fixtures/anndata.zarr with AnnData, for tests/formats/zarr_anndata_test.cpp. Last run with anndata 0.13.4, zarr 3.4.2."""
import shutil
import warnings
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

anndata.settings.zarr_write_format = 3  # 0.12 would write version 2
target = Path(__file__).parent.parent / "tests/formats/fixtures/anndata.zarr"
shutil.rmtree(target, ignore_errors=True)
x = sp.csr_matrix(np.array([[0, 1.5, 0, 2], [0, 0, 0, 0], [3, 0, 0, 70000]], "f4"))
obs = pd.DataFrame({"score": [0.5, np.nan, -1]}, index=["a", "b", "c"])
obs["type"] = pd.Categorical(["T", None, "B"])
obs["age"] = pd.array([1, None, -3], dtype="Int64")
obs["smoker"] = pd.array([True, None, False], dtype="boolean")
obs["note"] = ["x", "", "\u00e4"]
obs["kept"] = [True, False, True]
adata = anndata.AnnData(x, obs=obs, var=pd.DataFrame(index=list("wxyz")))
adata.layers["dense"] = x.toarray()
adata.obsm["X_pca"] = np.arange(6, dtype="f4").reshape(3, 2)
adata.obsp["graph"] = sp.csr_matrix(np.eye(3, dtype="f4"))
adata.uns = {"none": None, "n": 3, "rate": 2.5, "text": "hey", "flag": True, "list": np.arange(3), "inner": {"names": np.array(["p", "q"])}}
adata.raw = adata.copy()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    adata.write_zarr(target)
