#!/usr/bin/env python3
"""Check the rules of style that a compiler and clang-format do not. Silent and exit 0 when they hold.

Usage: check_style.py [ROOT]; every finding is one line "file:line: reason", exit 1.
"""
import pathlib
import re
import sys

MAX_FILE_LINES = 1000
MAX_FUNCTION_LINES = 100
MAX_COLUMNS = 100

C_FOLDERS = ("src", "include", "sim", "tests", "bench", "examples")
PRODUCT = ("src", "include", "sim")
TEXT_FOLDERS = C_FOLDERS + ("tools",)
TEXT_SUFFIXES = {".c", ".h", ".py", ".sh", ".build"}

BANNED = re.compile(
    r"(?<![\w.>])(strcpy|stpcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|alloca|strtok|atoi|atol|"
    r"atoll|atof|scanf|sscanf|fscanf|vsscanf|system|popen|tmpnam|mktemp)\s*\(")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
NO_ASSERT = re.compile(r"(^\s*#\s*define\s+NDEBUG\b)|-DNDEBUG\b|b_ndebug=(true|if-release)")
STATIC = re.compile(r"^\s*static\s+(?!inline\b|_Noreturn\b)([^(=;{]*)(=|;|\{?$)")
GLOBAL = re.compile(r"^(?!static\b|extern\b|typedef\b|return\b|goto\b|case\b|else\b|do\b)"
                    r"(\w[\w ]*[ *]+\w+(\[[^\]]*\])*)\s*(=|;)")
FORWARD = re.compile(r"^(struct|union|enum)\s+\w+$")

COMMENT_OR_STRING = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


def blank(text):
    """The text with comments and literals blanked out, line for line."""
    def hide(match):
        piece = match.group(0)
        keep = piece[0] if piece[0] in "\"'" else " "
        return keep + re.sub(r"[^\n]", " ", piece[1:-1]) + (keep if len(piece) > 1 else "")
    return COMMENT_OR_STRING.sub(hide, text)


def is_mutable(declaration):
    """Whether an object of this declaration can change: const must stand after the last '*'."""
    without_sizes = re.sub(r"\[[^\]]*\]", "", declaration)
    return not re.search(r"\bconst\b", without_sizes.split("*")[-1])


def functions(lines):
    """(first line, last line) of every function, counted from 1: K&R with the braces in column 1."""
    start = None
    for index, line in enumerate(lines):
        if line.rstrip() == "{" and start is None:
            start = index
            while start > 0 and re.match(r"[\w\s(]", lines[start - 1]) and lines[start - 1].strip() \
                    and not lines[start - 1].startswith("#"):
                start -= 1
        elif start is not None and line.startswith("}"):
            yield start + 1, index + 1
            start = None


def has_reason(lines, first):
    """Whether a comment that says why stands before the line `first` of a long function."""
    comment = []
    index = first - 2
    while index >= 0 and lines[index].strip():
        comment.append(lines[index])
        if lines[index].lstrip().startswith(("/*", "//")):
            break
        index -= 1
    text = " ".join(comment)
    return "*/" in text and re.search(r"\blong\b", text, re.IGNORECASE)


def check_text(lines):
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "white space at the end of the line"
        if NO_ASSERT.search(line) and "NO_ASSERT" not in line:
            yield number, "assertions stay on"
    if len(lines) > MAX_FILE_LINES:
        yield MAX_FILE_LINES + 1, f"the file has {len(lines)} lines, more than {MAX_FILE_LINES}"


def check_c(lines):
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            yield number, "tab"
        if len(line) > MAX_COLUMNS:
            yield number, f"{len(line)} columns, more than {MAX_COLUMNS}"
        if UNFINISHED.search(line):
            yield number, "unfinished work is written down in docs/decisions, not in the code"
    for first, last in functions(lines):
        length = last - first + 1
        if length > MAX_FUNCTION_LINES and not has_reason(lines, first):
            yield first, (f"the function has {length} lines, more than {MAX_FUNCTION_LINES}; "
                          "split it, or say in a comment before it why it is long")


def check_product(folder, code):
    for number, line in enumerate(code, 1):
        banned = BANNED.search(line)
        if banned:
            yield number, f"{banned.group(1)} is banned; see base/str.h and base/buf.h"
        if folder in ("src/cli", "sim"):
            continue
        static = STATIC.match(line)
        if static and static.group(1).strip() and is_mutable(static.group(1)):
            if static.group(2) in ("=", ";"):
                yield number, "mutable static; pass it in"
        if GLOBAL.match(line):
            declaration = GLOBAL.match(line).group(1)
            if not FORWARD.match(declaration) and is_mutable(declaration):
                yield number, "mutable global; pass it in"


def check_file(root, file):
    relative = file.relative_to(root)
    text = file.read_text(encoding="utf-8")
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    elif text:
        yield len(lines), "no line end at the end of the file"
    yield from check_text(lines)
    if file.suffix in (".c", ".h"):
        yield from check_c(lines)
        if relative.parts[0] in PRODUCT:
            folder = "/".join(relative.parts[:2]) if relative.parts[0] == "src" else relative.parts[0]
            yield from check_product(folder, blank(text).split("\n"))


def main():
    given = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent
    root = pathlib.Path(given).resolve()
    files = [root / "meson.build"]
    for top in TEXT_FOLDERS:
        files += sorted(f for f in (root / top).rglob("*") if f.suffix in TEXT_SUFFIXES and f.is_file())
    found = False
    for file in files:
        if not file.is_file():
            continue
        for number, reason in sorted(check_file(root, file)):
            print(f"{file.relative_to(root)}:{number}: {reason}")
            found = True
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
