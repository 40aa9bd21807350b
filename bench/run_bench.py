#!/usr/bin/env python3
"""Morula beside the best Python chain, from an h5ad of counts to markers, on the same file in the same run: bench/run_bench.py --python PYTHON_WITH_SCANPY.

Question: how many times faster, and in how much less memory, at equal results? For each set of counts: (1) both run once and bench/agreement.py compares
the results; (2) timed runs alternate, every run a new process. Cold means as started from the shell, with imports and compilation; warm means that scanpy
has compiled everything before (Morula compiles nothing: its warm chain is its cold one). Chain time is the sum of the steps both have, reading included,
in runs that write no matrices (--matrix none), as the peer's chain writes none: in a full run a thread writes cells.h5ad beside those very steps. Each
full run is measured as a whole: it also scores doublets, sweeps resolutions, labels clusters, and writes the atlas, the h5ad, the tables and the report.
Writes build/bench/results.json; --docs puts the table into docs/benchmarks.md. Standard library only.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from harness import BUSY, ROOT, commit, machine, write_docs

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
CHAIN = ("read", "qc", "filter", "normalize", "hvg", "pca", "neighbors", "leiden", "umap", "markers")
READING = "ingest"  # what Morula calls the way from the file to counts in hand, which it also stores


def run(command, threads, log):
    """(seconds, CPU seconds, peak bytes, stdout) of a new process; stops the benchmark when it fails."""
    environment = dict(os.environ, **{variable: str(threads) for variable in THREAD_VARIABLES})
    # Morula shares out its own work: one BLAS thread inside its tasks.
    if str(command[0]).endswith("morula"):
        environment.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    with open(log, "a", encoding="utf-8") as errors:
        started = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))} ended with {process.returncode}; see {log}")
    return {"wall_seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_bytes": usage.ru_maxrss * 1024}, output


def morula_run(options, counts, out, log, matrix):
    shutil.rmtree(out, ignore_errors=True)
    measured, output = run([options.morula, "run", counts, "--out", out, "--recipe", "scanpy-1.11", "--matrix", matrix, "--threads", options.threads, "--json", "--quiet"],
                           options.threads, log)
    result = json.loads(output.strip().splitlines()[-1])
    measured["steps"] = result["steps"]
    by_name = {}
    for step in result["steps"]:
        name = "read" if step["name"] == READING else step["name"]
        by_name[name] = by_name.get(name, 0.0) + step["seconds"]
    measured["chain"] = {name: by_name.get(name, 0.0) for name in CHAIN}
    measured["chain_seconds"] = sum(measured["chain"].values())
    measured["clusters"] = result["clusters"]
    return measured


def scanpy_run(options, counts, out, log, warm, keep=False):
    shutil.rmtree(out, ignore_errors=True)
    command = [options.python, ROOT / "bench" / "scanpy_chain.py", counts, "--out", out, "--threads", options.threads]
    measured, _ = run(command + ["--warm"] * warm + ["--keep"] * keep, options.threads, log)
    record = json.loads((Path(out) / "times.json").read_text())
    measured.update({name: record[name] for name in ("steps", "chain_seconds", "clusters", "import_seconds", "versions", "n_cells", "n_genes", "nnz", "threads")})
    measured["chain"] = {step["name"]: step["seconds"] for step in record["steps"]}
    return measured


def make_counts(options, name, work):
    """The file of a set, made once: made-up-N or resampled-N."""
    kind, cells = name.rsplit("-", 1)
    path = work / f"{name}.h5ad"
    if not path.exists():
        print(f"bench: making {path}", file=sys.stderr)
        part = path.with_suffix(".part.h5ad")
        if kind == "made-up":
            command = [options.morula, "generate", "--cells", cells, "--genes", "20000", "--types", "25", "--batches", "4", "--seed", "42", "--out", part]
        elif kind == "resampled":
            command = [options.python, ROOT / "bench" / "resample_pbmc3k.py", part, "--cells", cells]
        else:
            sys.exit(f"bench: there is no set '{name}'; give made-up-N or resampled-N.")
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
        part.rename(path)
    return path


def median_of(runs, value):
    return statistics.median(value(each) for each in runs)


def measure(options, name, work):
    counts, log = make_counts(options, name, work), work / f"{name}.log"
    log.write_text("")
    # Both results first; this run also brings the file into the page cache for both.
    print(f"bench: {name}: comparing results", file=sys.stderr)
    morula_run(options, counts, work / "ours", log, matrix="full")
    theirs = scanpy_run(options, counts, work / "theirs", log, warm=False, keep=True)
    compared = subprocess.run([options.python, str(ROOT / "bench" / "agreement.py"), str(work / "ours" / "cells.h5ad"), str(work / "theirs" / "scanpy.h5ad"),
                               "--out", str(work / "agreement.json")], stdout=sys.stderr, check=False)
    agreement = json.loads((work / "agreement.json").read_text()) if compared.returncode in (0, 1) else {"agree": False, "checks": []}
    cold, warm, ours, chains = [theirs], [], [], []
    for repeat in range(options.repeats):
        print(f"bench: {name}: run {repeat + 1} of {options.repeats}", file=sys.stderr)
        ours.append(morula_run(options, counts, work / "ours", log, matrix="full"))
        chains.append(morula_run(options, counts, work / "chain", log, matrix="none"))
        if repeat < options.peer_repeats:
            warm.append(scanpy_run(options, counts, work / "theirs", log, warm=True))
            if repeat > 0:
                cold.append(scanpy_run(options, counts, work / "theirs", log, warm=False))
    return {"set": name, "n_cells": theirs["n_cells"], "n_genes": theirs["n_genes"], "nnz": theirs["nnz"], "agreement": agreement,
            "morula": ours, "morula_chain": chains, "scanpy_cold": cold, "scanpy_warm": warm}


def format_seconds(seconds):
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:.1f}"


def table(results):
    lines = []
    for each in results["sets"]:
        ours, chains, cold, warm = each["morula"], each["morula_chain"], each["scanpy_cold"], each["scanpy_warm"]
        verdict = "results agree" if each["agreement"]["agree"] else "**RESULTS DO NOT AGREE**, times are not to be quoted: " + "; ".join(
            check["name"] for check in each["agreement"]["checks"] if not check["ok"])
        lines += [f"### {each['set']}: {each['n_cells']:,} cells x {each['n_genes']:,} genes, {each['nnz'] / 1e6:.1f} M non-zeros ({verdict})", "",
                  "| step | Morula, s | scanpy chain, warm, s | ratio |", "|---|---|---|---|"]
        for name in CHAIN:
            a, b = (median_of(runs, lambda run, name=name: run["chain"].get(name, 0.0)) for runs in (chains, warm))
            lines.append(f"| {name} | {format_seconds(a)} | {format_seconds(b)} | {b / a if a > 0 else float('nan'):.1f} |")
        rows = [("h5ad to markers, sum of the above", lambda run: run["chain_seconds"], chains, warm),
                ("whole process from the shell (cold; Morula with all outputs)", lambda run: run["wall_seconds"], ours, cold),
                ("CPU of the whole process", lambda run: run["cpu_seconds"], ours, cold)]
        for label, value, own, peer in rows:
            a, b = median_of(own, value), median_of(peer, value)
            lines.append(f"| **{label}** | {format_seconds(a)} | {format_seconds(b)} | {b / a:.1f} |")
        a, b = median_of(ours, lambda run: run["peak_bytes"]), median_of(cold, lambda run: run["peak_bytes"])
        lines += [f"| **peak memory, GB** | {a / 1e9:.2f} | {b / 1e9:.2f} | {b / a:.1f} |", "",
                  f"Medians of {len(ours)} full runs and {len(chains)} runs without matrices of Morula, {len(warm)} warm and {len(cold)} cold runs of scanpy. Clusters: {ours[0]['clusters']} and {cold[0]['clusters']}.",
                  "Agreement: " + "; ".join(f"{check['name']} {check['value']:.4g}" for check in each["agreement"]["checks"]) + ".", ""]
    return "\n".join(lines)


def head(results):
    m, versions = results["machine"], results["versions"]
    busy = f" **The machine was busy ({100 * m['busy_at_start']:.0f} % at work before the start): do not quote these.**" if m["busy_at_start"] > BUSY else ""
    return (f"{results['date']}, Morula {results['morula_version']} ({results['commit']}), {m['cpu']}, {results['threads']} threads, {m['memory_bytes'] / 1e9:.0f} GB, "
            f"{', '.join(m['simd'])}; {', '.join(f'{name} {number}' for name, number in versions.items())}. Thread variables of the peer: "
            f"{', '.join(f'{name}={value}' for name, value in results['peer_threads'].items())}.{busy}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="a Python with scanpy 1.12, umap-learn, igraph and illico")
    parser.add_argument("--morula", default=str(ROOT / "build" / "morula"))
    parser.add_argument("--sets", default="made-up-20000,made-up-100000,resampled-100000")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peer-repeats", type=int, default=3)
    parser.add_argument("--work", default=str(ROOT / "build" / "bench"))
    parser.add_argument("--docs", action="store_true", help="write the table into docs/benchmarks.md")
    options = parser.parse_args()
    options.peer_repeats = max(1, min(options.peer_repeats, options.repeats))
    work = Path(options.work)
    work.mkdir(parents=True, exist_ok=True)

    results = {"date": datetime.now(timezone.utc).strftime("%Y-%m-%d"), "machine": machine(), "threads": options.threads, "sets": []}
    if results["machine"]["busy_at_start"] > BUSY:
        print(f"bench: the machine is busy ({100 * results['machine']['busy_at_start']:.0f} % at work); the times will mean little.", file=sys.stderr)
    results["morula_version"] = subprocess.run([options.morula, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    results["commit"] = commit()
    for name in options.sets.split(","):
        results["sets"].append(measure(options, name, work))
        peer = results["sets"][-1]["scanpy_cold"][0]
        results.update(versions=peer["versions"], peer_threads=peer["threads"])
        (work / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    text = head(results) + "\n" + table(results)
    (work / "results.md").write_text(text + "\n", encoding="utf-8")
    if options.docs:
        write_docs("measured", text)
    print(text)
    return 0 if all(each["agreement"]["agree"] for each in results["sets"]) else 1


if __name__ == "__main__":
    sys.exit(main())
