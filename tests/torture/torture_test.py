#!/usr/bin/env python3
"""The real program with a C library that kills it, fails, or does half of what it is asked, at one call after the other.

After each run: an exit code that is documented, a line that says why, no other death than ours, a sound database; and an undisturbed run then
ends with exactly the rows of a run that was never disturbed.

TORTURE_SHIM: the shim (shim.c). TORTURE_ALL=1: every point instead of a spread of them.
"""
import concurrent.futures
import contextlib
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import harness  # noqa: E402

SHIM = str(pathlib.Path(os.environ["TORTURE_SHIM"]).resolve())
ALL = bool(os.environ.get("TORTURE_ALL"))
NOW = "2026-03-01T12:00:00Z"
COMMAND = ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "--from", "2026-02-01", "--progress", "none"]
SETTINGS = {"CCDATA_NOW": NOW, "INGESTION_MAX_API_LIMIT": "10", "API_RETRY_DELAY": "0.01", "LOG_FILE_ENABLED": "true", "API_MAX_RETRIES": "2",
            "API_REQUEST_TIMEOUT": "5"}
CODES = set(range(13)) | {130, 143}
# mode -> (which count it goes by, points of a spread)
MODES = {"kill-before": (0, 40), "kill-after": (0, 40), "kill-half": (0, 40), "fail": (1, 120), "alloc": (2, 120), "alloc-ever": (2, 40),
         "short": (None, 1)}


def rows(world):
    with contextlib.closing(sqlite3.connect(world.database)) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchall()
        assert sound == [("ok",)], sound
        return connection.execute("SELECT * FROM futures_ohlcv_1d ORDER BY ts").fetchall()


def run(world, url, mode=None, at=0, counts=None):
    extra = {"LD_PRELOAD": SHIM, "TORTURE_MODE": mode, "TORTURE_AT": str(at)} if mode else {}
    if counts:
        extra["TORTURE_COUNT"] = str(counts)
    return world.run(*COMMAND, vendor=url, environment={**SETTINGS, **extra}, timeout=60)


def problem(url, whole, mode, at):
    """None, or what went wrong at this point."""
    world = harness.World()
    try:
        result = run(world, url, mode, at)
        killed = mode.startswith("kill") and result.returncode == -signal.SIGKILL
        if result.returncode not in CODES and not killed:
            return f"{mode} {at}: exit {result.returncode}: {result.stderr[-300:]}"
        if result.returncode > 0 and "ccdata: " not in result.stderr:
            return f"{mode} {at}: exit {result.returncode} without a word"
        if result.returncode == 0 and rows(world) and len(rows(world)) != len(whole):
            return f"{mode} {at}: exit 0, and {len(rows(world))} of {len(whole)} rows"
        again = run(world, url)
        if again.returncode != 0:
            return f"{mode} {at}: the next run ends with {again.returncode}: {again.stderr[-300:]}"
        if rows(world) != whole:
            return f"{mode} {at}: other rows than a run that was not disturbed"
        return None
    except (AssertionError, sqlite3.Error, subprocess.TimeoutExpired) as wrong:
        return f"{mode} {at}: {wrong}"
    finally:
        world.remove()


def points(count, most):
    if ALL or count <= most:
        return range(1, count + 1)
    return sorted({1 + i * (count - 1) // (most - 1) for i in range(most)})


def test_every_point(world):
    counts = world.folder / "counts"
    with harness.simulator(world, "--now", NOW) as sim:
        result = run(world, sim.url, "count", counts=counts)
        assert result.returncode == 0, result.stderr
        whole = rows(world)
        assert len(whole) == 28, len(whole)
        found = [int(number) for number in counts.read_text().split()]
        jobs = [(mode, at) for mode, (which, most) in MODES.items() for at in (points(found[which], most) if which is not None else [1])]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            wrong = [text for text in pool.map(lambda job: problem(sim.url, whole, *job), jobs) if text]
    kills = sum(mode.startswith("kill") for mode, _ in jobs)
    harness.figure(f"{kills} kill points of {3 * found[0]}, {len(jobs)} torture runs ({found[1]} calls that may fail, {found[2]} allocations)")
    assert not wrong, f"{len(wrong)} of {len(jobs)}\n" + "\n".join(wrong[:40])


harness.main({"test_every_point": test_every_point})
