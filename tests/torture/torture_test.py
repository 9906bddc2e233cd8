#!/usr/bin/env python3
"""The real program with a C library that kills it, fails, or does half of what it is asked, at one call after the other.

After each run: an exit code that is documented, a line that says why, no other death than ours, nothing left in memory, a sound database with
no other rows than those of a run that was never disturbed, and none that is covered and missing. An undisturbed run then ends with exactly the
same database. SQLite keeps a write-ahead log or a rollback journal; what the one leaves behind, half of the second runs open with the other.

TORTURE_SHIM: the shim (shim.c). TORTURE_FORGETS: forgets.c. TORTURE_ALL=1: every point instead of a spread of them. TORTURE_ONLY="kill-half rollback 17": this point alone.
"""
import collections
import concurrent.futures
import contextlib
import os
import pathlib
import shutil
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
JOURNALS = {"wal": {}, "rollback": {"TORTURE_JOURNAL": "rollback"}}
OF_RUNS = ("ccdata_runs", "ccdata_run_operations", "ccdata_run_series", "ccdata_schema", "ccdata_proofs")  # these tell of runs and times
OF_TIME = ("collected_at", "run_id")
# mode -> (which count it goes by, points of a spread); kill-again: the next run is killed too, while it recovers
MODES = {"kill-before": ("writes", 30), "kill-after": ("writes", 30), "kill-half": ("writes", 30), "kill-again": ("writes", 20),
         "fail": ("fallible", 120), "alloc": ("allocations", 80), "alloc-ever": ("allocations", 30), "short": ("phases", 8)}
PHASES = 8

Counts = collections.namedtuple("Counts", "writes fallible allocations own libraries phases", defaults=(PHASES,))


def dump(database):
    """Table -> its rows, without what tells of runs and times; of a database that is sound."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchall()
        assert sound == [("ok",)], sound
        tables = [name for name, in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'") if name not in OF_RUNS]
        found = {}
        for table in tables:
            columns = [c[1] for c in connection.execute(f"PRAGMA table_info({table})") if c[1] not in OF_TIME]
            found[table] = sorted(connection.execute(f"SELECT {', '.join(columns)} FROM {table}"), key=repr)
        return found


def stored_periods(tables):
    """That the coverage claims."""
    return sum((to_s - from_s) // step_s for _, step_s, from_s, to_s, state, *_ in tables.get("ccdata_coverage", []) if state == "stored")


def what_is_wrong(world, whole, complete):
    """Of the database that a disturbed run leaves. It is looked at in a copy: to open it is to recover it."""
    if not world.database.exists() or world.database.stat().st_size == 0:
        return "no database" if complete else None
    folder = world.folder / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in world.folder.glob(world.database.name + "*"):
        if not name.name.endswith("-shm"):
            shutil.copy(name, folder)
    left = dump(folder / world.database.name)
    shutil.rmtree(folder)
    facts = left.get("fact_futures_ohlcv_1d", [])
    if not set(facts) <= set(whole["fact_futures_ohlcv_1d"]) or len(facts) != len(set(facts)):
        return "rows that no undisturbed run writes"
    if stored_periods(left) != len(facts):
        return f"{stored_periods(left)} periods claimed, {len(facts)} rows"
    return "complete, with other rows" if complete and left != whole else None


def run(world, url, mode=None, at=0, journal="wal"):
    """The finished process, and what the shim counted if the process lived to tell."""
    counts = world.folder / "counts"
    counts.unlink(missing_ok=True)
    torture = {"LD_PRELOAD": SHIM, "TORTURE_MODE": mode or "count", "TORTURE_AT": str(at), "TORTURE_COUNT": str(counts), **JOURNALS[journal]}
    result = world.run(*COMMAND, vendor=url, environment={**SETTINGS, **torture}, timeout=60)
    return result, Counts(*map(int, counts.read_text().split())) if counts.exists() else None


def run_is_wrong(result, counts, mode):
    if result.returncode == -signal.SIGKILL and mode.startswith("kill"):
        return None
    if result.returncode not in CODES:
        return f"exit {result.returncode}: {result.stderr[-300:]}"
    if result.returncode > 0 and "ccdata: " not in result.stderr:
        return f"exit {result.returncode} without a word"
    if counts is None:
        return "no counts at the end"
    if counts.own or counts.libraries:
        return f"exit {result.returncode}, {counts.own} blocks of ours and {counts.libraries} of libraries are left: {result.stderr[-600:]}"
    return None


def problem(url, whole, mode, journal, at):
    """None, or what went wrong at this point."""
    world = harness.World()
    try:
        first = "kill-half" if mode == "kill-again" else mode
        result, counts = run(world, url, first, at, journal)
        wrong = run_is_wrong(result, counts, mode) or what_is_wrong(world, whole, result.returncode == 0)
        if not wrong and mode == "kill-again":
            result, counts = run(world, url, "kill-after", 1 + at % 23, journal)
            wrong = run_is_wrong(result, counts, mode) or what_is_wrong(world, whole, result.returncode == 0)
        if wrong:
            return wrong
        other = {"wal": "rollback", "rollback": "wal"}[journal] if at % 2 else journal
        again, counts = run(world, url, journal=other)
        if again.returncode != 0:
            return f"the next run ends with {again.returncode}: {again.stderr[-300:]}"
        return run_is_wrong(again, counts, "count") or what_is_wrong(world, whole, True)
    except (AssertionError, sqlite3.Error, subprocess.TimeoutExpired) as error:
        return str(error) or repr(error)
    finally:
        world.remove()


def points(count, most):
    if ALL or count <= most:
        return range(1, count + 1)
    return sorted({1 + i * (count - 1) // (most - 1) for i in range(most)})


def undisturbed(url, journal):
    world = harness.World()
    try:
        result, counts = run(world, url, journal=journal)
        assert result.returncode == 0, result.stderr
        assert not run_is_wrong(result, counts, "count"), run_is_wrong(result, counts, "count")
        return counts, dump(world.database)
    finally:
        world.remove()


def test_every_point(world):
    with harness.simulator(world, "--now", NOW) as sim:
        found, dumps = {}, {}
        for journal in JOURNALS:
            found[journal], dumps[journal] = undisturbed(sim.url, journal)
        whole = dumps["wal"]
        assert dumps["rollback"] == whole and len(whole["fact_futures_ohlcv_1d"]) == 28, {name: len(rows) for name, rows in whole.items()}
        jobs = [(mode, journal, at) for journal in JOURNALS for mode, (which, most) in MODES.items()
                for at in points(getattr(found[journal], which), most)]
        if os.environ.get("TORTURE_ONLY"):
            mode, journal, at = os.environ["TORTURE_ONLY"].split()
            jobs = [(mode, journal, int(at))]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda job: problem(sim.url, whole, *job), jobs))
    wrong = [f"{' '.join(map(str, job))}: {text}" for job, text in zip(jobs, results) if text]
    kills = sum(mode.startswith("kill") for mode, _, _ in jobs)
    counted = [sum(getattr(counts, name) for counts in found.values()) for name in ("writes", "fallible", "allocations")]
    harness.figure(f"{kills} kill points of {4 * counted[0]}, {len(jobs)} torture runs ({counted[1]} calls that may fail, {counted[2]} allocations)")
    assert not wrong, f"{len(wrong)} of {len(jobs)}\n" + "\n".join(wrong[:40])


def test_a_forgotten_block_is_counted(world):
    for taken, left in (0, 0), (1, 1), (1000, 1):
        counts = world.folder / "counts"
        subprocess.run([os.environ["TORTURE_FORGETS"], str(taken)], check=True, capture_output=True,
                       env={"LD_PRELOAD": SHIM, "TORTURE_MODE": "count", "TORTURE_COUNT": str(counts)})
        found = Counts(*map(int, counts.read_text().split()))
        assert (found.own, found.libraries) == (left, 0) and found.allocations >= taken, (taken, found)


harness.main({"test_a_forgotten_block_is_counted": test_a_forgotten_block_is_counted, "test_every_point": test_every_point})
