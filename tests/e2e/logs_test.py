#!/usr/bin/env python3
"""The log of runs: on disk as the README greps it, as text and JSON, shared, rotated, and never in the way."""
import json
import os
import re
import signal
import subprocess
import time

import harness

NOW = "2026-03-01T12:00:00Z"
COMMAND = ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "--from", "2026-01-01", "--progress", "none"]


def run(world, sim, *arguments, expect=0, **settings):
    result = world.run(*COMMAND, *arguments, vendor=sim.url, environment={"CCDATA_NOW": NOW, **settings})
    assert result.returncode == expect, result.stderr
    return result


def lines(world, name="logs/ingestion.log"):
    return (world.folder / name).read_text().splitlines()


def test_the_readmes_greps_find_lines(world):
    with harness.simulator(world, "--now", NOW) as sim:
        run(world, sim)
        world.run("spot_ohlcv", "--specific_market", "CCCAGG", "--specific_instrument", "BTC-USD", vendor=sim.url,
                  environment={"CCDATA_NOW": NOW})
    found = [line for line in lines(world) if "futures_ohlcv" in line]
    assert any("started: 1 series" in line for line in found) and any("ended with exit code 0" in line for line in found), found
    run_ids = {match[1] for match in (re.search(r"\[(\S+)\]", line) for line in found) if match}
    stored = {row[0] for row in world.query("SELECT run_id FROM ccdata_runs")}
    assert len(run_ids) == 1 and run_ids <= stored, (run_ids, stored)
    assert any(" ERROR " in line and "CCCAGG" in line for line in lines(world)), lines(world)


def test_json_lines_name_what_they_are_about(world):
    with harness.simulator(world, "--now", NOW) as sim:
        run(world, sim, LOG_FORMAT="json")
    objects = [json.loads(line) for line in lines(world)]
    assert all(set(o) == {"time", "level", "message", "run", "data_type", "interval", "market", "instrument"} for o in objects)
    assert any(o["data_type"] == "futures_ohlcv" and o["interval"] == "1d" and o["run"] for o in objects), objects


def test_the_report_is_not_said_twice_on_the_console(world):
    with harness.simulator(world, "--now", NOW) as sim:
        result = run(world, sim)
    assert "started" not in result.stderr and "ended" not in result.stderr, result.stderr


def test_what_only_reads_leaves_no_file(world):
    with harness.simulator(world, "--now", NOW) as sim:
        run(world, sim, "--dry_run")
        world.run("status", vendor=sim.url)
        world.run("config", database=False)
    assert not (world.folder / "logs").exists()


def test_files_are_rotated_and_kept(world):
    small = {"LOG_FILE_MAX_BYTES": "4096", "LOG_FILE_BACKUP_COUNT": "2", "LOG_FILE_PATH": "deep/er/run.log"}
    with harness.simulator(world, "--now", NOW) as sim:
        for _ in range(60):
            run(world, sim, "-v", **small)
    files = sorted(path.name for path in (world.folder / "deep/er").iterdir())
    assert files == ["run.log", "run.log.1", "run.log.2"], files
    assert all((world.folder / "deep/er" / name).stat().st_size <= 4096 for name in files)


def test_processes_share_a_file_line_by_line(world):
    with harness.simulator(world, "--now", NOW) as sim:
        settings = {"CCDATA_NOW": NOW, "LOG_FORMAT": "json", "LOG_FILE_MAX_BYTES": "8192", "LOG_FILE_BACKUP_COUNT": "900"}
        for _ in range(5):
            together = [world.start(*COMMAND, "-v", vendor=sim.url, environment=settings) for _ in range(4)]
            for process in together:
                process.communicate(timeout=60)
                assert process.returncode == 0
    ended = 0
    for path in (world.folder / "logs").iterdir():
        for line in path.read_text().splitlines():
            ended += json.loads(line)["message"].startswith("ended")
    assert ended == 20, ended


def test_sighup_ends_no_run_and_the_log_follows_its_name(world):
    """As who rotates logs does it: the file is moved away, and the run is told."""
    with harness.simulator(world, "--now", NOW, "--latency_ms", "150") as sim:
        env = dict(world.environment, CCDATA_NOW=NOW, DATA_API_BASE_URL=sim.url, MIN_API_BASE_URL=sim.url, INGESTION_MAX_API_LIMIT="10", LOG_LEVEL="DEBUG",
                   CCDATA_TRACE="http")
        command = [harness.CCDATA, "spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--from", "2025-12-01",
                   "--parallel_workers", "1", "--progress", "none", "--database", world.url]
        process = subprocess.Popen(command, cwd=world.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        log = world.folder / "logs" / "ingestion.log"
        until = time.monotonic() + 20
        while time.monotonic() < until and not (log.exists() and "historical" in log.read_text()):
            time.sleep(0.02)
        log.rename(log.with_name("rotated"))
        process.send_signal(signal.SIGHUP)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0 and "complete" in output, (process.returncode, output, errors)
        assert "historical" in log.read_text() and "historical" in log.with_name("rotated").read_text()


def test_a_log_that_cannot_be_written_ends_no_run(world):
    with harness.simulator(world, "--now", NOW) as sim:
        for path in ("/proc/nothing/run.log", "/dev/full", "/dev/null", str(world.folder)):
            result = run(world, sim, LOG_FILE_PATH=path)
            assert result.stderr.count("the run goes on without it") == 1, (path, result.stderr)
        outside = world.folder / "outside"
        outside.write_text("precious\n")
        os.symlink(outside, world.folder / "link.log")
        run(world, sim, LOG_FILE_PATH="link.log")
    assert outside.read_text() == "precious\n"


def test_settings_that_switch_off(world):
    with harness.simulator(world, "--now", NOW) as sim:
        result = run(world, sim, "-v", LOG_FILE_ENABLED="false", LOG_CONSOLE_ENABLED="false")
    assert not (world.folder / "logs").exists() and "DEBUG" not in result.stderr, result.stderr


def test_config_prints_what_holds(world):
    (world.folder / ".env").write_text(f"LOG_LEVEL=DEBUG\nREDIS_PASSWORD={harness.KEY}\n")
    settings = {s["name"]: s for s in world.run_json("config")["settings"]}
    assert settings["LOG_LEVEL"]["value"] == "DEBUG" and settings["LOG_LEVEL"]["source"] == ".env:1"
    assert settings["CCDATA_API_KEY"]["value"] == "(set)" and settings["CCDATA_API_KEY"]["source"] == "environment"
    assert settings["CCDATA_DATABASE_URL"]["source"] == "command line"
    assert settings["LOG_FILE_BACKUP_COUNT"] | {"description": ""} == {
        "name": "LOG_FILE_BACKUP_COUNT", "value": "5", "source": "default", "default": "5", "type": "integer", "secret": False, "description": ""}
    assert harness.KEY not in world.run("config").stdout
    (world.folder / ".env").write_text("LOG_LEVLE=DEBUG\n")
    result = world.run("config", "check")
    assert result.returncode == 2 and ".env:1" in result.stderr and "did you mean LOG_LEVEL?" in result.stderr, result.stderr


def test_config_check_looks_at_the_database_that_the_settings_name(world):
    for settings, said in (({"CCDATA_DATABASE_URL": "postgresql://u@h:99999/db"}, "port"), ({"CCDATA_DATABASE_URL": "sqlserver://u@h/db"}, "sqlserver"),
                           ({"S2_HOST": "db.example"}, "S2_USER")):
        result = world.run("config", "check", database=False, environment=settings)
        assert result.returncode == 2 and said in result.stderr and "valid" not in result.stdout, (settings, result)
    assert world.run("config", "check", database=False, environment={"S2_HOST": "db.example", "S2_USER": "u", "S2_DATABASE": "d"}).returncode == 0


def test_traces_tell_step_by_step(world):
    command = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--from", "2026-02-01", "--progress", "none"]
    with harness.simulator(world, "--now", NOW) as sim:
        result = world.run(*command, vendor=sim.url, environment={"CCDATA_NOW": NOW, "CCDATA_TRACE": "http,plan store, quota", "LOG_LEVEL": "INFO"})
        assert result.returncode == 0, result.stderr
        requests = sim.requests()
        assert result.stderr.count("http: GET /") == len(requests), result.stderr
        for part in ("spot_ohlcv 1d kraken BTC-USD: plan: 2026-02-01 to 2026-03-01: 28 periods, 28 missing, 1 calls", "store: 1 pages committed in", "quota: slot"):
            assert part in result.stderr, (part, result.stderr)
        assert harness.KEY not in result.stderr
        quiet = world.run(*command, vendor=sim.url, environment={"CCDATA_NOW": NOW, "CCDATA_TRACE": "plan"})
        assert "http: " not in quiet.stderr and "plan: " in quiet.stderr, quiet.stderr
    wrong = world.run(*command, environment={"CCDATA_TRACE": "everything"})
    assert wrong.returncode == 2 and "http, plan, store and quota" in wrong.stderr, wrong.stderr


harness.main(globals())
