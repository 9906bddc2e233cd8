#!/usr/bin/env python3
"""The binary as it ships: position independent, full RELRO, no executable stack, fortified calls. Uses readelf."""
import subprocess
import sys


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments], check=True, capture_output=True, text=True).stdout


def main():
    program = sys.argv[1]
    header, segments = readelf("-h", program), readelf("-l", program)
    dynamic, symbols = readelf("-d", program), readelf("--dyn-syms", program)
    stack = next((line for line in segments.splitlines() if "GNU_STACK" in line), "")
    checks = {
        "position independent": "DYN (" in header,
        "GNU_RELRO": "GNU_RELRO" in segments,
        "BIND_NOW": "BIND_NOW" in dynamic or "NOW" in dynamic,
        "stack not executable": "RW " in stack and "RWE" not in stack,
        "fortified": "_chk@" in symbols,
        "stack protector": "__stack_chk_fail" in symbols,
    }
    failed = [name for name, good in checks.items() if not good]
    for name in failed:
        print(f"{program}: not {name}")
    print(f"{len(checks) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
