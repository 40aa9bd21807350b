#!/usr/bin/env python3
"""Do Morula and scanpy agree on the same counts? bench/agreement.py CELLS.h5ad SCANPY.h5ad --out agreement.json; exit 1 when they do not.

Speed is worth quoting only at equal results, so this runs before anything is timed. Each check has its own limit, fixed here.
"""
import argparse
import json
import sys

import anndata
import igraph
import illico
import numpy
import scipy.sparse
from umap.umap_ import find_ab_params

NON_EDGES = 2_000_000
RANDOM_CELLS = 100
NEGATIVE_SAMPLES = 5
MARKER_CLUSTERS = 3


def check(name, value, limit, at_least):
    return {"name": name, "value": float(value), "limit": limit, "ok": bool(value >= limit if at_least else value <= limit)}


def modularity(graph, labels):
    codes = {label: code for code, label in enumerate(sorted(set(labels)))}
    return graph.modularity([codes[label] for label in labels], weights="weight")


def graph_of(connectivities):
    upper = scipy.sparse.triu(connectivities, k=1).tocoo()
    graph = igraph.Graph(n=connectivities.shape[0], edges=numpy.column_stack([upper.row, upper.col]), directed=False)
    graph.es["weight"] = upper.data
    return graph


def similarity(embedding, i, j, most):
    a, b = find_ab_params(1.0, 0.5)
    squared = ((embedding[i] - embedding[j]) ** 2).sum(axis=1)
    return numpy.clip(1.0 / (1.0 + a * squared ** b), 1e-10, most)


def umap_loss(embedding, connectivities, seed=0):
    """What UMAP with negative sampling minimises in expectation (Damrich & Hamprecht 2021), per unit of edge weight: morula/analysis/umap.hpp has the formula.
    Both programs work on this one; the cross-entropy over all pairs weighs repulsion n / 5 times as much and mostly tells how far a map spreads."""
    graph = connectivities.tocoo()
    weight = graph.data.astype(float)
    position = numpy.asarray(embedding, dtype=float)
    attraction = -(weight * numpy.log(similarity(position, graph.row, graph.col, 1.0))).sum()
    of_cell = numpy.bincount(graph.row, weights=weight, minlength=len(position))
    random = numpy.random.default_rng(seed)
    repulsion = 0.0
    for _ in range(RANDOM_CELLS):
        other = random.integers(0, len(position), len(position))
        repulsion -= (of_cell * numpy.log1p(-similarity(position, numpy.arange(len(position)), other, 1.0 - 1e-4)))[other != numpy.arange(len(position))].sum() / RANDOM_CELLS
    return (attraction + NEGATIVE_SAMPLES / 2 * repulsion) / weight.sum()


def cross_entropy(embedding, connectivities, seed=0):
    """Cross-entropy over all pairs, per vertex: exact over edges, sampled over pairs without one."""
    position = numpy.asarray(embedding, dtype=float)

    edges = scipy.sparse.triu(connectivities, k=1).tocoo()
    w, q = edges.data.astype(float), similarity(position, edges.row, edges.col, 1.0 - 1e-10)
    n = connectivities.shape[0]
    pairs = n * (n - 1) / 2 - edges.nnz
    random = numpy.random.default_rng(seed)
    i, j = random.integers(0, n, NON_EDGES), random.integers(0, n, NON_EDGES)
    i, j = i[i != j], j[i != j]
    repulsion = -numpy.log1p(-similarity(position, i, j, 1.0 - 1e-10)).mean() * pairs
    return (-(w * numpy.log(q) + (1 - w) * numpy.log1p(-q)).sum() + repulsion) / n


def subspace_sine(x, y, k):
    qx, _ = numpy.linalg.qr(x[:, :k] - x[:, :k].mean(axis=0))
    qy, _ = numpy.linalg.qr(y[:, :k] - y[:, :k].mean(axis=0))
    cosine = numpy.linalg.svd(qx.T @ qy, compute_uv=False).min()
    return float(numpy.sqrt(max(0.0, 1.0 - min(cosine, 1.0) ** 2)))


def neighbor_recall(cells, rows):
    """Share of the true neighbours that a program found, in its own components: both are held to the truth, not to each other."""
    points, graph = numpy.asarray(cells.obsm["X_pca"], dtype=float), cells.obsp["distances"].tocsr()
    norms, found = (points ** 2).sum(axis=1), []
    for row in rows:
        given = graph[row].indices
        squared = norms - 2.0 * points @ points[row] + norms[row]
        squared[row] = numpy.inf
        last = numpy.partition(squared, len(given) - 1)[len(given) - 1]
        found.append((squared[given] <= last * (1 + 1e-6) + 1e-6).mean())
    return float(numpy.mean(found))


def truth_ari(cells, labels):
    from sklearn.metrics import adjusted_rand_score
    use = numpy.ones(cells.n_obs, dtype=bool)
    for flag in ("true_doublet", "true_damaged"):
        if flag in cells.obs:
            use &= ~cells.obs[flag].astype(bool).to_numpy()
    if "true_pseudotime" in cells.obs:
        use &= cells.obs["true_pseudotime"].isna().to_numpy()
    return adjusted_rand_score(cells.obs["true_type"][use], numpy.asarray(labels)[use])


def wilcoxon_difference(cells):
    """Largest difference of z between Morula's markers and illico's, on Morula's clusters and log values, relative to max(1, |z|)."""
    import pandas
    table = illico.asymptotic_wilcoxon(cells, is_log1p=True, group_keys="leiden", use_continuity=False, tie_correct=False, n_threads=1, return_as_scanpy=True)
    worst = 0.0
    ours = pandas.DataFrame({group: pandas.Series(cells.uns["rank_genes_groups"]["scores"][group], index=cells.uns["rank_genes_groups"]["names"][group])
                             for group in cells.uns["rank_genes_groups"]["names"].dtype.names[:MARKER_CLUSTERS]})
    for group in ours.columns:
        theirs = pandas.Series(table["scores"][group], index=table["names"][group])
        both = ours[group].dropna()
        worst = max(worst, float(((both - theirs[both.index]).abs() / numpy.maximum(1.0, theirs[both.index].abs())).max()))
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ours")
    parser.add_argument("theirs")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    ours, theirs = anndata.read_h5ad(arguments.ours), anndata.read_h5ad(arguments.theirs)

    checks = [check("cells kept by one only", len(set(ours.obs_names) ^ set(theirs.obs_names)), 0, at_least=False)]
    if checks[0]["ok"]:
        theirs = theirs[ours.obs_names].copy()
        hvg_ours = set(ours.var_names[ours.var["highly_variable"].astype(bool)])
        hvg_theirs = set(theirs.var_names[theirs.var["highly_variable"].astype(bool)])
        checks.append(check("variable genes shared, Jaccard", len(hvg_ours & hvg_theirs) / len(hvg_ours | hvg_theirs), 0.999, at_least=True))
        variance_ours, variance_theirs = (numpy.var(cells.obsm["X_pca"], axis=0, dtype=float)[:10] for cells in (ours, theirs))
        checks.append(check("variance of the first 10 components, largest relative difference", numpy.abs(variance_ours / variance_theirs - 1).max(), 1e-3, at_least=False))
        checks.append(check("subspace of the first 5 components, sine", subspace_sine(ours.obsm["X_pca"], theirs.obsm["X_pca"], 5), 1e-2, at_least=False))
        rows = numpy.random.default_rng(0).integers(0, ours.n_obs, 1000)
        recall = [neighbor_recall(cells, rows) for cells in (ours, theirs)]
        checks.append(check("true neighbours found by Morula", recall[0], 0.99, at_least=True))
        checks.append(check("true neighbours found, Morula's less scanpy's", recall[0] - recall[1], -0.005, at_least=True))
        # Each clustering, and each map, was made for its own graph and would win there: the mean over both graphs favours neither.
        graphs = [graph_of(cells.obsp["connectivities"]) for cells in (ours, theirs)]
        ratios = [modularity(graph, ours.obs["leiden"]) / modularity(graph, theirs.obs["leiden"]) for graph in graphs]
        checks.append(check("modularity, ours over scanpy's, geometric mean over both graphs", numpy.sqrt(ratios[0] * ratios[1]), 0.999, at_least=True))
        for name, loss, limit in (("UMAP loss", umap_loss, 1.02), ("cross-entropy of the map over all pairs (for information)", cross_entropy, 1e9)):
            ratios = [loss(ours.obsm["X_umap"], cells.obsp["connectivities"]) / loss(theirs.obsm["X_umap"], cells.obsp["connectivities"]) for cells in (ours, theirs)]
            checks.append(check(f"{name}, ours over scanpy's, geometric mean over both graphs", numpy.sqrt(ratios[0] * ratios[1]), limit, at_least=False))
        if "true_type" in ours.obs:
            checks.append(check("ARI against the truth, ours less scanpy's", truth_ari(ours, ours.obs["leiden"]) - truth_ari(theirs, theirs.obs["leiden"]), -0.02, at_least=True))
        checks.append(check("Wilcoxon z on our clusters against illico, largest relative difference", wilcoxon_difference(ours), 1e-3, at_least=False))
    agree = all(each["ok"] for each in checks)
    with open(arguments.out, "w", encoding="utf-8") as file:
        json.dump({"agree": agree, "checks": checks}, file, indent=1)
    for each in checks:
        print(f"{'ok ' if each['ok'] else 'NO '} {each['name']}: {each['value']:.6g} (limit {each['limit']:g})")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
