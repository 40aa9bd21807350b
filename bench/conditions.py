#!/usr/bin/env python3
"""How long do questions about conditions take, beside the Python programs for each? `scripts/bench --conditions`, or bench/conditions.py (standard library only).

100,000 made-up cells x 20,000 genes, 20 donors, 10 types (`morula generate cohort`), warm page cache, a new process each. Morula's time is the whole process, files
read and tables written. A peer's time is its own call alone, after imports, reading and compilation, on values prepared for it; its whole process stands beside. Peers
run in an environment of their own (--peers PYTHON; bench/requirements.txt); each answer is set beside Morula's. --docs puts the table into docs/benchmarks.md.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

from harness import ROOT, commit, parser_of, write_docs

# What is asked, the floor in seconds (whole process), and the peer; {cells} is the cohort, {reference} 10,000 cells of other donors.
QUESTIONS = {
    "annotate": (2.0, "celltypist", ["annotate", "{cells}", "--reference", "{reference}", "--label", "true_type", "--out", "{out}"]),
    "de": (5.0, "pydeseq2", ["de", "{cells}", "--condition", "condition", "--case", "diseased", "--control", "healthy", "--donor", "donor", "--cell-type", "true_type", "--out", "{out}"]),
    "abundance": (10.0, None, ["abundance", "{cells}", "--condition", "condition", "--case", "diseased", "--control", "healthy", "--donor", "donor", "--cell-type", "true_type", "--neighborhoods", "no", "--out", "{out}"]),
    "abundance of neighbourhoods": (10.0, None, ["abundance", "{integrated}", "--condition", "condition", "--case", "diseased", "--control", "healthy", "--donor", "donor", "--cell-type", "true_type", "--neighborhoods", "yes", "--embedding", "X_integrated", "--out", "{out}"]),
    "doublets": (10.0, "scrublet", ["doublets", "{cells}", "--out", "{out}.csv"]),
    "communicate": (10.0, "liana", ["communicate", "{cells}", "--by", "true_type", "--interactions", "{pairs}", "--out", "{out}"]),
    "cnv": (30.0, "infercnvpy", ["cnv", "{cells}", "--reference-cells", "condition=healthy", "--donor", "donor", "--out", "{out}"]),
    "harmony": (5.0, "harmonypy", ["harmony", "{components}", "--batch", "sample", "--out", "{out}.h5ad"]),
    "evaluate integration": (None, None, ["evaluate", "integration", "{integrated}", "--batch", "sample", "--label", "true_type", "--embedding", "X_integrated"]),
}
COHORT = ("--donors", "20", "--cells", "5000", "--types", "10", "--genes", "20000", "--mean-counts", "5000", "--cells-sd", "0.2", "--seed", "42")
REFERENCE = ("--donors", "10", "--cells", "1000", "--types", "10", "--genes", "20000", "--mean-counts", "5000", "--seed", "42")


def timed(command, log):
    """Seconds, peak memory and output of a process. The output goes to a file: a pipe would stay open as long as worker processes that a peer leaves behind."""
    with open(log, "a", encoding="utf-8") as errors, tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        started = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if os.waitstatus_to_exitcode(status) != 0:
            raise RuntimeError(f"bench: {' '.join(map(str, command))} ended with {os.waitstatus_to_exitcode(status)}; see {log}")
        output.seek(0)
        return seconds, usage.ru_maxrss * 1024, output.read()


def make(options, name, arguments):
    path = options.work / f"{name}.h5ad"
    if not path.exists():
        timed([options.morula, "generate", "cohort", *arguments, "--out", path, "--quiet"], options.work / "log")
    return path


def make_pairs(options):
    """2,000 made-up ligand-receptor pairs over 1,500 of the genes, for us and for the peer."""
    path = options.work / "pairs.csv"
    symbols = [f"GENE{number:05d}" for number in range(1, 20_001)]
    rows = [f"{symbols[(7 * number) % 1500 * 13]},{symbols[(11 * number + 3) % 1500 * 13]}" for number in range(2000)]
    path.write_text("ligand,receptor\n" + "\n".join(dict.fromkeys(row for row in rows if row.split(",")[0] != row.split(",")[1])) + "\n")
    return path


def integrated(options, cells):
    path = options.work / "integrated.h5ad"
    if not path.exists():
        timed([options.morula, "integrate", cells, "--batch", "sample", "--when-mixed", "mix", "--out", path, "--quiet"], options.work / "log")
    return path


def components(options, cells):
    """50 components of the cells, without matrices."""
    folder = options.work / "components"
    if not (folder / "cells.h5ad").exists():
        timed([options.morula, "run", cells, "--matrix", "none", "--out", folder, "--quiet"], options.work / "log")
    return folder / "cells.h5ad"


def measure(options, name, paths):
    floor, peer, command = QUESTIONS[name]
    filled = [part.format(out=options.work / f"out-{name.replace(' ', '-')}", **paths) for part in command]
    runs = [timed([options.morula, *filled, "--threads", options.threads, "--quiet"], options.work / "log") for _ in range(options.repeats)]
    runs.sort()
    seconds, peak, _ = runs[len(runs) // 2]
    row = {"question": name, "floor": floor, "seconds": seconds, "peak_bytes": peak, "peer": peer}
    if peer and options.peers:
        try:
            whole, peer_peak, output = timed([options.peers, ROOT / "bench" / "condition_peers.py", peer, paths["components" if peer == "harmonypy" else "cells"], paths["reference"], "--pairs", paths["pairs"], "--ours", filled[-1], "--threads", options.threads], options.work / "log")
            said = json.loads(output.strip().splitlines()[-1])
            row.update(peer_seconds=said["seconds"], agreement=said["agreement"], peer_whole=whole, peer_peak=peer_peak)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            row["peer_failed"] = True
    return row


def table(rows):
    lines = ["| question | Morula, whole process, s | floor, s | peak, GB | peer | its call, s | its whole process, s | peak, GB | both answers |", "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        failed = [f"{row['peer']} ended with an error", "", "", "", ""]
        peer = failed if "peer_failed" in row else [row["peer"], f"{row['peer_seconds']:.1f}", f"{row['peer_whole']:.1f}", f"{row['peer_peak'] / 1e9:.1f}", row["agreement"]] if "peer_seconds" in row else [row["peer"] or "-", "", "", "", ""]
        floor = "" if row["floor"] is None else f"{row['floor']:.0f}"
        lines.append(f"| {row['question']} | {row['seconds']:.1f} | {floor} | {row['peak_bytes'] / 1e9:.1f} | " + " | ".join(peer) + " |")
    return "\n".join(lines)


def main():
    parser = parser_of(__doc__, "conditions")
    parser.add_argument("--peers", help="a Python that has the packages of bench/requirements.txt; not given: Morula alone")
    parser.add_argument("--questions", default=",".join(QUESTIONS))
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    paths = {"cells": make(options, "cohort", COHORT), "reference": make(options, "reference", REFERENCE)}
    paths["pairs"] = make_pairs(options)
    paths["integrated"] = integrated(options, paths["cells"]) if any("{integrated}" in part for name in options.questions.split(",") for part in QUESTIONS[name][2]) else ""
    paths["components"] = components(options, paths["cells"]) if "harmony" in options.questions.split(",") else ""
    rows = [measure(options, name, paths) for name in options.questions.split(",")]
    (options.work / "conditions.json").write_text(json.dumps(rows, indent=1) + "\n")
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("model name")), "CPU not named")
    text = f"{time.strftime('%Y-%m-%d')}, {commit()}, {cpu}, {options.threads} threads; medians of {options.repeats} runs of Morula, one of each peer.\n\n{table(rows)}"
    if options.docs:
        write_docs("conditions", text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
