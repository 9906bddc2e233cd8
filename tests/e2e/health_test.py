#!/usr/bin/env python3
"""init, doctor and health: a start, what is wrong with it, and whether everything is still in order; records of runs and their pace."""

import json
import os
import pty
import pwd
import select
import signal
import socket
import stat
import subprocess
import termios
import time

import harness

NOW = "2026-03-01T12:00:00Z"
BTC = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--progress", "none", "--from", "2026-02-01"]


def check_of(document, name):
    return next(check for check in document["checks"] if check["name"] == name)


def test_init_writes_a_private_file_and_tries_it(world):
    key = world.plant("key.txt", harness.KEY + "\n")
    nothing = {"CCDATA_API_KEY": None, "ENVIRONMENT": None, "CCDATA_DATABASE_PASSWORD": None, "S2_PASSWORD": None}
    world.planted.add(world.folder / ".env")
    with harness.simulator(world, "--key", harness.KEY) as sim:
        result = world.run("init", "--api_key_file", key, "--database", "sqlite:made here.db", vendor=sim.url, environment=nothing, database=False)
        assert result.returncode == 0 and "Connection successful" not in result.stdout and "first run makes" in result.stdout, result.stderr
        file = world.folder / ".env"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert harness.KEY not in result.stdout + result.stderr
        assert "ccdata spot_ohlcv" in result.stdout
        before = file.read_text()
        again = world.run("init", "--api_key_file", key, vendor=sim.url, environment=nothing, database=False)
        assert again.returncode == 2 and "--force" in again.stderr and file.read_text() == before
        settings = world.run_json("config", environment=nothing, database=False)["settings"]
        found = {setting["name"]: setting for setting in settings}
        assert found["CCDATA_DATABASE_URL"]["value"] == "sqlite:made here.db" and found["CCDATA_API_KEY"]["value"] == "(set)"
        assert world.run(*BTC, vendor=sim.url, environment={**nothing, "CCDATA_NOW": NOW}, database=False).returncode == 0
        assert (world.folder / "made here.db").exists()
        wrong = world.run("init", "--api_key_file", key, "--force", "--database", "nonsense:x", vendor=sim.url, environment=nothing, database=False)
        assert wrong.returncode == 2 and "nothing was written" in wrong.stderr and file.read_text() == before, "no file that is known to be wrong"
        assert not (world.folder / ".env.new").exists()
        forced = world.run("init", "--api_key_file", key, "--force", vendor=sim.url, environment=nothing, database=False)
        assert forced.returncode == 0 and "sqlite:ccdata.db" in file.read_text()


def test_init_asks_on_a_terminal_and_does_not_show_the_key(world):
    world.planted.add(world.folder / ".env")
    with harness.simulator(world, "--key", harness.KEY) as sim:
        main, side = pty.openpty()
        environment = {name: value for name, value in world.environment.items() if "PASSWORD" not in name and name not in ("CCDATA_API_KEY", "ENVIRONMENT")}
        environment.update(DATA_API_BASE_URL=sim.url, MIN_API_BASE_URL=sim.url)
        process = subprocess.Popen([harness.CCDATA, "init"], cwd=world.folder, env=environment, stdin=side, stdout=side, stderr=side, close_fds=True)
        os.close(side)
        shown, answers, until = b"", [harness.KEY.encode() + b"\n", b"sqlite:asked.db\n"], time.monotonic() + 60
        while time.monotonic() < until:
            if not select.select([main], [], [], 1)[0]:
                continue
            try:
                more = os.read(main, 4096)
            except OSError:
                break
            shown += more
            if answers and shown.endswith(b": "):
                os.write(main, answers.pop(0))
        assert process.wait(timeout=30) == 0, shown.decode()
        os.close(main)
        assert harness.KEY.encode() not in shown and b"sqlite:asked.db" in shown, shown.decode()
        assert "asked.db" in (world.folder / ".env").read_text()


def test_init_that_is_interrupted_leaves_the_terminal_as_it_was(world):
    main, side = pty.openpty()
    environment = {name: value for name, value in world.environment.items() if "PASSWORD" not in name and name not in ("CCDATA_API_KEY", "ENVIRONMENT")}
    before = termios.tcgetattr(side)
    process = subprocess.Popen([harness.CCDATA, "init"], cwd=world.folder, env=environment, stdin=side, stdout=side, stderr=side)
    shown = b""
    while not shown.endswith(b": "):
        shown += os.read(main, 4096)
    assert not termios.tcgetattr(side)[3] & termios.ECHO
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == -signal.SIGINT
    assert termios.tcgetattr(side) == before
    os.close(main)
    os.close(side)


def test_doctor_says_what_to_do(world):
    with harness.simulator(world, "--key", harness.KEY) as sim:
        assert world.run(*BTC, vendor=sim.url, environment={"CCDATA_NOW": NOW}).returncode == 0
        result = world.run("doctor", vendor=sim.url)
        assert result.returncode == 0 and "Connection successful" in result.stdout, result.stdout + result.stderr
        refused = world.run_json("doctor", vendor=sim.url, environment={"CCDATA_API_KEY": "wrong-key"}, expect=4)
        assert check_of(refused, "vendor")["verdict"] == "failed" and "CCDATA_API_KEY" in check_of(refused, "vendor")["advice"]
        assert check_of(refused, "database")["verdict"] == "ok", "half of it is broken, the rest is checked"
        keyless = world.run_json("doctor", vendor=sim.url, environment={"CCDATA_API_KEY": None}, expect=4)
        assert check_of(keyless, "key")["verdict"] == "failed"
        nowhere = world.run_json("doctor", "--database", "sqlite:/nowhere/at/all.db", vendor=sim.url, database=False, expect=10)
        assert "no place" in check_of(nowhere, "permissions")["detail"]
        closed = world.run_json("doctor", "--database", "postgresql://u@127.0.0.1:9/db", vendor=sim.url, database=False, expect=8)
        assert check_of(closed, "schema")["detail"] == "the database could not be read", "nobody knows what is in it"
        (world.folder / ".env").write_text("LOG_LEVEL=INFO\n")
        (world.folder / ".env").chmod(0o644)
        open_file = world.run_json("doctor", vendor=sim.url)
        assert check_of(open_file, "permissions")["verdict"] == "warning" and "chmod" in check_of(open_file, "permissions")["advice"]
        (world.folder / ".env").unlink()
        world_query(world, "DROP VIEW spot_ohlcv_1d")
        damaged = world.run_json("doctor", vendor=sim.url, expect=9)
        assert "spot_ohlcv_1d" in check_of(damaged, "schema")["detail"], damaged
    away = world.run_json("doctor", vendor="http://127.0.0.1:9", expect=6)
    assert check_of(away, "vendor")["verdict"] == "failed" and check_of(away, "clock")["verdict"] == "unknown"


def world_query(world, sql):
    import sqlite3
    connection = sqlite3.connect(world.database)
    connection.executescript(sql)
    connection.commit()
    connection.close()


def test_health_asks_the_vendor_once_in_its_interval(world):
    with harness.simulator(world, "--key", harness.KEY) as sim:
        healthy = world.run_json("health", vendor=sim.url)
        assert healthy["verdict"] in ("ok", "unknown") and len(sim.requests()) == 1, healthy
        for _ in range(3):
            world.run_json("health", vendor=sim.url)
        assert len(sim.requests()) == 1, "asked again within the interval"
        world.run_json("health", vendor=sim.url, environment={"MONITORING_HEALTH_CHECK_INTERVAL": "1"})
        time.sleep(1.2)
        world.run_json("health", vendor=sim.url, environment={"MONITORING_HEALTH_CHECK_INTERVAL": "1"})
        assert len(sim.requests()) >= 2


def test_what_the_vendor_said_holds_for_one_key_and_one_vendor(world):
    """Also that it refused the key: a probe every second must not burn calls for that."""
    wrong = {"CCDATA_API_KEY": "wrong-key"}
    with harness.simulator(world, "--key", harness.KEY) as sim:
        assert check_of(world.run_json("health", vendor=sim.url), "vendor")["verdict"] == "ok"
        for asked in (2, 2, 2):
            refused = world.run_json("health", vendor=sim.url, environment=wrong, expect=12)
            found = check_of(refused, "vendor")
            assert found["verdict"] == "failed" and "401" in found["detail"] and "CCDATA_API_KEY" in found["advice"], found
            assert len(sim.requests()) == asked, sim.requests()
        away = world.run_json("health", vendor="http://127.0.0.1:9", environment=wrong, expect=12)
        assert check_of(away, "clock")["verdict"] == "unknown", away
        assert check_of(world.run_json("health", vendor=sim.url), "vendor")["verdict"] == "ok"
        for damaged in ("", "x", "1", "99999999999999999999 0 0 0\n", f"{int(time.time())} 0000000000000000 0 0 \n", f"{int(time.time())} 0\n", "\0" * 2000):
            (world.folder / "state" / "ccdata" / "health").write_text(damaged)
            assert world.run_json("health", vendor=sim.url, environment=wrong, expect=12), damaged


def test_health_does_not_wait_for_a_vendor_that_throttles(world):
    reply = b'{"Data":{},"Err":{"type":99,"message":"You are over your rate limit"}}'
    with harness.replay(lambda path, query: (429, {"Retry-After": "300"}, reply)) as (url, requests):
        for command in ("health", "health", "doctor"):
            document = world.run_json(command, vendor=url, timeout=20)
            assert check_of(document, "vendor")["verdict"] == "warning", document
        assert len(requests) == 1, "who was told to wait does not ask"


def test_health_sees_what_other_hosts_use_of_the_quota(world):
    windows = ("SECOND", "MINUTE", "HOUR", "DAY", "MONTH")
    most, left = (50, 1000, 10000, 50000, 100000), (0, 0, 9999, 49999, 9000)
    counts = {"USED": dict.fromkeys(windows, 1), "MAX": dict(zip(windows, most)), "REMAINING": dict(zip(windows, left))}
    reply = json.dumps({"Data": {"API_KEY": counts}, "Err": {}}).encode()
    with harness.replay(lambda path, query: (200, {"Content-Type": "application/json"}, reply)) as (url, requests):
        for _ in range(2):
            found = check_of(world.run_json("health", vendor=url), "quota")
            assert found["verdict"] == "warning" and "9000 of 100000 calls of the month" in found["detail"], found
        assert len(requests) == 1


def test_health_of_what_hangs_keeps_its_deadlines(world):
    with socket.create_server(("127.0.0.1", 0)) as hole, harness.simulator(world, "--key", harness.KEY) as sim:
        address = f"127.0.0.1:{hole.getsockname()[1]}"
        document = world.run_json("health", vendor=f"http://{address}", expect=12)
        vendor = check_of(document, "vendor")
        assert vendor["verdict"] == "failed" and vendor["duration_ms"] < vendor["deadline_ms"] + 2000, vendor
        document = world.run_json("health", "--database", f"postgresql://me@{address}/market", vendor=sim.url, database=False, expect=12)
        database = check_of(document, "database")
        assert database["verdict"] == "failed" and database["duration_ms"] < database["deadline_ms"] + 2000, database
        for name in ("runs", "freshness"):
            assert "could not be read" in check_of(document, name)["detail"], "nobody knows whether nothing is stored"


def test_health_knows_the_last_run_of_each_command(world):
    with harness.simulator(world, "--key", harness.KEY, "--now", NOW) as sim:
        assert world.run(*BTC, vendor=sim.url, environment={"CCDATA_NOW": NOW}).returncode == 0
        assert world.run("asset_metadata", vendor="http://127.0.0.1:9", environment={"CCDATA_NOW": NOW, "API_MAX_RETRIES": "0"}).returncode == 6
        world_query(world, "CREATE TEMP TABLE more AS SELECT * FROM ccdata_runs WHERE command = 'spot_ohlcv'; "
                           "UPDATE more SET started_utc_s = started_utc_s + 3600; " +
                           " ".join(f"UPDATE more SET run_id = 'hour {i}', started_utc_s = started_utc_s + 3600; INSERT INTO ccdata_runs SELECT * FROM more;" for i in range(30)))
        found = check_of(world.run_json("health", vendor=sim.url, environment={"CCDATA_NOW": NOW}), "runs")
        assert found["verdict"] == "warning" and "asset_metadata" in found["detail"], found


def test_health_knows_the_last_operation_of_each_type(world):
    """Of one command, as all runs of a daemon are: an operation that failed is not hidden by the next one that did not."""
    good = {"data_type": "spot_ohlcv", "specific_market": "kraken", "specific_instrument": "BTC-USD", "from": "2026-02-01"}
    bad = {**good, "interval": "1h", "specific_instrument": "NO-SUCH"}
    with harness.simulator(world, "--key", harness.KEY, "--now", NOW) as sim:
        for number, operations in enumerate(([bad], [good], [good])):
            (world.folder / "batch.json").write_text(json.dumps(operations))
            environment = {"CCDATA_NOW": f"2026-03-01T12:0{number}:00Z"}
            result = world.run("batch", "--config", "batch.json", "--continue_on_error", vendor=sim.url, environment=environment)
            assert result.returncode == (7 if bad in operations else 0), (operations, result.returncode, result.stderr)
        found = check_of(world.run_json("health", vendor=sim.url, environment={"CCDATA_NOW": NOW}), "runs")
        assert found["verdict"] == "warning" and "spot_ohlcv 1h" in found["detail"], found
        newest = {each["interval"]: each["status"] for each in world.run_json("status", environment={"CCDATA_NOW": NOW}, vendor=sim.url)["operations"]}
        assert newest == {"1d": "complete", "1h": "failed"}, newest


def test_doctor_looks_at_the_settings_files_that_are_read(world):
    """Which ccdata reads and never writes."""
    if not hasattr(os, "setresuid") or os.geteuid() != 0:
        raise harness.Skip("needs root, to be somebody else")
    user = pwd.getpwnam("nobody")
    with harness.simulator(world, "--key", harness.KEY) as sim:
        (world.folder / ".env").write_text("LOG_LEVEL=INFO\n")
        (world.folder / ".env").chmod(0o400)
        for path in (world.folder, world.folder / ".env"):
            os.chown(path, user.pw_uid, user.pw_gid)
        environment = dict(world.environment, DATA_API_BASE_URL=sim.url, MIN_API_BASE_URL=sim.url)
        command = [harness.CCDATA, "doctor", "--json", "--database", world.url]
        who = {"cwd": world.folder, "env": environment, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        try:
            result = subprocess.run(command, capture_output=True, text=True, **who)
        except PermissionError:
            raise harness.Skip("nobody may not run the program from here")
        assert result.returncode == 0 and check_of(json.loads(result.stdout), "permissions")["verdict"] == "ok", result.stdout
        (world.folder / ".env.test").write_text("LOG_LEVEL=INFO\n")
        (world.folder / ".env.test").chmod(0o646)
        found = check_of(world.run_json("doctor", vendor=sim.url), "permissions")
        assert found["verdict"] == "warning" and ".env.test" in found["detail"], found


def test_health_says_that_a_database_is_locked(world):
    with harness.simulator(world, "--key", harness.KEY) as sim:
        assert world.run(*BTC, vendor=sim.url).returncode == 0
        import sqlite3
        connection = sqlite3.connect(world.database)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        found = check_of(world.run_json("health", vendor=sim.url, expect=12), "database")
        connection.close()
        assert "is locked" in found["detail"] and "holds it" in found["advice"], found


def test_health_fails_when_data_is_behind_or_the_clock_is_wrong(world):
    with harness.simulator(world, "--key", harness.KEY, "--now", NOW) as sim:
        assert world.run(*BTC, vendor=sim.url, environment={"CCDATA_NOW": NOW}).returncode == 0
        fresh = world.run_json("health", vendor=sim.url, environment={"CCDATA_NOW": NOW})
        assert check_of(fresh, "freshness")["verdict"] == "ok" and check_of(fresh, "runs")["verdict"] == "ok", fresh
        stale = world.run_json("health", vendor=sim.url, environment={"CCDATA_NOW": "2026-03-10T12:00:00Z"}, expect=12)
        assert check_of(stale, "freshness")["verdict"] == "failed" and "spot_ohlcv" in check_of(stale, "freshness")["detail"], stale
        assert check_of(stale, "clock")["verdict"] == "failed" and "ahead" in check_of(stale, "clock")["detail"], stale
    plain = world.run("health", vendor="http://127.0.0.1:9", environment={"CCDATA_NOW": "2026-03-20T12:00:00Z"})
    assert plain.returncode == 12 and "What to do" in plain.stdout and plain.stderr.startswith("ccdata: "), plain.stderr


def test_health_of_servers(world):
    for server in harness.each_server():
        world.use(server)
        with harness.simulator(world, "--key", harness.KEY, "--now", NOW) as sim:
            assert world.run(*BTC, vendor=sim.url, environment={"CCDATA_NOW": NOW}).returncode == 0
            document = world.run_json("doctor", vendor=sim.url, environment={"CCDATA_NOW": NOW})
            assert check_of(document, "database")["detail"].startswith("Connection successful"), document
            missing = world.run_json("doctor", "--database", server.url("not_there", password=""), vendor=sim.url, database=False, expect=9,
                                     environment={"CCDATA_NOW": NOW})
            assert check_of(missing, "database")["verdict"] == "failed" and "not_there" in check_of(missing, "database")["detail"], missing


def test_records_of_runs_are_kept_for_a_time(world):
    with harness.simulator(world, "--key", harness.KEY, "--now", NOW) as sim:
        for day in (1, 2, 3):
            assert world.run(*BTC, vendor=sim.url, environment={"CCDATA_NOW": f"2026-02-0{day}T12:00:00Z"}).returncode == 0
        assert world.query("SELECT count(*) FROM ccdata_runs")[0][0] == 3
        kept = {"CCDATA_NOW": NOW, "MONITORING_METRICS_RETENTION_DAYS": "26"}
        assert world.run(*BTC, vendor=sim.url, environment=kept).returncode == 0
    started = [row[0] for row in world.query("SELECT started_utc_s FROM ccdata_runs ORDER BY 1")]
    assert len(started) == 2, started
    for table in ("ccdata_run_series", "ccdata_run_operations"):
        assert world.query(f"SELECT count(DISTINCT run_id) FROM {table}")[0][0] == 2, table
    assert world.query("SELECT count(*) FROM spot_ohlcv_1d")[0][0] == 28, "rows and coverage stay"


def test_a_run_that_is_slower_than_usual_says_so(world):
    watched = {"INGESTION_MAX_API_LIMIT": "24", "MONITORING_METRICS_ENABLED": "true"}
    command = [*BTC[:-1], "2026-01-01", "--interval", "1h"]
    with harness.simulator(world, "--key", harness.KEY, "--now", NOW) as sim:
        for run in range(5):
            url = f"sqlite:{world.folder}/{run}.db"
            assert world.run(*command, "--database", url, vendor=sim.url, environment={**watched, "CCDATA_NOW": NOW}, database=False).returncode == 0
    # The five runs of one history: their records put into one database.
    import sqlite3
    connection = sqlite3.connect(world.folder / "0.db")
    for run in range(1, 5):
        connection.execute("ATTACH ? AS other", (str(world.folder / f"{run}.db"),))
        connection.execute("INSERT INTO ccdata_run_operations SELECT * FROM other.ccdata_run_operations")
        connection.commit()
        connection.execute("DETACH other")
    connection.close()
    with harness.simulator(world, "--key", harness.KEY, "--now", "2026-04-20T00:00:00Z", "--latency_ms", "400") as sim:
        result = world.run(*command, "--database", f"sqlite:{world.folder}/0.db", vendor=sim.url, database=False,
                           environment={**watched, "CCDATA_NOW": "2026-04-20T00:00:00Z"})
        assert result.returncode == 0 and "slower than usual" in result.stderr, result.stderr


harness.main(globals())
