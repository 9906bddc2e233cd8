#!/usr/bin/env python3
"""Every planted bug must be found: one in the engine by an invariant of the simulator, within so many seeds, and the
line that is printed must replay it; one between the store and SQLite by a unit test. Without a bug the same seeds pass.
Prints the table: bug, what was planted, the seed and the invariant or the test that found it.

Usage: mutants_test.py SIM_RUN STORE_MUTANTS
"""
import os
import re
import signal
import subprocess
import sys
import tempfile

SEEDS = 1000
# The sound store passes all of them; a bug that needs longer counts as missed.
UNIT_TESTS_S = 120


def run(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, errors="replace")


def hunt_in_seeds(program, mutant):
    """(seed, invariant) of the first seed that shows the bug; (None, why it was missed) else."""
    found = run(program, "--mutant", mutant, "--seeds", "1", str(SEEDS))
    line = re.search(r"^sim_run (--seed (\d+) --mutant \S+)\n    (\w+): .*$", found.stderr, re.M)
    if found.returncode == 0:
        return None, f"not found in {SEEDS} seeds"
    if found.returncode != 1 or not line:
        return None, f"exit {found.returncode} and no line to replay: {found.stderr[:200]}"
    again = run(program, *line.group(1).split())
    if again.returncode != 1 or again.stderr != found.stderr:
        return None, f"{line.group(1)} does not replay"
    return f"seed {line.group(2)}", line.group(3)


def first_failure(lines):
    for line in lines:
        if line.startswith("failed: "):
            return line.split()[1]
    return None


def hunt_in_tests(program, mutant):
    """("test", name) of the first test that fails; the others are not waited for."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        environment = {**os.environ, "STORE_MUTANT": mutant, "TMPDIR": folder}
        tests = subprocess.Popen([program, "sqlite_*"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 text=True, errors="replace", start_new_session=True)
        signal.alarm(UNIT_TESTS_S)
        try:
            name = first_failure(tests.stderr)
        except TimeoutError:
            name = None
        signal.alarm(0)
        try:
            os.killpg(tests.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        tests.stderr.close()
        tests.wait()
    return ("test", name) if name else (None, "no test of the store fails")


def give_up(*_):
    raise TimeoutError


def report(hunt, program, mutants):
    """What found each bug, None where nothing did."""
    found = []
    for mutant, text in mutants:
        where, what = hunt(program, mutant)
        print(f"{mutant:<24} {text:<62} {where or 'never'}{', ' + what if where else ''}")
        if not where:
            print(f"{mutant}: {what}", file=sys.stderr)
        found.append(what if where else None)
    return found


def is_sound(program, *arguments):
    """Whether the program with its switches off passes."""
    done = run(program, *arguments)
    if done.returncode != 0:
        print(f"without a bug: {done.stderr[:400]}", file=sys.stderr)
    return done.returncode == 0


def listed(text):
    return [line.split("\t", 1) for line in text.splitlines()]


def main():
    sim_run, store = sys.argv[1:]
    signal.signal(signal.SIGALRM, give_up)
    in_engine = listed(run(sim_run, "--list-mutants").stdout)
    in_store = listed(subprocess.run([store], env={**os.environ, "STORE_MUTANT": "list"}, capture_output=True, text=True).stdout)
    found = report(hunt_in_seeds, sim_run, in_engine)
    tests = report(hunt_in_tests, store, in_store)
    sound = is_sound(sim_run, "--seeds", "1", str(SEEDS)) and is_sound(store, *sorted(set(filter(None, tests))))
    planted = len(found) + len(tests)
    killed = sum(1 for what in found + tests if what)
    print(f"figure: {killed} of {planted} mutants killed, those of the engine within {SEEDS} seeds each")
    failed = planted - killed + (not sound)
    print(f"{killed + sound} passed, {failed} failed")
    return 1 if failed or not in_engine or not in_store else 0


if __name__ == "__main__":
    sys.exit(main())
