#!/usr/bin/env python3
"""The daemon: starts at its times, catches up, reads its file again, ends in order, tells systemd; and the samples for systemd and cron."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request

import harness
import servers

PACKAGING = harness.ROOT / "packaging"
SOON = {"CCDATA_SETTLE_SECONDS": "0", "CCDATA_SCHEDULE_JITTER": "0"}


def operation(every="2s", **keys):
    """Of days that are long over: what it fetches is final whatever the time of the test is."""
    return {"data_type": "spot_ohlcv", "interval": "1d", "specific_market": "kraken", "specific_instrument": "BTC-USD",
            "from": "2025-01-01", "to": "2025-02-28", "every": every, **keys}


def write(world, *operations):
    (world.folder / "daemon.json").write_text(json.dumps(list(operations)))


class Daemon:
    def __init__(self, world, vendor, **environment):
        env = dict(world.environment, DATA_API_BASE_URL=vendor, MIN_API_BASE_URL=vendor, **SOON, **environment)
        self.log = (world.folder / "daemon.log").open("w+b")
        self.process = subprocess.Popen([harness.CCDATA, "daemon", "--config", "daemon.json", "--database", world.url], cwd=world.folder, env=env,
                                        stdout=subprocess.DEVNULL, stderr=self.log)

    def text(self):
        return pathlib.Path(self.log.name).read_text()

    def wait_for(self, pattern, count=1, seconds=30):
        until = time.monotonic() + seconds
        while len(re.findall(pattern, self.text())) < count:
            assert time.monotonic() < until and self.process.poll() is None, f"no {pattern!r} in\n{self.text()}"
            time.sleep(0.05)

    def stop(self, number=signal.SIGTERM, seconds=20):
        self.process.send_signal(number)
        code = self.process.wait(timeout=seconds)
        self.log.close()
        return code


@contextlib.contextmanager
def daemon(world, vendor, **environment):
    d = Daemon(world, vendor, **environment)
    try:
        yield d
    finally:
        if d.process.poll() is None:
            d.process.kill()
            d.process.wait()
        d.log.close()


def runs(world):
    with contextlib.closing(sqlite3.connect(f"file:{world.database}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT started_utc_s, command, exit_code FROM ccdata_runs ORDER BY 1").fetchall()


def test_runs_again_and_again_and_ends_in_order(world):
    write(world, operation("2s"))
    with harness.simulator(world) as sim, daemon(world, sim.url) as d:
        d.wait_for("run ended: complete", 3)
        assert d.stop() == 0, d.text()
    assert "daemon stopped" in d.text()
    found = runs(world)
    assert len(found) >= 3 and all(command == "daemon" and code == 0 for _, command, code in found), found
    gaps = [later[0] - earlier[0] for earlier, later in zip(found[1:], found[2:])]
    assert all(1 <= gap <= 4 for gap in gaps) and all(start % 2 == 0 for start, _, _ in found[1:]), found


def test_what_never_ran_runs_at_once_and_what_was_missed_once(world):
    write(world, operation("1d"))
    with harness.simulator(world) as sim:
        with daemon(world, sim.url) as d:
            d.wait_for("run ended: complete")
            d.wait_for("next: spot_ohlcv 1d at")
            assert d.stop() == 0
        with daemon(world, sim.url) as d:
            d.wait_for("next: spot_ohlcv 1d at")
            assert d.stop() == 0 and "run ended" not in d.text(), "it had run today"
        state = next((world.folder / "state" / "ccdata").glob("daemon-*"))
        key, _ = state.read_text().split()
        state.write_text(f"{key} {int(time.time()) - 3 * 86400}\n")
        with daemon(world, sim.url) as d:
            d.wait_for("run ended: complete")
            d.wait_for("next: spot_ohlcv 1d at")
            assert d.stop() == 0 and d.text().count("run ended") == 1, "three days were missed: one run"
        state.write_text("no such thing\n" + "x" * 5000)
        with daemon(world, sim.url) as d:
            d.wait_for("run ended: complete")
            assert d.stop() == 0


def test_hangup_reads_the_file_again_and_keeps_the_old_one_when_it_is_wrong(world):
    write(world, operation("1d"))
    with harness.simulator(world) as sim, daemon(world, sim.url) as d:
        d.wait_for("next: ")
        write(world, operation("1d"), operation("1w", specific_instrument="ETH-USD"))
        d.process.send_signal(signal.SIGHUP)
        d.wait_for("2 operations")
        d.wait_for("run ended", 2)
        (world.folder / "daemon.json").write_text('[{"data_type": "spot_ohlcv", "every": "now"}]')
        d.process.send_signal(signal.SIGHUP)
        d.wait_for("the old schedule stays: daemon.json:1: \"every\"")
        (world.folder / "daemon.json").write_text('[{"data_type": "spot_ohlcv"}]')
        d.process.send_signal(signal.SIGHUP)
        d.wait_for('has no "every" and no "cron"')
        assert d.stop(signal.SIGINT) == 0


def test_hangups_end_nothing_at_any_moment(world):
    os.mkfifo(world.folder / "daemon.json")
    with daemon(world, "http://127.0.0.1:9") as d:  # it reads its file
        time.sleep(0.5)
        d.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert d.process.poll() is None, d.process.poll()
    (world.folder / "daemon.json").unlink()
    write(world, operation("360d", **{"from": "2024-01-01", "to": "2025-12-31", "interval": "1h"}))
    port = servers.free_port()
    with harness.simulator(world, "--latency_ms", "20") as sim, daemon(world, sim.url, INGESTION_MAX_API_LIMIT="500", PROMETHEUS_ENABLED="true",
                                                                      PROMETHEUS_PORT=str(port)) as d:
        d.wait_for("daemon of 1 operations")
        until = time.monotonic() + 30
        while "run ended" not in d.text() and time.monotonic() < until:
            d.process.send_signal(signal.SIGHUP)
            time.sleep(0.005)
        d.wait_for("is read again")
        d.wait_for("next: ")
        assert "run ended: complete" in d.text(), d.text()
        assert world.query("SELECT count(*), count(DISTINCT ts) FROM spot_ohlcv_1h") == [(17544, 17544)]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=10) as reply:
            known = json.load(reply)["operations"][0]
        assert known["last_exit_code"] == 0 and known["last_end"], known
        assert d.stop() == 0


def test_stopped_in_mid_run_what_was_fetched_is_committed(world):
    write(world, operation("1d", **{"from": "2024-01-01", "to": "2025-12-31", "interval": "1h"}))
    with harness.simulator(world, "--latency_ms", "150") as sim, daemon(world, sim.url, INGESTION_MAX_API_LIMIT="100", LOG_LEVEL="DEBUG") as d:
        until = time.monotonic() + 30
        while len(sim.candle_requests()) < 6 and time.monotonic() < until:
            time.sleep(0.05)
        assert d.stop() == 0, d.text()
        assert "interrupted" in d.text()
        stored = world.query("SELECT count(*) FROM spot_ohlcv_1h")[0][0]
        claimed = world.query("SELECT sum((to_ts - from_ts) / step_s) FROM ccdata_coverage WHERE state = 'stored'")[0][0]
        assert stored > 0 and stored >= claimed > 0, (stored, claimed)


def test_tells_systemd(world):
    address = str(world.folder / "notify.sock")
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
        listener.bind(address)
        listener.settimeout(20)
        write(world, operation("1d"))
        with harness.simulator(world) as sim, daemon(world, sim.url, NOTIFY_SOCKET=address, WATCHDOG_USEC="2000000") as d:
            told = []
            while sum("WATCHDOG=1" in text for text in told) < 3:
                told.append(listener.recv(4096).decode())
            d.process.send_signal(signal.SIGHUP)
            while told[-2:] != ["RELOADING=1", "READY=1"]:
                text = listener.recv(4096).decode()
                told += [] if "WATCHDOG" in text else [text]
            assert d.stop() == 0
            while told[-1] != "STOPPING=1":
                told.append(listener.recv(4096).decode())
    assert told[0] == "READY=1" and any(text.startswith("STATUS=next: spot_ohlcv at 20") for text in told), told


def test_a_watchdog_outlives_what_waits(world):
    """Whatever a run waits for: here a vendor that hangs; and however short the interval is."""
    address = str(world.folder / "notify.sock")
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener, contextlib.closing(socket.create_server(("127.0.0.1", 0))) as vendor:
        listener.bind(address)
        listener.settimeout(20)
        write(world, operation("1d"))
        with daemon(world, f"http://127.0.0.1:{vendor.getsockname()[1]}", NOTIFY_SOCKET=address, WATCHDOG_USEC="1000000") as d:
            vendor.accept()  # the run has begun; it gets no answer
            until, pings = time.monotonic() + 4, 0
            while time.monotonic() < until:
                pings += "WATCHDOG=1" in listener.recv(4096).decode()
            assert pings >= 8, pings
            d.process.kill()
        while True:
            try:
                listener.settimeout(0.1)
                listener.recv(4096)
            except TimeoutError:
                break
        listener.settimeout(20)
        with harness.simulator(world) as sim, daemon(world, sim.url, NOTIFY_SOCKET=address, WATCHDOG_USEC="1000000") as d:
            d.wait_for("next: ")
            until, pings = time.monotonic() + 4, 0
            while time.monotonic() < until:
                pings += "WATCHDOG=1" in listener.recv(4096).decode()
            assert pings >= 8 and d.stop() == 0, pings


def test_what_was_interrupted_or_failed_runs_again(world):
    write(world, operation("360d", **{"from": "2024-01-01", "to": "2025-12-31", "interval": "1h"}))
    for kind in (signal.SIGKILL, signal.SIGTERM):
        with harness.simulator(world, "--latency_ms", "150") as sim, daemon(world, sim.url, INGESTION_MAX_API_LIMIT="100") as d:
            until = time.monotonic() + 30
            while len(sim.candle_requests()) < 4 and time.monotonic() < until:
                time.sleep(0.05)
            assert len(sim.candle_requests()) >= 4, f"the start before {kind} was taken for done\n{d.text()}"
            d.stop(kind)
    with daemon(world, "http://127.0.0.1:9", API_MAX_RETRIES="1") as d:
        d.wait_for("run ended: partial|run ended: failed")
        d.wait_for("is tried again at")
        d.wait_for("next: ")
        ended, again = (time.strptime(found, "%Y-%m-%dT%H:%M:%SZ") for found in re.search(r"(\S+) ERROR run ended[\s\S]*?tried again at (\S+)", d.text()).groups())
        assert 55 <= time.mktime(again) - time.mktime(ended) <= 65, d.text()
        assert d.stop() == 0
    with harness.simulator(world) as sim:
        with daemon(world, sim.url) as d:
            d.wait_for("run ended: complete")
            assert d.stop() == 0
        with daemon(world, sim.url) as d:
            d.wait_for("next: ")
            assert d.stop() == 0 and "run ended" not in d.text(), "it has run"


def test_what_asks_in_vain_does_not_ask_each_second(world):
    """A key that is refused, a quota that is spent; and a limit of calls is that of a start."""
    write(world, operation("1s"))
    with harness.simulator(world, "--key", "another") as sim, daemon(world, sim.url) as d:
        d.wait_for("is tried again at")
        time.sleep(2.5)
        assert len(sim.requests()) == 1 and d.stop() == 0, d.text()
    write(world, operation("1s", **{"from": "2024-01-01", "to": "2025-12-31", "interval": "1h"}))
    with harness.simulator(world) as sim, daemon(world, sim.url, INGESTION_MAX_API_LIMIT="100", API_RATE_LIMIT_PER_HOUR="10") as d:
        d.wait_for("is tried again at")
        asked = len(sim.requests())
        time.sleep(2.5)
        assert len(sim.requests()) == asked and d.text().count("run ended") == 1, d.text()
        until, again = re.search(r"spent until (\S+):[\s\S]*tried again at (\S+)", d.text()).groups()
        assert until <= again and d.stop() == 0, d.text()


CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *out)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(id, out);
    FILE *file = id == CLOCK_REALTIME ? fopen(getenv("CLOCK_OFFSET_FILE"), "r") : NULL;
    long long offset = 0;
    if (file && fscanf(file, "%lld", &offset) == 1)
        out->tv_sec += offset;
    if (file)
        fclose(file);
    return status;
}
"""


def test_a_clock_that_was_wrong_does_not_silence_it(world):
    write(world, operation("1d"))
    with harness.simulator(world) as sim:
        with daemon(world, sim.url) as d:
            d.wait_for("run ended: complete")
            assert d.stop() == 0
        state = next((world.folder / "state" / "ccdata").glob("daemon-*"))
        key, _ = state.read_text().split()
        for wrong in (int(time.time()) + 10 * 365 * 86400, 2 ** 63 - 1, -2 ** 63, -5):
            state.write_text(f"{key} {wrong}\n")
            with daemon(world, sim.url) as d:
                d.wait_for("run ended: complete")
                d.wait_for("next: ")
                assert d.stop() == 0
                assert int(state.read_text().split()[1]) <= time.time() + 1
        if not shutil.which("cc"):
            raise harness.Skip("no C compiler to set the clock with")
        (world.folder / "clock.c").write_text(CLOCK)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", "clock.so", "clock.c", "-ldl"], cwd=world.folder, check=True)
        offset = world.folder / "offset"
        offset.write_text("0")
        write(world, operation("1h"))
        with daemon(world, sim.url, LD_PRELOAD=str(world.folder / "clock.so"), CLOCK_OFFSET_FILE=str(offset),
                    ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0") as d:
            d.wait_for("next: ")
            before = d.text().count("run ended")
            offset.write_text(str(3 * 86400))
            d.wait_for("run ended: complete", before + 1)
            time.sleep(2.5)
            assert d.text().count("run ended") == before + 1, "three days ahead: one run"
            offset.write_text("0")
            d.wait_for("the clock was set back")
            d.wait_for("run ended: complete", before + 2)
            d.wait_for("next: ", 3)
            hour = time.strftime("%Y-%m-%dT%H", time.gmtime(time.time() + 3600))
            assert d.text().rstrip().endswith(f"{hour}:00:00Z") and d.stop() == 0, d.text()


def test_two_daemons_of_one_file_exclude_each_other(world):
    write(world, operation("1d"))
    with harness.simulator(world) as sim, daemon(world, sim.url) as d:
        d.wait_for("next: ")
        second = world.run("daemon", "--config", str(world.folder / "daemon.json"), vendor=sim.url)
        assert second.returncode == 11 and "another daemon" in second.stderr, second.stderr
        d.process.kill()
        d.process.wait()
        with daemon(world, sim.url) as third:  # the lock of the dead is free
            third.wait_for("next: ")
            assert third.stop() == 0


def test_wrong_use(world):
    write(world, operation("1d"))
    dry = world.run_json("daemon", "--config", "daemon.json", "--dry_run")
    starts = [start["starts_at"] for start in dry["starts"]]
    assert len(starts) == 10 and starts == sorted(starts) and not world.database.exists()
    assert not (world.folder / "state").exists(), "a look changes nothing"
    with harness.simulator(world) as sim, daemon(world, sim.url) as d:
        d.wait_for("next: ")
        again = world.run_json("daemon", "--config", "daemon.json", "--dry_run")
        assert again["starts"][0]["starts_at"] > starts[0] and again["starts"][0]["starts_at"][11:] != starts[0][11:], "it has run: not at once"
        assert d.stop() == 0
    for arguments, environment, part in (
            ((), {}, "--config FILE"), (("--config", "-"), {}, "--config FILE"), (("--config", "none.json"), {}, "cannot open none.json"),
            (("--config", "daemon.json"), {"CCDATA_NOW": "2026-01-01T00:00:00Z"}, "CCDATA_NOW")):
        refused = world.run("daemon", *arguments, environment=environment, timeout=20)
        assert refused.returncode == 2 and part in refused.stderr, refused.stderr
    for keys, part in (({"cron": "0 0 30 2 *"}, "cron"), ({"every": "1h", "cron": "* * * * *"}, "exclude"), ({"every": 60}, "every")):
        (world.folder / "wrong.json").write_text(json.dumps([{"data_type": "asset_metadata", **keys}]))
        for command in ("daemon", "batch"):
            refused = world.run(command, "--config", "wrong.json", "--dry_run")
            assert refused.returncode == 2 and part in refused.stderr and "wrong.json:1" in refused.stderr, refused.stderr
    with harness.simulator(world) as sim:
        assert world.run("batch", "--config", "daemon.json", "--dry_run", vendor=sim.url).returncode == 0, "batch does not look at the times"


def test_health_is_published_before_the_first_run(world):
    """A back-fill takes hours; a probe that is told 503 meanwhile has the daemon killed."""
    port = servers.free_port()
    write(world, operation("360d", **{"from": "2024-01-01", "to": "2025-12-31", "interval": "1h"}))
    with harness.simulator(world, "--latency_ms", "300") as sim, daemon(world, sim.url, INGESTION_MAX_API_LIMIT="100", PROMETHEUS_ENABLED="true", PROMETHEUS_PORT=str(port)) as d:
        until = time.monotonic() + 30
        while len(sim.candle_requests()) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as reply:
            document = json.load(reply)
        assert document["checks"] and document["verdict"] in ("ok", "unknown", "warning"), document
        assert "run ended" not in d.text() and d.stop() == 0


def test_units_of_systemd_are_right(world):
    if not shutil.which("systemd-analyze"):
        raise harness.Skip("no systemd-analyze")
    units = sorted((PACKAGING / "systemd").iterdir())
    assert {unit.name for unit in units} >= {"ccdata.service", "ccdata-ingestion.service", "ccdata-ingestion.timer"}
    for unit in units:
        (world.folder / unit.name).write_text(unit.read_text().replace("/usr/local/bin/ccdata", harness.CCDATA))
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", *[str(world.folder / unit.name) for unit in units]],
                            capture_output=True, text=True, env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"})
    assert result.returncode == 0 and not result.stderr.strip(), result.stderr


def test_commands_of_the_samples_run(world):
    """What units and crontab start, as a plan."""
    for name in ("daemon.json", "weekly_metadata_batch.json"):
        shutil.copy(harness.ROOT / "examples" / name, world.folder / name)
    lines = [match for unit in (PACKAGING / "systemd").glob("*.service") for match in re.findall(r"^ExecStart=/usr/local/bin/ccdata (.*)$", unit.read_text(), re.M)]
    fields = re.compile(r"^(\S+ \S+ \S+ \S+ \S+) ccdata cd /var/lib/ccdata && ccdata (.*)$", re.M)
    entries = fields.findall((PACKAGING / "cron" / "ccdata.cron").read_text())
    assert len(lines) == 4 and len(entries) == 3, (lines, entries)
    lines += [command for _, command in entries]
    (world.folder / "ccdata.env").write_text("")
    with harness.simulator(world) as sim:
        for line in lines:
            result = world.run(*line.replace("/etc/ccdata/", "").split(), "--dry_run", vendor=sim.url)
            assert result.returncode == 0, (line, result.stderr)
    for times, _ in entries:
        (world.folder / "cron.json").write_text(json.dumps([{"data_type": "asset_metadata", "cron": times}]))
        assert world.run("daemon", "--config", "cron.json", "--dry_run").returncode == 0, times


harness.main(globals())
