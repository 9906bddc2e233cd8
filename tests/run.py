#!/usr/bin/env python3
"""Runs the tests and closes with one line: N passed, N failed[, N skipped].

Each test program prints such a line for itself; this one adds them up. A program that prints none counts as one test,
passed when it exits 0. Skipped tests are named.

  full   release build with everything, and unit and engine tests again under ASan and UBSan
  quick  the inner loop: no simulation, no kill tests, no sanitizer build
  asan   everything that can run under ASan and UBSan
  tsan   the runtime under ThreadSanitizer
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLOSING = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)

# suite -> what it is; meson's suite names
SLOW = ["slow"]
PLANS = {
    "full": [("build", ["-Dbuildtype=release"], [], []),
             ("build-asan", ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1"],
              ["unit"], [])],
    "quick": [("build", ["-Dbuildtype=release"], [], SLOW)],
    "asan": [("build-asan", ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1"],
              [], SLOW)],
    "tsan": [("build-tsan", ["-Db_sanitize=thread", "-Db_lundef=false", "-Doptimization=1"],
              ["runtime"], [])],
}


def setup(folder, options, werror):
    if not (ROOT / folder / "build.ninja").exists():
        subprocess.run(["meson", "setup", folder, f"-Dwerror={werror}", *options], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", folder, "--quiet"], cwd=ROOT, check=True)


def meson_tests(folder, suites, without, only):
    """Names of the tests of a build folder."""
    command = ["meson", "test", "-C", folder, "--list", "--no-rebuild"]
    for suite in suites:
        command += ["--suite", suite]
    for suite in without:
        command += ["--no-suite", suite]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = [line.split(" / ")[-1].strip() for line in listed.splitlines() if " / " in line or line.strip()]
    names = [n for n in names if not n.startswith("ninja")]
    return [n for n in names if not only or only in n]


def run_one(folder, name, environment):
    """Run one test; returns passed, failed, skipped and prints a line about it."""
    started = time.monotonic()
    result = subprocess.run(["meson", "test", "-C", folder, "--no-rebuild", "--verbose", "-t", "1", name], cwd=ROOT,
                            capture_output=True, text=True, errors="replace", env=environment)
    seconds = time.monotonic() - started
    closing = CLOSING.findall(result.stdout)
    passed, failed, skipped = 0, 0, 0
    for p, f, s in closing:
        passed, failed, skipped = passed + int(p), failed + int(f), skipped + int(s or 0)
    if not closing:
        passed, failed = (1, 0) if result.returncode == 0 else (0, 1)
    if result.returncode != 0 and failed == 0:
        failed += 1
    word = "ok" if failed == 0 else "FAILED"
    note = f", {skipped} skipped" if skipped else ""
    print(f"{folder}/{name}: {word}, {passed} passed{note}, {seconds:.1f} s", flush=True)
    for line in result.stdout.splitlines():
        if line.startswith("skipped: ") or line.startswith("figure: "):
            print("  " + line)
    if failed:
        print(result.stdout[-8000:])
        print(result.stderr[-2000:])
    return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", choices=PLANS)
    parser.add_argument("--build", default="build")
    parser.add_argument("--werror", default="false")
    parser.add_argument("--only", help="only tests with this in their name")
    args = parser.parse_args()
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1",
                       ASAN_OPTIONS="detect_leaks=1:abort_on_error=0", UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
    total = [0, 0, 0]
    for folder, options, suites, without in PLANS[args.plan]:
        folder = args.build if folder == "build" else folder
        setup(folder, options, args.werror)
        for name in meson_tests(folder, suites, without, args.only):
            total = [a + b for a, b in zip(total, run_one(folder, name, environment))]
    if sum(total) == 0:
        print(f"no test is called *{args.only}*" if args.only else "no test was found", file=sys.stderr)
        total[1] = 1
    skipped = f", {total[2]} skipped" if total[2] else ""
    print(f"{total[0]} passed, {total[1]} failed{skipped}")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
