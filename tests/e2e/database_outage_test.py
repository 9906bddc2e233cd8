#!/usr/bin/env python3
"""A database server that is away for a while, or stays away: what the run does meanwhile, and that nothing is lost."""
import signal
import time

import harness
from database_stage import COMMAND, SMALL, Vendor, check_equal, check_sound, ended_well, finish, stage

AWAY_S = 20


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


harness.main(globals())
