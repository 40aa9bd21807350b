#!/usr/bin/env python3
"""Are the p values of `morula de` honest from cells to table, and how much does it find beside edgeR? `scripts/bench --cohorts`, or bench/cohorts.py.

Cohorts of made-up cells (`morula generate cohort`: donors and samples differ in expression, composition, depth and numbers of cells). edgeR (a process of its own) gets the sums
of the same cells by donor: Debian 12's 3.40 for the recipe edger-3.40; for --recipe edger-4 an edgeR 4, this system's or that of a Debian 13 in build/debian13 (scripts/oracles makes it; root).
  1. 200 null cohorts of 4 to 12 donors: is p uniform? The share of genes with p below .01, .05, .1 and .5, means over cohorts with 2 standard errors, edgeR's own share on the same
     cohorts, and the largest distance of the pooled p from uniform (the mean over cohorts of their distribution functions, on a grid); under 3 donors a group there is no FDR, p is for ranking;
  2. cohorts with planted states: the realised FDR at 5 %, and the share of the planted genes found, both beside edgeR.
--docs puts the table into docs/benchmarks.md. Exit 1 when a claim does not hold. --null-cohorts N (of each number of donors) takes less time. --rows null-4,effects-12 makes these
rows only and keeps them in the work folder; the table comes when all are there (of one program, recipe and number of cohorts).
"""
import json
import os
import shutil
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
ALL_ROWS = tuple(f"null-{donors}" for donors in DONORS) + ("effects-6", "effects-12")
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


def shares(tables):
    """The share of genes below each level, means over cohorts."""
    return {str(level): mean_and_error([share_below(table, level) for table in tables]) for level in LEVELS}


def nulls(options, donors):
    folder = fresh(options.work / "edger")
    ours = []
    for number in range(options.null_cohorts):
        path = cohort(options, 10_000 * donors + number, donors, NULL)
        ours.append(compare(options, path))
        cells = anndata.read_h5ad(path)
        for cell_type in ours[-1]["cell_type"].unique():
            sums_of(cells, cell_type, folder, f"{number}.{cell_type}")
    edger = run_edger(options, folder)
    theirs, farthest = [], 0.0
    for number, table in enumerate(ours):
        own = []
        for cell_type, rows in table.groupby("cell_type"):
            found = pandas.read_csv(folder / f"{number}.{cell_type}.edger.csv", index_col=0)
            p = rows.set_index("gene_id")["p"]
            farthest = max(farthest, float(numpy.abs(numpy.log10(p) - numpy.log10(found["PValue"].loc[p.index])).max())) if set(found.index) == set(p.index) else float("inf")
            own.append(found.rename(columns={"PValue": "p"}))
        theirs.append(pandas.concat(own))
    return {"donors": donors, "cohorts": options.null_cohorts, "below": shares(ours), "below_edger": shares(theirs), "edger": edger, "largest_difference_log10_p": farthest,
            **farthest_from_uniform([[share_below(table, level) for level in GRID] for table in ours]), "with_a_claim": sum(int((table["fdr"] <= LEVEL).any()) for table in ours)}


def fresh(folder):
    """An empty folder for edgeR's files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def run_edger(options, folder):
    """edgeR on the sums in a folder; returns its version."""
    script = ROOT / "bench" / "edger.R"
    wanted = "4" if options.recipe == "edger-4" else "3"
    environment = dict(os.environ)
    look = subprocess.run(["Rscript", "-e", "cat(as.character(packageVersion('edgeR')))"], capture_output=True, text=True, check=False)
    if look.stdout.startswith(wanted):
        command, inside = ["Rscript", str(script), str(folder)], None
    else:
        inside = options.debian13 / "morula" / "cohorts"
        if wanted != "4" or not (options.debian13 / "usr/bin/Rscript").exists():
            sys.exit(f"cohorts: no edgeR {wanted} is here (found {look.stdout or 'none'}); run scripts/setup oracles, or for edgeR 4 as root scripts/oracles edger4.")
        shutil.rmtree(inside, ignore_errors=True)
        shutil.copytree(folder, inside)
        shutil.copy(script, inside / "edger.R")
        command = ["chroot", str(options.debian13), "Rscript", "/morula/cohorts/edger.R", "/morula/cohorts"]
        environment = {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        sys.exit(f"cohorts: edgeR did not run: {done.stderr.strip()[-300:]}")
    if inside is not None:
        for path in inside.glob("*.edger.csv"):
            shutil.copy(path, folder)
        shutil.rmtree(inside)
    return done.stdout.strip()


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


def effects(options, donors):
    folder = fresh(options.work / "edger")
    truth, ours = {}, {}
    for number in range(EFFECT_COHORTS):
        path = cohort(options, 90_000 + 1_000 * donors + number, donors, EFFECTS)
        table = compare(options, path)
        cells = anndata.read_h5ad(path)
        for cell_type in sorted(cells.obs["true_type"].astype(str).unique()):
            name = f"{number}.{cell_type}"
            truth[name] = planted(cells, cell_type)
            ours[name] = table[table["cell_type"] == cell_type].set_index("gene_id")
            sums_of(cells, cell_type, folder, name)
    edger = run_edger(options, folder)
    rows = {"Morula": [], "edgeR": []}
    for name, planted_genes in truth.items():
        real_genes = set(planted_genes.index[planted_genes != 0])
        if not real_genes:
            continue
        theirs = pandas.read_csv(folder / f"{name}.edger.csv", index_col=0)
        for who, found, fdr in (("Morula", ours[name], "fdr"), ("edgeR", theirs, "FDR")):
            called = (found[fdr].astype(float) <= LEVEL).to_numpy()
            real = numpy.array([gene in real_genes for gene in found.index])
            rows[who].append(score(called, real, numpy.ones(len(real), bool)))
    return {"donors": donors, "edger": edger, **{who: {key: mean_and_error([row[key] for row in values]) for key in ("fdr", "power")} for who, values in rows.items()}}


def percent(pair):
    return "{:.2f} +- {:.2f}".format(100 * pair[0], 200 * pair[1])


def table(results):
    lines = ["| null cohorts | " + " | ".join(f"p < {level:g}, % of genes".replace("0.", ".") for level in LEVELS) + " | edgeR, p < .05 | largest difference of log10 p | farthest from uniform | cohorts with a gene at FDR 5 % |",
             "|---" * (len(LEVELS) + 5) + "|"]
    for row in results["nulls"]:
        own = [percent(row["below"][str(level)]) for level in LEVELS]
        farthest = "{:+.2f} +- {:.2f} at p = {:.3f}".format(100 * row["farthest"][0], 200 * row["farthest"][1], row["farthest_at"])
        lines.append(f"| {row['cohorts']} of {row['donors']} donors | {' | '.join(own)} | {percent(row['below_edger'][str(LEVEL)])} | {row['largest_difference_log10_p']:.1g} | {farthest} | {row['with_a_claim'] if row['donors'] >= 6 else 'no FDR'} |")
    lines += ["", "| planted states | realised FDR at 5 %, Morula | edgeR | found, Morula | edgeR |", "|---|---|---|---|---|"]
    for row in results["effects"]:
        cells = ["{:.1f} +- {:.1f} %".format(100 * row[who][key][0], 200 * row[who][key][1]) for key in ("fdr", "power") for who in ("Morula", "edgeR")]
        lines.append(f"| {EFFECT_COHORTS} of {row['donors'] // 2} against {row['donors'] // 2} donors | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n\nBehind +-: 2 standard errors between cohorts."


def claims(results):
    out = []
    for row in results["nulls"]:
        mean, error = row["below"][str(LEVEL)]
        theirs = row["below_edger"][str(LEVEL)][0]
        beside = f"{100 * mean:.2f} %; edgeR {100 * theirs:.2f} %"
        out.append((f"{row['donors']} donors: false positives at most 5 % + 2 s.e. ({beside})", mean <= LEVEL + 2 * error))
        out.append((f"{row['donors']} donors: at least 5 % - 2 s.e., or as few as edgeR within .1 % of genes ({beside})", mean >= LEVEL - 2 * error or abs(mean - theirs) <= 0.001))
    for row in results["effects"]:
        mean, error = row["Morula"]["fdr"]
        out.append((f"{row['donors']} donors: realised FDR at most 5 % + 2 s.e. ({100 * mean:.1f} %)", mean <= LEVEL + 2 * error))
    return out


def main():
    parser = parser_of(__doc__, "cohorts")
    parser.add_argument("--recipe", default="edger-3.40", choices=("edger-3.40", "edger-4"))
    parser.add_argument("--null-cohorts", type=int, default=NULL_COHORTS)
    parser.add_argument("--rows", default=",".join(ALL_ROWS))
    parser.add_argument("--debian13", type=Path, default=ROOT / "build" / "debian13")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    about = {**provenance(options, ("anndata",)), "recipe": options.recipe}
    kept = options.work / f"rows.{options.recipe}.json"
    same = {"commit": about["commit"], "null_cohorts": options.null_cohorts}
    before = json.loads(kept.read_text()) if kept.exists() else {}
    rows = before["rows"] if before.get("same") == same else {}
    for name in options.rows.split(","):
        what, donors = name.split("-")
        rows[name] = (nulls if what == "null" else effects)(options, int(donors))
        print(f"cohorts: {name}: {rows[name]}", file=sys.stderr, flush=True)
        kept.write_text(json.dumps({"same": same, "rows": rows}, indent=1) + "\n")
    missing = [name for name in ALL_ROWS if name not in rows]
    if missing:
        print(f"cohorts: still to make: --rows {','.join(missing)}", file=sys.stderr)
        return 0
    results = {**about, "nulls": [rows[name] for name in ALL_ROWS if name.startswith("null")], "effects": [rows[name] for name in ALL_ROWS if name.startswith("effects")]}
    results["versions"]["edgeR"] = results["nulls"][0]["edger"]
    (options.work / f"cohorts.{options.recipe}.json").write_text(json.dumps(results, indent=1) + "\n")
    return finish(options, "cohorts" if options.recipe == "edger-3.40" else "cohorts of edger-4", f"`--recipe {options.recipe}`, {head(results)}\n\n{table(results)}", claims(results))


if __name__ == "__main__":
    sys.exit(main())
