#!/usr/bin/env python3
"""Every failure that was written down (scripts/, see script.h) passes now, and fails with the bug that it found.

Usage: scripts_test.py SIM_RUN
"""
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent / "scripts"


def run(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, errors="replace")


def what_is_wrong(program, script):
    found = script.read_text().splitlines()[0].removeprefix("# ")
    now = run(program, "--script", str(script))
    if now.returncode != 0:
        return f"fails again: {now.stderr[:400]}"
    if not any(line.startswith("mutant ") for line in script.read_text().splitlines()):
        return None
    own = run(program, "--script", str(script), "--own")
    if own.returncode != 1 or found.split(":")[0] + ":" not in own.stderr:
        return f"does not find its bug any more ({found}): exit {own.returncode}, {own.stderr[:200]}"
    return None


def main():
    scripts = sorted(FOLDER.glob("*.script"))
    wrong = {script.name: what_is_wrong(sys.argv[1], script) for script in scripts}
    for name, text in wrong.items():
        if text:
            print(f"{name}: {text}", file=sys.stderr)
    failed = sum(1 for text in wrong.values() if text)
    print(f"figure: {len(scripts)} scripts of failures, with seeds of their own, run again")
    print(f"{len(scripts) - failed} passed, {failed} failed")
    return 1 if failed or not scripts else 0


if __name__ == "__main__":
    sys.exit(main())
