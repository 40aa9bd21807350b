"""Multinomial logistic regression by scikit-learn on the made-up counts -> tests/models/fixtures/multinomial_logistic.csv.

Run from the project's root: python oracles/multinomial_logistic.py
Labels follow the sum of some genes, with noise, so that classes overlap and the penalty matters.
"""
import importlib.metadata
import pathlib

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from made_up_counts import read

counts, _ = read()
x = np.log1p(counts.toarray().astype(np.float64)).astype(np.float32).astype(np.float64)
rng = np.random.default_rng(5)
score = np.stack([x[:, 30:40].sum(1), x[:, 50:60].sum(1), x[:, 70:80].sum(1)], 1) + rng.normal(0, 2.0, (len(x), 3))
label = score.argmax(1)
train, test = np.arange(0, 200), np.arange(200, 300)
runs = {}
for name, l2, scale in [("standardized", 1.0, True), ("strong", 50.0, True), ("centred", 1.0, False)]:
    scaler = StandardScaler(with_std=scale).fit(x[train])
    model = LogisticRegression(C=1.0 / l2, tol=1e-10, max_iter=20000).fit(scaler.transform(x[train]), label[train])
    runs[name] = model.predict_proba(scaler.transform(x[test]))
out = pathlib.Path("tests/models/fixtures")
out.mkdir(parents=True, exist_ok=True)
with open(out / "multinomial_logistic.csv", "w") as file:
    print(f"# scikit-learn {importlib.metadata.version('scikit-learn')}; made by oracles/multinomial_logistic.py from tests/analysis/fixtures/counts.csv, ln(1 + count)", file=file)
    print("# first line: labels of the 300 cells; then a line a cell 200 to 299: probabilities of 3 labels, l2 = 1, l2 = 50, l2 = 1 centred only", file=file)
    print(",".join(map(str, label)), file=file)
    for i in range(len(test)):
        print(",".join(f"{p:.6f}" for run in runs.values() for p in run[i]), file=file)
