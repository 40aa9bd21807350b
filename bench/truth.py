#!/usr/bin/env python3
"""How near to the truth does Morula come on made-up cells, beside scanpy in the same run? `scripts/bench --truth`, or bench/truth.py with a Python that has scanpy.

Five questions, each on five seeds of `morula generate`, whose truth is known by construction:
  1. types: agreement with the true types (ARI) at equal numbers of clusters, over a sweep of resolutions;
  2. rare types: is there a cluster that is the rare type?
  3. one homogeneous type with a gradient of depth must end in "no supported split", and real types must not;
  4. doublets: AUROC and average precision of the score, beside Scrublet as scanpy runs it;
  5. ambient RNA: the estimated share beside the true one, in made-up types and in a simulated blood sample.
Prints a table and writes build/bench/truth/truth.json; --docs puts the table into docs/benchmarks.md. Exit 1 when a claim does not hold.
"""
import json
import shutil
import sys
import warnings

import anndata
import numpy
import pandas
import scanpy
import scipy.sparse
from sklearn.metrics import adjusted_rand_score, average_precision_score, roc_auc_score

from harness import head, morula, parser_of, provenance, write_docs

# Sealed: everything down to the line was fixed, and committed, before any score had been seen, and is not tuned afterwards.
SEEDS = (1, 2, 3, 4, 5)
SIZE = ("--cells", "5000", "--genes", "5000")
TYPES = ("--types", "12", "--rare-types", "2", "--rare-fraction", "0.005", "--continuum-fraction", "0.1", "--mean-counts", "2000", "--damaged-fraction", "0.02")
AMBIENT = ("--ambient-fraction", "0.1")
DOUBLETS = ("--doublet-fraction", "0.04")
DOUBLETS_TO_FIND = ("--doublet-fraction", "0.08")
AMBIENT_LEVELS = ("0.02", "0.05", "0.1", "0.2")
AMBIENT_SAMPLES = {  # blood was added, as it stands, after the made-up types had been scored: their genes are hardly ever silent in other types
    "types": (*SIZE, *TYPES, *DOUBLETS),
    "blood": ("--preset", "blood", "--cells", "5000", *DOUBLETS),
}
RARE = ("rare-type-11", "rare-type-12")
RESOLUTIONS = tuple(float(f"{r:.4g}") for r in numpy.geomspace(0.1, 4.0, 24))
DEFAULT_RESOLUTION = 1.0
CLUSTERS = range(4, 25)  # numbers of clusters at which chains are compared
FOUND_F1 = 0.8
ARI_MARGIN = 0.01  # "not below scanpy's": the mean difference over the seeds is at least minus this
AUROC_MARGIN = 0.01
AMBIENT_CORRELATION = 0.9
# --------------------------------------------------------------------------------------------------------------------------------

OURS = ("morula-1", "scanpy-1.11")  # recipes
SAME_GRAPH = "Leiden of Morula on scanpy's graph"
SCANPY = "scanpy"


def generate(options, name, *arguments):
    path = options.work / f"{name}.h5ad"
    morula(options, "generate", *arguments, "--out", path)
    return path


def run(options, counts, recipe):
    out = options.work / "run"
    shutil.rmtree(out, ignore_errors=True)
    morula(options, "run", counts, "--recipe", recipe, "--origin", "made-up", "--out", out)
    return out


def derived(out, step):
    """What a step left in the atlas of a run: uns under its own name."""
    record = json.loads((out / "run.json").read_text())
    key = next(each["key"] for each in record["steps"] if each["name"] == step)
    return anndata.read_zarr(out / "data.atlas" / "derived" / key).uns[step.replace(" ", "_")]


def sweep_of_morula(options, cells):
    """The graph in `cells` clustered by `morula leiden`; it travels alone."""
    graph = anndata.AnnData(scipy.sparse.csr_matrix((cells.n_obs, 1), dtype="f4"), obs=cells.obs[[]].copy(), obsp={"connectivities": cells.obsp["connectivities"]})
    source, target = options.work / "graph.h5ad", options.work / "clusters.h5ad"
    graph.write_h5ad(source)

    def cluster(resolution):
        morula(options, "leiden", source, "--resolution", resolution, "--out", target)
        return anndata.read_h5ad(target, backed="r").obs["leiden"].astype(str)

    return sweep(cluster)


def leiden_of_scanpy(cells, resolution):
    scanpy.tl.leiden(cells, flavor="igraph", n_iterations=2, directed=False, resolution=resolution, random_state=0)
    return cells.obs["leiden"].astype(str)


def scanpy_chain(counts):
    """scanpy's tutorial, as in bench/scanpy_chain.py."""
    cells = anndata.read_h5ad(counts)
    scanpy.pp.filter_cells(cells, min_genes=100)
    scanpy.pp.filter_genes(cells, min_cells=3)
    scanpy.pp.normalize_total(cells)
    scanpy.pp.log1p(cells)
    scanpy.pp.highly_variable_genes(cells, n_top_genes=2000)
    scanpy.pp.pca(cells, n_comps=50, random_state=0)
    scanpy.pp.neighbors(cells, n_neighbors=15, n_pcs=50, random_state=0)
    return cells


def single_and_intact(obs):
    return ~obs["true_doublet"].astype(bool) & ~obs["true_damaged"].astype(bool)


def sweep(cluster):
    """resolution -> labels by cell name, of one chain."""
    return {resolution: cluster(resolution) for resolution in sorted({*RESOLUTIONS, DEFAULT_RESOLUTION})}


def all_clusters(own, truth):
    return own.nunique()


def scored_clusters(own, truth):
    """Clusters of which at least half of the cells are scored: not those of damaged cells, doublets or the continuum."""
    return int((pandas.Series(own.index.isin(truth.index)).groupby(own.to_numpy()).mean() >= 0.5).sum())


def ari_by_clusters(labels, truth, count):
    """number of clusters -> mean ARI over the resolutions that gave it."""
    found = {}
    for resolution in RESOLUTIONS:
        own = labels[resolution]
        found.setdefault(count(own, truth), []).append(adjusted_rand_score(truth, own[truth.index]))
    return {n: float(numpy.mean(each)) for n, each in found.items() if n in CLUSTERS}


def mean_difference(ari, peer):
    return float(numpy.mean([ari[n] - peer[n] for n in set(ari) & set(peer)]))


def best_f1(labels, truth, kind):
    """Of the cluster that is most like `kind`; cells that a chain removed are missed, not excused."""
    own = labels.reindex(truth.index).astype("object").fillna("removed")
    is_kind = truth == kind
    shared, size = is_kind.groupby(own).sum(), own.value_counts()
    f1 = 2 * shared / (size.reindex(shared.index) + is_kind.sum())
    return float(f1.drop("removed", errors="ignore").max())


def types_and_rare(options, seed):
    counts = generate(options, "types", *SIZE, *TYPES, *AMBIENT, *DOUBLETS, "--seed", seed)
    chains, supported = {}, []
    for recipe in OURS:
        out = run(options, counts, recipe)
        chains[recipe] = sweep_of_morula(options, anndata.read_h5ad(out / "cells.h5ad"))
        supported.append(not bool(derived(out, "merge clusters")["no_supported_split"]))
    cells = scanpy_chain(counts)
    chains[SCANPY] = sweep(lambda resolution: leiden_of_scanpy(cells, resolution).copy())
    chains[SAME_GRAPH] = sweep_of_morula(options, cells)

    obs = anndata.read_h5ad(counts, backed="r").obs
    intact = obs[single_and_intact(obs)]
    off_continuum = intact[intact["true_pseudotime"].isna()]
    kept = [name for name in off_continuum.index if all(name in labels[DEFAULT_RESOLUTION].index for labels in chains.values())]
    truth = off_continuum.loc[kept, "true_type"].astype(str)
    ari = {name: ari_by_clusters(labels, truth, all_clusters) for name, labels in chains.items()}
    # Not sealed: added when it was seen that scanpy's clusters of damaged cells, which morula-1 removes, make its other clusters fewer at an equal number.
    ari_scored = {name: ari_by_clusters(labels, truth, scored_clusters) for name, labels in chains.items()}
    scanpys = ari[SCANPY]
    result = {"seed": seed, "n_scored": len(kept), "supported_split": supported, "chains": {}}
    for name, labels in chains.items():
        shared = sorted(set(ari[name]) & set(scanpys))
        kinds = intact["true_type"].astype(str)
        rare_of = {kind: {resolution: best_f1(own, kinds, kind) for resolution, own in labels.items()} for kind in RARE}
        pair = {resolution: best_f1(own, kinds.replace(dict.fromkeys(RARE, "rare pair")), "rare pair") for resolution, own in labels.items()}
        result["chains"][name] = {
            "ari": ari[name], "matched": shared,
            "mean_ari": float(numpy.mean([ari[name][n] for n in shared])), "mean_ari_of_scanpy": float(numpy.mean([scanpys[n] for n in shared])),
            "mean_difference": mean_difference(ari[name], scanpys),
            "mean_difference_scored": mean_difference(ari_scored[name], ari_scored[SCANPY]),
            "clusters_at_default": int(labels[DEFAULT_RESOLUTION].nunique()),
            "ari_at_default": float(adjusted_rand_score(truth, labels[DEFAULT_RESOLUTION][truth.index])),
            "rare_f1_at_default": {kind: f1[DEFAULT_RESOLUTION] for kind, f1 in rare_of.items()},
            "rare_f1_best": {kind: max(f1.values()) for kind, f1 in rare_of.items()},
            # Not sealed: added when both programs had been seen to find the two types, which share a lineage, as one cluster.
            "pair_f1_at_default": pair[DEFAULT_RESOLUTION], "pair_f1_best": max(pair.values()),
        }
    return result


def homogeneous(options, seed):
    counts = generate(options, "homogeneous", *SIZE, "--preset", "homogeneous", "--seed", seed)
    out = run(options, counts, "morula-1")
    merge = derived(out, "merge clusters")
    clusters = json.loads((out / "run.json").read_text())["clusters"]
    return {"seed": seed, "clusters": clusters, "no_supported_split": bool(merge["no_supported_split"]) or clusters == 1, "sentence": str(merge["sentence"])}


def doublets(options, seed):
    counts = generate(options, "doublets", *SIZE, *TYPES, *AMBIENT, *DOUBLETS_TO_FIND, "--seed", seed)
    table = options.work / "doublets.csv"
    morula(options, "doublets", counts, "--out", table)
    cells = anndata.read_h5ad(counts)
    scores = {"morula": pandas.read_csv(table, index_col="cell")["score"].reindex(cells.obs_names).to_numpy()}
    peer = cells.copy()
    scanpy.pp.scrublet(peer, random_state=0)
    scores["scrublet"] = peer.obs["doublet_score"].reindex(cells.obs_names).to_numpy()
    is_doublet = cells.obs["true_doublet"].astype(bool).to_numpy()
    alike = is_doublet & (cells.obs["true_type"].astype(str) == cells.obs["true_second_type"].astype(str)).to_numpy()
    scored = ~numpy.isnan(scores["morula"]) & ~numpy.isnan(scores["scrublet"])
    result = {"seed": seed, "n_doublets": int(is_doublet.sum()), "n_of_two_types": int((is_doublet & ~alike).sum()), "n_not_scored": int((~scored).sum())}
    for name, score in scores.items():
        apart = scored & ~alike
        result[name] = {"auroc": float(roc_auc_score(is_doublet[scored], score[scored])), "auprc": float(average_precision_score(is_doublet[scored], score[scored])),
                        "auroc_two_types": float(roc_auc_score(is_doublet[apart], score[apart])), "auprc_two_types": float(average_precision_score(is_doublet[apart], score[apart]))}
    return result


def ambient(options, seed, sample, level):
    counts = generate(options, "ambient", *AMBIENT_SAMPLES[sample], "--ambient-fraction", level, "--seed", seed)
    out = run(options, counts, "morula-1")
    obs = anndata.read_h5ad(out / "cells.h5ad", backed="r").obs
    return {"seed": seed, "sample": sample, "level": float(level), "estimate": float(derived(out, "ambient")["share"][0]), "truth": float(obs.loc[single_and_intact(obs), "true_ambient_fraction"].mean())}


def claim(text, holds):
    return {"claim": text, "holds": bool(holds)}


def claims(results):
    difference = numpy.mean([each["chains"]["morula-1"]["mean_difference"] for each in results["types"]])
    found = {name: count_rare(results, name, "rare_f1_at_default") for name in ("morula-1", SCANPY)}
    auroc = {name: numpy.mean([each[name]["auroc"] for each in results["doublets"]]) for name in ("morula", "scrublet")}
    return [
        claim(f"ARI at equal numbers of clusters not below scanpy's (mean difference at least -{ARI_MARGIN:g})", difference >= -ARI_MARGIN),
        claim("as many rare types found as by scanpy, or more", found["morula-1"] >= found[SCANPY]),
        claim("one homogeneous type ends in no supported split", all(each["no_supported_split"] for each in results["homogeneous"])),
        claim("real types do not", all(all(each["supported_split"]) for each in results["types"])),
        claim(f"AUROC of doublets not below Scrublet's (mean at least -{AUROC_MARGIN:g})", auroc["morula"] >= auroc["scrublet"] - AUROC_MARGIN),
    ] + [claim(f"estimated ambient shares follow the true ones, {sample} (all estimated, correlation at least {AMBIENT_CORRELATION:g})", ambient_follows(results, sample)) for sample in AMBIENT_SAMPLES]


def count_rare(results, chain, key):
    return sum(f1 >= FOUND_F1 for each in results["types"] for f1 in each["chains"][chain][key].values())


def ambient_follows(results, sample):
    of_sample = [each for each in results["ambient"] if each["sample"] == sample]
    estimate, truth = ([each[key] for each in of_sample] for key in ("estimate", "truth"))
    return not numpy.isnan(estimate).any() and numpy.corrcoef(estimate, truth)[0, 1] >= AMBIENT_CORRELATION


def spread(values, digits=3):
    values = [value for value in values if not numpy.isnan(value)]
    if not values:
        return "none"
    return f"{numpy.mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(results):
    n_rare = len(RARE) * len(results["types"])
    lines = ["| chain | ARI at equal numbers of clusters | scanpy's there | difference | difference at equal numbers of clusters of scored cells | ARI at resolution 1 | clusters there | rare types found at 1 | at any resolution | their pair as one cluster, at any resolution |", "|---|---|---|---|---|---|---|---|---|---|"]
    for name in (*OURS, SCANPY, SAME_GRAPH):
        of_seeds = [each["chains"][name] for each in results["types"]]
        row = [f"Morula, recipe {name}" if name in OURS else name]
        row += [spread([each[key] for each in of_seeds]) for key in ("mean_ari", "mean_ari_of_scanpy", "mean_difference", "mean_difference_scored", "ari_at_default")]
        row.append(spread([each["clusters_at_default"] for each in of_seeds], 1))
        row += [f"{count_rare(results, name, key)} of {n_rare}" for key in ("rare_f1_at_default", "rare_f1_best")]
        row.append(f"{sum(each['pair_f1_best'] >= FOUND_F1 for each in of_seeds)} of {len(of_seeds)}")
        lines.append("| " + " | ".join(row) + " |")
    lines += ["", "| doublet score | AUROC | average precision | AUROC, two types | average precision, two types |", "|---|---|---|---|---|"]
    for name, label in (("morula", "Morula"), ("scrublet", "Scrublet in scanpy")):
        lines.append(f"| {label} | " + " | ".join(spread([each[name][key] for each in results["doublets"]]) for key in ("auroc", "auprc", "auroc_two_types", "auprc_two_types")) + " |")
    lines += ["", "| ambient share in | true | estimate | error | said nothing |", "|---|---|---|---|---|"]
    for sample in AMBIENT_SAMPLES:
        for level in AMBIENT_LEVELS:
            of_level = [each for each in results["ambient"] if (each["sample"], each["level"]) == (sample, float(level))]
            error = [each["estimate"] - each["truth"] for each in of_level]
            lines.append(f"| {sample} | {numpy.mean([each['truth'] for each in of_level]):.3f} | {spread([each['estimate'] for each in of_level])} | {spread(error)} | {sum(numpy.isnan(error))} of {len(error)} |")
    clusters = [each["clusters"] for each in results["homogeneous"]]
    no_split = sum(each["no_supported_split"] for each in results["homogeneous"])
    lines += ["", f"One homogeneous type: {no_split} of {len(clusters)} runs end in no supported split (Leiden gave {min(clusters)} to {max(clusters)} clusters).", ""]
    lines += [f"- {'holds' if each['holds'] else '**does not hold**'}: {each['claim']}" for each in results["claims"]]
    return "\n".join(lines)


def main():
    options = parser_of(__doc__, "truth").parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")

    names = ("scanpy", "anndata", "numpy", "scikit-learn", "igraph", "pynndescent")
    results = {**provenance(options, names),
               "types": [], "homogeneous": [], "doublets": [], "ambient": []}
    for seed in SEEDS:
        print(f"truth: seed {seed} of {SEEDS}", file=sys.stderr, flush=True)
        results["types"].append(types_and_rare(options, seed))
        results["homogeneous"].append(homogeneous(options, seed))
        results["doublets"].append(doublets(options, seed))
        results["ambient"] += [ambient(options, seed, sample, level) for sample in AMBIENT_SAMPLES for level in AMBIENT_LEVELS]
        (options.work / "truth.json").write_text(json.dumps(results, indent=1) + "\n")
    results["claims"] = claims(results)
    (options.work / "truth.json").write_text(json.dumps(results, indent=1) + "\n")
    text = f"{head(results)} Means over {len(SEEDS)} seeds, lowest and highest in brackets.\n\n{table(results)}"
    if options.docs:
        write_docs("truth", text)
    print(text)
    return 0 if all(each["holds"] for each in results["claims"]) else 1


if __name__ == "__main__":
    sys.exit(main())
