#!/usr/bin/env python3
"""SIGKILL at 200 random points between the first and the last commit: the data ends equal to an uninterrupted run's."""
import contextlib
import hashlib
import os
import random
import signal
import sqlite3
import time

import harness

NOW = "2026-03-01T12:00:00Z"
KILLS = int(os.environ.get("CCDATA_KILLS", "200"))
COMMAND = ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "ETH-USDT-VANILLA-PERPETUAL",
           "--interval", "1h", "--from", "2025-06-01", "--progress", "none"]
SMALL = {"CCDATA_NOW": NOW, "INGESTION_MAX_API_LIMIT": "8", "INGESTION_CHUNK_SIZE": "1"}


def dump(database):
    """Canonical dump: every data column in key order; collected_at says when we asked and is left out."""
    digest = hashlib.sha256()
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        cursor = connection.execute("SELECT * FROM futures_ohlcv_1h ORDER BY market, instrument, ts")
        keep = [i for i, column in enumerate(cursor.description) if column[0] != "collected_at"]
        count = 0
        for row in cursor:
            digest.update(repr([row[i] for i in keep]).encode())
            count += 1
    return count, digest.hexdigest()


def commits(world):
    try:
        return world.query("SELECT count(*) FROM ccdata_coverage")[0][0]
    except sqlite3.Error:
        return 0


def integrity(world):
    with contextlib.closing(sqlite3.connect(world.database)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall()


def claimed_rows_are_there(world):
    """Every period that the coverage calls stored has its row; killed early enough there is no database yet."""
    if commits(world) == 0:
        return
    lost = world.query(
        "SELECT c.series_id, c.from_ts FROM ccdata_coverage c WHERE c.state = 'stored' AND (c.to_ts - c.from_ts) / c.step_s > "
        "(SELECT count(*) FROM fact_futures_ohlcv_1h f WHERE f.series_id = c.series_id AND f.ts >= c.from_ts AND f.ts < c.to_ts)")
    assert not lost, f"coverage without rows: {lost[:3]}"


def one_life(world, sim, chance, longest_s):
    """Start, kill at a random moment; returns whether it was killed between its first and last commit."""
    before = commits(world)
    process = world.start(*COMMAND, vendor=sim.url, environment=SMALL)
    time.sleep(chance.uniform(0.01, longest_s))
    killed = process.poll() is None
    if killed:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    after = commits(world)
    claimed_rows_are_there(world)
    return killed and after > before, not killed


def test_killed_anywhere_resumes_without_loss(world):
    chance = random.Random(20260301)
    whole = harness.World()
    try:
        with harness.simulator(world, "--now", NOW, "--seed", "11") as sim:
            result = whole.run(*COMMAND, vendor=sim.url, environment=SMALL)
            assert result.returncode == 0, result.stderr
            expected = dump(whole.database)
            kills = lives = rounds = 0
            longest = 0.3
            while kills < KILLS:
                lives += 1
                assert lives < 40 * KILLS, f"only {kills} kills between commits in {lives} lives"
                hit, ended = one_life(world, sim, chance, longest)
                kills += hit
                if not ended:
                    continue
                assert dump(world.database) == expected, "the data differs after kills"
                assert integrity(world) == [("ok",)]
                rounds += 1
                for path in world.folder.glob("test.db*"):
                    path.unlink()
            result = world.run(*COMMAND, vendor=sim.url, environment=SMALL)
            assert result.returncode == 0, result.stderr
            assert dump(world.database) == expected, "the data differs after kills"
            assert integrity(world) == [("ok",)]
            claimed_rows_are_there(world)
        harness.figure(f"{kills} kills between commits in {lives} lives, {rounds + 1} rounds, {expected[0]} rows, equal dump")
    finally:
        whole.remove()


def test_ctrl_c_commits_and_resumes(world):
    with harness.simulator(world, "--now", NOW, "--seed", "12", "--latency_ms", "20") as sim:
        process = world.start(*COMMAND, vendor=sim.url, environment=SMALL)
        deadline = time.monotonic() + 20
        while commits(world) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        assert process.returncode == 130, process.returncode
        claimed_rows_are_there(world)
        stored = commits(world)
        assert stored >= 3
        process = world.start(*COMMAND, vendor=sim.url, environment=SMALL)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        assert process.returncode in (0, 143), process.returncode
        claimed_rows_are_there(world)


harness.main(globals())
