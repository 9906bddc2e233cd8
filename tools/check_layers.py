#!/usr/bin/env python3
"""Prove that includes go down only, from floor to floor. Silent and exit 0 when they do.

Usage: check_layers.py [ROOT]; every finding is one line "file:line: reason", exit 1.
"""
import pathlib
import re
import sys

FLOORS = {
    "base": 0,
    "model": 1, "config": 1,
    "http": 2, "decode": 2, "store": 2, "cache": 2, "monitor": 2,
    "engine": 3,
    "api": 4,
    "cli": 5, "serve": 5,
}

# Folders that see less than what stands below them, and why a folder is named at all.
ONLY = {
    "cli": {"base", "cli"},           # everything else through <ccdata/…>
    "serve": {"base", "serve"},       # shows what a program hands it; a part of the library all the same
    "sim": {"base", "model", "sim"},  # the vendor must not share code with its client
}

# The only public header that the lowest floors may see.
ONLY_ERROR_H = {"base", "config"}

# Headers of a client library: the one folder of src/ that wraps it.
WRAPPED = [
    (re.compile(r"^curl/"), "src/http"),
    (re.compile(r"^sqlite3(ext)?\.h$"), "src/store/sqlite"),
    (re.compile(r"^(mysql|mariadb)(/|\.h$|d_)"), "src/store/mysql"),
    (re.compile(r"^(postgresql/)?libpq"), "src/store/postgres"),
    (re.compile(r"^hiredis(/|\.h$)"), "src/cache/redis"),
    (re.compile(r"^openssl/"), "src/cache/redis"),
    (re.compile(r"^microhttpd\.h$"), "src/serve"),
    (re.compile(r"^libdeflate\.h$"), "src/decode"),
    (re.compile(r"^jansson\.h$"), "src/decode"),
]

STANDARD = {
    "assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h", "stdarg.h",
    "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "time.h",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def own_folder(relative):
    """The name under which a file's rules stand: "store", "sim", "include"."""
    parts = relative.parts
    return parts[1] if parts[0] == "src" else parts[0]


def target_folder(root, file, name):
    """The folder of a quoted include, or None when there is no such file."""
    for base in (file.parent, root / "src", root / "include", root):
        path = (base / name).resolve()
        if path.is_file() and root in path.parents:
            return own_folder(path.relative_to(root))
    return None


def check_public(name, quoted):
    if quoted or not (name.startswith("ccdata/") or name in STANDARD):
        return f"a public header includes only <ccdata/…> and the C standard's headers, not {name}"
    return None


def check_wrapped(relative, name):
    if relative.parts[0] == "sim":
        return None  # the other side of the wire has its own compressor
    for pattern, folder in WRAPPED:
        if pattern.search(name) and pathlib.PurePath(folder) not in relative.parents:
            return f"{name} belongs to {folder} alone"
    return None


def check_floor(own, target, name):
    if target is None:
        return f'no such file: "{name}"'
    if target == own:
        return None
    if target == "include":
        return f"write <{name}> for a public header"
    if own in ONLY:
        allowed = ", ".join(sorted(ONLY[own]))
        return None if target in ONLY[own] else f"{own} may include only {allowed}, not {name}"
    if target not in FLOORS or FLOORS[target] >= FLOORS[own]:
        return f"{own} (floor {FLOORS[own]}) may not include {name}"
    return None


def check_file(root, file):
    relative = file.relative_to(root)
    own = own_folder(relative)
    if own not in FLOORS and own not in ("include", "sim"):
        yield relative, 1, f"the folder {own} stands on no floor"
        return
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, name = match.group(1) == '"', match.group(2)
        if own == "include":
            reason = check_public(name, quoted)
        elif quoted:
            reason = check_floor(own, target_folder(root, file, name), name)
        elif own in ONLY_ERROR_H and name.startswith("ccdata/") and name != "ccdata/error.h":
            reason = f"{own} may include only <ccdata/error.h> of the public headers"
        else:
            reason = check_wrapped(relative, name)
        if reason:
            yield relative, number, reason


def main():
    given = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent
    root = pathlib.Path(given).resolve()
    found = False
    for top in ("src", "include", "sim"):
        for file in sorted((root / top).rglob("*.[ch]")):
            for relative, number, reason in check_file(root, file):
                print(f"{relative}:{number}: {reason}")
                found = True
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
