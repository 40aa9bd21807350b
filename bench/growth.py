#!/usr/bin/env python3
"""Do simulated bodies of cells grow as measured ones did? `scripts/bench --growth` (standard library only; goes on with the runs in --work that have begun).

spheroid: EMT6 cells in stirred medium, eleven diameters (Freyer and Sutherland 1986), half an hour for each of --seeds. monolayer: C6 cells on a dish, six diameters (Bru et al. 1998), two minutes. Of each a rate or two are
fitted to the diameters of the first half, by least squares: --fit runs what was tried that far. The second half is held out: the runs, one of each seed, beside the straight line and the Gompertz curve that are
fitted to the same diameters, by least squares too. --docs puts the tables into docs/scenarios.md. Exit 1 when a claim does not hold.
"""
import csv
import math
import shutil
import sys
from dataclasses import dataclass

from harness import ROOT, finish, morula, parser_of, where_and_when

TISSUE = ROOT / "examples" / "tissue"
WITHIN = 0.15


@dataclass(frozen=True)
class Rate:
    name: str
    rule: int  # line of the rules, from 1 after the header
    field: int  # of the line, from 0


@dataclass(frozen=True)
class Growth:
    name: str
    scenario: str
    measured: str
    n_fitted: int  # diameters of the first half; number 1 is the start
    until_fitted: int  # minutes
    until: int
    rates: tuple
    tried: tuple  # values of the rates


GROWTHS = (
    Growth("spheroid", "emt6_spheroid", "freyer_sutherland_1986", 6, 10_500, 27_600, (Rate("division, 1/min", 1, 4), Rate("pressure that halves it", 2, 5)),
           ((0.00058, 1.713), (0.00058, 1.862), (0.00058, 2.011), (0.00072, 1.38), (0.00072, 1.5), (0.00072, 1.62), (0.0009, 1.104), (0.0009, 1.2), (0.0009, 1.296), (0.00115, 0.864), (0.00115, 0.939), (0.00115, 1.014),
            (0.00145, 0.685), (0.00145, 0.745), (0.00145, 0.804))),
    Growth("monolayer", "c6_monolayer", "bru_1998", 3, 4_380, 18_600, (Rate("pressure that halves division", 1, 5),), ((1.0,), (1.5,), (2.0,), (2.5,), (3.0,), (4.0,))),
)


def rows_of(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def measured(growth):
    """Minutes since the start, hours, diameters, cells (None where they were not counted)."""
    rows = rows_of(TISSUE / "data" / f"{growth.measured}.csv")
    hours = [float(row["hour"]) for row in rows]
    return [60.0 * (hour - hours[0]) for hour in hours], hours, [float(row["diameter_um"]) for row in rows], [int(row["cells"]) for row in rows] if "cells" in rows[0] else None


def between(curve, minute):
    """On the straight line between the two rows of a run that are nearest."""
    minutes = sorted(curve)
    after = next((k for k, each in enumerate(minutes) if each >= minute), None)
    if after is None:
        sys.exit(f"bench: the run ends at minute {minutes[-1]:g}; {minute:g} is needed")
    if after == 0:
        return curve[minutes[0]]
    left, right = minutes[after - 1], minutes[after]
    return curve[left] + (curve[right] - curve[left]) * (minute - left) / (right - left)


def simulated(folder, minutes):
    """Diameters, living cells, all cells of one run."""
    diameter = {float(row["minute"]): float(row["value"]) for row in rows_of(folder / "readouts.csv") if row["readout"].endswith(".diameter")}
    living, cells = {}, {}
    for row in rows_of(folder / "composition.csv"):
        minute, n = float(row["minute"]), int(row["n"])
        cells[minute] = cells.get(minute, 0) + n
        living[minute] = living.get(minute, 0) + (0 if row["state"].startswith(("necrotic", "apoptotic")) else n)
    return [[between(curve, minute) for minute in minutes] for curve in (diameter, living, cells)]


def straight_line(x, y):
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)
    return lambda at: mean_y + slope * (at - mean_x)


def lowest(f, low, high):
    """Golden section, of a function with one valley."""
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    for _ in range(80):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, b) if f(a) < f(b) else (a, high)
    return (low + high) / 2.0


def gompertz(x, y):
    """start exp(growth / slowing (1 - exp(-slowing t))), t in hours since the first point; rates an hour."""
    def shape(growth, slowing, at):
        return math.exp(growth / slowing * -math.expm1(-slowing * (at - x[0])))

    def start(growth, slowing):
        values = [shape(growth, slowing, at) for at in x]
        return sum(a * b for a, b in zip(values, y, strict=True)) / sum(a * a for a in values)

    def squares(growth, slowing):
        return sum((start(growth, slowing) * shape(growth, slowing, at) - b) ** 2 for at, b in zip(x, y, strict=True))

    def best_growth(slowing):
        return lowest(lambda growth: squares(growth, slowing), 0.0, 0.2)

    slowing = lowest(lambda each: squares(best_growth(each), each), 1e-6, 0.1)
    growth = best_growth(slowing)
    return lambda at: start(growth, slowing) * shape(growth, slowing, at)


def root_mean_square(found, diameters):
    """Of the fitted diameters, without the start."""
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(found[1:], diameters[1:], strict=True)) / (len(found) - 1))


def fit(options, growth):
    """Prints how far off the fitted diameters are for every point of the grid."""
    minutes, _, diameters, _ = measured(growth)
    rules = (TISSUE / f"{growth.scenario}_rules.csv").read_text(encoding="utf-8").splitlines()
    print(f"| {' | '.join(rate.name for rate in growth.rates)} | um off, root mean square | simulated |\n|{'---|' * (len(growth.rates) + 2)}")
    for values in growth.tried:
        folder = options.work / f"{growth.name}-{'-'.join(map(str, values))}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(TISSUE / f"{growth.scenario}.toml", folder)
        lines = [line.split(",") for line in rules]
        for rate, value in zip(growth.rates, values, strict=True):
            lines[rate.rule][rate.field] = str(value)
        (folder / f"{growth.scenario}_rules.csv").write_text("".join(",".join(line) + "\n" for line in lines), encoding="utf-8")
        morula(options, "simulate", folder / f"{growth.scenario}.toml", "--until", growth.until_fitted, "--resume", "--out", folder / "run")
        found, *_ = simulated(folder / "run", minutes[:growth.n_fitted])
        off = root_mean_square(found, diameters[:growth.n_fitted])
        print(f"| {' | '.join(map(str, values))} | {off:.1f} | {', '.join(f'{each:,.0f}' for each in found)} |", flush=True)
    return 0


def mean_of(columns):
    return [sum(values) / len(values) for values in zip(*columns, strict=True)]


def compare(options, growth):
    folder = options.work / f"{growth.name}-{options.seeds}-seeds"
    morula(options, "simulate", TISSUE / f"{growth.scenario}.toml", "--until", growth.until, "--seeds", options.seeds, "--resume", "--out", folder)
    minutes, hours, diameters, counted = measured(growth)
    n = growth.n_fitted
    seeds = [simulated(folder / f"seed-{seed}" if options.seeds > 1 else folder, minutes) for seed in range(1, options.seeds + 1)]
    found, living, every = (mean_of(columns) for columns in zip(*seeds, strict=True))
    line, curve = straight_line(hours[:n], diameters[:n]), gompertz(hours[:n], diameters[:n])
    columns = {"simulated": found, "straight line": [line(hour) for hour in hours], "Gompertz": [curve(hour) for hour in hours]}

    def off(values):
        return [value / diameter - 1.0 for value, diameter in zip(values, diameters, strict=True)]

    def held_out(values):
        """Mean of the errors without sign."""
        return sum(map(abs, off(values)[n:])) / (len(hours) - n)

    lines = [f"| hour | diameter, um | {' | '.join(columns)} | {'cells | ' if counted else ''}simulated, living (all) |", "|" + "---|" * (6 + bool(counted))]
    for k, hour in enumerate(hours):
        numbers = [f"{values[k]:,.0f} ({100.0 * off(values)[k]:+.1f} %)" for values in columns.values()]
        role = "the start" if k == 0 else "fitted" if k < n else "held out"
        lines.append(f"| {hour:.1f}, {role} | {diameters[k]:,.0f} | {' | '.join(numbers)} | {f'{counted[k]:,} | ' if counted else ''}{living[k]:,.0f} ({every[k]:,.0f}) |")
    errors = [held_out(values) for values, *_ in seeds]
    each = f"{', '.join(f'{100.0 * error:.2f}' for error in errors)} %"
    lines.append(f"| held out: mean without sign | | {' | '.join(f'{100.0 * held_out(values):.2f} %' for values in columns.values())} | {'| ' if counted else ''}|")
    lines += ["", f"Held out, seed by seed: {each}."]
    worst = max((error for values, *_ in seeds for error in off(values)), key=abs)
    claims = [(f"each of the {len(hours)} diameters within {100.0 * WITHIN:.0f} % with every seed (worst: {100.0 * worst:+.1f} %)", abs(worst) <= WITHIN)]
    for name in ("straight line", "Gompertz"):
        nearer = sum(error < held_out(columns[name]) for error in errors)
        label = f"the {name}{' curve' if name == 'Gompertz' else ''} of the first half"
        claims.append((f"held out: nearer than {label} ({nearer} of {options.seeds} seeds; {each} against {100.0 * held_out(columns[name]):.2f} %)", nearer == options.seeds))
    return finish(options, growth.name, f"{where_and_when()}; means of {options.seeds} seeds.\n\n" + "\n".join(lines), claims)


def main():
    parser = parser_of(__doc__, "growth")
    parser.add_argument("--seeds", type=int, default=3, help="runs, side by side, that are compared")
    parser.add_argument("--fit", action="store_true", help="what was tried for the fitted rates instead")
    parser.add_argument("--only", choices=[growth.name for growth in GROWTHS], help="one of the two")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    return max((fit if options.fit else compare)(options, growth) for growth in GROWTHS if options.only in (None, growth.name))


if __name__ == "__main__":
    sys.exit(main())
