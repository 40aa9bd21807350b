#!/usr/bin/env python3
"""How fast is the tissue simulator, in how much memory? `scripts/bench --tissue [--docs]` (standard library only; a quiet machine, about twenty minutes).

Needs scripts/build release -DMORULA_BENCH=ON -- bench_tissue bench_field bench_mechanics bench_expression. Every number is the median of --repeats runs, each a new process, kinds in turn; the
triad a = b + s c, what memory gives at that moment, is measured beside each. Bytes an agent twice: as the run itself counts agents, lists and fields, and as the slope of the process's peak memory
between the two sizes --slope. Writes build/bench/tissue/tissue.json; --docs puts the table into docs/benchmarks.md.
"""
import json
import re
import statistics
import subprocess
import sys
from datetime import datetime, timezone

from harness import BUSY, ROOT, commit, finish, machine, parser_of

KINDS = {"rules": "all rules on", "states": "and states of 32 dimensions, four programmes", "all": "and oxygen solved for, uptake that saturates"}
TISSUE = re.compile(r"(?P<agents>\d+) agents.*: (?P<speed>[\d.]+) M agent-steps/s, (?P<bytes>\d+) bytes an agent, process at its peak (?P<peak>[\d.]+) MB.*state (?P<state>\w+)")
FIELD = re.compile(r"(?P<name>.+?) +median .*, (?P<speed>[\d.]+) G voxel-steps/s")
TRIAD = re.compile(r"memory moves ([\d.]+) GB/s")
MECHANICS = re.compile(r"(\d+) agents.*: ([\d.]+) M agent-steps/s")
EXPRESSION = re.compile(r"(\d+) agents.*state step ([\d.]+) M agents/s, signalling ([\d.]+) M agents/s.* (\d+) bytes an agent")


def output_of(options, name, *arguments):
    done = subprocess.run([str(options.programs / name), str(options.threads), *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: {name} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def measure(options):
    """All runs, by what was run; each pass goes through everything once."""
    runs = {"triad": [], "tissue": [], "field": [], "mechanics": [], "expression": []}
    for repeat in range(options.repeats):
        print(f"bench: tissue: run {repeat + 1} of {options.repeats}", file=sys.stderr, flush=True)
        for kind in KINDS:
            for millions in options.sizes if kind == "rules" else options.slope:
                found = TISSUE.search(output_of(options, "bench_tissue", millions, kind))
                runs["tissue"].append({"kind": kind, "millions": millions, "agents": int(found["agents"]), "speed": float(found["speed"]), "bytes": int(found["bytes"]), "peak_bytes": float(found["peak"]) * 1e6, "state": found["state"]})
        text = output_of(options, "bench_field")
        runs["triad"].append(float(TRIAD.search(text)[1]))
        runs["field"] += [{"name": found["name"].strip(), "speed": float(found["speed"])} for found in FIELD.finditer(text)]
        agents, speed = MECHANICS.search(output_of(options, "bench_mechanics", options.slope[1])).groups()
        runs["mechanics"].append({"agents": int(agents), "speed": float(speed)})
        agents, states, signals, memory = EXPRESSION.search(output_of(options, "bench_expression", options.slope[1])).groups()
        runs["expression"].append({"agents": int(agents), "states": float(states), "signals": float(signals), "bytes": int(memory)})
    return runs


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def slope(runs, kind, sizes):
    """Bytes an agent by which the peak of the process grows."""
    low, high = ([row for row in runs["tissue"] if row["kind"] == kind and row["millions"] == size] for size in sizes)
    return (median(high, "peak_bytes") - median(low, "peak_bytes")) / (median(high, "agents") - median(low, "agents"))


def spread(rows, key):
    return f"{median(rows, key):.2f} ({min(row[key] for row in rows):.2f} to {max(row[key] for row in rows):.2f})"


def table(options, runs):
    lines = ["| whole tissue | agents | M agent-steps/s (lowest to highest) | bytes an agent, as the run counts | as the process grows |", "|---|---|---|---|---|"]
    for kind, words in KINDS.items():
        for millions in options.sizes if kind == "rules" else options.slope:
            rows = [row for row in runs["tissue"] if row["kind"] == kind and row["millions"] == millions]
            grows = f"{slope(runs, kind, options.slope):.0f}" if millions == options.slope[1] else ""
            lines.append(f"| {words} | {median(rows, 'agents'):,.0f} | {spread(rows, 'speed')} | {median(rows, 'bytes'):.0f} | {grows} |")
    lines += ["", "| a part alone | measured (lowest to highest) |", "|---|---|"]
    for name in dict.fromkeys(row["name"] for row in runs["field"]):
        lines.append(f"| diffusion, {name} | {spread([row for row in runs['field'] if row['name'] == name], 'speed')} G voxel-steps/s |")
    agents = median(runs["mechanics"], "agents")
    lines += [f"| mechanics, {agents:,.0f} agents | {spread(runs['mechanics'], 'speed')} M agent-steps/s |",
              f"| states, {median(runs['expression'], 'agents'):,.0f} agents | {spread(runs['expression'], 'states')} M agents/s |",
              f"| signals (20 pairs, 40 genes, four programmes) | {spread(runs['expression'], 'signals')} M agents/s |",
              f"| the triad beside them | {statistics.median(runs['triad']):.1f} ({min(runs['triad']):.1f} to {max(runs['triad']):.1f}) GB/s |"]
    return "\n".join(lines)


def claims_of(options, runs):
    """Floor and goal of each row that has them."""
    million = {kind: [row for row in runs["tissue"] if row["kind"] == kind and row["millions"] == options.slope[1]] for kind in KINDS}
    diffusion = median([row for row in runs["field"] if row["name"] == "75^3 x 2"], "speed")
    found = []
    for what, value, floor, goal in (("agent-steps/s, all rules on, M", median(million["rules"], "speed"), 6.0, 12.0), ("diffusion, 75^3 x 2, G voxel-steps/s", diffusion, 0.3, 0.6),
                                     ("states, M agents/s", median(runs["expression"], "states"), 1.5, 2.5)):
        found += [(f"{what}: floor {floor:g} ({value:.2f})", value >= floor), (f"{what}: goal {goal:g} ({value:.2f})", value >= goal)]
    for kind, rows in million.items():
        value = max(median(rows, "bytes"), slope(runs, kind, options.slope))
        found += [(f"bytes an agent, {KINDS[kind]}: floor 400 ({value:.0f})", value <= 400.0), (f"bytes an agent, {KINDS[kind]}: goal 320 ({value:.0f})", value <= 320.0)]
    for kind, millions in {(row["kind"], row["millions"]) for row in runs["tissue"]}:
        states = {row["state"] for row in runs["tissue"] if (row["kind"], row["millions"]) == (kind, millions)}
        if len(states) > 1:
            found.append((f"{KINDS[kind]}, {millions:g} M agents: every run ends in the same state", False))
    return found


def main():
    parser = parser_of(__doc__, "tissue")
    parser.add_argument("--programs", type=lambda path: ROOT / path, default=ROOT / "build", help="where bench_tissue and the others are")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sizes", type=lambda text: [float(part) for part in text.split(",")], default=[0.01, 0.1, 1.0, 4.0], help="millions of agents of the tissue with rules")
    parser.add_argument("--slope", type=lambda text: [float(part) for part in text.split(",")], default=[0.1, 1.0], help="the two sizes between which peak memory is compared; the other kinds run at these; both must be among --sizes")
    options = parser.parse_args()
    if len(options.slope) != 2 or not set(options.slope) <= set(options.sizes):
        sys.exit("bench: --slope takes two of the sizes.")
    missing = [name for name in ("bench_tissue", "bench_field", "bench_mechanics", "bench_expression") if not (options.programs / name).exists()]
    if missing:
        sys.exit(f"bench: {', '.join(missing)} not built. Next: scripts/build release -DMORULA_BENCH=ON -- {' '.join(missing)}")
    options.work.mkdir(parents=True, exist_ok=True)
    here, date = machine(), datetime.now(timezone.utc).strftime("%Y-%m-%d")
    runs = measure(options)
    (options.work / "tissue.json").write_text(json.dumps({"date": date, "commit": commit(), "machine": here, "threads": options.threads, "repeats": options.repeats, "runs": runs}, indent=1) + "\n")
    busy = f" **The machine was busy ({100 * here['busy_at_start']:.0f} % at work before the start): do not quote these.**" if here["busy_at_start"] > BUSY else ""
    head = f"{date}, {commit()}, {here['cpu']}, {options.threads} threads, {here['memory_bytes'] / 1e9:.0f} GB; medians of {options.repeats} runs, each a new process.{busy}"
    return finish(options, "tissue", f"{head}\n\n{table(options, runs)}", claims_of(options, runs))


if __name__ == "__main__":
    sys.exit(main())
