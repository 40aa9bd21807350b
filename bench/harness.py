"""What the benchmarks share: the program as a process, the machine, the commit that was measured, and the places in docs. Standard library only."""
import argparse
import os
import platform
import subprocess
import sys
import time
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUSY = 0.1  # share of the processors at work before we begin, above which times mean little


def parser_of(doc, work):
    """Options that every benchmark of truth has; `work` is a folder below build/bench."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--morula", default=str(ROOT / "build" / "morula"))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MORULA_DATA", ROOT / "../shared/data")))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench" / work)
    parser.add_argument("--docs", action="store_true", help="write the table into its page of docs")
    return parser


def morula(options, *arguments):
    """Seconds of one command; stops the benchmark when it fails."""
    command = [options.morula, *map(str, arguments), "--threads", str(options.threads), "--quiet"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return time.perf_counter() - started


def busy_share(seconds=2.0):
    """Share of all processors at work over the next seconds: the load average still counts what has just ended."""
    def ticks():
        numbers = [int(number) for number in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        return sum(numbers), numbers[3] + numbers[4]
    total, idle = ticks()
    time.sleep(seconds)
    total_after, idle_after = ticks()
    return 1.0 - (idle_after - idle) / max(1, total_after - total)


def machine():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    about = {key.strip(): value.strip() for key, value in (line.split(":", 1) for line in reversed(lines) if ":" in line)}
    # Virtual machines may name no more than the maker: family and model tell the rest.
    model = f"{about['model name']} (family {about.get('cpu family')}, model {about.get('model')})" if "model name" in about else platform.processor()
    flags = about.get("flags", "").split()
    return {
        "cpu": model, "processors": len(os.sched_getaffinity(0)), "simd": [flag for flag in ("sse4_2", "avx2", "avx512f") if flag in flags],
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "system": platform.platform(), "busy_at_start": busy_share(),
    }


def commit():
    """The commit that is checked out, and whether anything but docs/ differs from it."""
    def git(*words):
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False).stdout.strip()
    return git("rev-parse", "--short", "HEAD") + (" with changes" if git("status", "--porcelain", "--", ".", ":!docs") else "")


def where_and_when():
    return f"{datetime.now(timezone.utc).strftime('%Y-%m-%d')}, {commit()}, {machine()['cpu']}"


def provenance(options, packages):
    """What stands above a table: the day, what was measured, and the peers' versions."""
    return {"date": datetime.now(timezone.utc).strftime("%Y-%m-%d"), "commit": commit(), "versions": {name: version(name) for name in packages},
            "morula_version": subprocess.run([options.morula, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]}


def head(results):
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    return f"{results['date']}, Morula {results['morula_version']} ({results['commit']}); {versions}."


def write_docs(section, text):
    """Puts text between the marks of a section, in the page of docs that has them."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    path = next(page for page in sorted((ROOT / "docs").glob("*.md")) if begin in page.read_text(encoding="utf-8"))
    before, rest = path.read_text(encoding="utf-8").split(begin, 1)
    path.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end, 1)[1]}", encoding="utf-8")


def finish(options, section, text, claims):
    """Prints (and with --docs writes) a table and the claims, (name, holds) each; returns the exit status."""
    lines = [f"- {'holds' if holds else '**does not hold**'}: {name}" for name, holds in claims]
    whole = text.rstrip("\n") + "\n\n" + "\n".join(lines)
    if options.docs:
        write_docs(section, whole)
    print(whole)
    return 0 if all(holds for _, holds in claims) else 1
