#!/usr/bin/env python3
"""Servers and clients that die, and commits without an answer: the data ends equal to an undisturbed run's."""
import contextlib
import os
import random
import select
import signal
import socket
import threading
import time

import dumps
import harness
from database_stage import COMMAND, SMALL, Vendor, check_sound, ended_well, finish, stage

KILLS = int(os.environ.get("CCDATA_DATABASE_KILLS", "50"))


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
