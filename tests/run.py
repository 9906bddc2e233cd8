#!/usr/bin/env python3
"""Runs the tests and closes with one line: N passed, N failed[, N skipped].

Each test program prints such a line for itself; this one adds them up. A program that prints none counts as one test,
passed when it exits 0. Skipped tests are named. A secret of the tests (canaries.py) in what a program prints, in whatever form, fails it.

  full   release build with everything, and unit and engine tests again under ASan and UBSan
  quick  the inner loop: no simulation, no kill tests, no database servers, no sanitizer build
  asan   everything that can run under ASan and UBSan
  tsan   the runtime under ThreadSanitizer
"""
import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import canaries

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLOSING = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)
COMMA_LOCALE = "de_DE.UTF-8"

# suite -> what it is; meson's suite names
SLOW = ["slow", "servers"]
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


def introspect(folder, what):
    done = subprocess.run(["meson", "introspect", folder, f"--{what}"], cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def suites_of(test):
    return {suite.split(":")[-1] for suite in test["suite"]}


def setup(folder, options, suites, werror):
    """Build what the tests of these suites need; everything without them."""
    if not (ROOT / folder / "build.ninja").exists():
        subprocess.run(["meson", "setup", folder, f"-Dwerror={werror}", *options], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
    needed = {name for test in introspect(folder, "tests") if suites_of(test) & set(suites) for name in test["depends"]}
    files = [os.path.relpath(file, ROOT / folder) for target in introspect(folder, "targets") if target["id"] in needed
             for file in target["filename"]]
    subprocess.run(["ninja", "-C", folder, "--quiet", *files], cwd=ROOT, check=True)


def meson_tests(folder, suites, without, only):
    """The tests of a build folder, longest first, so that both cores end together; names what is left out."""
    chosen, left_out = [], []
    for test in introspect(folder, "tests"):
        names = suites_of(test)
        if suites and not names & set(suites) or only and only not in test["name"]:
            continue
        (left_out if names & set(without) else chosen).append(test)
    if left_out:
        print(f"{folder}: left to the full run: {', '.join(sorted(test['name'] for test in left_out))}")
    return sorted(chosen, key=lambda test: -test["timeout"])


def comma_locale(folder):
    """Where the tests find a locale with a decimal comma, built once; "" when it cannot be: the test that wants one skips then."""
    home = ROOT / folder / "locale"
    if not (home / COMMA_LOCALE).exists():
        unfinished = ROOT / folder / f"locale-{os.getpid()}" / COMMA_LOCALE
        unfinished.parent.mkdir(exist_ok=True)
        with contextlib.suppress(OSError):
            subprocess.run(["localedef", "--quiet", "-c", "-i", "de_DE", "-f", "UTF-8", unfinished], capture_output=True)
        if (unfinished / "LC_NUMERIC").exists():
            with contextlib.suppress(OSError):  # another run was first
                unfinished.parent.rename(home)
        shutil.rmtree(unfinished.parent, ignore_errors=True)
    # The C library's own folder too: LOCPATH hides it from servers that are started.
    return f"{home}:/usr/lib/locale" if (home / COMMA_LOCALE).exists() else ""


def run_one(folder, test, locales):
    """Run one test program; returns passed, failed, skipped and what to print about it."""
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", ASAN_OPTIONS="detect_leaks=1:abort_on_error=0",
                       LSAN_OPTIONS=f"suppressions={ROOT / 'tests' / 'leaks_of_others.txt'}:print_suppressions=0",
                       UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1", TSAN_OPTIONS="exitcode=66", **test["env"])
    if locales:
        environment["LOCPATH"] = locales
    slower = 1 if folder.startswith("build") and "san" not in folder else 4
    started = time.monotonic()
    try:
        result = subprocess.run(test["cmd"], cwd=test["workdir"] or ROOT / folder, env=environment, capture_output=True, text=True,
                                errors="replace", timeout=test["timeout"] * slower)
        output, errors, code = result.stdout, result.stderr, result.returncode
    except subprocess.TimeoutExpired as late:
        output, errors, code = (late.stdout or b"").decode(errors="replace"), f"no end after {late.timeout:.0f} s", 1
    seconds = time.monotonic() - started
    closing = CLOSING.findall(output)
    passed, failed, skipped = (sum(int(line[i] or 0) for line in closing) for i in range(3))
    if not closing:
        passed = int(code == 0)
    leaks = [f"SECRET {leak} in its {stream}" for stream, text in (("output", output), ("errors", errors)) for leak in canaries.in_text(text)]
    failed = max(failed, int(code != 0), int(bool(leaks)))
    note = f", {skipped} skipped" if skipped else ""
    lines = [f"{folder}/{test['name']}: {'FAILED' if failed else 'ok'}, {passed} passed{note}, {seconds:.1f} s"]
    lines += ["  " + line for line in output.splitlines() if line.startswith(("skipped: ", "figure: "))]
    if failed:
        lines += leaks + [output[-8000:], errors[-4000:]]
    result = {"failed": failed, "skipped": [line for line in output.splitlines() if line.startswith("skipped: ")],
              "figures": [line for line in output.splitlines() if line.startswith("figure: ")]}
    return (passed, failed, skipped), result, "\n".join(lines)


def sources_of(folder):
    """program or script -> the files that it is made of, as meson knows them."""
    return {name: sorted({source for group in target["target_sources"] for source in group.get("sources", [])})
            for target in introspect(folder, "targets") for name in target["filename"]}


def note_result(results, folder, test, result, sources):
    """What faults.py wants to know of a test program; of the sanitizer builds, that it failed."""
    files = [os.path.normpath(argument) for argument in test["cmd"] if argument.endswith(".py")]
    programs = [os.path.join(ROOT, folder, argument) for argument in test["cmd"]]  # join leaves what is absolute alone
    files += [source for program in programs for source in sources.get(program, [])]
    results[f"{folder}/{test['name']}"] = dict(result, sources=files)


def check_faults(folder, results):
    """Whether every test of the table of faults passed; (passed, failed) and what is wrong."""
    path = ROOT / folder / "results.json"
    path.write_text(json.dumps(results, indent=1))
    done = subprocess.run([sys.executable, ROOT / "tests/faults.py", "check", path], capture_output=True, text=True)
    print(f"{folder}/faults: {'FAILED' if done.returncode else 'ok'}\n  figure: {done.stdout.splitlines()[0]}\n{done.stderr}", end="")
    return done.returncode


def print_searched(results):
    """What the run searched for failures: seeds, kill points, mutants as their tests say it, and the sum of the fuzz executions."""
    fuzzed = [int(n) for result in results.values() for line in result["figures"] for n in re.findall(r"(\d+) fuzz executions", line)]
    if fuzzed:
        print(f"searched: {sum(fuzzed)} fuzz executions of {len(fuzzed)} targets")
    for name, result in results.items():
        for line in result["figures"]:
            if re.search(r"seeds|kill points|mutants", line):
                print(f"searched: {name}: {line.removeprefix('figure: ')}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", choices=PLANS)
    parser.add_argument("--build", default="build")
    parser.add_argument("--werror", default="false")
    parser.add_argument("--only", help="only tests with this in their name")
    args = parser.parse_args()
    # A shell starts background jobs with SIGINT ignored, and children inherit that; tests send it to programs that honour it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    total, results = [0, 0, 0], {}
    for folder, options, suites, without in PLANS[args.plan]:
        folder = args.build if folder == "build" else folder
        setup(folder, options, suites, args.werror)
        locales = comma_locale(folder)
        # Two more than there are cores: the longest ones wait for servers that start, or stay away on purpose.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() + 2) as pool:
            sources = sources_of(folder)
            running = {pool.submit(run_one, folder, test, locales): test for test in meson_tests(folder, suites, without, args.only)}
            for done in concurrent.futures.as_completed(running):
                counts, result, text = done.result()
                total = [a + b for a, b in zip(total, counts)]
                note_result(results, folder, running[done], result, sources)
                print(text, flush=True)
    if args.plan == "full" and not args.only:
        failed = check_faults(args.build, results)
        total = [total[0] + (not failed), total[1] + bool(failed), total[2]]
    print_searched(results)
    if sum(total) == 0:
        print(f"no test is called *{args.only}*" if args.only else "no test was found", file=sys.stderr)
        total[1] = 1
    skipped = f", {total[2]} skipped" if total[2] else ""
    print(f"{total[0]} passed, {total[1]} failed{skipped}")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
