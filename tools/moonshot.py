#!/usr/bin/env python3
"""Search for failures for as long as it is told, and write down what was searched, so that anybody can repeat a line.

Usage: moonshot.py BUILD HOURS     (make moonshot HOURS=n)

Three fifths of the time go to fresh seeds of the simulator, a fifth to the fuzz targets, the rest to a C library that fails and to planted bugs.
Appends to docs/reference/proof.md; ends with 1 when something was found.
"""
import datetime
import os
import pathlib
import platform
import random
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference/proof.md"
CHUNK = 20000  # seeds
HEAD = """# What was searched, and found

Each line is a part of a run of `make moonshot HOURS=n`, which appends to this page; its command repeats it on the commit. Seeds are lives of the
engine under faults in the simulator (tests/sim), executions those of the fuzz targets (tests/fuzz), points those at which the real program was
killed or its C library failed (tests/torture).

| date | commit | machine | command | searched | failures |
|---|---|---|---|---|---|
"""


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("model name")),
                 platform.machine())
    return f"{os.cpu_count()} × {model}"


def commit():
    name = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=True)
    return name.stdout.strip()


COMMIT = commit()  # before the page is written to, which is a change


def run(*command, **environment):
    return subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, errors="replace",
                          env=dict(os.environ, **environment))


def note(command, searched, failures):
    if not PAGE.exists():
        PAGE.write_text(HEAD, encoding="utf-8")
    day = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    with open(PAGE, "a", encoding="utf-8") as page:
        page.write(f"| {day} | {COMMIT} | {machine()} | `{command}` | {searched} | {failures} |\n")
    print(f"{command}: {searched}, {failures} failures", flush=True)
    return failures


def seeds(build, seconds):
    """Chunk after chunk until the time is over, or a seed fails."""
    first, done, years, failures = random.randrange(10**12), 0, 0.0, 0
    until = time.monotonic() + seconds
    while not failures and (done == 0 or time.monotonic() < until):
        result = run(build / "tests/sim/sim_run", "--seeds", first + done, CHUNK, "--jobs", os.cpu_count(), "--expect-sometimes")
        failures = int(result.returncode != 0)
        done += CHUNK
        years += float(re.search(r"([\d.]+) simulated years", result.stdout)[1])
        if failures:
            print(result.stderr, file=sys.stderr)
    return note(f"sim_run --seeds {first} {done}", f"{done} seeds, {years:.0f} simulated years", failures)


def fuzz(seconds):
    targets = len(list((ROOT / "tests/fuzz").glob("*_fuzz.c")))
    each = max(1, int(seconds / targets))
    result = run("sh", "tools/fuzz.sh", each)
    executions = re.search(r"figure: (\d+) fuzz executions", result.stdout)
    return note(f"make fuzz SECONDS={each}", f"{executions[1] if executions else 0} executions of {targets} targets",
                result.stdout.count("FOUND") or int(result.returncode != 0))


def torture(build, everything):
    extra = {"TORTURE_ALL": "1"} if everything else {}
    result = run(sys.executable, "tests/torture/torture_test.py", CCDATA_BUILD=str(build),
                 TORTURE_SHIM=str(build / "tests/torture/libtorture_shim.so"), TORTURE_FORGETS=str(build / "tests/torture/forgets"),
                 **extra)
    figure = re.search(r"figure: (.*)", result.stdout)
    return note("make torture" if everything else "make test T=torture", figure[1] if figure else "nothing", int(result.returncode != 0))


def mutants(build):
    result = run(sys.executable, "tests/sim/mutants_test.py", build / "tests/sim/sim_run", build / "tests/unit/store/store_mutants")
    figure = re.search(r"figure: (.*)", result.stdout)
    return note("make mutants", figure[1] if figure else "nothing", int(result.returncode != 0))


def main():
    build, hours = (ROOT / sys.argv[1]).resolve(), float(sys.argv[2])
    failures = seeds(build, hours * 3600 * 3 / 5)
    failures += fuzz(hours * 3600 / 5)
    failures += torture(build, hours >= 8)
    failures += mutants(build)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
