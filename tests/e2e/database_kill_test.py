#!/usr/bin/env python3
"""Servers and clients that die, and commits without an answer: the data ends equal to an undisturbed run's."""
import contextlib
import os
import random
import select
import signal
import socket
import sys
import threading
import time

import dumps
import harness

sys.path.insert(0, str(harness.ROOT / "tests"))
import servers  # noqa: E402

NOW = "2026-03-01T12:00:00Z"
KILLS = int(os.environ.get("CCDATA_DATABASE_KILLS", "50"))
COMMAND = ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "ETH-USDT-VANILLA-PERPETUAL",
           "--interval", "1h", "--from", "2025-09-01", "--progress", "none"]
SMALL = {"CCDATA_NOW": NOW, "INGESTION_MAX_API_LIMIT": "32", "INGESTION_CHUNK_SIZE": "1"}
AWAY_S = 20
VIEW, FACT = "futures_ohlcv_1h", "fact_futures_ohlcv_1h"


@contextlib.contextmanager
def stage(world, kind, seed):
    """A vendor, a server, and what an undisturbed run gives."""
    whole = harness.World()
    try:
        with harness.simulator(world, "--now", NOW, "--seed", seed, "--latency_ms", "1") as sim, servers.running(kind) as server:
            result = whole.run(*COMMAND, vendor=sim.url, environment=SMALL)
            assert result.returncode == 0, result.stderr
            whole.digest = dumps.digest(whole, VIEW)
            yield sim, server, whole
    except servers.Unavailable as reason:
        raise harness.Skip(f"{kind}: {reason}") from reason
    finally:
        whole.remove()


def commits(world):
    try:
        return dumps.ask(world, "SELECT count(*) FROM ccdata_coverage")[0][0]
    except RuntimeError:
        return 0  # no table yet


def check_sound(world):
    """No coverage without its rows; the number of commits."""
    count = commits(world)
    lost = dumps.lost_rows(world, FACT) if count else []
    assert not lost, f"coverage without rows: {lost[:3]}"
    return count


def check_equal(world, whole):
    """All rows of the undisturbed run, and no others; their number."""
    check_sound(world)
    mine = dumps.digest(world, VIEW)
    assert mine == whole.digest, dumps.first_difference(world, whole, VIEW)
    result = world.run("diff", world.url, whole.url, database=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return mine[0]


def finish(world, sim, whole):
    result = world.run(*COMMAND, vendor=sim.url, environment=SMALL)
    assert result.returncode == 0, result.stderr
    return check_equal(world, whole)


def ended_well(process, codes):
    """The run ends by itself, with a code that is expected after what happened to it."""
    _, errors = process.communicate(timeout=120)
    assert process.returncode in codes, f"exit {process.returncode}\n{errors[-2000:].decode(errors='replace')}"


class Vendor:
    """Counts the pages that the vendor was asked for: what says how far a run is, however slow the machine."""

    def __init__(self, sim):
        self.log, self.place, self.count = sim.log, 0, 0

    def pages(self):
        with open(self.log, "rb") as log:
            log.seek(self.place)
            text = log.read()
        whole = text[:text.rfind(b"\n") + 1]
        self.place += len(whole)
        self.count += whole.count(b"/historical/")
        return self.count

    def wait(self, process, more):
        """Whether the process lives after so many more pages."""
        until = self.pages() + more
        deadline = time.monotonic() + 120
        while self.pages() < until:
            if process.poll() is not None:
                return False
            assert time.monotonic() < deadline, f"no {more} pages in two minutes"
            time.sleep(0.002)
        return process.poll() is None


def killed_servers(world, kind):
    """SIGKILL to the server while pages are written, up again at once; the client may go on or give up, but loses nothing."""
    chance = random.Random(71)
    kills = hits = rounds = lives = 0
    with stage(world, kind, "31") as (sim, server, whole):
        vendor = Vendor(sim)
        while kills < KILLS:
            world.use(server)
            rounds += 1
            seen, code = 0, None
            while code != 0:
                process = world.start(*COMMAND, vendor=sim.url, environment=SMALL)
                lives += 1
                while kills < KILLS and vendor.wait(process, chance.randint(3, 40)):
                    time.sleep(chance.uniform(0, 0.01))
                    server.kill()
                    time.sleep(chance.choice((0, 0, 0.2)))
                    server.restart()
                    kills += 1
                    now = check_sound(world)
                    hits, seen = hits + (now > seen), now
                ended_well(process, (0, 1, 8))  # 1: some of it failed
                code = process.returncode
            count = finish(world, sim, whole)
        assert hits * 2 >= kills, f"only {hits} of {kills} kills met a run that had written"
        harness.figure(f"{kind}: server killed {kills} times, {hits} of them while pages were stored, {lives} lives in {rounds} rounds,"
                       f" {count} rows equal")


def start_and_kill_the_server(world, sim, server):
    """A run that has written some of its pages, and finds no server from now on."""
    world.use(server)
    process = world.start(*COMMAND, vendor=sim.url, environment=SMALL)
    assert Vendor(sim).wait(process, 60), "the run was over too soon"
    server.kill()
    return process


def away(world, kind):
    """A server that comes back 20 s after its end: the run does not fail, and asks the vendor for nothing twice."""
    with stage(world, kind, "34") as (sim, server, whole):
        asked = len(sim.candle_requests())
        process = start_and_kill_the_server(world, sim, server)
        time.sleep(AWAY_S)
        assert process.poll() is None, "the run did not wait"
        server.restart()
        began = time.monotonic()
        ended_well(process, (0,))
        count = check_equal(world, whole)
        assert len(sim.candle_requests()) == 2 * asked, "pages were fetched again"
        harness.figure(f"{kind}: away for {AWAY_S} s in mid-run, over {time.monotonic() - began:.1f} s later, {count} rows equal")


def gone(world, kind):
    """A server that stays away: the run ends after a minute, keeps what was committed, and the next one completes."""
    with stage(world, kind, "35") as (sim, server, whole):
        process = start_and_kill_the_server(world, sim, server)
        began = time.monotonic()
        ended_well(process, (1,))  # not 8: some of it is stored
        took = time.monotonic() - began
        assert 55 < took < 90, f"the run ended after {took:.1f} s"
        server.restart()
        kept = check_sound(world)
        assert kept > 0
        finish(world, sim, whole)
        harness.figure(f"{kind}: gone in mid-run, given up after {took:.1f} s with {kept} commits kept")


def interrupted(world, kind):
    """Ctrl-C while the server is away."""
    with stage(world, kind, "36") as (sim, server, whole):
        process = start_and_kill_the_server(world, sim, server)
        time.sleep(8)  # each writer waits for a connection, or for its next try
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        ended_well(process, (130,))
        took = time.monotonic() - began
        assert took < 4, f"the run ended {took:.1f} s after the interrupt"
        server.restart()
        finish(world, sim, whole)


def killed_clients(world, kind):
    chance = random.Random(72)
    kills = lives = 0
    with stage(world, kind, "32") as (sim, server, whole):
        vendor = Vendor(sim)
        world.use(server)
        before = 0
        while kills < KILLS:
            process = world.start(*COMMAND, vendor=sim.url, environment=SMALL)
            killed = vendor.wait(process, chance.randint(6, 40))
            time.sleep(chance.uniform(0, 0.01))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            lives += 1
            assert lives < 10 * KILLS, f"only {kills} kills between commits in {lives} lives"
            now = check_sound(world)
            kills, before = kills + (killed and now > before), now
            if not killed:
                finish(world, sim, whole)
                world.use(server)
                before = 0
        count = finish(world, sim, whole)
        harness.figure(f"{kind}: client killed {kills} times between commits in {lives} lives, {count} rows equal")


class Proxy:
    """Passes bytes on between client and server; cuts the connection at some COMMITs of the client's.

    "before": the COMMIT never reaches the server. "after": it does, and the server's answer never comes back.
    """

    def __init__(self, server, when, share, most):
        self.target, self.when, self.share, self.most = (server.host, server.port), when, share, most
        self.chance = random.Random(73)  # a fixed rhythm would meet the same step of every new attempt
        self.seen = self.cuts = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def is_cut(self, data):
        if b"COMMIT" not in data.upper() or len(data) > 512:
            return False
        with self.lock:
            self.seen += 1
            cut = self.cuts < self.most and self.chance.random() < self.share
            self.cuts += cut
            return cut

    def serve(self, client):
        with client, contextlib.suppress(OSError), socket.create_connection(self.target) as server:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                for end in select.select([client, server], [], [])[0]:
                    data = end.recv(1 << 16)
                    if not data:
                        return
                    if end is client and self.is_cut(data):
                        if self.when == "after":
                            server.sendall(data)
                            server.recv(1 << 16)  # the server has done it
                        return
                    (server if end is client else client).sendall(data)

    def stop(self):
        self.listener.close()


def cut_commits(world, kind, when):
    """Every fourth COMMIT or so stays without an answer: what was said to be unknown is looked up, not done twice and not lost."""
    with stage(world, kind, "33") as (sim, server, whole):
        proxy = Proxy(server, when, 0.25, 20)
        try:
            world.use(server, port=proxy.port)
            lives = 0
            while proxy.cuts < proxy.most and lives < 40:
                lives += 1
                ended_well(world.start(*COMMAND, vendor=sim.url, environment=SMALL), (0, 1, 8))
                if check_sound(world) and proxy.cuts < proxy.most:
                    world.use(server, port=proxy.port)  # once more from the start
            assert proxy.cuts >= min(10, proxy.most), f"only {proxy.cuts} commits of {proxy.seen} were cut in {lives} lives"
            count = finish(world, sim, whole)
            if when == "after":  # nothing was written twice: no row counts as changed
                assert dumps.ask(world, "SELECT count(*) FROM ccdata_revisions") == [[0]]
            harness.figure(f"{kind}: {proxy.cuts} of {proxy.seen} commits cut {when} they reached the server, {lives} lives,"
                           f" {count} rows equal")
        finally:
            proxy.stop()


def test_mariadb_killed(world):
    killed_servers(world, "mariadb")


def test_postgres_killed(world):
    killed_servers(world, "postgres")


def test_mariadb_away(world):
    away(world, "mariadb")


def test_postgres_away(world):
    away(world, "postgres")


def test_mariadb_gone(world):
    gone(world, "mariadb")


def test_postgres_gone(world):
    gone(world, "postgres")


def test_mariadb_away_and_interrupted(world):
    interrupted(world, "mariadb")


def test_postgres_away_and_interrupted(world):
    interrupted(world, "postgres")


def test_clients_of_mariadb_killed(world):
    killed_clients(world, "mariadb")


def test_clients_of_postgres_killed(world):
    killed_clients(world, "postgres")


def test_mariadb_commit_lost(world):
    cut_commits(world, "mariadb", "before")


def test_mariadb_commit_without_an_answer(world):
    cut_commits(world, "mariadb", "after")


def test_postgres_commit_lost(world):
    cut_commits(world, "postgres", "before")


def test_postgres_commit_without_an_answer(world):
    cut_commits(world, "postgres", "after")


harness.main(globals())
