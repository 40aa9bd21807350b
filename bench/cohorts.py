#!/usr/bin/env python3
"""Are the p values of `morula de` honest from cells to table, and how much does it find beside edgeR? `scripts/bench --cohorts`, or bench/cohorts.py.

Cohorts of made-up cells (`morula generate cohort`: donors and samples differ in expression, composition, depth and numbers of cells).
  1. 200 null cohorts of 4 to 12 donors: is p uniform? The share of genes with p below .01, .05, .1 and .5, means over cohorts with 2 standard errors, and the
     largest distance of the pooled p from uniform (the mean over cohorts of their distribution functions, on a grid); under 3 donors a group there is no FDR, p is for ranking;
  2. cohorts with planted states: the realised FDR at 5 %, and the share of the planted genes found; edgeR (Debian's, a process of its own) on the sums of the
     same cells by donor.
--docs puts the table into docs/benchmarks.md. Exit 1 when a claim does not hold. --recipe edger-4 and --null-cohorts N (of each number of donors) look at another test
and take less time; the table in docs/benchmarks.md is that of the defaults.
"""
import json
import subprocess
import sys
import warnings

import anndata
import numpy
import pandas

from harness import ROOT, finish, head, morula, parser_of, provenance

# Sealed before anything was scored.
DONORS = (4, 6, 8, 12)
NULL_COHORTS = 50    # of each number of donors
EFFECT_COHORTS = 20  # of 6 and of 12 donors
SIZE = ("--cells", "120", "--genes", "800", "--types", "2", "--mean-counts", "2000", "--composition-types", "0", "--ambient-fraction", "0.02")
NULL = ("--state-types", "0")
EFFECTS = ("--state-types", "1", "--state-genes", "40", "--state-effect", "1.0")
LEVEL = 0.05
LEVELS = (0.01, 0.05, 0.1, 0.5)
GRID = numpy.arange(1, 200) / 200
# --------------------------------------------------------------------------------------------------------------------------------


def cohort(options, seed, donors, what):
    path = options.work / "cohort.h5ad"
    morula(options, "generate", "cohort", "--donors", donors, *SIZE, *what, "--seed", seed, "--out", path)
    return path


def compare(options, path):
    out = options.work / "de"
    morula(options, "de", path, "--condition", "condition", "--case", "diseased", "--control", "healthy", "--donor", "donor", "--cell-type", "true_type", "--recipe", options.recipe, "--out", out)
    return pandas.read_csv(out / "de.csv", keep_default_na=False, na_values=[""])


def share_below(table, level):
    return float((table["p"] < level).mean())


def mean_and_error(values):
    return float(numpy.mean(values)), float(numpy.std(values, ddof=1) / numpy.sqrt(len(values)))


def farthest_from_uniform(functions):
    """Where the mean over cohorts of the distribution functions of p is farthest from uniform: how far, with the error between cohorts there, and at which p."""
    functions = numpy.array(functions)
    at = int(numpy.argmax(numpy.abs(functions.mean(axis=0) - GRID)))
    mean, error = mean_and_error(functions[:, at])
    return {"farthest": (mean - float(GRID[at]), error), "farthest_at": float(GRID[at])}


def nulls(options):
    rows = []
    for donors in DONORS:
        at = {level: [] for level in LEVELS}
        functions = []
        n_claimed = 0
        for number in range(options.null_cohorts):
            table = compare(options, cohort(options, 10_000 * donors + number, donors, NULL))
            for level, values in at.items():
                values.append(share_below(table, level))
            functions.append([share_below(table, level) for level in GRID])
            n_claimed += int((table["fdr"] <= LEVEL).any())
        rows.append({"donors": donors, "cohorts": options.null_cohorts, "below": {str(level): mean_and_error(values) for level, values in at.items()}, **farthest_from_uniform(functions), "with_a_claim": n_claimed})
        print(f"cohorts: null, {donors} donors: {rows[-1]}", file=sys.stderr, flush=True)
    return rows


def planted(cells, cell_type):
    """log2 fold changes that were planted in a type, by gene."""
    column = f"true_log2fc_{cell_type}"
    return cells.var[column].astype(float) if column in cells.var else pandas.Series(0.0, index=cells.var_names)


def sums_of(cells, cell_type, folder, name):
    """Counts of the type's cells added up by donor, for edgeR: genes x donors, and the donors' conditions."""
    own = cells[cells.obs["true_type"].astype(str) == cell_type]
    donors = own.obs["donor"].astype(str)
    names, rows, conditions = [], [], []
    for donor in sorted(donors.unique()):
        here = (donors == donor).to_numpy()
        if here.sum() < 10:
            continue
        names.append(donor)
        rows.append(numpy.asarray(own.X[here].sum(axis=0)).ravel())
        conditions.append(own.obs["condition"].astype(str)[here].iloc[0])
    pandas.DataFrame(numpy.array(rows).T.astype(int), index=cells.var_names, columns=names).to_csv(folder / f"{name}.counts.csv")
    (folder / f"{name}.condition.csv").write_text("\n".join("1" if condition == "diseased" else "0" for condition in conditions) + "\n")


def score(called, real, tested):
    found, wrong = called & real, called & ~real
    return {"fdr": float(wrong.sum() / max(1, called.sum())), "power": float(found.sum() / max(1, (real & tested).sum()))}


def effects(options):
    folder = options.work / "edger"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.csv"):
        old.unlink()
    truth, ours = {}, {}
    for donors in (6, 12):
        for number in range(EFFECT_COHORTS):
            path = cohort(options, 90_000 + 1_000 * donors + number, donors, EFFECTS)
            table = compare(options, path)
            cells = anndata.read_h5ad(path)
            for cell_type in sorted(cells.obs["true_type"].astype(str).unique()):
                name = f"{donors}.{number}.{cell_type}"
                truth[name] = planted(cells, cell_type)
                ours[name] = table[table["cell_type"] == cell_type].set_index("gene_id")
                sums_of(cells, cell_type, folder, name)
    done = subprocess.run(["Rscript", str(ROOT / "bench" / "edger.R"), str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"cohorts: edgeR did not run ({done.stderr.strip()[-300:]}); install it: scripts/setup oracles")
    out = {}
    for donors in (6, 12):
        rows = {"Morula": [], "edgeR": []}
        for name in (name for name in truth if name.startswith(f"{donors}.")):
            real_genes = set(truth[name].index[truth[name] != 0])
            if not real_genes:
                continue
            theirs = pandas.read_csv(folder / f"{name}.edger.csv", index_col=0)
            for who, table, fdr in (("Morula", ours[name], "fdr"), ("edgeR", theirs, "FDR")):
                called = (table[fdr].astype(float) <= LEVEL).to_numpy()
                real = numpy.array([gene in real_genes for gene in table.index])
                rows[who].append(score(called, real, numpy.ones(len(real), bool)))
        out[donors] = {who: {key: mean_and_error([row[key] for row in values]) for key in ("fdr", "power")} for who, values in rows.items()}
    return out


def table(results):
    lines = ["| null cohorts | " + " | ".join(f"p < {level:g}, % of genes".replace("0.", ".") for level in LEVELS) + " | farthest from uniform | cohorts with a gene at FDR 5 % |", "|---" * (len(LEVELS) + 3) + "|"]
    for row in results["nulls"]:
        shares = ["{:.2f} +- {:.2f}".format(100 * row["below"][str(level)][0], 200 * row["below"][str(level)][1]) for level in LEVELS]
        farthest = "{:+.2f} +- {:.2f} at p = {:.3f}".format(100 * row["farthest"][0], 200 * row["farthest"][1], row["farthest_at"])
        lines.append(f"| {row['cohorts']} of {row['donors']} donors | {' | '.join(shares)} | {farthest} | {row['with_a_claim'] if row['donors'] >= 6 else 'no FDR'} |")
    lines += ["", "| planted states | realised FDR at 5 %, Morula | edgeR | found, Morula | edgeR |", "|---|---|---|---|---|"]
    for donors, both in results["effects"].items():
        cells = ["{:.1f} +- {:.1f} %".format(100 * both[who][key][0], 200 * both[who][key][1]) for key in ("fdr", "power") for who in ("Morula", "edgeR")]
        lines.append(f"| {EFFECT_COHORTS} of {int(donors) // 2} against {int(donors) // 2} donors | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n\nBehind +-: 2 standard errors between cohorts."


def claims(results):
    out = []
    for row in results["nulls"]:
        mean, error = row["below"][str(LEVEL)]
        out.append((f"{row['donors']} donors: false positives at most 5 % + 2 s.e. ({100 * mean:.2f} %)", mean <= LEVEL + 2 * error))
    for donors, both in results["effects"].items():
        mean, error = both["Morula"]["fdr"]
        out.append((f"{donors} donors: realised FDR at most 5 % + 2 s.e. ({100 * mean:.1f} %)", mean <= LEVEL + 2 * error))
    return out


def main():
    parser = parser_of(__doc__, "cohorts")
    parser.add_argument("--recipe", default="edger-3.40")
    parser.add_argument("--null-cohorts", type=int, default=NULL_COHORTS)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    results = {**provenance(options, ("anndata",)), "recipe": options.recipe, "nulls": nulls(options), "effects": effects(options)}
    (options.work / "cohorts.json").write_text(json.dumps(results, indent=1) + "\n")
    return finish(options, "cohorts", f"{head(results)}\n\n{table(results)}", claims(results))


if __name__ == "__main__":
    sys.exit(main())
