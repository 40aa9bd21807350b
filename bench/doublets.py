#!/usr/bin/env python3
"""Are measured doublets found as well as by Scrublet, in the same run? `scripts/bench --doublets`, or bench/doublets.py with a Python that has scrublet.

Four human cell lines, each well marked with its own antibody before pooling: a droplet with two marks held two cells. Droplets without a mark are dropped. AUROC
and average precision of both scores, over named seeds; once for all doublets, once for those of two different lines (two cells of one line look like one).
The interval of the difference is a paired bootstrap over cells. --docs puts the table into docs/benchmarks.md. Exit 1 when a claim does not hold.
"""
import json
import sys
import warnings

import anndata
import numpy
import pandas
import scrublet
from sklearn.metrics import average_precision_score, roc_auc_score

from harness import finish, head, morula, parser_of, provenance

# Sealed before anything was scored.
SEEDS = (1, 2, 3, 4, 5)
MARGIN = {"AUROC": 0.02, "average precision": 0.02}  # non-inferior: the interval's lower end of ours less theirs is above minus this
RESAMPLES = 1000
SCORES = {"AUROC": roc_auc_score, "average precision": average_precision_score}
# --------------------------------------------------------------------------------------------------------------------------------


def ours(options, path, seed):
    table = options.work / "doublets.csv"
    seconds = morula(options, "doublets", path, "--seed", seed, "--out", table)
    return pandas.read_csv(table, index_col=0), seconds


def interval(is_doublet, a, b):
    random = numpy.random.default_rng(0)
    out = {name: [] for name in SCORES}
    for _ in range(RESAMPLES):
        pick = random.integers(0, len(is_doublet), len(is_doublet))
        for name, score in SCORES.items():
            out[name].append(numpy.mean([score(is_doublet[pick], x[pick]) - score(is_doublet[pick], y[pick]) for x, y in zip(a, b)]))
    return {name: [float(x) for x in numpy.percentile(values, [2.5, 97.5])] for name, values in out.items()}


def measure(cells, is_doublet, two_lines, scores):
    rows = {}
    kept = {"all doublets": numpy.ones(len(is_doublet), bool), "of two lines": ~is_doublet | two_lines}
    for which, keep in kept.items():
        row = {name: {score: float(numpy.mean([SCORES[score](is_doublet[keep], each[keep]) for each in runs])) for score in SCORES} for name, runs in scores.items()}
        row["difference"] = interval(is_doublet[keep], [each[keep] for each in scores["morula"]], [each[keep] for each in scores["scrublet"]])
        row["n"] = int(is_doublet[keep].sum())
        rows[which] = row
    return rows


def table(results):
    lines = ["| hashed cell lines | doublets | Morula: AUROC | average precision | Scrublet: AUROC | average precision | ours less theirs, 95 % interval: AUROC | average precision |", "|---|---|---|---|---|---|---|---|"]
    for which, row in results["rows"].items():
        numbers = [f"{row[name][score]:.3f}" for name in ("morula", "scrublet") for score in SCORES]
        spans = ["{:+.3f} to {:+.3f}".format(*row["difference"][score]) for score in SCORES]
        lines.append(f"| {which} | {row['n']} | " + " | ".join(numbers + spans) + " |")
    return "\n".join(lines)


def main():
    options = parser_of(__doc__, "doublets").parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    cells = anndata.read_h5ad(options.data / "cell-hashing" / "hashing_cell_lines_2000.h5ad")
    truth = cells.obs["doublet_true_labels"].astype(str).str.lower()
    cells = cells[(truth != "negative").to_numpy()].copy()
    truth = truth[truth != "negative"]
    is_doublet = truth.str.contains("doublet").to_numpy()
    lines = next((column for column in cells.obs if "hto" in column.lower() and "classif" in column.lower()), None)
    two_lines = numpy.zeros(len(cells), bool)
    if lines is not None:  # "HEK_A_K562_B": line and mark, twice
        marks = cells.obs[lines].astype(str).str.split("_")
        two_lines = is_doublet & numpy.array([len(set(each[::2])) > 1 for each in marks])
    path = options.work / "cells.h5ad"
    anndata.AnnData(cells.X, obs=cells.obs[[]], var=cells.var[[]]).write_h5ad(path)
    scores, seconds = {"morula": [], "scrublet": []}, []
    for seed in SEEDS:
        found, spent = ours(options, path, seed)
        scores["morula"].append(found["score"].reindex(cells.obs_names).to_numpy())
        seconds.append(spent)
        scores["scrublet"].append(scrublet.Scrublet(cells.X, random_state=seed).scrub_doublets(verbose=False)[0])
    results = {**provenance(options, ("scrublet", "scikit-learn")), "rows": measure(cells, is_doublet, two_lines, scores), "seconds": float(numpy.median(seconds))}
    (options.work / "doublets.json").write_text(json.dumps(results, indent=1) + "\n")
    claims = [(f"{score} not inferior to Scrublet's, all doublets (lower end {results['rows']['all doublets']['difference'][score][0]:+.3f})",
               results["rows"]["all doublets"]["difference"][score][0] > -MARGIN[score]) for score in SCORES]
    return finish(options, "doublets", f"{head(results)} {len(cells)} cells; means over {len(SEEDS)} seeds.\n\n{table(results)}", claims)


if __name__ == "__main__":
    sys.exit(main())
