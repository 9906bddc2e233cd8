#!/usr/bin/env python3
"""The servers of the tests: they keep what was committed, their death is noticed, nothing of them stays behind."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import harness

sys.path.insert(0, str(harness.ROOT / "tests"))
import servers  # noqa: E402

COMMAND = [sys.executable, str(harness.ROOT / "tests" / "servers.py")]


def left_behind(pid):
    return [folder for base in ("/dev/shm", "/tmp") for folder in pathlib.Path(base).glob(f"{servers.FOLDER}{pid}-*")]


def test_committed_rows_survive_a_kill(world):
    for server in harness.each_server():
        server.sql("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2)", servers.DATABASE)
        port = server.port
        server.kill()
        assert not server.alive()
        server.restart()
        assert server.port == port
        assert server.sql("SELECT a FROM t ORDER BY a", servers.DATABASE) == [["1"], ["2"]]
        server.restart()  # orderly
        assert server.sql("SELECT count(*) FROM t", servers.DATABASE) == [["2"]]


def test_a_death_is_noticed(world):
    for server in harness.each_server():
        server.check()
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(10)
        with contextlib.suppress(servers.Died):
            server.check()
            raise AssertionError("nobody noticed")


def test_folders_and_processes_go(world):
    for server in harness.each_server():
        victims, folder = servers.processes_of(server.process.pid), server.folder
        assert folder.exists()
        server.stop()
        assert not folder.exists()
        assert not any(pathlib.Path("/proc", str(pid)).exists() for pid in victims)


def test_time_zone_and_tls(world):
    zones = {"mariadb": ("+05:30", "SELECT @@global.time_zone"), "postgres": ("Asia/Kolkata", "SHOW timezone")}
    for kind, (zone, question) in zones.items():
        try:
            with servers.running(kind, tz=zone, tls=True) as server:
                assert server.sql(question) == [[zone]]
                assert "ssl-ca=" in server.url()
                tls = {"mariadb": "SELECT @@have_ssl", "postgres": "SHOW ssl"}[kind]
                assert server.sql(tls)[0][0].lower() in ("yes", "on")
        except servers.Unavailable as reason:
            raise harness.Skip(reason) from reason


def test_run_hands_on_urls_and_the_exit_code(world):
    script = "import os, sys; print(sorted(n for n in os.environ if n.startswith('CCDATA_TEST_'))); sys.exit(7)"
    done = subprocess.run([*COMMAND, "run", "--", sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 7, done
    for kind in servers.KINDS:
        assert f"'CCDATA_TEST_{kind.upper()}_URL'" in done.stdout or f"skipped: {kind}: " in done.stdout, done


def test_run_names_what_is_not_installed(world):
    environment = dict(os.environ, PATH=str(world.folder))
    done = subprocess.run([*COMMAND, "run", "mariadb", "--", "/bin/sh", "-c", "echo \"[$CCDATA_TEST_MARIADB_URL]\""], env=environment,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "[]", done
    assert done.stdout.startswith("skipped: mariadb: mariadbd"), done


def test_run_notices_a_dead_server(world):
    kill = ("import os, pathlib, signal, time\n"
            "assert os.getppid() != 1\n"
            "for s in pathlib.Path('/proc').glob('[0-9]*/stat'):\n"
            "    try:\n"
            "        if int(s.read_text().rpartition(')')[2].split()[1]) == os.getppid() and int(s.parent.name) != os.getpid():\n"
            "            os.kill(int(s.parent.name), signal.SIGKILL)\n"
            "    except OSError:\n"
            "        pass\n"
            "time.sleep(60)\n")
    done = subprocess.run([*COMMAND, "run", "--", sys.executable, "-c", kill], capture_output=True, text=True, timeout=50)
    assert done.returncode == 1 and " died: " in done.stdout, done


def test_signals_and_time_limit_leave_nothing(world):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        process = subprocess.Popen([*COMMAND, "run", "--", "/bin/sh", "-c", "echo up; exec sleep 60"], stdout=subprocess.PIPE, text=True)
        while "up" not in process.stdout.readline():
            assert process.poll() is None
        started = servers.processes_of(process.pid)[1:]
        process.send_signal(number)
        process.wait(30)
        process.stdout.close()
        if number == signal.SIGKILL:  # nobody cleans up now: servers go by themselves, folders with the next run
            deadline = time.monotonic() + 20
            servers_left = [pid for pid in started if b"sleep" not in cmdline(pid)]
            while any(cmdline(pid) for pid in servers_left):
                assert time.monotonic() < deadline, servers_left
                time.sleep(0.05)
            for pid in set(started) - set(servers_left):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            servers.sweep()
        assert not left_behind(process.pid), number
    done = subprocess.run([*COMMAND, "--timeout", "0.3", "run", "--", "sleep", "60"], capture_output=True, text=True, timeout=50)
    assert done.returncode == 1 and "no end after" in done.stdout, done


def cmdline(pid):
    """What a process runs; b"" when it is gone or only waits to be collected."""
    try:
        return pathlib.Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return b""


harness.main(globals())
